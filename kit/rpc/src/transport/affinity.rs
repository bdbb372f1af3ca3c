use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use uuid::Uuid;

/// Returns the number by which a household's work is distributed.
/// It is the same in every process. It selects a replica, and a writer within a replica.
pub fn affinity(household_id: Uuid) -> u64 {
    // The last bits of an id are random (UUIDv7).
    let (_, random) = household_id.as_u64_pair();
    // The last step of SplitMix64: every bit affects the remainder.
    let mixed = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Returns the affinity of the household in an access token.
/// The token is not verified here: a forged one only selects the replica that rejects it.
pub(super) fn from_token(token: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Claims {
        hh: Uuid,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let Claims { hh } = serde_json::from_slice(&payload).ok()?;
    Some(affinity(hh))
}
