//! Values that are encrypted at rest, for rotation of the data key.

use sqlx::PgConnection;

/// A column with encrypted values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptedColumn {
    PhoneNumber,
    TotpSecret,
    PrivateKey,
}

impl EncryptedColumn {
    pub const ALL: [Self; 3] = [Self::PhoneNumber, Self::TotpSecret, Self::PrivateKey];
}

/// An encrypted value and the key of its row.
#[derive(Debug)]
pub struct EncryptedValue {
    pub key: String,
    pub value: String,
}

/// Lists up to `limit` values of `column` without `prefix`, after row `after`.
pub async fn list(
    connection: &mut PgConnection,
    column: EncryptedColumn,
    prefix: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<EncryptedValue>, sqlx::Error> {
    match column {
        EncryptedColumn::PhoneNumber => {
            sqlx::query_as!(
                EncryptedValue,
                r#"select id::text as "key!", phone_number as "value!" from auth.users
                   where phone_number is not null and not starts_with(phone_number, $1) and id::text > $2
                   order by id::text limit $3"#,
                prefix,
                after,
                limit
            )
            .fetch_all(connection)
            .await
        }
        EncryptedColumn::TotpSecret => {
            sqlx::query_as!(
                EncryptedValue,
                r#"select user_id::text as "key!", secret as value from auth.totp
                   where not starts_with(secret, $1) and user_id::text > $2 order by user_id::text limit $3"#,
                prefix,
                after,
                limit
            )
            .fetch_all(connection)
            .await
        }
        EncryptedColumn::PrivateKey => {
            sqlx::query_as!(
                EncryptedValue,
                r#"select kid as key, private_key as value from auth.signing_keys
                   where not starts_with(private_key, $1) and kid > $2 order by kid limit $3"#,
                prefix,
                after,
                limit
            )
            .fetch_all(connection)
            .await
        }
    }
}

/// Replaces a value unless it has changed since it was read.
pub async fn replace(
    connection: &mut PgConnection,
    column: EncryptedColumn,
    old: &EncryptedValue,
    new: &str,
) -> Result<bool, sqlx::Error> {
    let done = match column {
        EncryptedColumn::PhoneNumber => {
            sqlx::query!(
                "update auth.users set phone_number = $3 where id = $1::text::uuid and phone_number = $2",
                old.key,
                old.value,
                new
            )
            .execute(connection)
            .await?
        }
        EncryptedColumn::TotpSecret => {
            sqlx::query!(
                "update auth.totp set secret = $3 where user_id = $1::text::uuid and secret = $2",
                old.key,
                old.value,
                new
            )
            .execute(connection)
            .await?
        }
        EncryptedColumn::PrivateKey => {
            sqlx::query!(
                "update auth.signing_keys set private_key = $3 where kid = $1 and private_key = $2",
                old.key,
                old.value,
                new
            )
            .execute(connection)
            .await?
        }
    };
    Ok(done.rows_affected() == 1)
}
