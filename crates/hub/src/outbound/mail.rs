//! E-mail by the consortium's mail server. The server's name is resolved here, at each message, and judged before anything is said
//! to it; its certificate must be of that name.

use super::{MailSettings, MailTls, text};
use crate::signin::reach::is_public;
use commonroll_core::Timestamp;
use commonroll_exchange::{Outbound, SendFault};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use std::time::{Duration, SystemTime};

/// For one command and its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// For all of a message.
const WHOLE: Duration = Duration::from_secs(30);

/// The mail server.
pub(super) struct Mailer {
    settings: MailSettings,
    tls: Tls,
    /// How the hub calls itself there.
    host: String,
}

impl Mailer {
    /// # Errors
    /// If a certificate can't be read.
    pub fn new(settings: MailSettings, console: &str) -> Result<Self, &'static str> {
        let mut parameters = TlsParameters::builder(settings.server.clone());
        if let Some(pem) = &settings.authorities {
            let read = Certificate::from_pem(pem);
            parameters = parameters.add_root_certificate(read.map_err(|_| "mail.authorities")?);
        }
        let parameters = parameters.build_rustls().map_err(|_| "mail.authorities")?;
        let tls = match settings.tls {
            MailTls::FromTheStart => Tls::Wrapper(parameters),
            MailTls::Upgraded => Tls::Required(parameters),
            MailTls::None => Tls::None,
        };
        let host = console.trim_start_matches("https://");
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_owned();
        Ok(Self { settings, tls, host })
    }

    /// Which server, for whoever counts its failures.
    pub fn server(&self) -> &str {
        &self.settings.server
    }

    /// Sends a message to all of an institution's addresses. Repeats have the same Message-ID.
    pub async fn send(
        &self,
        to: &[Address],
        message: &Outbound,
        console: &str,
        now: Timestamp,
    ) -> Result<(), SendFault> {
        let mail = self.mail(to, message, console, now).ok_or(SendFault::Refused)?;
        let sending = async {
            let host = (self.settings.server.as_str(), self.settings.port);
            let found = tokio::net::lookup_host(host).await.map_err(|_| SendFault::Silent)?;
            let mut good = found.map(|at| at.ip()).filter(|ip| self.settings.inside || is_public(*ip));
            let at = good.next().ok_or(SendFault::Address)?;
            // Connects to what was judged: the name is not resolved again.
            let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(at.to_string())
                .port(self.settings.port)
                .tls(self.tls.clone())
                .hello_name(ClientId::Domain(self.host.clone()))
                .timeout(Some(ANSWER));
            if let Some((user, password)) = &self.settings.login {
                server = server.credentials(Credentials::new(user.clone(), password.0.clone()));
            }
            let sent = server.build().send(mail).await;
            sent.map(|_| ()).map_err(|error| match error.is_permanent() || error.is_transient() {
                true => SendFault::Refused,
                false => SendFault::Silent,
            })
        };
        tokio::time::timeout(WHOLE, sending).await.unwrap_or(Err(SendFault::Silent))
    }

    fn mail(&self, to: &[Address], message: &Outbound, console: &str, now: Timestamp) -> Option<Message> {
        let micros = u64::try_from(now.micros()).ok()?;
        let id = format!("<alerts-{}-{}@{}>", message.institution, message.number, self.host);
        let automatic =
            HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let mut mail = Message::builder()
            .from(self.settings.from.clone())
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(id))
            .subject(text::subject(message))
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN);
        for address in to {
            mail = mail.to(Mailbox::new(None, address.clone()));
        }
        mail.body(text::body(message, console)).ok()
    }
}
