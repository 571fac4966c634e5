//! Joining and renewing over real TLS, against a join listener of the test's own.

use crate::rig::{Dice, MORNING};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use commonroll_agent::{AgentError, HubError, Identity, join, renew};
use commonroll_audit::{PublicKey, SigningKey};
use commonroll_core::Timestamp;
use commonroll_wire::{
    pb::enrolment::v1::{
        JoinRequest, JoinResponse, RenewRequest, RenewResponse,
        enrolment_service_server::{EnrolmentService, EnrolmentServiceServer},
    },
    verify_renewal,
};
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair};
use std::sync::{Arc, Mutex};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Identity as TlsIdentity, Server, ServerTlsConfig},
};

struct Door {
    issuer: Issuer<'static, KeyPair>,
    ca: Vec<u8>,
    code: String,
    enrolled: Mutex<Option<PublicKey>>,
    revoked: Mutex<bool>,
}

#[derive(Clone)]
struct Listener(Arc<Door>);

impl Door {
    fn certify(&self, request: &[u8]) -> Vec<u8> {
        let mut request = CertificateSigningRequestParams::from_der(&request.to_vec().into()).unwrap();
        request.params.not_before = rcgen::date_time_ymd(2026, 9, 14);
        request.params.not_after = rcgen::date_time_ymd(2026, 9, 15);
        request.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

#[tonic::async_trait]
impl EnrolmentService for Listener {
    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinResponse>, Status> {
        let request = request.into_inner();
        let mut enrolled = self.0.enrolled.lock().unwrap();
        if request.code != self.0.code || enrolled.is_some() {
            return Err(Status::unauthenticated("no such invitation"));
        }
        *enrolled = Some(PublicKey::from_bytes(request.signing_key.as_ref().try_into().unwrap()));
        let log =
            commonroll_audit::LogKey::new("log.test", SigningKey::from_seed(&[9; 32]).unwrap()).unwrap();
        Ok(Response::new(JoinResponse {
            agent_id: vec![3; 16].into(),
            institution: "kingsmead".to_owned(),
            certificate: self.0.certify(&request.certificate_request).into(),
            authority: self.0.ca.clone().into(),
            log_key: log.public().to_string(),
            ..JoinResponse::default()
        }))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<RenewResponse>, Status> {
        let request = request.into_inner();
        let key = self.0.enrolled.lock().unwrap().ok_or_else(|| Status::unauthenticated("who?"))?;
        if *self.0.revoked.lock().unwrap() || verify_renewal(&request, &key).is_err() {
            return Err(Status::unauthenticated("who?"));
        }
        let certificate = self.0.certify(&request.certificate_request).into();
        Ok(Response::new(RenewResponse { certificate, authority: self.0.ca.clone().into() }))
    }
}

/// Starts a join listener and writes an invitation to it.
async fn open_door() -> (Arc<Door>, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(params, ca_key);
    let hub_key = KeyPair::generate().unwrap();
    let hub = CertificateParams::new(vec!["hub.commonroll.internal".to_owned()]).unwrap();
    let hub = hub.signed_by(&hub_key, &issuer).unwrap();
    let door = Arc::new(Door {
        issuer,
        ca: ca.der().to_vec(),
        code: URL_SAFE_NO_PAD.encode([5; 32]),
        enrolled: Mutex::new(None),
        revoked: Mutex::new(false),
    });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let tls = ServerTlsConfig::new().identity(TlsIdentity::from_pem(hub.pem(), hub_key.serialize_pem()));
    let server = Server::builder().tls_config(tls).unwrap();
    let service = EnrolmentServiceServer::new(Listener(door.clone()));
    tokio::spawn(async move {
        let mut server = server;
        server.add_service(service).serve_with_incoming(TcpListenerStream::new(socket)).await.unwrap();
    });
    (door.clone(), invitation(&door, &address, "kingsmead"))
}

fn invitation(door: &Door, address: &str, institution: &str) -> String {
    let text = serde_json::json!({
        "hub": address, "join": address, "institution": institution, "code": door.code,
        "ca": STANDARD.encode(&door.ca), "expires": MORNING / 1_000_000 + 3_600,
    });
    format!("crinv1.{}\n", URL_SAFE_NO_PAD.encode(text.to_string()))
}

/// Joins, and gives the address of the door.
pub async fn joined(folder: &std::path::Path) -> String {
    let (_, invitation) = open_door().await;
    join::join(&invitation, folder, now(), &Dice).await.unwrap().join
}

fn now() -> Timestamp {
    Timestamp::from_micros("now", MORNING).unwrap()
}

#[tokio::test]
async fn an_agent_joins_once_and_renews_by_itself_long_after_its_certificate_has_expired() {
    let (door, invitation) = open_door().await;
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("identity");
    let card = join::join(&invitation, &folder, now(), &Dice).await.unwrap();
    assert_eq!(card.institution.as_str(), "kingsmead");
    let identity = Identity::load(&folder).unwrap();
    assert_eq!(Some(identity.signing.public()), *door.enrolled.lock().unwrap());
    #[cfg(unix)]
    for file in ["card.json", "tls.pem", "signing.key", "salt.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }

    // Renewal is due in the second half of the certificate's life; the new one has a new key.
    let half = identity.valid.0.plus_micros(43_200_000_000);
    let due = renew::due(&identity, &Dice);
    assert!(half <= due && due < identity.valid.0.plus_micros(52_000_000_000), "{due}");
    let long_after = now().plus_micros(40 * 86_400_000_000);
    let address = card.join.clone();
    let renewed = renew::renew(&identity, &address, &folder, long_after).await.unwrap();
    assert_ne!(renewed.certificate, identity.certificate);
    assert_eq!(Identity::load(&folder).unwrap().certificate, renewed.certificate);

    *door.revoked.lock().unwrap() = true;
    let refused = renew::renew(&renewed, &address, &folder, long_after).await.unwrap_err();
    assert!(matches!(refused, AgentError::Hub(HubError::NotKnown)), "{refused}");
    assert_eq!(Identity::load(&folder).unwrap().certificate, renewed.certificate, "the old one is kept");
}

#[tokio::test]
async fn an_invitation_works_once_and_not_after_its_time() {
    let (_door, invitation) = open_door().await;
    let data = tempfile::tempdir().unwrap();
    let late = now().plus_micros(3_600_000_000);
    let error = join::join(&invitation, &data.path().join("a"), late, &Dice).await.unwrap_err().to_string();
    assert!(error.contains("expired"), "{error}");
    join::join(&invitation, &data.path().join("a"), now(), &Dice).await.unwrap();
    let again = join::join(&invitation, &data.path().join("a"), now(), &Dice).await.unwrap_err().to_string();
    assert!(again.contains("already holds an identity"), "{again}");
    let used = join::join(&invitation, &data.path().join("b"), now(), &Dice).await.unwrap_err().to_string();
    assert!(used.contains("wrong, used or expired; ask") && !used.contains("office"), "{used}");
    let nobody = Identity::load(&data.path().join("nobody")).unwrap_err().to_string();
    assert!(
        nobody.contains("card.json") && nobody.contains("`commonroll agent join INVITATION`"),
        "{nobody}"
    );
    let nobody = commonroll_agent::PersonIdentity::load(&data.path().join("nobody")).unwrap_err().to_string();
    assert!(nobody.contains("is no person's folder"), "{nobody}");
    let cut = &invitation[..invitation.len() / 2];
    let cut = join::join(cut, &data.path().join("c"), now(), &Dice).await.unwrap_err().to_string();
    assert!(cut.contains("copy the whole line"), "{cut}");
}

#[tokio::test]
async fn an_agent_uses_up_no_persons_invitation_and_a_person_no_agents() {
    let (door, agents) = open_door().await;
    let body = URL_SAFE_NO_PAD.decode(agents.trim().strip_prefix("crinv1.").unwrap()).unwrap();
    let mut text: serde_json::Value = serde_json::from_slice(&body).unwrap();
    text["person"] = true.into();
    let persons = format!("crinv1.{}", URL_SAFE_NO_PAD.encode(text.to_string()));
    let data = tempfile::tempdir().unwrap();
    let error = join::join(&persons, &data.path().join("a"), now(), &Dice).await.unwrap_err().to_string();
    assert!(error.contains("is for a person"), "{error}");
    let folder = data.path().join("b");
    let error = commonroll_agent::person::join(&agents, &folder, now(), &Dice).await.unwrap_err().to_string();
    assert!(error.contains("is for an agent"), "{error}");
    assert!(door.enrolled.lock().unwrap().is_none() && !folder.exists());

    join::join(&agents, &folder, now(), &Dice).await.unwrap();
    let error = commonroll_agent::PersonIdentity::load(&folder).unwrap_err().to_string();
    assert!(error.contains("acts for no person"), "{error}");
}

#[tokio::test]
async fn a_hub_with_another_ca_is_not_believed() {
    let (door, _) = open_door().await;
    let (_, theirs) = open_door().await;
    let body = URL_SAFE_NO_PAD.decode(theirs.trim().strip_prefix("crinv1.").unwrap()).unwrap();
    let theirs: serde_json::Value = serde_json::from_slice(&body).unwrap();
    // The address of one, the CA of the other.
    let mixed = invitation(&door, theirs["join"].as_str().unwrap(), "kingsmead");
    let data = tempfile::tempdir().unwrap();
    let error = join::join(&mixed, &data.path().join("a"), now(), &Dice).await.unwrap_err();
    assert!(matches!(error, AgentError::Hub(HubError::Unreachable)), "{error}");
    assert!(door.enrolled.lock().unwrap().is_none(), "the code was not given away");
}
