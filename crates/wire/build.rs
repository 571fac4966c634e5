//! Compiles every `.proto` under `proto/` into Rust, without a system protoc.
//!
//! Files are found by walking, so a new package needs no line here. Messages that can hold something personal get no
//! derived `Debug`: `src/pb.rs` gives them one that hides their values.

use prost::Message;
use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// Messages whose `Debug` must not print values. The same list is in `src/pb.rs`; leaving one out there does not compile.
const PERSONAL: &[&str] = &[
    ".commonroll.assessment.v1.AssessmentComment",
    ".commonroll.assessment.v1.Result",
    ".commonroll.attendance.v1.AttendanceNote",
    ".commonroll.attendance.v1.Presence",
    ".commonroll.attendance.v1.Register",
    ".commonroll.attendance.v1.SourceCode",
    ".commonroll.audit.v1.WhoSawRequest",
    ".commonroll.behaviour.v1.Event",
    ".commonroll.behaviour.v1.InternalComment",
    ".commonroll.behaviour.v1.Involvement",
    ".commonroll.behaviour.v1.ShareSafeText",
    ".commonroll.directory.v1.OverviewResponse",
    ".commonroll.duty.v1.EraseRequest",
    ".commonroll.duty.v1.PackPiece",
    ".commonroll.enrolment.v1.JoinRequest",
    ".commonroll.exchange.v1.DeliveredRecord",
    ".commonroll.exchange.v1.SessionCode",
    ".commonroll.exchange.v1.SessionCodeAnswer",
    ".commonroll.exchange.v1.WithdrawnCopy",
    ".commonroll.institution.v1.Staff",
    ".commonroll.learner.v1.Learner",
    ".commonroll.notice.v1.Notice",
    ".commonroll.people.v1.InviteRequest",
    ".commonroll.people.v1.InviteResponse",
    ".commonroll.people.v1.OpenInvitation",
    ".commonroll.people.v1.Person",
    ".commonroll.placement.v1.PlacementAcceptance",
    ".commonroll.placement.v1.PlacementDeclaration",
    ".commonroll.placement.v1.PlacementEnd",
    ".commonroll.policy.v1.ExplainRequest",
    ".commonroll.policy.v1.TryLine",
    ".commonroll.readiness.v1.OpenMatch",
    ".commonroll.record.v1.FieldGroup",
    ".commonroll.record.v1.RecordHead",
    ".commonroll.subject.v1.Card",
    ".commonroll.subject.v1.Declared",
    ".commonroll.subject.v1.Emergency",
    ".commonroll.subject.v1.EmergencyReview",
    ".commonroll.subject.v1.ExportRequest",
    ".commonroll.subject.v1.OpenEmergencyRequest",
    ".commonroll.subject.v1.PresenceToday",
    ".commonroll.subject.v1.ReadRequest",
    ".commonroll.subject.v1.ReviewEmergencyRequest",
    ".commonroll.subject.v1.ShownRecord",
    ".commonroll.support.v1.EmergencyContact",
    ".commonroll.support.v1.SupportNote",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut files = Vec::new();
    find(&root, &mut files)?;
    files.sort();
    println!("cargo::rerun-if-changed={}", root.join("commonroll").display());
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
    }

    let descriptors = protox::compile(&files, [&root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptor.binpb"), descriptors.encode_to_vec())?;

    let mut config = tonic_prost_build::Config::new();
    config.bytes(["."]).skip_debug(PERSONAL.iter().copied()).include_file("generated.rs");
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .codec_path("crate::codec::Codec")
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}

/// Collects the `.proto` files below a folder.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
