//! The hub's disk is full, for real: records wait at who sends them, the operator's commands and the partners' agents go on, and
//! once there is room nobody has to start anything.

use crate::{
    kill::{
        all_arrives_once,
        client::Client,
        school::{Consortium, Program},
    },
    outside::printed,
};
use std::time::Duration;

/// Longest until the hub has noticed something.
const NOTICED: Duration = Duration::from_secs(10);

#[test]
fn case_29_a_hub_on_a_full_disk_loses_nothing_and_goes_on_by_itself_when_there_is_room() {
    if std::env::var_os("COMMONROLL_NO_MOUNT").is_some() {
        // tests/run has said so; the same with an injected fault is in the hub's and the exchange's tests.
        return;
    }
    let mut consortium = Consortium::on_a_small_disk(48);
    let client = Client::start(&consortium);
    client.wait_for_more(NOTICED);
    consortium.export(0);
    consortium.disk().fill();
    consortium.wait_until("records are refused", NOTICED);
    consortium.export(1);
    // The operator's commands are programs of their own, and write.
    printed(consortium.hub(&["hub", "invite"]).arg("ridgeway"));
    // Started again it is no better off, and serves all the same.
    consortium.kill(Program::Hub);
    consortium.start(Program::Hub);
    consortium.wait_until("records are refused", NOTICED);
    printed(consortium.hub(&["hub", "invite"]).arg("ridgeway"));
    consortium.disk().enlarge(96);
    consortium.wait_until_ready(NOTICED);
    client.wait_for_more(NOTICED);
    // A start needs room by itself: it finds none, and the reserve untouched.
    consortium.kill(Program::Hub);
    consortium.disk().remove("hub.db-shm");
    consortium.disk().fill();
    consortium.start(Program::Hub);
    consortium.wait_until("records are refused", NOTICED);
    consortium.disk().enlarge(144);
    consortium.wait_until_ready(NOTICED);
    client.wait_for_more(NOTICED);
    assert!(all_arrives_once(consortium, client) > 0);
}
