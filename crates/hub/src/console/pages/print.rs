//! Pages on paper: set one at a time, since setting takes a processor, and handed out as PDF.

use super::super::refusal::Refusal;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use commonroll_report::ReportError;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a page waits for the one before it.
const PATIENCE: Duration = Duration::from_secs(5);

static PRESS: Semaphore = Semaphore::const_new(1);

/// The press, for one page. It is taken before anything is asked of the exchange, so that nobody waits with names in hand.
pub struct Press(SemaphorePermit<'static>);

impl Press {
    /// Waits for the press a while.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] if others print for too long.
    pub async fn free() -> Result<Self, Refusal> {
        match tokio::time::timeout(PATIENCE, PRESS.acquire()).await {
            Ok(Ok(permit)) => Ok(Self(permit)),
            _ => Err(Refusal::Unavailable),
        }
    }

    /// Sets a page. The press is free again when that is done, also if nobody waits for it any more.
    pub async fn print(
        self,
        name: &'static str,
        set: impl FnOnce() -> Result<Vec<u8>, ReportError> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let work = tokio::task::spawn_blocking(move || {
            let set = set();
            drop(self.0);
            set
        });
        let bytes = work.await.map_err(|_| Refusal::Broken)?.map_err(|error| {
            tracing::error!(%error, "a page could not be printed");
            Refusal::Broken
        })?;
        let headers = [
            (header::CONTENT_TYPE, "application/pdf".to_owned()),
            (header::CONTENT_DISPOSITION, format!("inline; filename=\"{name}.pdf\"")),
        ];
        Ok((headers, bytes).into_response())
    }
}
