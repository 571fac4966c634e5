//! Settings: file, then environment, then flags; errors name the key and the fix.

use commonroll_hub::{Settings, SettingsError, Sources};
use std::{collections::HashMap, path::PathBuf};

fn load(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hub.toml"), file).unwrap();
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
    };
    Settings::load(&Sources {
        file: None,
        data: Some(folder.path().to_owned()),
        environment: Some(pairs(environment).into_iter().collect::<HashMap<_, _>>()),
        flags: pairs(flags),
    })
}

#[test]
fn the_defaults_stand_without_a_file() {
    let settings = Settings::load(&Sources {
        data: Some(PathBuf::from("/srv/hub")),
        environment: Some(HashMap::new()),
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(settings.database, "sqlite:/srv/hub/hub.db");
    assert_eq!(settings.keys, PathBuf::from("/srv/hub/keys"));
    assert_eq!(settings.listen.agents.port(), 8443);
    assert_eq!(settings.listen.join.port(), 8444);
    assert_eq!(settings.listen.local.to_string(), "127.0.0.1:8480");
    assert_eq!(settings.public_agents, "127.0.0.1:8443");
    assert_eq!(settings.client_certificate_life.as_secs(), 86_400);
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let file = "names = [\"hub.example.org\"]\n[listen]\nagents = \"0.0.0.0:1001\"\njoin = \"0.0.0.0:1002\"\nlocal = \"127.0.0.1:1003\"\n";
    let environment = [
        ("COMMONROLL_HUB__LISTEN__JOIN", "0.0.0.0:2002"),
        ("COMMONROLL_HUB__LISTEN__LOCAL", "127.0.0.1:2003"),
        ("COMMONROLL_HUB__LIMITS__RECORDS_PER_SECOND", "77"),
    ];
    let settings = load(file, &environment, &[("listen.local", "127.0.0.1:3003")]).unwrap();
    assert_eq!(settings.listen.agents.port(), 1001, "from the file");
    assert_eq!(settings.listen.join.port(), 2002, "from the environment");
    assert_eq!(settings.listen.local.port(), 3003, "from the flags");
    assert_eq!(settings.limits.records_per_second, 77);
    assert_eq!(settings.public_join, "hub.example.org:2002");
}

#[test]
fn addresses_of_invitations_that_lead_to_the_readers_own_machine_are_told() {
    let told = |flags: &[(&str, &str)]| -> Vec<String> {
        let settings = load("", &[], flags).unwrap();
        settings.led_astray().into_iter().map(|(key, address)| format!("{key} {address}")).collect()
    };
    assert_eq!(told(&[]), ["public.agents 127.0.0.1:8443", "public.join 127.0.0.1:8444"]);
    assert_eq!(told(&[("names", "hub.example.org")]), Vec::<String>::new());
    assert_eq!(told(&[("names", "192.0.2.7")]), Vec::<String>::new());
    for own in ["localhost", "Hub.LOCALHOST", "127.3.0.1", "0.0.0.0"] {
        let flags = [("names", "hub.example.org"), ("public.join", &*format!("{own}:1"))];
        assert_eq!(told(&flags), [format!("public.join {own}:1")]);
    }
    assert_eq!(
        told(&[("public.agents", "[::1]:1"), ("public.join", "[2001:db8::1]:1")]),
        ["public.agents [::1]:1"]
    );
}

#[test]
fn that_the_clock_is_right_is_said_in_the_environment_or_by_a_flag() {
    assert!(!load("", &[], &[]).unwrap().clock_is_right);
    assert!(load("", &[("COMMONROLL_HUB__CLOCK_IS_RIGHT", "true")], &[]).unwrap().clock_is_right);
    assert!(load("", &[], &[("clock_is_right", "true")]).unwrap().clock_is_right);
    assert!(load("", &[], &[("clock_is_right", "perhaps")]).is_err());
}

#[test]
fn names_may_come_from_the_environment_as_a_list() {
    let environment = [("COMMONROLL_HUB__NAMES", "hub.example.org,192.0.2.4")];
    assert_eq!(load("", &environment, &[]).unwrap().names, ["hub.example.org", "192.0.2.4"]);
}

#[test]
fn names_may_come_from_a_flag_as_a_list() {
    let names =
        load("names = [\"old.example.org\"]", &[], &[("names", "hub.example.org, 192.0.2.4")]).unwrap().names;
    assert_eq!(names, ["hub.example.org", "192.0.2.4"]);
    let error = load("", &[], &[("names", "https://hub")]).unwrap_err().to_string();
    assert!(error.contains("names") && error.contains("scheme"), "{error}");
}

#[test]
fn an_error_names_the_key_and_the_fix() {
    for (file, key, fix) in [
        ("[listen]\nagents = \"8443\"", "listen.agents", "address:port"),
        ("[listen]\nlocal = \"0.0.0.0:8480\"", "listen.local", "loopback"),
        ("[listen]\nagent = \"0.0.0.0:8443\"", "agent", "agents"),
        ("[limits]\nconnections = \"many\"", "connections", "hub.toml"),
        ("reserve_mib = 5000", "reserve_mib", "0 (none) to 4096"),
        ("[limits]\nrecords_burst = 0", "limits.records_burst", "at least 1"),
        ("[limits]\ndrain_seconds = -1.0", "limits.drain_seconds", "between"),
        ("[certificates]\nclient_hours = 9000", "certificates.client_hours", "168"),
        ("[public]\nagents = \"hub.example.org\"", "public.agents", "host:port"),
        ("database = \"mysql://x\"", "database", "postgres://"),
        ("names = [\"https://hub\"]", "names", "scheme"),
        ("consortium = \"a b\"", "consortium", "letters"),
    ] {
        let error = load(file, &[], &[]).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(fix), "{file}: {error}");
    }
}

#[test]
fn case_45_alerts_go_only_where_they_may_and_every_error_names_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (secret, short) = (file("secret", "0123456789abcdef0123456789abcdef\n"), file("short", "abc"));
    let console = "[listen]\nconsole = \"127.0.0.1:0\"\n";
    let mail = "[mail]\nserver = \"smtp.example.org\"\nfrom = \"Commonroll <alerts@example.org>\"\n";
    let who = "[[alerts]]\ninstitution = \"kingsmead\"\n";
    let to = "mail = [\"office@kingsmead.example\"]\n";
    let hook =
        |url: &str, file: &str| format!("{console}{who}webhook = \"{url}\"\nsecret_file = \"{file}\"\n");
    let good = format!("{console}{mail}user = \"hub\"\n{who}{to}");
    let environment = [("COMMONROLL_HUB__MAIL__PASSWORD", "only-for-tests")];
    let settings = load(&good, &environment, &[]).unwrap();
    assert_eq!((settings.mail.unwrap().port, settings.alerts[0].mail.len()), (587, 1));
    let managers = "managers = [\"data.manager@kingsmead.example\"]\n";
    let warned = load(&format!("{console}{mail}{who}{managers}"), &[], &[]).unwrap();
    assert_eq!((warned.alerts[0].mail.len(), warned.alerts[0].managers.len()), (0, 1));
    let url = "https://hooks.kingsmead.example/alerts";
    assert!(load(&hook(url, &secret), &[], &[]).unwrap().alerts[0].webhook.is_some());
    let mut wrong = vec![
        ("mail.user", good.clone()),
        ("alerts.mail", format!("{console}{who}{to}")),
        ("alerts.mail", format!("{console}{mail}{who}mail = [\"Office <o@k.example>\"]\n")),
        ("alerts.mail", format!("{console}{mail}{who}")),
        ("alerts.mail", format!("{console}{who}{managers}")),
        ("alerts.managers", format!("{console}{mail}{who}managers = [\"Kay <dm@k.example>\"]\n")),
        ("alerts.institution", format!("{console}{mail}{who}{to}{who}{to}")),
        ("alerts", format!("{mail}{who}{to}")),
        ("mail.from", format!("{console}[mail]\nserver = \"smtp.example.org\"\nfrom = \"nobody\"\n")),
        ("mail.tls", format!("{console}{mail}tls = false\n")),
        ("alerts.secret_file", format!("{console}{who}webhook = \"{url}\"\n")),
        ("alerts.secret_file", hook(url, &short)),
        ("alerts.secret_file", hook(url, "/nowhere/at/all")),
    ];
    for inside in ["127.0.0.1", "[::ffff:127.0.0.1]", "169.254.169.254", "localhost", "hub.internal"] {
        wrong.push(("alerts.webhook", hook(&format!("https://{inside}/"), &secret)));
    }
    wrong.push(("alerts.webhook", hook("http://hooks.kingsmead.example/", &secret)));
    for inside in ["127.0.0.1", "localhost", "10.0.0.1", "", "a/b"] {
        let server = format!("[mail]\nserver = \"{inside}\"\nfrom = \"alerts@example.org\"\n");
        wrong.push(("mail.server", format!("{console}{server}")));
    }
    for (key, file) in wrong {
        match load(&file, &[], &[]) {
            Err(SettingsError::Rule { key: named, fix }) => {
                assert_eq!(named, key, "{fix} of {file}");
                assert!(!fix.is_empty());
            }
            other => panic!("{key}: {other:?} of {file}"),
        }
    }
}
