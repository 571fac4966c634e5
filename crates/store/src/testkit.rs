//! A private PostgreSQL server for tests: its own folder, its own socket, nobody's data.
//!
//! A shell owns the server and waits for the end of its input, which comes when the process that started it ends, in
//! whatever way. Then it stops the server and removes the folder. PostgreSQL refuses to run as root, so that for root
//! the shell becomes the `postgres` user. The server keeps its safe defaults: the store refuses others.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::Connection;

/// A running server. Dropped, it stops.
pub struct Postgres {
    folder: PathBuf,
    databases: AtomicU32,
    shell: Child,
    /// Closing it tells the shell to clean up.
    lifeline: Option<ChildStdin>,
}

/// `$1` is the folder with PostgreSQL's programs.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
umask 077
cd /
dir=$(mktemp -d /tmp/commonroll-pg.XXXXXX) || exit 1
finish() {
  "$1/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
  rm -rf "$dir"
}
"$1/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 &&
"$1/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 \
  -o "-c listen_addresses='' -c unix_socket_directories='$dir' -c max_connections=300" start >/dev/null 2>&1
if [ $? -ne 0 ]; then
  tail -n 3 "$dir/log" | tr '\n' ' ' | sed 's/^/failed: /'
  finish "$1"
  exit 1
fi
echo "ready $dir"
cat >/dev/null
finish "$1"
"#;

impl Postgres {
    /// Starts a server, which takes a few seconds. Tests of one process should share one: [`Postgres::shared`].
    ///
    /// # Errors
    /// In words for whoever runs the tests: what to install, or the server's own last words.
    pub fn start() -> Result<Self, String> {
        let programs =
            programs().ok_or("PostgreSQL's server is not installed: apt-get install postgresql")?;
        let mut shell = as_ordinary_user()?
            .args(["-c", SCRIPT, "sh"])
            .arg(programs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the shell that keeps PostgreSQL could not start: {error}"))?;
        let lifeline = shell.stdin.take();
        let mut said = String::new();
        if let Some(stdout) = shell.stdout.take() {
            BufReader::new(stdout).read_line(&mut said).map_err(|error| error.to_string())?;
        }
        let folder = said.trim().strip_prefix("ready ").map(PathBuf::from);
        let folder = folder.ok_or_else(|| format!("PostgreSQL did not start: {}", said.trim()))?;
        Ok(Self { folder, databases: AtomicU32::new(0), shell, lifeline })
    }

    /// The one server of this process, started by whoever asks first.
    ///
    /// # Errors
    /// See [`Postgres::start`]; the failure is remembered.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    /// Creates a new, empty database and returns its url for [`crate::open`].
    ///
    /// # Errors
    /// What the server says.
    pub async fn database(&self) -> Result<String, String> {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut admin = sqlx::PgConnection::connect(&self.url("postgres"))
            .await
            .map_err(|error| format!("the test server does not answer: {error}"))?;
        let text = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(text).execute(&mut admin).await.map_err(|error| error.to_string())?;
        Ok(self.url(&name))
    }

    /// The url of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }

    /// The folder of the server's socket, `.s.PGSQL.5432`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Nothing can be done about a shell that is gone already.
        let _ = self.shell.wait();
    }
}

/// The folder with `initdb`: on the path, or Debian's, the highest version first.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    debian.sort_unstable_by(|a, b| b.cmp(a));
    folders.extend(debian.into_iter().map(|(_, folder)| folder));
    folders
        .into_iter()
        .find(|folder| ["initdb", "postgres", "pg_ctl"].iter().all(|name| folder.join(name).is_file()))
}

/// `sh`, for root as the user that PostgreSQL's package made.
fn as_ordinary_user() -> Result<Command, String> {
    let id = Command::new("id").arg("-u").output().map_err(|error| format!("id -u: {error}"))?;
    if id.stdout != b"0\n" {
        return Ok(Command::new("sh"));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "sh"]);
    Ok(command)
}
