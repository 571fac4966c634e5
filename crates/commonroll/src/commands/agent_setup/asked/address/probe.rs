//! What answers at an address: harmless questions, each told with its answer.

use super::super::super::{Args, ask::Asker, screen::Screen};
use super::{Plan, stranger};
use crate::real::Real;
use commonroll_agent::{
    fetch::{FetchFault, http::Line},
    settings::{Connection, SecretPlace, SignIn},
};
use commonroll_connectors::api::{self, Api, Request, SignIn as Usual, plain::Plain, signs::Sign};
use std::sync::Arc;

/// What answers.
pub enum Found {
    /// An API that we know, and the answer that proves it. `None` if nothing was to be proven: the settings or the vendor's host
    /// say it.
    Api(&'static dyn Api, Option<(&'static Sign, String)>),
    /// Rows of JSON.
    Rows(stranger::Page),
}

/// An answer that said something.
pub struct Answered {
    pub body: String,
    pub link: Option<String>,
    pub total: Option<u64>,
}

/// One who may be there, and the question that would prove it; `None` for rows that nobody knows.
#[derive(Clone, Copy)]
struct Guess {
    api: &'static dyn Api,
    sign: Option<&'static Sign>,
}

impl Guess {
    fn what(self) -> &'static str {
        self.sign.map_or("rows of JSON", |sign| sign.what)
    }

    /// Asks it over a connection. Rows that nobody knows lie at the address itself.
    async fn ask(self, connection: &Connection) -> Result<Answered, FetchFault> {
        let Some(sign) = self.sign else {
            let (address, path) = stranger::apart(&connection.address);
            let connection = Connection { address, ..connection.clone() };
            return ask(&connection, self.api, &Request::get(path, Vec::new())).await;
        };
        ask(connection, self.api, &sign.request()).await
    }

    fn question(self) -> String {
        self.sign.map_or_else(|| "GET the address itself".to_owned(), Sign::question)
    }

    /// What an answer proves.
    fn proven(self, answered: Answered) -> Result<Found, &'static str> {
        match self.sign {
            Some(sign) if sign.is_in(&answered.body) => Ok(Found::Api(self.api, Some((sign, answered.body)))),
            Some(_) => Err("an answer, but not its own"),
            None => stranger::Page::read(answered).map(Found::Rows),
        }
    }
}

/// A line to the MIS as the plan has it now.
pub fn line(connection: &Connection, api: &dyn Api) -> Result<Line, FetchFault> {
    Line::new(Arc::new(connection.clone()), api, Arc::new(Real), Arc::new(Real))
}

/// Asks one question.
pub async fn ask(connection: &Connection, api: &dyn Api, request: &Request) -> Result<Answered, FetchFault> {
    let answered = line(connection, api)?.ask(request).await?;
    let answer = answered.borrowed();
    Ok(Answered { body: answer.body.to_owned(), link: answer.link.map(str::to_owned), total: answer.total })
}

/// Finds out what answers.
pub async fn look(args: &Args, plan: &mut Plan, screen: &Screen, asker: &mut Asker) -> Result<Found, String> {
    if plan.is_held {
        let held = plan.connection.api.as_deref().and_then(api::by_name);
        return held.map(|api| Found::Api(api, None)).ok_or_else(|| "the connection names no API".to_owned());
    }
    let guesses = guesses(args, plan);
    if let [Guess { api, sign: None }] = guesses[..]
        && api.name() != Plain.name()
    {
        screen.say(&format!(
            "  Taken for {}: the address or --api says so. Nothing proves it before rows come",
            api.about()
        ));
        sign_in(args, plan, &[guesses[0]], screen, asker)?;
        plan.connection.api = Some(api.name().to_owned());
        return Ok(Found::Api(api, None));
    }
    let mut wanting = Vec::new();
    for guess in guesses {
        let asked = guess.ask(&plan.open()).await;
        let question = guess.question();
        match asked.map(|answered| guess.proven(answered)) {
            Ok(Ok(found)) => {
                screen.asked(&question, &format!("proves {}", guess.what()));
                return settled(args, plan, guess, found, screen, asker);
            }
            Ok(Err(no)) => screen.asked(&question, no),
            Err(fault) if wants_a_sign_in(&fault) => {
                screen.asked(&question, said(&fault));
                wanting.push(guess);
            }
            Err(fault) if is_final(&fault) => return Err(format!("{}: {fault}", plan.shown)),
            Err(fault) => screen.asked(&question, said(&fault)),
        }
    }
    if wanting.is_empty() {
        return Err(nobody(plan));
    }
    signed_in(args, plan, &wanting, screen, asker).await
}

/// Asks once more with the secret.
async fn signed_in(
    args: &Args,
    plan: &mut Plan,
    wanting: &[Guess],
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Found, String> {
    sign_in(args, plan, wanting, screen, asker)?;
    screen.say("  With the secret:");
    let (mut refused, mut untried) = (None, Vec::new());
    for guess in wanting {
        if let Some(missing) = plan.missing_for(guess.api) {
            untried.push(format!("{}: {missing}", guess.what()));
            continue;
        }
        let question = guess.question();
        let connection = plan.signed(guess.api);
        match guess.ask(&connection).await.map(|answered| guess.proven(answered)) {
            Ok(Ok(found)) => {
                screen.asked(&question, &format!("proves {}", guess.what()));
                plan.connection = connection;
                plan.connection.api = Some(guess.api.name().to_owned());
                return Ok(found);
            }
            Ok(Err(no)) => screen.asked(&question, no),
            Err(fault) if is_final(&fault) => return Err(plan.with_help(args, &fault.to_string())),
            Err(fault) => {
                screen.asked(&question, said(&fault));
                refused.get_or_insert(fault);
            }
        }
    }
    let more = match untried.is_empty() {
        true => String::new(),
        false => format!("\n  Not tried:\n    {}", untried.join("\n    ")),
    };
    Err(match refused {
        Some(fault) => plan.with_help(args, &format!("{fault}{more}")),
        None if untried.is_empty() => nobody(plan),
        None => format!("{}: somebody must sign in here, and something is missing{more}", plan.shown),
    })
}

/// What was proven without a secret: who signs in is settled now, unless anybody may read.
fn settled(
    args: &Args,
    plan: &mut Plan,
    guess: Guess,
    found: Found,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Found, String> {
    plan.connection.api = Some(guess.api.name().to_owned());
    if guess.sign.is_some_and(|sign| sign.is_public) {
        sign_in(args, plan, &[guess], screen, asker)?;
        if let Some(missing) = plan.missing_for(guess.api) {
            return Err(format!("{}: {missing}", plan.shown));
        }
    } else if plan.connection.secret == SecretPlace::Nowhere && guess.api.sign_in() != Usual::Bearer {
        plan.connection.sign_in = Some(SignIn::Bearer);
    }
    Ok(found)
}

/// Settles who signs in, as those need it that may be there.
fn sign_in(
    args: &Args,
    plan: &mut Plan,
    wanting: &[Guess],
    screen: &Screen,
    asker: &mut Asker,
) -> Result<(), String> {
    let takes = |guess: &Guess| format!("{} ({})", guess.what(), plan.takes(guess.api));
    let mut all: Vec<String> = wanting.iter().map(takes).collect();
    all.dedup();
    let all = all.join(", ");
    let nothing_said = plan.connection.user.is_none() && plan.connection.secret == SecretPlace::Nowhere;
    if nothing_said && wanting.iter().any(|guess| plan.needs_user(guess.api)) {
        let prompt = "Who signs in: the user, the OAuth client or the application's id (blank if a token alone is enough) > ";
        plan.connection.user = asker.text(prompt).filter(|user| !user.is_empty());
    }
    plan.settle_secret(args, screen, asker);
    if plan.connection.secret == SecretPlace::Nowhere {
        return Err(plan.with_help(args, &format!("somebody must sign in here, and nobody said who: {all}")));
    }
    let wants_token = |guess: &&Guess| plan.connection.user.is_some() && plan.lacks_token_address(guess.api);
    if wanting.iter().any(|guess| wants_token(&guess)) {
        let prompt = "Where does the MIS hand out tokens to OAuth clients? https://.. > ";
        plan.connection.token_address = asker.text(prompt).filter(|address| !address.is_empty());
        plan.check(args)?;
    }
    Ok(())
}

/// Who may be there: who is named, else whose host it is, else everybody who leaves signs, and rows that nobody knows.
fn guesses(args: &Args, plan: &Plan) -> Vec<Guess> {
    let of = |api: &&'static dyn Api| {
        let api = *api;
        let signs = api.signs().iter().map(move |sign| Guess { api, sign: Some(sign) });
        let alone = api.signs().is_empty().then_some(Guess { api, sign: None });
        signs.chain(alone)
    };
    if let Some(api) = args.asked.api.as_deref().and_then(api::by_name) {
        return of(&api).collect();
    }
    let host = plan.host();
    let is_theirs = |api: &&&'static dyn Api| {
        api.hosts().iter().any(|of| host == *of || host.ends_with(&format!(".{of}")))
    };
    if let Some(api) = api::ALL.iter().find(is_theirs) {
        return of(api).collect();
    }
    let known = api::ALL.iter().filter(|api| !api.signs().is_empty()).flat_map(of);
    known.chain([Guess { api: &Plain, sign: None }]).collect()
}

fn wants_a_sign_in(fault: &FetchFault) -> bool {
    matches!(fault.rule, "HTTP-SIGN-IN" | "HTTP-FORBIDDEN")
}

/// Asking on would not help.
fn is_final(fault: &FetchFault) -> bool {
    !matches!(
        fault.rule,
        "HTTP-SIGN-IN"
            | "HTTP-FORBIDDEN"
            | "HTTP-NOT-FOUND"
            | "HTTP-REDIRECT"
            | "HTTP-REFUSED"
            | "HTTP-SERVER"
            | "HTTP-TEXT"
            | "HTTP-SIZE"
            | "TOKEN-REFUSED"
            | "TOKEN-SHAPE"
    )
}

/// A refusal in a few words.
fn said(fault: &FetchFault) -> &'static str {
    match fault.rule {
        "HTTP-SIGN-IN" => "401: somebody must sign in",
        "HTTP-FORBIDDEN" => "403: not allowed",
        "HTTP-NOT-FOUND" => "404: nothing is there",
        "HTTP-REDIRECT" => "leads to another address, which is not followed",
        "HTTP-SERVER" => "a fault of its own (5xx)",
        "TOKEN-REFUSED" | "TOKEN-SHAPE" => "no token is handed out there",
        "HTTP-TEXT" | "HTTP-SIZE" => "an answer that is no text of ours",
        _ => "refused",
    }
}

fn nobody(plan: &Plan) -> String {
    let names: Vec<&str> = api::ALL.iter().map(|api| api.name()).collect();
    format!(
        "{}: nothing here answers like an API that we know, nor with rows of JSON; what was asked stands above. Compare the address \
         with what the MIS shows for its API: it ends before the path of the records. --api NAME asks for one alone: {}. An address \
         that the answers lead to is given as --from in the place of this one",
        plan.shown,
        names.join(", ")
    )
}
