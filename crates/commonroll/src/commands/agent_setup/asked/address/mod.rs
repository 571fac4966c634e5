//! An address over HTTPS: what answers there, and what can be read of it.
//!
//! Only harmless questions are asked, first as anybody, then with the secret, and each is told with its answer. A secret goes to the
//! address's own host alone, in the manner of the API that seems to be there; what it looks like is believed once an answer proves it.

mod known;
mod lines;
mod probe;
mod stranger;

use super::{
    super::{Args, ask::Asker, screen::Screen},
    Outcome,
    connection::{self, Plan},
    place::Place,
};

/// Looks at the address and settles what is read of it.
pub async fn run(
    args: &Args,
    place: &Place,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<(Plan, Outcome), String> {
    if !args.asked.tables.is_empty() {
        return Err("--table is for databases; what is read at an address is said with --records".to_owned());
    }
    let mut plan = connection::bare(args, place)?;
    plan.check(args)?;
    screen.heading(&plan.shown);
    let outcome = match probe::look(args, &mut plan, screen, asker).await? {
        probe::Found::Api(api, answer) => {
            known::settle(args, &mut plan, (api, answer), screen, asker).await?
        }
        probe::Found::Rows(page) => stranger::settle(args, &mut plan, page, screen, asker).await?,
    };
    Ok((plan, outcome))
}
