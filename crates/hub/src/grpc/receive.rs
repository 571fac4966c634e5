//! One receive stream: pages of the feed as fast as the reader takes them, and no faster. What waits, waits on disk.

use super::{
    convert,
    exchange::ExchangeDoor,
    outlet::{Outlet, Responses, outlet},
};
use crate::{doors::connection::Peer, limits::Place, metrics::Raised, settings::Limits, status};
use commonroll_exchange::{Feed, Page};
use commonroll_wire::pb::exchange::v1::ReceiveResponse;
use tonic::Status;

/// Pages that wait for the reader: one, beside the one that is being written.
const PAGES_WAITING: usize = 1;

/// Ends of a receive stream's pages.
pub(super) fn outlet_of(
    limits: &Limits,
    peer: &Peer,
) -> (Outlet<ReceiveResponse>, Responses<ReceiveResponse>) {
    outlet(PAGES_WAITING, limits.stalled(), peer.0.cut.clone())
}

/// One stream from its cursor to its end.
pub(super) struct ReceiveStream {
    pub door: ExchangeDoor,
    pub feed: Feed,
    /// True if the reader takes one path for a batch in place of one for each record.
    pub joint_paths: bool,
    pub outlet: Outlet<ReceiveResponse>,
    pub _place: Place,
}

impl ReceiveStream {
    pub async fn run(mut self) {
        let _raised = Raised::new(&self.door.metrics.receiving);
        let status = loop {
            match self.next_page().await {
                None => return,
                Some(Err(status)) => break status,
                Some(Ok(page)) => {
                    let count = page.len() as u64;
                    for message in convert::page(page, self.joint_paths) {
                        if let Err(gone) = self.outlet.send(message).await {
                            return self.door.metrics.gone(gone);
                        }
                    }
                    self.door.metrics.delivered.increment(count);
                }
            }
        };
        self.door.metrics.refused_call(status.code());
        self.outlet.finish(status).await;
    }

    /// The next page, or the error that ends the stream, or `None` when the reader has gone.
    async fn next_page(&mut self) -> Option<Result<Page, Status>> {
        tokio::select! {
            biased;
            () = self.outlet.closed() => None,
            () = self.door.stopping.cancelled() => Some(Err(status::stopping())),
            page = self.feed.next(self.door.around.clock.as_ref()) => Some(page.map_err(status::of_feed)),
        }
    }
}
