use std::path::PathBuf;

/// Why the cluster could not be made or started. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "PostgreSQL's server programs were not found; install PostgreSQL 15 or newer, or set DATABASE_URL"
    )]
    NoBinaries,
    #[error(
        "as root PostgreSQL needs an account of its own: make one with `useradd --system fintrac`, \
         or set DATABASE_URL"
    )]
    NoAccount,
    #[error(
        "the data folder belongs to `nobody`, which other programs share; make an account with \
         `useradd --system fintrac` and give the folder to it with `chown -R`"
    )]
    SharedAccount,
    #[error(
        "the account `{account}`, under which PostgreSQL runs here, cannot use the folder {dir}; \
         set FINTRAC_DATA_DIR to a folder it can reach"
    )]
    Unreachable { account: String, dir: PathBuf },
    #[error("the folder {0} is in use by another running instance")]
    InUse(PathBuf),
    #[error("the PostgreSQL of an earlier run is still shutting down in {0}; try again in a moment")]
    StillAlive(PathBuf),
    #[error(
        "{0} exists but is not a private folder of ours; remove it or set FINTRAC_DATA_DIR to a shorter path"
    )]
    ForeignSocketDir(PathBuf),
    #[error("{0} is a link or no plain file, which we never make; remove it")]
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
