//! Pure folds over what institutions said. No I/O, no clock: whoever feeds a view says what time it is.
//!
//! [`whereabouts`] says of each learner who is expected somewhere where they are, as far as anybody knows, and whom to
//! tell. [`progress`] sums what a consortium's lead may see, so that no sum gives a learner away. A view can be dropped and
//! fed again: it ends where it was. What it says is shown to nobody without a permit; that is not decided here. [`watch`] says
//! whether somebody's attendance or grades have dropped, and [`readiness`] how tight a partner's data is; [`alignment`]
//! where partners' data differ in what they mean.

pub mod alignment;
mod by_day;
pub mod progress;
pub mod readiness;
pub mod watch;
pub mod whereabouts;

pub use by_day::Shelf;
