//! Errors as gRPC says them: one place, after the table "How to answer" (`ARCHITECTURE.md`).
//!
//! A message names a field, a rule or what was expected; it never repeats a value, a name or a path, and never tells
//! whether a learner exists.

use bytes::Bytes;
use commonroll_core::Invalid;
use commonroll_exchange::{
    AckError, AdminError, AskError, ClockAhead, FeedError, JoinError, LawError, NotAllowed, PublishError,
    ReadError, withdrawal::AnswerError,
};
use std::time::Duration;
use tonic::{Code, Status, metadata::MetadataMap};

/// Metadata that carries the number which the next batch must have.
pub const EXPECTED_BATCH_NUMBER: &str = "expected-batch-number";
/// Metadata that says after how many milliseconds to try again; `google.rpc.RetryInfo` in the details says the same.
pub const RETRY_AFTER_MS: &str = "retry-after-ms";

/// Lines at fault in one message at most, characters of one, and bytes of all.
const FAULTS_MAX: usize = 20;
const FAULT_CHARS: usize = 400;
const FAULTS_BYTES: usize = 2_000;

/// When to try again after a full disk.
const ROOM: Duration = Duration::from_secs(5);

/// Nobody whom the hub knows is speaking, or they may no longer speak.
pub(crate) fn stranger() -> Status {
    Status::unauthenticated(
        "the hub does not know you, or you were revoked; ask the data manager for an invitation",
    )
}

/// Known, but not allowed, or not there: one wording for both.
pub(crate) fn not_allowed() -> Status {
    Status::permission_denied("not allowed, or not there")
}

/// The answer to a speaker who may not speak, or not about this.
pub(crate) fn of_speaker(who: NotAllowed) -> Status {
    match who {
        NotAllowed::Unknown => stranger(),
        NotAllowed::Denied => not_allowed(),
    }
}

/// An invitation or a renewal that does not hold: one wording for every reason.
pub(crate) fn no_entry() -> Status {
    Status::unauthenticated("the hub does not accept this; ask the data manager for a new invitation")
}

/// A field breaks a rule.
pub(crate) fn invalid(invalid: &Invalid) -> Status {
    Status::invalid_argument(invalid.to_string())
}

/// Too much, too big or too fast.
pub(crate) fn too_much(what: &'static str, retry: Duration) -> Status {
    let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX).max(1);
    let mut metadata = MetadataMap::new();
    metadata.insert(RETRY_AFTER_MS, retry_ms.into());
    let details = retry_info(Code::ResourceExhausted, what, retry);
    Status::with_details_and_metadata(Code::ResourceExhausted, what, details, metadata)
}

/// Cannot be made durable just now.
pub(crate) fn unavailable() -> Status {
    Status::unavailable("the hub cannot write to its log just now; try again in a moment")
}

/// The hub's clock can't be believed.
pub(crate) fn clock_ahead(ahead: ClockAhead) -> Status {
    Status::unavailable(ahead.to_string())
}

/// The hub stops.
pub(crate) fn stopping() -> Status {
    Status::unavailable("the hub is stopping; connect again in a moment")
}

/// A reader took nothing for too long.
pub(crate) fn stalled() -> Status {
    Status::deadline_exceeded(
        "nothing was read from this stream for too long; open it again from the last cursor",
    )
}

fn damaged() -> Status {
    Status::data_loss("stored bytes are damaged; the hub's operator has been told")
}

pub(crate) fn of_publish(error: PublishError) -> Status {
    match error {
        PublishError::NotAllowed(who) => of_speaker(who),
        PublishError::Impersonation => not_allowed(),
        PublishError::Gap { expected } => {
            let text = format!("batch numbers have a gap: the next batch must carry number {expected}");
            let mut status = Status::failed_precondition(text);
            status.metadata_mut().insert(EXPECTED_BATCH_NUMBER, expected.into());
            status
        }
        PublishError::Invalid(broken) => invalid(&broken),
        PublishError::Full => too_much("the hub's disk is full; keep everything and try again", ROOM),
        PublishError::Clock(ahead) => clock_ahead(ahead),
        PublishError::Unavailable => unavailable(),
    }
}

pub(crate) fn of_feed(error: FeedError) -> Status {
    match error {
        FeedError::NotAllowed(who) => of_speaker(who),
        FeedError::Closed => stopping(),
        FeedError::Clock(ahead) => clock_ahead(ahead),
        FeedError::Unavailable => unavailable(),
        FeedError::Damaged => damaged(),
    }
}

pub(crate) fn of_answer(error: AnswerError) -> Status {
    match error {
        AnswerError::NotAllowed(who) => of_speaker(who),
        AnswerError::Invalid(broken) => invalid(&broken),
        AnswerError::TooOften => {
            too_much("the word about a session code was changed too often", Duration::from_secs(3_600))
        }
        AnswerError::Unavailable => unavailable(),
    }
}

/// Why an acknowledgement was not taken.
pub(crate) fn of_acknowledge(error: AckError) -> Status {
    match error {
        AckError::NotAllowed(who) => of_speaker(who),
        AckError::OutOfRange { .. } => Status::out_of_range("field `cursor`: lies beyond what was sent"),
        AckError::Invalid(broken) => invalid(&broken),
        AckError::Unavailable => unavailable(),
    }
}

pub(crate) fn of_declare(error: AdminError) -> Status {
    match error {
        AdminError::NotAllowed(who) => of_speaker(who),
        AdminError::Invalid(broken) => invalid(&broken),
        AdminError::Missing(_) | AdminError::Entry { .. } => not_allowed(),
        AdminError::Unavailable => unavailable(),
    }
}

/// What whoever was refused too often is told, and for how long.
const SLOWED: &str = "too much of what you asked or tried was refused; wait ten minutes";
const SLOWED_FOR: Duration = Duration::from_secs(600);

pub(crate) fn of_ask(error: &AskError) -> Status {
    match error {
        AskError::NotAllowed(who) => of_speaker(*who),
        AskError::Slowed => too_much(SLOWED, SLOWED_FOR),
        AskError::TooMuch(_) => Status::resource_exhausted(error.to_string()),
        AskError::Unavailable => unavailable(),
    }
}

/// Why a change of the rules or of an agreement was not taken; the lines at fault, where there are some.
pub(crate) fn of_law(error: &LawError) -> Status {
    match error {
        LawError::NotAllowed(who) => of_speaker(*who),
        LawError::Slowed => too_much(SLOWED, SLOWED_FOR),
        LawError::Invalid(broken) => invalid(broken),
        LawError::Faults(lines) => Status::invalid_argument(told(lines)),
        LawError::State(what) => Status::failed_precondition(*what),
        LawError::Unavailable => unavailable(),
    }
}

/// Lines as one message: it travels in a header, which has a limit.
fn told(lines: &[String]) -> String {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let line: String = line.chars().filter(|c| !c.is_control()).take(FAULT_CHARS).collect();
        if at == FAULTS_MAX || text.len() + line.len() > FAULTS_BYTES {
            return format!("{text}\nand {} more", lines.len() - at);
        }
        if at > 0 {
            text.push('\n');
        }
        text.push_str(&line);
    }
    text
}

pub(crate) fn of_read(error: &ReadError) -> Status {
    match error {
        ReadError::NotAllowed(who) => of_speaker(*who),
        ReadError::TooMany => too_much("too many readings were refused to you; wait ten minutes", SLOWED_FOR),
        ReadError::TooMuch(_) => Status::resource_exhausted(error.to_string()),
        ReadError::Unavailable => unavailable(),
    }
}

pub(crate) fn of_join(error: JoinError) -> Status {
    match error {
        JoinError::Refused => no_entry(),
        JoinError::TooMany { retry } => too_much("too many failed attempts from this address", retry),
        JoinError::Unavailable => unavailable(),
    }
}

/// What tonic itself says of bytes that are no message, in our words. Other statuses pass as they are.
///
/// tonic answers INTERNAL for malformed bytes and OUT_OF_RANGE for a message over the limit.
pub(crate) fn of_transport(status: &Status) -> Option<Status> {
    let text = status.message();
    match status.code() {
        Code::OutOfRange if text.contains("message length too large") => Some(too_much(
            "the message is larger than the hub takes; send smaller batches",
            Duration::from_secs(1),
        )),
        Code::Internal if text.contains("failed to decode Protobuf") => Some(Status::invalid_argument(
            format!("field `{}`: is not encoded as the schema says", field_of(text)),
        )),
        Code::Internal if text.contains("compression flag") || text.contains("EOF decoding") => {
            Some(Status::invalid_argument("field `message`: is not a whole gRPC message"))
        }
        Code::Internal if text.contains("Missing request message") => {
            Some(Status::invalid_argument("field `message`: must be given"))
        }
        _ => None,
    }
}

/// The innermost field that prost names in a decoding error (it comes first); nothing else of its text is passed on.
fn field_of(text: &str) -> &str {
    let named = |part: &&str| {
        let (message, field) = part.split_once('.').unwrap_or((part, ""));
        let word =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        word(message) && word(field)
    };
    text.split(": ").find(named).map_or("message", |part| part.rsplit('.').next().unwrap_or(part))
}

/// A `google.rpc.Status` with one `google.rpc.RetryInfo`, encoded by hand: five fields are not worth a dependency.
fn retry_info(code: Code, message: &str, retry: Duration) -> Bytes {
    use prost::encoding::{encode_varint, int32, int64, string};
    let nested = |tag: u64, inner: &[u8], out: &mut Vec<u8>| {
        encode_varint(tag << 3 | 2, out);
        encode_varint(inner.len() as u64, out);
        out.extend_from_slice(inner);
    };
    let (mut delay, mut info, mut any, mut status) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    int64::encode(1, &i64::try_from(retry.as_secs()).unwrap_or(i64::MAX), &mut delay);
    int32::encode(2, &i32::try_from(retry.subsec_nanos()).unwrap_or(0), &mut delay);
    nested(1, &delay, &mut info);
    string::encode(1, &"type.googleapis.com/google.rpc.RetryInfo".to_owned(), &mut any);
    nested(2, &info, &mut any);
    int32::encode(1, &(code as i32), &mut status);
    string::encode(2, &message.to_owned(), &mut status);
    nested(3, &any, &mut status);
    Bytes::from(status)
}

/// A status code as a label of a metric.
pub(crate) fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoding_error_names_the_field_and_no_value() {
        let said = "failed to decode Protobuf message: BatchSeal.source: PublishRequest.seal: invalid string value: \
                    data is not UTF-8 encoded";
        let status = of_transport(&Status::internal(said)).unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "field `source`: is not encoded as the schema says");
        let bare =
            of_transport(&Status::internal("failed to decode Protobuf message: invalid key value: 4711"));
        assert_eq!(bare.unwrap().message(), "field `message`: is not encoded as the schema says");
        assert!(of_transport(&Status::internal("anything else")).is_none());
    }

    #[test]
    fn too_much_says_when_to_try_again_in_both_forms() {
        let status = too_much("slow down", Duration::from_millis(1_500));
        assert_eq!(status.metadata().get(RETRY_AFTER_MS).unwrap(), "1500");
        // google.rpc.Status: code 8, message, then RetryInfo { seconds: 1, nanos: 500000000 }.
        let details = status.details();
        assert_eq!(&details[..2], [0x08, 8]);
        assert!(details.ends_with(&[0x08, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]));
    }
}
