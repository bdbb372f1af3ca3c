use kit_access::RequestContext;
use kit_access::caller::RequestOrigin;
use uuid::Uuid;

/// The author of changes: a user in a household, or a service.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    /// Household that the changes belong to, if any.
    pub household_id: Option<Uuid>,
    /// User that makes the changes, if any.
    pub user_id: Option<Uuid>,
    /// Origin of the changes.
    pub origin: RequestOrigin,
}

impl Actor {
    /// Returns the service `name` as the author of changes in a household.
    pub fn service(name: &str, household_id: Uuid) -> Self {
        let origin = RequestOrigin { actor: name.to_owned(), ..RequestOrigin::default() };
        Self { household_id: Some(household_id), user_id: None, origin }
    }
}

impl From<&RequestContext> for Actor {
    fn from(ctx: &RequestContext) -> Self {
        Self {
            household_id: Some(ctx.principal.household_id),
            user_id: Some(ctx.principal.user_id),
            origin: ctx.origin.clone(),
        }
    }
}

impl From<&RequestOrigin> for Actor {
    fn from(origin: &RequestOrigin) -> Self {
        Self { household_id: None, user_id: None, origin: origin.clone() }
    }
}
