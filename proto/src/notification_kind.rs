//! The registry of notification kinds, generated from `notification_kind.proto`.

include!(concat!(env!("OUT_DIR"), "/notification_kinds.rs"));

/// The channels through which a user is notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationChannels {
    pub email: bool,
    pub inbox: bool,
}

/// The properties of a kind, as `NotificationProperties` documents them.
struct Properties {
    name: &'static str,
    public_name: &'static str,
    entity: &'static str,
    events: &'static [(&'static str, &'static str)],
    is_configurable: bool,
    channels: NotificationChannels,
    link_page: Option<&'static str>,
}

impl NotificationKind {
    fn properties(self) -> &'static Properties {
        &PROPERTIES[self as usize]
    }

    /// Returns the name in messages and tables.
    pub fn name(self) -> &'static str {
        self.properties().name
    }

    /// Returns the name in the inbox and in `X-FinTrac-Kind`.
    pub fn public_name(self) -> &'static str {
        self.properties().public_name
    }

    /// Returns the type of the entity that notifications of this kind are about.
    pub fn entity(self) -> &'static str {
        self.properties().entity
    }

    /// Returns whether users choose the channels, as members of a household.
    pub fn is_configurable(self) -> bool {
        self.properties().is_configurable
    }

    /// Returns the channels, which are defaults if the kind is configurable.
    pub fn channels(self) -> NotificationChannels {
        self.properties().channels
    }

    /// Returns the page to which the email links with a token and a code.
    pub fn link_page(self) -> Option<&'static str> {
        self.properties().link_page
    }

    /// Lists the kinds whose channels users choose in their preferences.
    pub fn configurable() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kind| kind.is_configurable())
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the kind that an event causes by itself.
    pub fn from_event(entity: &str, kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|candidate| candidate.properties().events.contains(&(entity, kind)))
    }
}
