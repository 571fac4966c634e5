//! The generated messages and services, one module per package: `pb::record::v1`, `pb::exchange::v1` ...
//!
//! Nothing is written by hand here but `Debug` for what is personal, which says its kind and never its values.

use std::fmt;

mod generated {
    #![expect(
        missing_docs,
        clippy::allow_attributes,
        reason = "what prost and tonic write is not ours to change"
    )]
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

pub use generated::commonroll::*;

/// The schema as an encoded `FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.binpb"));

/// Gives a message a `Debug` that prints its name alone.
macro_rules! hide {
    ($($package:ident :: $message:ident),+ $(,)?) => {$(
        impl fmt::Debug for $package::v1::$message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($message), "(..)"))
            }
        }
    )+};
}

// The same list is in `build.rs`.
hide! {
    assessment::AssessmentComment,
    assessment::Result,
    attendance::AttendanceNote,
    attendance::Presence,
    attendance::Register,
    attendance::SourceCode,
    audit::WhoSawRequest,
    behaviour::Event,
    behaviour::InternalComment,
    behaviour::Involvement,
    behaviour::ShareSafeText,
    directory::OverviewResponse,
    duty::EraseRequest,
    duty::PackPiece,
    enrolment::JoinRequest,
    exchange::DeliveredRecord,
    exchange::SessionCode,
    exchange::SessionCodeAnswer,
    exchange::WithdrawnCopy,
    institution::Staff,
    learner::Learner,
    notice::Notice,
    people::InviteRequest,
    people::InviteResponse,
    people::OpenInvitation,
    people::Person,
    placement::PlacementAcceptance,
    placement::PlacementDeclaration,
    placement::PlacementEnd,
    policy::ExplainRequest,
    policy::TryLine,
    readiness::OpenMatch,
    record::FieldGroup,
    record::RecordHead,
    subject::Card,
    subject::Declared,
    subject::Emergency,
    subject::EmergencyReview,
    subject::ExportRequest,
    subject::OpenEmergencyRequest,
    subject::PresenceToday,
    subject::ReadRequest,
    subject::ReviewEmergencyRequest,
    subject::ShownRecord,
    support::EmergencyContact,
    support::SupportNote,
}
