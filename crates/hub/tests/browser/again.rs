//! Two small hubs for what goes wrong outside the pages: one that is stopped and started again while somebody has its board
//! open, as the browser's script asks for it, and one whose staff sign in at providers that don't answer.

use crate::{
    kit::{TestHub, called},
    people,
    stage::{showing, stored, told, with_doors},
};
use commonroll_core::{Role, Timestamp};
use commonroll_hub::signin::provider::{ProviderSettings, Secret};
use serde_json::{Value, json};
use std::path::Path;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

/// Two partners, who share nothing yet.
const TWO: &str = "[[institution]]\nslug = \"ridgeway\"\nname = \"Ridgeway School\"\ntype = \"school\"\n\
                   [[institution]]\nslug = \"northgate\"\nname = \"Northgate College\"\ntype = \"fe_college\"\n";

/// A hub that stops at the word `down` on a local port and starts at the word `up`, each time at the same address.
pub struct Again {
    task: JoinHandle<()>,
    /// What the browser is told of it.
    pub told: Value,
}

impl Again {
    pub async fn raise(folder: &Path, now: Timestamp) -> Self {
        let begun = TestHub::begun(TWO, showing(now), stored(folder)).await;
        let manager = begun.first_called("ridgeway", "Kay Ashdown", Role::DataManager).await;
        let name = "Maya Petrossian";
        let officer = begun.invited_as(&manager, "ridgeway", called(name, &[Role::AttendanceOfficer])).await;
        let (mut words, mut list) = (Vec::new(), String::new());
        people::put(&mut words, &mut list, "officer", (&officer, Role::AttendanceOfficer, name));
        let hub = with_doors(&begun, &list, folder).await;
        let orders = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut said = told(&hub, &words);
        said["orders"] = json!(orders.local_addr().unwrap().port());
        // The first one has the folder.
        let task = tokio::spawn(async move {
            let _folder = begun;
            obey(hub, orders).await;
        });
        Self { task, told: said }
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn obey(mut hub: TestHub, orders: TcpListener) {
    let console = hub.addresses.console;
    while let Ok((mut stream, _)) = orders.accept().await {
        let (from, mut to) = stream.split();
        let mut word = String::new();
        BufReader::new(from).read_line(&mut word).await.unwrap();
        match word.trim() {
            "down" => {
                hub.shutdown.cancel();
                (&mut hub.serving).await.unwrap().unwrap();
            }
            _ => hub = hub.another(|settings| settings.listen.console = console).await,
        }
        to.write_all(b"done\n").await.unwrap();
    }
}

/// A hub whose institutions' own sign-in nobody answers.
pub async fn shut_out(folder: &Path, now: Timestamp) -> (TestHub, Value) {
    let hub = TestHub::begun(TWO, showing(now), |settings| {
        stored(folder)(settings);
        settings.listen.console = Some("127.0.0.1:0".parse().unwrap());
        settings.public_console = Some("https://console.test".to_owned());
        settings.providers = ["ridgeway", "northgate"].map(provider).into();
    })
    .await;
    let said = told(&hub, &[]);
    (hub, said)
}

/// Where nobody listens.
fn provider(institution: &str) -> ProviderSettings {
    ProviderSettings {
        institution: institution.parse().unwrap(),
        issuer: "https://127.0.0.1:1".to_owned(),
        client: format!("commonroll-{institution}"),
        secret: Some(Secret("nobody-asks-for-it".to_owned())),
        inside: true,
        authorities: None,
        scopes: Vec::new(),
        roles_claim: "roles".to_owned(),
        roles: [("Teaching".to_owned(), Role::Teacher)].into(),
        second_factor: Vec::new(),
        staff_claim: None,
    }
}
