//! Changing one's own profile. Another address needs the password and takes
//! effect when it is confirmed.

use fintrac_kit::access::By;
use fintrac_kit::access::caller::Origin;
use fintrac_kit::database::violated;
use secrecy::SecretString;
use sqlx::PgConnection;

use super::forgot_password::alike;
use super::register::{phone_row, username_taken};
use super::throttling::Attempt;
use super::{Change, Identity, Me};
use crate::domain::challenge::Purpose;
use crate::domain::email::Email;
use crate::domain::profile::{Applied, Editable, ProfileChanges};
use crate::domain::throttle::Scope;
use crate::error::Error;
use crate::store::{challenges, users};

impl Identity {
    pub async fn update_me(
        &self,
        by: &By,
        changes: &ProfileChanges,
        password: SecretString,
        if_version: Option<i64>,
    ) -> Result<Me, Error> {
        let work = self.write_me(by, changes, password, if_version);
        // How long it takes says nothing about who has the other address.
        if changes.email.is_some() { alike(work).await } else { work.await }
    }

    async fn write_me(
        &self,
        by: &By,
        changes: &ProfileChanges,
        password: SecretString,
        if_version: Option<i64>,
    ) -> Result<Me, Error> {
        let user_id = by.principal.user_id;
        let before = self.get_me(&by.principal).await?;
        let asked = changes.apply(&editable(&before)).map_err(Error::Invalid)?.email;
        let standing = Email::parse(&before.profile.email);
        let email = asked.filter(|email| standing.as_ref().map(Email::key) != Some(email.key()));
        let proved = match &email {
            Some(email) => {
                let proved = self.prove_password(user_id, "password", password, &by.origin).await?;
                if let Attempt::Blocked(wait) =
                    self.attempt(Scope::Mailbox, &format!("change {}", email.key())).await?
                {
                    return Err(Error::Throttled(wait));
                }
                Some(proved)
            }
            None => None,
        };
        let mut transaction = self.pool.begin().await?;
        match &proved {
            Some(proved) => self.lock_proved(&mut transaction, user_id, "password", proved).await?,
            None => users::lock(&mut transaction, user_id).await?.ok_or(Error::NotFound("user"))?,
        };
        let standing = self.profile(&mut transaction, user_id, by.principal.household_id).await?;
        if if_version.is_some_and(|version| version != standing.profile.version) {
            return Err(Error::VersionMismatch);
        }
        if email.is_some() {
            self.ensure_factor_is_fresh(&mut transaction, by).await?;
        }
        self.write_profile(&mut transaction, by, changes, &standing).await?;
        match &email {
            Some(email) => self.ask_to_confirm(&mut transaction, by, email).await?,
            // One's own address again: what was asked for before is called off.
            None if changes.email.is_some() => {
                let now = self.clock.now();
                challenges::close_all(&mut transaction, user_id, Purpose::ChangeEmail, now).await?;
            }
            None => {}
        }
        let after = self.profile(&mut transaction, user_id, by.principal.household_id).await?;
        transaction.commit().await?;
        self.bell.ring();
        Ok(after)
    }

    async fn write_profile(
        &self,
        connection: &mut PgConnection,
        by: &By,
        changes: &ProfileChanges,
        standing: &Me,
    ) -> Result<(), Error> {
        let user_id = by.principal.user_id;
        let Applied { after, changed, .. } = changes.apply(&editable(standing)).map_err(Error::Invalid)?;
        if changed.is_empty() {
            return Ok(());
        }
        // By these one logs in, or is reached.
        if changed.iter().any(|field| ["username", "phone_number"].contains(field)) {
            self.ensure_reauthenticated(connection, by).await?;
        }
        if let Some(username) = &after.username
            && changed.contains(&"username")
            && users::holder_of_username(connection, username).await?.is_some_and(|holder| holder != user_id)
        {
            return Err(username_taken());
        }
        let row = phone_row(user_id);
        let seal = |number: &String| self.config.data_keys.seal(&self.random, &row, number.as_bytes());
        let phone_number = if changed.contains(&"phone_number") {
            after.phone_number.as_ref().map(seal)
        } else {
            standing.profile.phone_number.clone()
        };
        let now = self.clock.now();
        let written = users::update_profile(connection, user_id, &after, phone_number.as_deref(), now).await;
        let version = written.map_err(|error| match violated(&error) {
            Some("users_username_key_key") => username_taken(),
            _ => Error::Database(error),
        })?;
        let change = Change::of_user(user_id, version, "updated", &changed);
        Ok(self.record(connection, change, &by.origin).await?)
    }

    /// Asks for the mail to the new address. Nothing tells whether somebody has it:
    /// then no mail goes out but one that tells its owner.
    async fn ask_to_confirm(
        &self,
        connection: &mut PgConnection,
        by: &By,
        email: &Email,
    ) -> Result<(), Error> {
        let user_id = by.principal.user_id;
        self.open_challenge(connection, user_id, Purpose::ChangeEmail, Some(email), &by.origin).await?;
        let owner = users::find_by_email(connection, email.key()).await?;
        let Some(owner) = owner else { return Ok(()) };
        let change = Change::of_user(owner.id, owner.version, "already_registered", &[]);
        // The owner does not learn who it was.
        let stranger = Origin { actor: "auth".to_owned(), ..Origin::default() };
        Ok(self.record(connection, change, &stranger).await?)
    }
}

fn editable(me: &Me) -> Editable {
    Editable {
        first_name: me.profile.first_name.clone(),
        last_name: me.profile.last_name.clone(),
        username: me.profile.username.clone(),
        phone_number: me.phone_number.clone(),
    }
}
