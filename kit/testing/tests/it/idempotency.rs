//! Tests of idempotency: the second request with a key gets the first response.

use chrono::TimeDelta;
use kit_db::idempotency::{Claim, Key, claim, purge, store};
use kit_testing::TestDatabase;
use uuid::Uuid;

use crate::support::{clock, schema};

fn key(fingerprint: u8) -> Key {
    Key {
        household_id: Uuid::from_u128(1),
        user_id: Uuid::from_u128(2),
        operation: "POST /things".into(),
        key: "k".into(),
        fingerprint: [fingerprint; 32],
    }
}

#[tokio::test]
async fn a_response_is_replayed_and_another_body_rejected() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let mut rejected = pool.begin().await.expect("begin");
    assert_eq!(claim(&mut rejected, &key(1), clock.now()).await.expect("claim"), Claim::New);
    rejected.rollback().await.expect("rollback");

    let mut first = pool.begin().await.expect("begin");
    assert_eq!(
        claim(&mut first, &key(1), clock.now()).await.expect("claim"),
        Claim::New,
        "the key was released"
    );
    store(&mut first, &key(1), b"reply").await.expect("store");
    first.commit().await.expect("commit");

    let mut connection = pool.acquire().await.expect("a connection");
    assert_eq!(
        claim(&mut connection, &key(1), clock.now()).await.expect("claim"),
        Claim::Replay(b"reply".to_vec())
    );
    assert_eq!(claim(&mut connection, &key(2), clock.now()).await.expect("claim"), Claim::KeyMismatch);
    let other = Key { household_id: Uuid::from_u128(9), ..key(2) };
    assert_eq!(
        claim(&mut connection, &other, clock.now()).await.expect("claim"),
        Claim::New,
        "another household"
    );

    clock.advance(TimeDelta::hours(73));
    assert_eq!(purge(&mut connection, clock.now()).await.expect("purge"), 2);
    assert_eq!(claim(&mut connection, &key(2), clock.now()).await.expect("claim"), Claim::New);
}

#[tokio::test]
async fn simultaneous_duplicates_do_the_work_once() {
    let clock = clock();
    let database = TestDatabase::new(&[&schema()], &clock).await;
    let pool = database.pool(&schema(), &clock).await;
    let duplicate = async || {
        let mut transaction = pool.begin().await?;
        let claimed = claim(&mut transaction, &key(1), clock.now()).await?;
        if claimed == Claim::New {
            store(&mut transaction, &key(1), b"reply").await?;
        }
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(claimed)
    };
    let claims = futures::future::try_join_all((0..10).map(|_| duplicate())).await.expect("all respond");
    assert_eq!(claims.iter().filter(|claimed| **claimed == Claim::New).count(), 1);
    assert_eq!(claims.iter().filter(|claimed| **claimed == Claim::Replay(b"reply".to_vec())).count(), 9);
}
