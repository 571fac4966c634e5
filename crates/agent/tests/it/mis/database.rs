//! A database of an MIS: its tables made of their column names and types, its accounts by the lines of the MIS's page.

use super::servers::MariaDb;
use commonroll_agent::database::{Address, DatabaseFault, Link};
use commonroll_connectors::mapping::Dialect;
use commonroll_store::testkit::Postgres;
use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// What PostgreSQL calls its socket.
pub const SOCKET: &str = ".s.PGSQL.5432";

/// An MIS whose tables are known.
#[derive(Clone, Copy)]
pub struct Product {
    pub name: &'static str,
    columns: &'static str,
    page: &'static str,
}

macro_rules! product {
    ($name:literal) => {
        Product {
            name: $name,
            columns: include_str!(concat!("../../fixtures/mis-sql-columns/", $name, ".tsv")),
            page: include_str!(concat!("../../../../connectors/src/", $name, "/README.md")),
        }
    };
}

pub const GIBBON: Product = product!("gibbon");
pub const ROSARIOSIS: Product = product!("rosariosis");
pub const OPENSIS: Product = product!("opensis");

/// One database with two accounts: `read` and `write`.
pub struct Database {
    pub dialect: Dialect,
    /// Longest time for a statement.
    pub seconds: u32,
    name: String,
    socket: PathBuf,
}

impl Database {
    /// An empty one. Its accounts have no rights.
    pub async fn empty(dialect: Dialect) -> Self {
        let database = match dialect {
            Dialect::MySql => {
                let server = MariaDb::shared();
                let (name, socket) = (server.new_name(), server.socket());
                Self { dialect, seconds: 2, name, socket }
            }
            Dialect::Postgres => {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                let server = Postgres::shared().unwrap();
                let name = format!("mis{}", NEXT.fetch_add(1, Ordering::Relaxed));
                Self { dialect, seconds: 2, name, socket: server.folder().to_owned() }
            }
        };
        let (name, root) = (&database.name, database.root_of(""));
        let mut link = Link::open(&root, None).await.unwrap();
        match dialect {
            Dialect::MySql => {
                link.run(&format!("create database {name} character set utf8mb4")).await.unwrap();
                for account in ["read", "write"] {
                    let account = database.account(account);
                    link.run(&format!("create user {account}@localhost identified by 'right'"))
                        .await
                        .unwrap();
                }
            }
            Dialect::Postgres => {
                link.run(&format!("create database {name}")).await.unwrap();
                for account in ["read", "write"] {
                    link.run(&format!("create role {} login", database.account(account))).await.unwrap();
                }
            }
        }
        link.close().await;
        database
    }

    /// One with the tables of an MIS, and accounts that may what its page says.
    pub async fn of(product: Product, dialect: Dialect) -> Self {
        let database = Self::empty(dialect).await;
        database.run(&tables(product.columns, dialect)).await;
        database.run(&database.grants(product)).await;
        database
    }

    /// The lines of the MIS's page that give rights, for this database and its accounts.
    fn grants(&self, product: Product) -> String {
        let heading = match self.dialect {
            Dialect::MySql => "```sql\n-- MariaDB",
            Dialect::Postgres => "```sql\n-- PostgreSQL",
        };
        let blocks = product.page.split(heading).skip(1).map(|block| block.split("```").next().unwrap());
        let lines = blocks.flat_map(str::lines).filter(|line| line.to_uppercase().starts_with("GRANT"));
        let grants: String = lines.fold(String::new(), |text, line| format!("{text}{line}\n"));
        assert!(grants.lines().count() >= 2, "{}'s page says which rights are needed", product.name);
        grants
            .replace(&format!("{}.", product.name), &format!("{}.", self.name))
            .replace("DATABASE rosariosis", &format!("DATABASE {}", self.name))
            .replace("commonroll_read", &self.account("read"))
            .replace("commonroll_write", &self.account("write"))
    }

    pub fn account(&self, which: &str) -> String {
        format!("{}_{which}", self.name)
    }

    fn root_of(&self, database: &str) -> Address {
        let (user, database) = match self.dialect {
            Dialect::MySql => ("root", if database.is_empty() { "mysql" } else { database }),
            Dialect::Postgres => ("postgres", if database.is_empty() { "postgres" } else { database }),
        };
        Address {
            user: Some(user.to_owned()),
            socket: Some(self.socket.clone()),
            ..Address::parse(self.dialect, &format!("localhost/{database}")).unwrap()
        }
    }

    /// A connection of the database's owner.
    pub async fn link(&self) -> Link {
        Link::open(&self.root_of(&self.name), None).await.unwrap()
    }

    /// As [`Database::link`], over another socket and with no more patience than a second.
    pub async fn link_over(&self, socket: &Path) -> Link {
        let grace = std::time::Duration::from_millis(100);
        let at = Address { socket: Some(socket.to_owned()), seconds: 1, grace, ..self.root_of(&self.name) };
        Link::open(&at, None).await.unwrap()
    }

    /// The file of its socket.
    pub fn socket_file(&self) -> PathBuf {
        match self.dialect {
            Dialect::MySql => self.socket.clone(),
            Dialect::Postgres => self.socket.join(SOCKET),
        }
    }

    /// Runs statements as the MIS itself.
    pub async fn run(&self, statements: &str) {
        let mut link = self.link().await;
        link.run(statements).await.unwrap_or_else(|fault| panic!("{fault}: {statements}"));
        link.close().await;
    }

    /// Rows of a query, cells joined with spaces.
    pub async fn rows(&self, query: &str) -> Vec<String> {
        let mut link = self.link().await;
        let mut rows = Vec::new();
        link.rows::<DatabaseFault>(query, &mut |cells| {
            rows.push(cells.iter().map(|cell| cell.unwrap_or("-")).collect::<Vec<_>>().join(" "));
            Ok(())
        })
        .await
        .unwrap_or_else(|fault| panic!("{fault}: {query}"));
        link.close().await;
        rows
    }

    /// `[connection.NAME]` for an account. The password lies in the file `right`.
    pub fn connection(&self, name: &str, account: &str) -> String {
        let kind = match self.dialect {
            Dialect::MySql => "mysql",
            Dialect::Postgres => "postgres",
        };
        format!(
            "[connection.{name}]\nkind = \"{kind}\"\naddress = \"localhost/{}\"\nuser = \"{}\"\ncredentials = \"right\"\n\
             options = {{ socket = \"{}\", seconds = \"{}\" }}\n",
            self.name,
            self.account(account),
            self.socket.display(),
            self.seconds
        )
    }
}

/// Statements that make the tables. Where the MIS's own defaults aren't known, texts are empty and numbers 0 if nothing is
/// said; but not in the tables that marks are written to: there everything must be said.
fn tables(columns: &str, dialect: Dialect) -> String {
    let mut tables: BTreeMap<&str, Vec<[&str; 4]>> = BTreeMap::new();
    for line in columns.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        tables.entry(cells[0]).or_default().push([
            cells[1],
            cells[2],
            cells[3],
            cells.get(4).copied().unwrap_or(""),
        ]);
    }
    let mut text = String::new();
    for (table, columns) in tables {
        let primary: Vec<&str> = columns.iter().filter(|c| c[3] == "PRI").map(|c| c[0]).collect();
        let strict = matches!(table, "gibbonAttendanceLogPerson" | "gibbonBehaviour" | "attendance_period");
        let mut parts: Vec<String> = Vec::new();
        for [name, kind, nullable, _] in &columns {
            let counted = primary == [*name] && kind.starts_with("int");
            parts.push(match dialect {
                Dialect::MySql => mysql(name, kind, *nullable == "YES", counted, strict),
                Dialect::Postgres => postgres(name, kind, *nullable == "YES", counted, strict),
            });
        }
        if !primary.is_empty() {
            parts.push(format!("primary key ({})", primary.join(", ")));
        }
        if dialect == Dialect::MySql {
            parts.extend(
                columns.iter().filter(|c| c[3] == "MUL").map(|c| format!("key ({})", prefixed(c[0], c[1]))),
            );
        }
        writeln!(text, "create table {table} ({});", parts.join(", ")).unwrap();
    }
    text
}

fn prefixed(name: &str, kind: &str) -> String {
    if kind.ends_with("text") { format!("`{name}`(50)") } else { format!("`{name}`") }
}

fn mysql(name: &str, kind: &str, nullable: bool, counted: bool, strict: bool) -> String {
    let rest = match kind {
        _ if counted => "not null auto_increment".to_owned(),
        _ if nullable => "null".to_owned(),
        "timestamp" => "not null default current_timestamp on update current_timestamp".to_owned(),
        _ if strict => "not null".to_owned(),
        kind if kind.starts_with("enum('") => {
            format!("not null default {}", &kind[5..kind.find([',', ')']).unwrap()])
        }
        kind if kind.contains("char") || kind.contains("text") => "not null default ''".to_owned(),
        "date" => "not null default '2026-09-01'".to_owned(),
        "time" => "not null default '00:00:00'".to_owned(),
        _ => "not null default 0".to_owned(),
    };
    format!("`{name}` {kind} {rest}")
}

fn postgres(name: &str, kind: &str, nullable: bool, counted: bool, strict: bool) -> String {
    let plain = match kind {
        kind if kind.starts_with("int") => "integer".to_owned(),
        kind if kind.ends_with("text") => "text".to_owned(),
        "datetime" => "timestamp".to_owned(),
        kind => kind.replace("decimal", "numeric"),
    };
    let rest = match plain.as_str() {
        _ if counted => "generated by default as identity",
        _ if nullable => "null",
        _ if strict => "not null",
        "date" => "not null default '2026-09-01'",
        plain if plain.contains("char") || plain == "text" => "not null default ''",
        _ => "not null default 0",
    };
    format!("{name} {plain} {rest}")
}
