//! The services: a handler reads, calls the exchange once, and answers. Rules live in `exchange`, errors in `status`.

mod agreement;
mod alignment;
mod audit;
pub(crate) mod convert;
pub(crate) mod decided;
pub(crate) mod directory;
mod duty;
mod enrolment;
mod exchange;
mod explain;
pub(crate) mod outlet;
mod people;
mod policy;
mod publish;
mod readiness;
mod receive;
mod subject;
mod trial;
mod unmatched;

pub(crate) use agreement::Agreements;
pub(crate) use audit::Audit;
pub(crate) use convert::sealed;
pub(crate) use directory::Directory;
pub(crate) use duty::Duty;
pub(crate) use enrolment::Enrolment;
pub(crate) use exchange::ExchangeDoor;
pub(crate) use people::People;
pub(crate) use policy::Policies;
pub(crate) use readiness::ReadinessDoor;
pub(crate) use subject::Subjects;

use crate::{doors::connection::Peer, status};
use commonroll_exchange::{PersonSpeaker, Speaker};
use tonic::{Request, Status};

/// The agent that `identify` has put into the request. A person is told that this is not theirs.
fn speaker<T>(request: &Request<T>) -> Result<Speaker, Status> {
    let extensions = request.extensions();
    extensions.get::<Speaker>().cloned().ok_or_else(|| match extensions.get::<PersonSpeaker>() {
        Some(_) => status::not_allowed(),
        None => status::stranger(),
    })
}

/// The person that `identify` has put into the request. An agent is told that this is not for it.
fn person<T>(request: &Request<T>) -> Result<PersonSpeaker, Status> {
    let extensions = request.extensions();
    extensions.get::<PersonSpeaker>().cloned().ok_or_else(|| match extensions.get::<Speaker>() {
        Some(_) => status::not_allowed(),
        None => status::stranger(),
    })
}

/// The connection that a request came on.
fn peer<T>(request: &Request<T>) -> Result<Peer, Status> {
    request.extensions().get::<Peer>().cloned().ok_or_else(status::stranger)
}
