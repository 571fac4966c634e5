//! The services: a handler reads, calls the exchange once, and answers. Rules live in `exchange`, errors in `status`.

mod audit;
mod convert;
mod directory;
mod enrolment;
mod exchange;
pub(crate) mod outlet;
mod publish;
mod receive;

pub(crate) use audit::Audit;
pub(crate) use directory::Directory;
pub(crate) use enrolment::Enrolment;
pub(crate) use exchange::ExchangeDoor;

use crate::{doors::connection::Peer, status};
use commonroll_exchange::Speaker;
use tonic::{Request, Status};

/// The speaker that `identify` has put into the request.
fn speaker<T>(request: &Request<T>) -> Result<Speaker, Status> {
    request.extensions().get::<Speaker>().cloned().ok_or_else(status::stranger)
}

/// The connection that a request came on.
fn peer<T>(request: &Request<T>) -> Result<Peer, Status> {
    request.extensions().get::<Peer>().cloned().ok_or_else(status::stranger)
}
