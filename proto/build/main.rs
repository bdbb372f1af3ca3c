//! Compiles `proto/` with protox (no protoc); generates the RPC access table, the registry of
//! notification kinds, the conversions into response messages and, with the feature `rest`, the JSON
//! conversions of messages that REST shows.

mod kinds;
mod responses;
mod rest;

use std::path::{Path, PathBuf};
use std::{env, fmt::Write as _, fs, io};

use prost_reflect::{DescriptorPool, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut files = Vec::new();
    collect(Path::new("proto"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).open_files(&files)?;

    #[expect(clippy::disallowed_methods, reason = "cargo talks to build scripts by variables")]
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let pool = compiler.descriptor_pool();
    fs::write(out.join("access.rs"), access_table(&pool)?)?;
    fs::write(out.join("notification_kinds.rs"), kinds::render(&pool)?)?;
    fs::write(out.join("responses.rs"), responses::render(&pool)?)?;
    if env::var_os("CARGO_FEATURE_REST").is_some() {
        fs::write(out.join("rest.rs"), rest::generate(&pool)?)?;
    }
    tonic_prost_build::configure()
        // Few transactions have one, and it would enlarge all of them.
        .boxed(".fintrac.ledger.v1.CreateTransactionRequest.recurring")
        .bytes(".")
        .extern_path(".fintrac.common.v1.NotificationKind", "crate::NotificationKind")
        .include_file("protos.rs")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// Renders the `(fintrac.common.v1.access)` option of every RPC as a Rust slice.
fn access_table(pool: &DescriptorPool) -> Result<String, Box<dyn std::error::Error>> {
    let extension = pool.get_extension_by_name("fintrac.common.v1.access").ok_or("no access option")?;
    let mut rows = Vec::new();
    for service in pool.services().filter(|service| service.full_name().starts_with("fintrac.")) {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let options = method.options();
            if !options.has_extension(&extension) {
                return Err(format!("{path} has no access option").into());
            }
            let value = options.get_extension(&extension).into_owned();
            let access = value.as_message().ok_or("the access option is not a message")?;
            let flag = |name| matches!(access.get_field_by_name(name).as_deref(), Some(Value::Bool(true)));
            let list = |name| {
                let value = access.get_field_by_name(name);
                let values = value.as_deref().and_then(Value::as_list).into_iter().flatten();
                values.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
            };
            // Zero means unspecified.
            let level = options.get_field_by_name("idempotency_level");
            let idempotent = level.as_deref().and_then(Value::as_enum_number).unwrap_or_default() != 0;
            rows.push((path, flag("user"), list("callers"), flag("direct"), list("permission"), idempotent));
        }
    }
    rows.sort();
    let mut table = String::from("&[");
    for (path, user, callers, direct, permissions, idempotent) in rows {
        write!(
            table,
            "Access {{ path: {path:?}, user: {user}, callers: &{callers:?}, direct: {direct}, \
             permissions: &{permissions:?}, idempotent: {idempotent} }},"
        )?;
    }
    table.push(']');
    Ok(table)
}
