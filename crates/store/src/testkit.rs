//! A private PostgreSQL server for tests: its own folder, its own socket, nobody's data.
//!
//! A shell owns the server and reads orders until the end of its input, which comes when the process that started it
//! ends, in whatever way. Then it stops the server and removes the folder. PostgreSQL refuses to run as root, so that for root
//! the shell becomes the `postgres` user. The server keeps its safe defaults: the store refuses others.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use sqlx::Connection;

/// A running server. Dropped, it stops.
pub struct Postgres {
    folder: PathBuf,
    databases: AtomicU32,
    shell: Child,
    /// Closing the shell's input tells it to clean up.
    talk: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
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
cat >>"$dir/data/postgresql.conf" <<END &&
listen_addresses = ''
unix_socket_directories = '$dir'
max_connections = 300
END
"$1/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >/dev/null 2>&1
if [ $? -ne 0 ]; then
  tail -n 3 "$dir/log" 2>/dev/null | tr '\n' ' ' | sed 's/^/failed: /'
  finish "$1"
  exit 1
fi
echo "ready $dir"
while read -r order; do
  case $order in
    stop) "$1/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 ;;
    start) "$1/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >/dev/null 2>&1 ;;
  esac
  echo "$?"
done
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
        let mut talk = shell.stdin.take().zip(shell.stdout.take().map(BufReader::new));
        let mut said = String::new();
        if let Some((_, stdout)) = &mut talk {
            stdout.read_line(&mut said).map_err(|error| error.to_string())?;
        }
        let folder = said.trim().strip_prefix("ready ").map(PathBuf::from);
        let folder = folder.ok_or_else(|| format!("PostgreSQL did not start: {}", said.trim()))?;
        Ok(Self { folder, databases: AtomicU32::new(0), shell, talk: Mutex::new(talk) })
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

    /// Stops the server as a crash would: at once, with nothing tidied up.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&self) -> Result<(), String> {
        self.order("stop")
    }

    /// Starts the server again after [`Postgres::stop`], on the same data and socket.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_again(&self) -> Result<(), String> {
        self.order("start")
    }

    fn order(&self, word: &str) -> Result<(), String> {
        let mut talk = self.talk.lock().map_err(|_| "another order to the test server went wrong")?;
        let (stdin, stdout) = talk.as_mut().ok_or("the test server is gone")?;
        let mut said = String::new();
        writeln!(stdin, "{word}")
            .and_then(|()| stdout.read_line(&mut said))
            .map_err(|error| error.to_string())?;
        if said.trim() == "0" { Ok(()) } else { Err(format!("the test server did not {word}")) }
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
        drop(self.talk.get_mut().ok().and_then(Option::take));
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
