//! `commonroll person`: join as a person, say who one is, invite, approve, list, revoke. And for every other command that
//! acts as a person: [`connect`].
//!
//! No command takes a name as proof: what is shown or changed is decided at the hub, for the key in the person's folder
//! and the one role in use.

use crate::{
    commands::{
        line::{hex, printable},
        told,
    },
    real::{Real, now},
};
use clap::Subcommand;
use commonroll_agent::{AgentError, HubError, PersonIdentity, durable};
use commonroll_audit::{approval::Approves, sha256};
use commonroll_core::{PersonId, Role, Slug};
use commonroll_wire::pb::people::v1::{
    ApproveRequest, InviteRequest, ListRequest, ListResponse, OpenInvitation, Person, RevokeRequest,
    SetAccessRequest, WhoamiRequest, people_service_client::PeopleServiceClient,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use tonic::{Code, Status, transport::Channel};

/// Digits of a text's hash that name it well enough to approve it.
const DIGITS_MIN: usize = 16;

/// As whom a command acts.
#[derive(clap::Args, Clone)]
pub struct As {
    /// The person's folder [default: ~/.config/commonroll/person]
    #[arg(id = "as", long = "as", value_name = "DIR", env = "COMMONROLL_PERSON")]
    pub dir: Option<PathBuf>,
    /// The one role in use; who holds one alone may leave it out
    #[arg(long, value_name = "ROLE")]
    pub in_role: Option<Role>,
}

/// A person who is connected to the hub, in one role.
pub struct Caller {
    /// For any service of the hub.
    pub channel: Channel,
    /// Their folder: id, institution, and the key that approves.
    pub identity: PersonIdentity,
    /// The role in use, for the request.
    pub role: Role,
}

/// The commands of a person.
#[derive(Subcommand)]
pub enum PersonCommand {
    /// Use up an invitation: make this person's key and enrol it at the hub
    Join {
        /// File with the invitation's one line; - for standard input
        invitation: PathBuf,
        /// The folder to make [default: ~/.config/commonroll/person]
        #[arg(long, value_name = "DIR", env = "COMMONROLL_PERSON")]
        dir: Option<PathBuf>,
    },
    /// Show who the hub says you are
    Whoami(As),
    /// Invite a person to your institution; an office (head, data_manager, dpo, consortium_lead) needs a second person
    Invite {
        #[command(flatten)]
        by: As,
        /// Your institution's slug
        institution: Slug,
        /// What they are to be: head, teacher, tutor, head_of_sixth, attendance_officer, data_manager, dpo,
        /// consortium_lead, technician, learner, parent, program (repeat for more)
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
        /// Their name
        #[arg(long)]
        name: String,
        /// Their id as staff in your system, so that they see the groups that they teach
        #[arg(long, value_name = "ID")]
        staff: Option<String>,
        /// The learner, or the parent's child, by the id in your system
        #[arg(long, value_name = "ID")]
        learner: Option<String>,
        /// Hours for which the invitation is good, 72 at most
        #[arg(long, default_value_t = 72)]
        hours: u32,
        /// File for the invitation's one line; hand it over safely
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what waits for your approval; with the hash of a text that you have read, approve exactly that text
    Approve {
        #[command(flatten)]
        by: As,
        /// The text's hash as shown, or its first 16 digits
        hash: Option<String>,
    },
    /// Show the people of your institution and the invitations that nobody has used
    List(As),
    /// Let the learners of your institution and their parents see the learner's own record, or no longer
    Access {
        #[command(flatten)]
        by: As,
        /// on or off
        #[arg(value_parser = ["on", "off"])]
        state: String,
    },
    /// End a person's access at once
    Revoke {
        #[command(flatten)]
        by: As,
        /// The person's id
        person: PersonId,
    },
}

/// Runs a person's command.
pub async fn run(command: PersonCommand) -> Result<ExitCode, String> {
    match command {
        PersonCommand::Join { invitation, dir } => join(&invitation, dir).await?,
        PersonCommand::Whoami(by) => whoami(&by).await?,
        PersonCommand::Invite { by, institution, roles, name, staff, learner, hours, out } => {
            let request = InviteRequest {
                institution: institution.to_string(),
                name,
                roles: roles.iter().map(ToString::to_string).collect(),
                staff_local_id: staff.unwrap_or_default(),
                learner_local_id: learner.unwrap_or_default(),
                valid_seconds: hours.saturating_mul(3600),
                ..InviteRequest::default()
            };
            invite(&by, request, &out).await?;
        }
        PersonCommand::Approve { by, hash } => approve(&by, hash.as_deref()).await?,
        PersonCommand::List(by) => list(&by).await?,
        PersonCommand::Access { by, state } => access(&by, state == "on").await?,
        PersonCommand::Revoke { by, person } => revoke(&by, person).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Connects to the hub as the person whose folder it is, in one role. A certificate past half of its life is renewed
/// first. Errors say what to do: how to join, that the hub can't be reached, or that access has ended.
pub async fn connect(by: &As) -> Result<Caller, String> {
    let folder = folder(by.dir.clone())?;
    let identity = PersonIdentity::load(&folder).map_err(told)?;
    let role = role_in_use(&identity, by.in_role)?;
    let identity = identity.fresh(&folder, now()).await.map_err(|error| match error {
        AgentError::Hub(HubError::NotKnown) => ended(),
        other => told(other),
    })?;
    let channel = identity.connect().await.map_err(|error| format!("{}: {error}", identity.card.hub))?;
    Ok(Caller { channel, identity, role })
}

/// A refusal by the hub, in words for the person.
pub fn refused(status: &Status) -> String {
    match status.code() {
        Code::Unauthenticated => ended(),
        Code::PermissionDenied => {
            "the hub does not allow this to you in this role, or it is not there; `commonroll person whoami` shows your \
             roles"
                .to_owned()
        }
        Code::Unavailable => format!("the hub can't answer just now, try again: {}", plain(status)),
        _ => plain(status),
    }
}

fn plain(status: &Status) -> String {
    printable(status.message()).chars().take(300).collect()
}

fn ended() -> String {
    "the hub does not accept this folder: your access has ended, or it was not used for 90 days; ask your head or data \
     manager for a new invitation"
        .to_owned()
}

/// The folder that was named, or the one in the user's own settings.
fn folder(named: Option<PathBuf>) -> Result<PathBuf, String> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named
        .or_else(|| set("XDG_CONFIG_HOME").map(|at| at.join("commonroll/person")))
        .or_else(|| set("HOME").or_else(|| set("USERPROFILE")).map(|at| at.join(".config/commonroll/person")))
        .ok_or_else(|| "say which folder is yours: --as DIR, or COMMONROLL_PERSON".to_owned())
}

fn role_in_use(identity: &PersonIdentity, named: Option<Role>) -> Result<Role, String> {
    let roles = &identity.card.roles;
    match (named, roles.first()) {
        (Some(role), _) => Ok(role),
        (None, Some(role)) if roles.len() == 1 => Ok(*role),
        _ => {
            let held: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            Err(format!("you may be {}: say which you are now with --in-role", held.join(", ")))
        }
    }
}

async fn join(invitation: &Path, dir: Option<PathBuf>) -> Result<(), String> {
    let folder = folder(dir)?;
    let text = match invitation.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()).map_err(told)?,
        _ => std::fs::read_to_string(invitation).map_err(|e| format!("{}: {e}", invitation.display()))?,
    };
    let card = commonroll_agent::person::join(text.trim(), &folder, now(), &Real).await.map_err(told)?;
    let roles: Vec<_> = card.roles.iter().map(|role| role.as_str()).collect();
    println!("joined {} as {}; your key is in {}", card.institution, roles.join(", "), folder.display());
    println!("keep the folder to yourself: who has it acts as you");
    Ok(())
}

async fn whoami(by: &As) -> Result<(), String> {
    // Who one is does not depend on the role in use.
    let first = PersonIdentity::load(&folder(by.dir.clone())?).map_err(told)?.card.roles.first().copied();
    let caller = connect(&As { dir: by.dir.clone(), in_role: by.in_role.or(first) }).await?;
    let mut people = PeopleServiceClient::new(caller.channel);
    let answer = people.whoami(WhoamiRequest {}).await.map_err(|status| refused(&status))?;
    let person = answer.into_inner().person.ok_or("the hub's answer is not whole")?;
    println!("{}", row(&person));
    println!("hub {}  certificate good until {}", caller.identity.card.hub, caller.identity.valid.1);
    Ok(())
}

async fn invite(by: &As, request: InviteRequest, out: &Path) -> Result<(), String> {
    if out.exists() {
        return Err(format!("{} is there already; name a new file", out.display()));
    }
    let caller = connect(by).await?;
    let mut people = PeopleServiceClient::new(caller.channel);
    let request = InviteRequest { role: caller.role.to_string(), ..request };
    let made = people.invite(request).await.map_err(|status| refused(&status))?.into_inner();
    let line = format!("{}\n", made.invitation);
    durable::replace(out, line.as_bytes(), durable::Readers::Owner)
        .map_err(|e| format!("{}: {e}", out.display()))?;
    println!("invitation in {}: hand it over safely; it works once", out.display());
    if made.needs_second {
        println!(
            "it is good once a second person has approved it, and refused until then: commonroll person approve"
        );
    }
    Ok(())
}

async fn approve(by: &As, hash: Option<&str>) -> Result<(), String> {
    let caller = connect(by).await?;
    let listed = listed(&caller).await?;
    let waiting: Vec<_> = listed.invitations.into_iter().filter(|open| open.approvable).collect();
    let Some(named) = hash else {
        println!("{} to approve", waiting.len());
        waiting.iter().for_each(show);
        return Ok(());
    };
    let named = named.to_ascii_lowercase();
    if named.len() < DIGITS_MIN {
        return Err(format!("give at least {DIGITS_MIN} digits of the hash that `person approve` shows"));
    }
    let open = waiting.iter().find(|open| hex(&sha256(open.text.as_bytes())).starts_with(&named));
    let open = open.ok_or("no text with this hash waits for you; look again with `person approve`")?;
    let signature = caller.identity.approve(Approves::Act, &sha256(open.text.as_bytes()));
    let request = ApproveRequest {
        role: caller.role.to_string(),
        invitation_hash: open.invitation_hash.clone(),
        signature: signature.to_vec().into(),
    };
    let mut people = PeopleServiceClient::new(caller.channel);
    people.approve(request).await.map_err(|status| refused(&status))?;
    show(open);
    println!("approved");
    Ok(())
}

async fn list(by: &As) -> Result<(), String> {
    let caller = connect(by).await?;
    let listed = listed(&caller).await?;
    println!("{} people", listed.people.len());
    listed.people.iter().for_each(|person| println!("{}", row(person)));
    println!("learners and parents: {}", if listed.access_on { "let in" } else { "not let in" });
    println!("\n{} open invitations", listed.invitations.len());
    listed.invitations.iter().for_each(show);
    Ok(())
}

async fn access(by: &As, on: bool) -> Result<(), String> {
    let caller = connect(by).await?;
    let mut people = PeopleServiceClient::new(caller.channel);
    let request = SetAccessRequest { role: caller.role.to_string(), on };
    people.set_access(request).await.map_err(|status| refused(&status))?;
    let may = if on { "may now see" } else { "no longer see" };
    println!(
        "learners of {} and their parents {may} the learner's own record",
        caller.identity.card.institution
    );
    Ok(())
}

async fn revoke(by: &As, person: PersonId) -> Result<(), String> {
    let caller = connect(by).await?;
    let request = RevokeRequest { role: caller.role.to_string(), person_id: person.0.to_vec().into() };
    let mut people = PeopleServiceClient::new(caller.channel);
    people.revoke(request).await.map_err(|status| refused(&status))?;
    println!("the access of {person} has ended");
    Ok(())
}

async fn listed(caller: &Caller) -> Result<ListResponse, String> {
    let request = ListRequest { role: caller.role.to_string(), purpose: "administration".to_owned() };
    let mut people = PeopleServiceClient::new(caller.channel.clone());
    Ok(people.list(request).await.map_err(|status| refused(&status))?.into_inner())
}

fn show(open: &OpenInvitation) {
    let state = match (open.waiting, open.approvable) {
        (true, true) => "waits for you",
        (true, false) => "waits for a second person",
        (false, _) => "ready to be used",
    };
    let hash = hex(&sha256(open.text.as_bytes()));
    println!("\n{hash}  {state}");
    if open.approvable {
        println!(
            "  read what follows, then approve it with: commonroll person approve {}",
            &hash[..DIGITS_MIN]
        );
    }
    open.text.lines().for_each(|line| println!("  {}", printable(line)));
}

fn row(person: &Person) -> String {
    let id = PersonId::from_slice(&person.person_id).map_or_else(|_| String::new(), |id| id.to_string());
    let ended = if person.revoked_at_us == 0 { "" } else { "  ENDED" };
    format!("{id}  {}  {}  {}{ended}", person.institution, printable(&person.name), person.roles.join(", "))
}
