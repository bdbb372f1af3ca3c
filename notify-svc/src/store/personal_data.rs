//! The personal data in the schema `notify`.

use kit_db::personal_data::{ErasureStep, Owner, PersonalData, Section};

const USER: &[Owner] = &[Owner::User];
/// Entries about the user or the household, and changes that the user made to others.
const AUDIT_LOG_OWNERS: &[Owner] = &[
    Owner::Condition("user_id = {user} and is_audited"),
    Owner::Condition("user_id is null and household_id = {household} and is_audited"),
    Owner::Condition("actor = {user}::text and actor <> coalesce(user_id::text, '') and is_audited"),
];

const CODES: &str = "a name from a fixed list";

pub const PERSONAL_DATA: PersonalData = PersonalData {
    sections: &[
        Section::new("notifications", USER)
            .fields("id, kind, title, body, entity, entity_id, locale, in_inbox, read_at, created_at"),
        Section::new("mails", USER).from("emails").fields("id, kind, state, created_at, settled_at"),
        // The client data of other users is left out.
        Section::new("activity", AUDIT_LOG_OWNERS)
            .from(
                "changes
                 cross join lateral (
                     select actor = $1::text or actor !~ '^[0-9a-f]{8}-' as is_known) as origin",
            )
            .fields(
                "id, service as part, kind as action, entity, entity_id, version, changed, actor,
                 case when is_known then host(client_ip) end as client_ip,
                 case when is_known then user_agent end as user_agent,
                 case when is_known then request_id end as request_id, occurred_at",
            ),
    ],
    erasure: &[
        ErasureStep::delete("notifications", USER, "id"),
        ErasureStep::redact("emails", USER, "id")
            .replace(&[(&["state"], "case state when 'pending' then 'dropped' else state end")])
            .also("settled_at = coalesce(settled_at, redacted_at)"),
        ErasureStep::redact("changes", AUDIT_LOG_OWNERS, "id")
            .replace(&[(&["client_ip"], "null"), (&["user_agent", "request_id"], "''")]),
    ],
    retained: &[
        ("emails", &["kind"], CODES),
        ("changes", &["service", "entity", "kind"], CODES),
        ("changes", &["changed"], "names of fields"),
        ("changes", &["actor"], "the id of a user or the name of a service"),
    ],
    not_exported: &[
        (&["live_event_sequences", "changes.seq"], "a number of changes that the audit log has"),
        (&["reports"], "ids of months"),
    ],
};
