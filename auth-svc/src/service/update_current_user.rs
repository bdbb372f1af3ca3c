//! Updates the caller's own profile.
//! A new email address requires the password and takes effect when it is confirmed.

use fintrac_kit::access::RequestContext;
use fintrac_kit::access::caller::RequestOrigin;
use fintrac_kit::database::violated_constraint;
use fintrac_kit::error::ProblemCode;
use secrecy::SecretString;
use sqlx::PgConnection;

use super::forgot_password::uniform_duration;
use super::register::{phone_number_aad, username_taken};
use super::throttling::Attempt;
use super::{ChangeEvent, CurrentUser, IdentityUseCases};
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
        let before = self.get_current_user(&ctx.principal).await?;
        let requested = changes.apply(&editable_profile(&before)).map_err(Error::Invalid)?.email;
        let current = Email::parse(&before.profile.email);
        let email = requested.filter(|email| current.as_ref().map(Email::key) != Some(email.key()));
        let reauthentication = match &email {
            Some(email) => {
                let reauthentication =
                    self.reauthenticate_with_password(user_id, "password", password, &ctx.origin).await?;
                if let Attempt::Blocked(wait) =
                    self.attempt(Scope::Email, &format!("change {}", email.key())).await?
                {
                    return Err(Error::Throttled(wait));
                }
                Some(reauthentication)
            }
            None => None,
        };
        let mut transaction = self.pool.begin().await?;
        match &reauthentication {
            Some(reauthentication) => {
                self.lock_reauthenticated(&mut transaction, user_id, "password", reauthentication).await?
            }
            None => users::lock(&mut transaction, user_id).await?.ok_or(Error::NotFound("user"))?,
        };
        let current = self.profile(&mut transaction, user_id, ctx.principal.household_id).await?;
        if expected_version.is_some_and(|version| version != current.profile.version) {
            return Err(ProblemCode::VersionMismatch.into());
        }
        if email.is_some() {
            self.ensure_recent_second_factor(&mut transaction, ctx).await?;
        }
        self.write_profile(&mut transaction, ctx, changes, &current).await?;
        match &email {
            Some(email) => self.request_email_confirmation(&mut transaction, ctx, email).await?,
            // The current address cancels a pending email change.
            None if changes.email.is_some() => {
                let now = self.clock.now();
                challenges::close_all(&mut transaction, user_id, Purpose::ChangeEmail, now).await?;
            }
            None => {}
        }
        let after = self.profile(&mut transaction, user_id, ctx.principal.household_id).await?;
        transaction.commit().await?;
        self.event_log_signal.wake();
        Ok(after)
    }

    async fn write_profile(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        changes: &ProfileChanges,
        current: &CurrentUser,
    ) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        let AppliedProfileChanges { after, changed, .. } =
            changes.apply(&editable_profile(current)).map_err(Error::Invalid)?;
        if changed.is_empty() {
            return Ok(());
        }
        // The user logs in or is reached with these fields.
        if changed.iter().any(|field| ["username", "phone_number"].contains(field)) {
            self.ensure_reauthenticated(connection, ctx).await?;
        }
        if let Some(username) = &after.username
            && changed.contains(&"username")
            && users::find_username_owner(connection, username).await?.is_some_and(|holder| holder != user_id)
        {
            return Err(username_taken());
        }
        let aad = phone_number_aad(user_id);
        let encrypt = |number: &String| self.config.data_keys.encrypt(&self.random, &aad, number.as_bytes());
        let phone_number = if changed.contains(&"phone_number") {
            after.phone_number.as_ref().map(encrypt)
        } else {
            current.profile.phone_number.clone()
        };
        let now = self.clock.now();
        let written = users::update_profile(connection, user_id, &after, phone_number.as_deref(), now).await;
        let version = written.map_err(|error| match violated_constraint(&error) {
            Some("users_username_key_key") => username_taken(),
            _ => Error::Database(error),
        })?;
        let change = ChangeEvent::for_user(user_id, version, "updated", &changed);
        Ok(self.record(connection, change, &ctx.origin).await?)
    }

    /// Requests the confirmation of the new address.
    /// The response does not reveal whether another user has the address. In that case no
    /// confirmation is sent, but the other user is notified.
    async fn request_email_confirmation(
        &self,
        connection: &mut PgConnection,
        ctx: &RequestContext,
        email: &Email,
    ) -> Result<(), Error> {
        let user_id = ctx.principal.user_id;
        self.create_challenge(connection, user_id, Purpose::ChangeEmail, Some(email), &ctx.origin).await?;
        let owner = users::find_by_email(connection, email.key()).await?;
        let Some(owner) = owner else { return Ok(()) };
        let change = ChangeEvent::for_user(owner.id, owner.version, "already_registered", &[]);
        // The owner of the address does not learn who requested it.
        let anonymous_origin = RequestOrigin { actor: "auth".to_owned(), ..RequestOrigin::default() };
        Ok(self.record(connection, change, &anonymous_origin).await?)
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
