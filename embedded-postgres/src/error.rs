use std::path::PathBuf;

/// An error that prevents the cluster from being created or started.
/// Each message names the next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "PostgreSQL's server programs were not found; install PostgreSQL 15 or newer, or set DATABASE_URL"
    )]
    NoBinaries,
    #[error(
        "PostgreSQL must not run as root; create an account for it with `useradd --system fintrac`, \
         or set DATABASE_URL"
    )]
    NoAccount,
    #[error(
        "the data folder belongs to `nobody`, which other programs use too; create an account with \
         `useradd --system fintrac` and give the folder to it with `chown -R`"
    )]
    SharedAccount,
    #[error(
        "PostgreSQL's account `{account}` cannot access the folder {dir}; \
         set FINTRAC_DATA_DIR to a folder that it can access"
    )]
    Unreachable { account: String, dir: PathBuf },
    #[error("the folder {0} is in use by another running instance")]
    InUse(PathBuf),
    #[error("the PostgreSQL of an earlier run is still shutting down in {0}; try again in a moment")]
    StillAlive(PathBuf),
    #[error(
        "{0} must be a private folder of this cluster; remove it, or set FINTRAC_DATA_DIR to a shorter path"
    )]
    ForeignSocketDir(PathBuf),
    #[error("{0} must be a plain file without other links; remove it")]
    ForeignFile(PathBuf),
    #[error("{program} failed: {output}")]
    Program { program: &'static str, output: String },
    #[error("PostgreSQL did not become ready; the end of its log {log}:\n{tail}")]
    NotReady { log: PathBuf, tail: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
