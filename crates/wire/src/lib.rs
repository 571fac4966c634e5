//! The shared schema as Rust: generated messages, strict reading into `core`'s words, and sealed records.
//!
//! Every byte that comes from outside passes through here once. What comes out of a `read_` or [`open`] keeps every
//! rule of the schema; what does not is an [`Invalid`](commonroll_core::Invalid) that names the field. Bytes that a
//! source signed are never rewritten, so that its signature holds wherever they go.
//!
//! What is not here: connections, files, clocks, and any decision on who may publish or see what.
//! The signed texts are described for strangers in `proto/README.md`.

pub mod agreement;
pub mod aside;
pub mod assessment;
pub mod attendance;
pub mod batch;
pub mod behaviour;
mod body;
pub mod codec;
pub mod day;
pub mod decided;
pub mod delivery;
pub mod directory;
mod expected;
mod head;
pub mod identity;
pub mod institution;
pub mod outcome;
pub mod pb;
mod put;
mod read;
pub mod receipt;
pub mod renewal;
pub mod seal;
pub mod sources;
pub mod webhook;
pub mod withdrawal;

pub use agreement::{read_agreement, write_agreement};
pub use aside::{read_aside, write_aside};
pub use batch::{BATCH_MAX, BatchError, OpenedBatch, open_batch, seal_batch};
pub use body::read as read_body;
pub use day::{Held, day_root};
pub use decided::{
    SessionCode, SessionCodeAnswer, SessionCodeOutcome, SessionOf, read_session_code,
    read_session_code_answers, session_code_id, write_session_code, write_session_code_answer,
};
pub use delivery::{Delivered, DeliveryError, alone, path_bytes, verify_delivery};
pub use directory::{read_declaration, write_declaration};
pub use head::{read_kind, write_kind};
pub use identity::record_id;
pub use institution::{read_institution, write_institution};
pub use outcome::{
    DeclarationAnswer, RecordAnswer, Refusal, read_declaration_answer, read_record_answer,
    write_declaration_answer, write_record_answer,
};
pub use pb::DESCRIPTOR;
pub use receipt::{acknowledge, verify_acknowledgement};
pub use renewal::{renewal_text, sign_person_renewal, sign_renewal, verify_renewal};
pub use seal::{Frame, HEAD, HEAD_BIT, Opened, Sealed, claimed_id, frame, open, open_framed, redact, seal};
pub use sources::{read_source, write_source};
pub use webhook::{SIGNATURE_HEADER, WebhookKey};
pub use withdrawal::{
    COPIES_MAX, CopyAnswer, Notice, WithdrawnCopy, answer_withdrawal, read_answers, read_notice,
};
