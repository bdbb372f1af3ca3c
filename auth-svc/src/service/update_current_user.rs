//! Updates the caller's own profile.
//! A new email address requires the password and takes effect when it is confirmed.

use kit_access::RequestContext;
use kit_access::caller::RequestOrigin;
use kit_db::violated_constraint;
use kit_service::use_case::WriteTransaction;
use secrecy::SecretString;
use uuid::Uuid;

use super::forgot_password::uniform_duration;
use super::register::username_taken;
use super::{CurrentUser, IdentityUseCases, user_change};
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::profile::{AppliedProfileChanges, EditableProfile, ProfileChanges};
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::{challenges, users};

impl IdentityUseCases {
    pub async fn update_current_user(
        &self,
        ctx: &RequestContext,
        changes: &ProfileChanges,
        password: SecretString,
        expected_version: Option<i64>,
    ) -> Result<CurrentUser, Error> {
        let work = self.apply_update(ctx, changes, password, expected_version);
        // The duration must not reveal whether another user has the address.
        if changes.email.is_some() { uniform_duration(work).await } else { work.await }
    }

    async fn apply_update(
        &self,
        ctx: &RequestContext,
        changes: &ProfileChanges,
        password: SecretString,
        expected_version: Option<i64>,
    ) -> Result<CurrentUser, Error> {
        let user_id = ctx.principal.user_id;
        let before = self.get_current_user(ctx).await?;
        let requested = changes.apply(&editable_profile(&before))?.email;
        let current = Email::parse(&before.profile.email);
        let email = requested.filter(|email| current.as_ref().map(Email::key) != Some(email.key()));
        let reauthentication = match &email {
            Some(email) => {
                let reauthentication = self.reauthenticate_with_password(ctx, "password", password).await?;
                let throttle_name = format!("change {}", email.key());
                self.attempt(Scope::Email, &throttle_name).await?.require_allowed()?;
                Some(reauthentication)
            }
            None => None,
        };
        let mut transaction = self.begin(ctx).await?;
        if let Some(reauthentication) = &reauthentication {
            self.lock_reauthenticated(&mut transaction, reauthentication).await?;
        } else if users::lock(&mut transaction, user_id).await?.is_none() {
            return Err(Error::not_found("user"));
        }
        let current = self.profile(&mut transaction, user_id, ctx.principal.household_id).await?;
        Error::check_version(expected_version, current.profile.version)?;
        if email.is_some() {
            self.ensure_recent_second_factor(&mut transaction, ctx).await?;
        }
        self.write_profile(&mut transaction, ctx, changes, &current).await?;
        match &email {
            Some(email) => self.request_email_confirmation(&mut transaction, user_id, email).await?,
            // The current address cancels a pending email change.
            None if changes.email.is_some() => {
                let now = self.clock.now();
                challenges::close_all(&mut transaction, user_id, Purpose::ChangeEmail, now).await?;
            }
            None => {}
        }
        let after = self.profile(&mut transaction, user_id, ctx.principal.household_id).await?;
        transaction.commit().await?;
        Ok(after)
    }

    async fn write_profile(
        &self,
        transaction: &mut WriteTransaction,
        ctx: &RequestContext,
        changes: &ProfileChanges,
        current: &CurrentUser,
    ) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        let AppliedProfileChanges { after, changed, .. } = changes.apply(&editable_profile(current))?;
        if changed.is_empty() {
            return Ok(());
        }
        // The user logs in or is reached with these fields.
        if changed.iter().any(|field| ["username", "phone_number"].contains(field)) {
            self.ensure_reauthenticated(transaction, ctx).await?;
        }
        if let Some(username) = &after.username
            && changed.contains(&"username")
            && users::find_username_owner(transaction, username)
                .await?
                .is_some_and(|holder| holder != user_id)
        {
            return Err(username_taken());
        }
        let phone_number = if changed.contains(&"phone_number") {
            after.phone_number.as_deref().map(|number| self.encrypt_phone_number(user_id, number))
        } else {
            current.profile.phone_number.clone()
        };
        let now = self.clock.now();
        let written = users::update_profile(transaction, user_id, &after, phone_number.as_deref(), now).await;
        let version = written.map_err(|error| match violated_constraint(&error) {
            Some("users_username_key_key") => username_taken(),
            _ => error.into(),
        })?;
        Ok(transaction.record_change(user_change(user_id, version, "updated", &changed)).await?)
    }

    /// Requests the confirmation of the new address.
    /// The response does not reveal whether another user has the address. In that case no
    /// confirmation is sent, but the other user is notified.
    async fn request_email_confirmation(
        &self,
        transaction: &mut WriteTransaction,
        user_id: Uuid,
        email: &Email,
    ) -> Result<(), Error> {
        self.create_challenge(transaction, user_id, Purpose::ChangeEmail, Some(email)).await?;
        let owner = users::find_by_email(transaction, email.key()).await?;
        let Some(owner) = owner else { return Ok(()) };
        let change = user_change(owner.id, owner.version, "already_registered", &[]);
        // The owner of the address does not learn who requested it.
        let origin = RequestOrigin { actor: "auth".to_owned(), ..RequestOrigin::default() };
        Ok(self.record_change(transaction, change, &origin).await?)
    }
}

fn editable_profile(current_user: &CurrentUser) -> EditableProfile {
    EditableProfile {
        first_name: current_user.profile.first_name.clone(),
        last_name: current_user.profile.last_name.clone(),
        username: current_user.profile.username.clone(),
        phone_number: current_user.phone_number.clone(),
    }
}
