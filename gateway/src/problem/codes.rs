//! Texts and documents about the error codes.

use std::fmt::Write as _;

use kit_core::error::{FieldCode, ProblemCode};

/// Returns the message id of a code's title in `locales/`.
pub fn title_id(code: ProblemCode) -> String {
    format!("problem-{}", slug(code))
}

/// Converts `MALFORMED_BODY` to `malformed-body`.
pub fn slug(code: ProblemCode) -> String {
    code.as_str().to_ascii_lowercase().replace('_', "-")
}

/// Returns the codes that REST clients receive.
pub fn rest_codes() -> impl Iterator<Item = ProblemCode> {
    ProblemCode::ALL.iter().copied().filter(|code| !code.is_grpc_only())
}

/// Renders `docs/ERRORS.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Errors\n\n\
         Generated from the table of error codes; do not edit.\n\n\
         Every error is `application/problem+json` (RFC 9457) with `type`, `title` (in the language of\n\
         `Accept-Language`: en, es, fr, de, pt), `status`, `detail`, `instance`, `code`, `request_id` and `errors`.\n\
         `detail` is the text of the code or a more precise one.\n\n\
         ## Problems\n\n| status | `code` | text |\n|---|---|---|\n",
    );
    for code in rest_codes() {
        let _infallible = writeln!(text, "| {} | `{code}` | {} |", code.status().as_u16(), code.text());
    }
    text.push_str("\n## Fields\n\nThe `code` of an entry in `errors`.\n\n| `code` | text |\n|---|---|\n");
    for code in FieldCode::ALL {
        let _infallible = writeln!(text, "| `{code}` | {} |", code.text());
    }
    text.push_str(
        "\n## gRPC only\n\nClients that call the services directly can receive these codes as well; the code is the\n\
         `reason` of `google.rpc.ErrorInfo`.\n\n| gRPC status | `code` | text |\n|---|---|---|\n",
    );
    for code in ProblemCode::ALL.iter().filter(|code| code.is_grpc_only()) {
        let _infallible = writeln!(text, "| {:?} | `{code}` | {} |", code.grpc_code(), code.text());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;

    use kit_core::error::{FieldCode, ProblemCode};

    /// Returns the Rust code under `folder` without its tests.
    fn product_code(folder: &Path) -> String {
        let mut code = String::new();
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && !["target", "tests"].contains(&name) {
                code += &product_code(&path);
            } else if path.extension().is_some_and(|end| end == "rs") && !name.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).expect("a readable file");
                code += text.split("#[cfg(test)]").next().unwrap_or_default();
            }
        }
        code
    }

    #[test]
    fn every_code_of_the_table_is_used() {
        let code = product_code(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        let used: HashSet<_> = code.split(|c: char| !c.is_alphanumeric() && c != ':').collect();
        let problems = ProblemCode::ALL.iter().map(|code| format!("ProblemCode::{code:?}"));
        let fields = FieldCode::ALL.iter().map(|code| format!("FieldCode::{code:?}"));
        let unused: Vec<_> = problems.chain(fields).filter(|name| !used.contains(name.as_str())).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }
}
