//! A database: whose tables they are, what its account may do, and what can be read of it.

use super::{
    super::{Args, ask::Asker, screen::Screen},
    Outcome,
    connection::Plan,
    known, unknown,
};
use commonroll_agent::{
    database::{Address, DatabaseFault, Link, may_write},
    fetch::secret,
};
use commonroll_connectors::{
    mapping::Dialect,
    propose::schema::{self, SeenTable},
};

/// Columns of a database that are looked at. No school system has as many.
const COLUMNS_MAX: u32 = 50_000;

/// A database that let us in.
pub struct Database<'p> {
    pub plan: &'p Plan,
    at: Address,
    password: Option<secret::Secret>,
    link: Link,
    pub tables: Vec<SeenTable>,
    /// The account could write.
    pub writes: bool,
}

impl<'p> Database<'p> {
    async fn open(args: &Args, plan: &'p Plan) -> Result<Self, String> {
        let at = Address::of(&plan.connection)?;
        let password =
            secret::read(&plan.connection).map_err(|fault| plan.with_help(args, &fault.to_string()))?;
        let opened = Link::open(&at, password.as_ref().map(secret::Secret::reveal)).await;
        let link = opened.map_err(|fault| match fault.rule {
            "SQL-SIGN-IN" => plan.with_help(args, &fault.to_string()),
            _ => format!("{}: {fault}", plan.shown),
        })?;
        let mut database = Self { plan, at, password, link, tables: Vec::new(), writes: false };
        database.look().await.map_err(|fault| format!("{}: {fault}", plan.shown))?;
        if database.tables.is_empty() {
            return Err(format!(
                "{}: the account sees no table there. Either the database is empty (is it the MIS's own? compare the end of the \
                 address), or the account has no rights yet: the administrator gives it SELECT on what is to be read, nothing else",
                plan.shown
            ));
        }
        Ok(database)
    }

    /// Looks at what there is, in names of tables and columns alone.
    async fn look(&mut self) -> Result<(), DatabaseFault> {
        self.writes = may_write(&mut self.link).await?;
        let here = match self.link.dialect() {
            Dialect::MySql => "table_schema = database()",
            Dialect::Postgres => "table_schema = any (current_schemas(false))",
        };
        let query = format!(
            "select table_name, column_name, data_type from information_schema.columns where {here} \
             order by table_name, ordinal_position limit {COLUMNS_MAX}"
        );
        let mut tables: Vec<SeenTable> = Vec::new();
        self.link
            .rows::<DatabaseFault>(&query, &mut |cells| {
                let cell = |at: usize| cells.get(at).copied().flatten().unwrap_or_default().to_owned();
                let column = (cell(1), cell(2));
                match tables.last_mut().filter(|table| table.name == cell(0)) {
                    Some(table) => table.columns.push(column),
                    None => tables.push(SeenTable { name: cell(0), columns: vec![column] }),
                }
                Ok(())
            })
            .await?;
        self.tables = tables;
        Ok(())
    }

    pub const fn dialect(&self) -> Dialect {
        self.at.dialect
    }

    /// Does something in a transaction that can't write. After a fault there is a new connection.
    pub async fn reading<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut Link) -> Result<T, DatabaseFault>,
    ) -> Result<Result<T, DatabaseFault>, String> {
        let link = &mut self.link;
        let asked = async {
            link.begin_reading().await?;
            let answer = ask(link).await?;
            link.run("rollback").await?;
            Ok(answer)
        }
        .await;
        if asked.is_err() {
            let password = self.password.as_ref().map(secret::Secret::reveal);
            let again = Link::open(&self.at, password).await;
            self.link = again.map_err(|fault| format!("{}: {fault}", self.plan.shown))?;
        }
        Ok(asked)
    }

    /// Tells what the account can do that nothing here needs.
    pub fn say_rights(&self, screen: &Screen, queries: &[String]) {
        let is_asked = |table: &SeenTable| {
            let names = |query: &String| {
                query
                    .split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | '-'))
                    .any(|word| word.eq_ignore_ascii_case(&table.name))
            };
            queries.iter().any(names)
        };
        let (asked, others): (Vec<_>, Vec<_>) = self.tables.iter().partition(|table| is_asked(table));
        if !self.writes && others.is_empty() {
            return;
        }
        screen.heading("Rights that are too wide");
        if self.writes {
            screen.say("  The account could write to the MIS. Nothing is ever written with it, but give the agent one that can't.");
        }
        if !others.is_empty() {
            screen.say(&format!(
                "  The account can read {} table(s) that nothing here asks for.",
                others.len()
            ));
        }
        let names: Vec<&str> = asked.iter().map(|table| table.name.as_str()).collect();
        if !names.is_empty() {
            screen.say(&format!("  SELECT on these is enough: {}", names.join(", ")));
        }
    }
}

/// Looks at the database and settles what is read of it.
pub async fn run(args: &Args, plan: &Plan, screen: &Screen, asker: &mut Asker) -> Result<Outcome, String> {
    let mut database = Database::open(args, plan).await?;
    screen.heading(&plan.shown);
    let settled = match schema::product(&database.tables) {
        Some((product, proof)) if args.asked.tables.is_empty() => {
            let version = match product.version_query(&database.tables) {
                Some(query) => database.reading(async |link| link.one(&query).await).await?.ok(),
                None => None,
            };
            screen.product(product.mis, version.as_deref().and_then(first_cell), &proof);
            known::settle(args, &mut database, product.mis, screen, asker).await
        }
        _ => unknown::settle(args, &mut database, screen, asker).await,
    };
    database.link.close().await;
    settled
}

/// The first cell of a small answer, if it looks like a version.
fn first_cell(answer: &str) -> Option<&str> {
    let cell = answer.split('\u{1f}').next()?.trim();
    let is_version = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ' ' | '_');
    (!cell.is_empty() && cell.len() <= 40 && cell.chars().all(is_version)).then_some(cell)
}
