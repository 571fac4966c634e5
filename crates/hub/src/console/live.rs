//! Live updates: the server only says that there is something new; the page then asks for it as it asks for any page, so
//! that every look is decided and noted. Nothing about anybody travels here.

use super::{Console, signed::Signed};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use std::{convert::Infallible, time::Duration};
use tokio::sync::watch;

/// The session is looked at again this often, news or none.
const LOOK: Duration = Duration::from_secs(15);

/// Says `changed` whenever the number changes, for as long as the session is good and the hub runs.
pub(super) fn news(
    console: Console,
    signed: Signed,
    changes: watch::Receiver<u64>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (stop, id, role) = (console.stopping.clone(), signed.secret.id(), signed.role());
    let stream = stream::unfold((console, changes), move |(console, mut changes)| {
        let stop = stop.clone();
        async move {
            tokio::select! {
                () = stop.cancelled() => return None,
                changed = changes.changed() => changed.ok()?,
                () = tokio::time::sleep(LOOK) => {}
            }
            // Whoever was signed out, or lost the role, hears nothing more.
            let seen = console.exchange.session(&id, false, console.around.now()).await.ok()?;
            let event = Event::default().event("changed").data(changes.borrow_and_update().to_string());
            (seen.role == role).then_some((Ok(event), (console, changes)))
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(LOOK))
}
