use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use uuid::Uuid;

/// The number by which a household's work is dealt out, the same in every
/// process: among replicas, and among what each of them does side by side.
pub fn affinity(household_id: Uuid) -> u64 {
    // The last bits of an id are random (UUIDv7).
    let (_, random) = household_id.as_u64_pair();
    // SplitMix64's last step: every bit counts for the remainder.
    let mixed = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// That of the household in an access token, which is not verified here: at
/// worst a forger chooses who refuses him.
pub(super) fn from_token(token: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Claims {
        hh: Uuid,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let Claims { hh } = serde_json::from_slice(&payload).ok()?;
    Some(affinity(hh))
}
