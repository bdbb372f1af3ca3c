//! Writes `openapi.json` and `docs/ERRORS.md` from the code:
//! `cargo run -p gateway --example generate`.

use std::fs;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::write(root.join("openapi.json"), gateway::openapi_document().to_pretty_json()? + "\n")?;
    fs::write(root.join("docs/ERRORS.md"), gateway::error_codes_markdown())?;
    Ok(())
}
