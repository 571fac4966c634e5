//! Receipts and renewals: signed by one side, checked by the other.

use crate::sample::{signing_key, slug};
use bytes::Bytes;
use commonroll_audit::{ReceiptDigest, SigningKey};
use commonroll_wire::{
    acknowledge, pb::enrolment::v1::RenewRequest, pb::exchange::v1::AcknowledgeRequest, sign_renewal,
    verify_acknowledgement, verify_renewal,
};

fn digest() -> ReceiptDigest {
    let mut digest = ReceiptDigest::default();
    digest.add(41, &[1; 32]);
    digest.add(43, &[2; 32]);
    digest
}

#[test]
fn a_receipt_holds_for_its_recipient_cursor_and_digest_alone() {
    let request = acknowledge(&slug("kingsmead"), 43, &digest(), &signing_key()).unwrap();
    let key = signing_key().public();
    assert_eq!(verify_acknowledgement(&request, &slug("kingsmead"), &key).unwrap(), digest());
    assert_eq!(verify_acknowledgement(&request, &slug("northgate"), &key).unwrap_err().field, "signature");
    let field = |edit: fn(&mut AcknowledgeRequest)| {
        let mut request = request.clone();
        edit(&mut request);
        verify_acknowledgement(&request, &slug("kingsmead"), &key).unwrap_err().field
    };
    assert_eq!(field(|r| r.cursor = 44), "signature");
    assert_eq!(field(|r| r.digest = Bytes::from_static(&[0; 32])), "signature");
    assert_eq!(field(|r| r.digest = Bytes::from_static(&[0; 31])), "digest");
    assert_eq!(field(|r| r.signature = Bytes::from_static(&[0; 63])), "signature");
    assert_eq!(field(|r| r.key_id = Bytes::from_static(&[0; 8])), "key_id");
    assert_eq!(field(|r| r.key_id = Bytes::new()), "key_id");
}

#[test]
fn a_renewal_holds_for_its_agent_time_and_request_alone() {
    let request =
        sign_renewal(&[3; 16], 1_789_376_400_000_000, Bytes::from_static(b"request"), &signing_key());
    let key = signing_key().public();
    verify_renewal(&request, &key).unwrap();
    let other = SigningKey::from_seed(&[8; 32]).unwrap().public();
    assert_eq!(verify_renewal(&request, &other).unwrap_err().field, "signature");
    let field = |edit: fn(&mut RenewRequest)| {
        let mut request = request.clone();
        edit(&mut request);
        verify_renewal(&request, &key).unwrap_err().field
    };
    assert_eq!(field(|r| r.made_at_us += 1), "signature");
    assert_eq!(field(|r| r.agent_id = Bytes::from_static(&[4; 16])), "signature");
    assert_eq!(field(|r| r.certificate_request = Bytes::from_static(b"Request")), "signature");
    assert_eq!(field(|r| r.agent_id = Bytes::new()), "agent_id");
    assert_eq!(field(|r| r.signature = Bytes::new()), "signature");
    assert_eq!(field(|r| r.certificate_request = Bytes::new()), "certificate_request");
    assert_eq!(field(|r| r.certificate_request = vec![0; 8_193].into()), "certificate_request");
}
