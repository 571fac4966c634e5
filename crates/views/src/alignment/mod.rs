//! Alignment: where partners' data differ in what the same thing means, how it is called and when it is, so that people can
//! agree on it once. Measured from what came and from what was declared, never from a form.
//!
//! Rows behind which fewer learners stand than may be shown are left out. What partners agreed is held against what came since;
//! who may see or agree is not decided here.

mod alike;
mod compare;
mod names;
mod traffic;

pub use alike::Finding;
pub use compare::{Agreed, Difference, Fact, GradeLine, Kept, Report, SiteFacts, Topic, compare};
pub use names::same_subject;
pub use traffic::{Came, GRADE_DAYS, Kind, MARK_DAYS, Means, Read, Row, Tally, Traffic};
