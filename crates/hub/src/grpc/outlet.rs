//! The sending end of a response stream: bounded, in order, and with an end that does not depend on the reader.
//!
//! HTTP/2 asks a stream for its next message only when the reader has room. So a reader who takes nothing cannot be
//! told anything either: what waits for it is dropped, the verdict is left where it will be found should it read
//! again, and a little later its connection is cut.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// The verdict on a reader who took nothing waits this part of that time to be read, before the connection is cut.
const VERDICT_PART: u32 = 6;
/// How long an ending waits for its turn behind what was said before.
const ENDING: Duration = Duration::from_secs(1);

/// The stream is over; whoever wrote to it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The reader went away.
    Away,
    /// The reader took nothing for too long and was cut.
    Stalled,
}

type Verdict = Arc<Mutex<Option<Status>>>;

/// Where messages for one reader go in.
pub(crate) struct Outlet<T> {
    sender: mpsc::Sender<Result<T, Status>>,
    verdict: Verdict,
    stalled: Duration,
    cut: CancellationToken,
}

/// Where tonic takes them out.
pub(crate) struct Responses<T> {
    receiver: mpsc::Receiver<Result<T, Status>>,
    verdict: Verdict,
    over: bool,
}

/// A pair of ends. `capacity` messages wait at most; a reader who takes nothing for `stalled` is cut.
pub(crate) fn outlet<T>(
    capacity: usize,
    stalled: Duration,
    cut: CancellationToken,
) -> (Outlet<T>, Responses<T>) {
    let (sender, receiver) = mpsc::channel(capacity);
    let verdict = Verdict::default();
    let responses = Responses { receiver, verdict: verdict.clone(), over: false };
    (Outlet { sender, verdict, stalled, cut }, responses)
}

impl<T> Outlet<T> {
    /// Hands over a message; waits for room.
    pub async fn send(&self, message: T) -> Result<(), Gone> {
        match tokio::time::timeout(self.stalled, self.sender.send(Ok(message))).await {
            Ok(sent) => sent.map_err(|_| Gone::Away),
            Err(_) => {
                self.condemn(crate::status::stalled());
                Err(Gone::Stalled)
            }
        }
    }

    /// Ends the stream with an error, behind what was sent before if the reader takes that soon.
    pub async fn finish(self, status: Status) {
        let last = self.sender.send(Err(status.clone()));
        if tokio::time::timeout(ENDING, last).await.is_err() {
            self.condemn(status);
        }
    }

    /// Resolves when the reader has gone away.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }

    fn condemn(&self, status: Status) {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        let (verdict, cut, life) = (self.verdict.clone(), self.cut.clone(), self.stalled / VERDICT_PART);
        tokio::spawn(async move {
            tokio::time::sleep(life).await;
            if verdict.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                cut.cancel();
            }
        });
    }
}

impl<T> Responses<T> {
    fn verdict(&mut self) -> Option<Status> {
        self.verdict.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T> Drop for Responses<T> {
    fn drop(&mut self) {
        self.verdict(); // nobody is left to cut
    }
}

impl<T> Stream for Responses<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(status) = self.verdict() {
            self.over = true;
            return Poll::Ready(Some(Err(status)));
        }
        let next = match ready!(self.receiver.poll_recv(cx)) {
            None => self.verdict().map(Err),
            some => some,
        };
        self.over = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_stream::StreamExt;

    const STALLED: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn a_reader_who_takes_nothing_is_cut_and_finds_the_reason() {
        let cut = CancellationToken::new();
        let (outlet, mut responses) = outlet(1, STALLED, cut.clone());
        outlet.send(1).await.unwrap();
        assert!(outlet.send(2).await.is_err(), "no room for long enough");
        drop(outlet);
        let status = responses.next().await.unwrap().unwrap_err();
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
        assert!(responses.next().await.is_none());
        tokio::time::sleep(STALLED).await;
        assert!(!cut.is_cancelled(), "who reads the reason keeps the connection");
    }

    #[tokio::test]
    async fn a_reader_who_never_comes_back_loses_the_connection() {
        let cut = CancellationToken::new();
        let (outlet, _responses) = outlet(1, STALLED, cut.clone());
        outlet.send(1).await.unwrap();
        assert!(outlet.send(2).await.is_err());
        tokio::time::sleep(STALLED).await;
        assert!(cut.is_cancelled());
    }

    #[tokio::test]
    async fn an_ending_comes_behind_what_was_said_before() {
        let (outlet, mut responses) = outlet(4, STALLED, CancellationToken::new());
        outlet.send(1).await.unwrap();
        outlet.finish(crate::status::stopping()).await;
        assert_eq!(responses.next().await.unwrap().unwrap(), 1);
        assert_eq!(responses.next().await.unwrap().unwrap_err().code(), tonic::Code::Unavailable);
    }
}
