//! A private MariaDB for tests: its own folder, its own socket, nobody's data. PostgreSQL's is the store's.
//!
//! A shell owns the server and waits for the end of its input, which comes when the process that started it ends, in whatever
//! way. Then it stops the server and removes the folder. As root the shell becomes the `mysql` user first.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A running server.
pub struct MariaDb {
    folder: PathBuf,
    databases: AtomicU32,
    _shell: Child,
}

const SCRIPT: &str = r#"
trap '' INT TERM HUP
umask 077
PATH=$PATH:/usr/sbin
cd /
dir=$(mktemp -d /tmp/commonroll-mariadb.XXXXXX) || exit 1
mariadb-install-db --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db \
  >"$dir/log" 2>&1 || { echo "failed: $(tail -n 3 "$dir/log" | tr '\n' ' ')"; rm -rf "$dir"; exit 1; }
mariadbd --no-defaults --datadir="$dir/data" --socket="$dir/socket" --skip-networking --pid-file="$dir/pid" \
  --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M >>"$dir/log" 2>&1 &
server=$!
i=0
until [ -S "$dir/socket" ] || [ $i -ge 300 ]; do i=$((i + 1)); sleep 0.1; done
if [ -S "$dir/socket" ]; then echo "ready $dir"; else echo "failed: $(tail -n 3 "$dir/log" | tr '\n' ' ')"; fi
while read -r _; do :; done
kill -KILL $server 2>/dev/null
wait $server 2>/dev/null
rm -rf "$dir"
"#;

impl MariaDb {
    fn start() -> Self {
        let mut shell = as_ordinary_user()
            .args(["-c", SCRIPT, "sh"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut said = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let folder = said.trim().strip_prefix("ready ").map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| {
            panic!("MariaDB did not start (apt-get install mariadb-server): {}", said.trim())
        });
        Self { folder, databases: AtomicU32::new(0), _shell: shell }
    }

    /// The one server of this process, started by whoever asks first.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    pub fn new_name(&self) -> String {
        format!("mis{}", self.databases.fetch_add(1, Ordering::Relaxed))
    }
}

fn as_ordinary_user() -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0");
    if !root || !Path::new("/usr/bin/setpriv").exists() {
        return Command::new("sh");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=mysql", "--regid=mysql", "--clear-groups", "sh"]);
    command
}
