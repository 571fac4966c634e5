//! Mapping and problems over HTTPS: what an agent told over gRPC, for its own people with codes, for the lead as counts.

use crate::{
    browser::{Browser, with_console},
    kit::{Agent, TestHub},
};
use commonroll_core::Role;
use commonroll_wire::pb::readiness::v1::{
    KeptBack, MappingRequest, ProblemsRequest, Source, TellSourcesRequest,
    readiness_service_client::ReadinessServiceClient,
};
use tonic::{Code, Status};

fn kept(caption: &str, rule: &str, code: &str, rows: u64) -> KeptBack {
    KeptBack { caption: caption.to_owned(), rule: rule.to_owned(), code: code.to_owned(), rows }
}

fn marks(kept_back: Vec<KeptBack>) -> Source {
    Source {
        name: "marks".to_owned(),
        connector: "delimited".to_owned(),
        mapping: "9f02ab17".to_owned(),
        refused_rule: String::new(),
        kept_back,
    }
}

async fn tell(agent: &Agent, sources: Vec<Source>) -> Result<(), Status> {
    let mut service = ReadinessServiceClient::new(agent.channel.clone());
    service.tell_sources(TellSourcesRequest { sources }).await.map(drop)
}

#[tokio::test]
async fn a_data_manager_and_a_technician_see_what_is_not_mapped_and_a_lead_how_much_of_it() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    let empty = browser.get("/mapping").await;
    assert_eq!(empty.status, 200, "{empty:?}");
    assert!(empty.body.contains("<h1>No agent has told of its sources yet</h1>"), "{}", empty.body);

    let agent = hub.agent("northgate").await;
    let unknown = kept("Mark <b>", "ATT-UNKNOWN-CODE", "Z9", 1_204);
    let refused =
        Source { name: "grades".to_owned(), refused_rule: "EXPORT-SHRUNK".to_owned(), ..marks(Vec::new()) };
    tell(&agent, vec![marks(vec![unknown, kept("Date", "CSV-DATE", "", 3)]), refused]).await.unwrap();

    let page = browser.get("/mapping").await.body;
    for says in [
        "<h1>1,207 rows are kept back</h1>",
        "<code>Z9</code>",
        "Mark &#60;b&#62;",
        "<td class=\"num\">1,204</td><td>today</td><td>Data manager</td>",
        "Marks with a code that nobody has given a meaning",
        "counted only",
        "read by <code>delimited</code>, mapping <code>9f02ab17</code>",
        "The newest export is refused as a whole, today",
        "so nothing was withdrawn",
        "1,204 kept back",
        "data-manager-sees-log",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    let problems = browser.get("/problems").await.body;
    assert!(problems.contains("ATT-UNKNOWN-CODE") && problems.contains("EXPORT-SHRUNK"), "{problems}");

    let ask = |role: &str, of: &str| MappingRequest { role: role.to_owned(), institution: of.to_owned() };
    let mut service = ReadinessServiceClient::new(manager.channel.clone());
    let seen = service.mapping(ask("data_manager", "northgate")).await.unwrap().into_inner();
    let [own] = &seen.partners[..] else { panic!("{seen:?}") };
    assert_eq!((own.rows_kept_back, own.exports_refused, seen.rounded), (1_207, 1, false));
    let told =
        own.sources.iter().find_map(|one| one.told.as_ref().filter(|told| told.name == "marks")).unwrap();
    assert_eq!((told.kept_back[0].code.as_str(), told.mapping.as_str()), ("Z9", "9f02ab17"));
    for (asked, code) in [
        (ask("data_manager", "ridgeway"), Code::PermissionDenied),
        (ask("head", "northgate"), Code::PermissionDenied),
        (ask("data_manager", "No Slug"), Code::InvalidArgument),
    ] {
        assert_eq!(service.mapping(asked).await.unwrap_err().code(), code);
    }
    let mut of_agent = ReadinessServiceClient::new(agent.channel.clone());
    let refused = of_agent.mapping(ask("data_manager", "northgate")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "it is for people");

    let technician = hub.invited(&manager, "northgate", Role::Technician, None).await;
    let technician = Browser::of(&hub, &technician, Role::Technician).await;
    assert!(technician.get("/mapping").await.body.contains("<code>Z9</code>"));
    let lead = hub.first("ridgeway", Role::ConsortiumLead).await;
    let mut service = ReadinessServiceClient::new(lead.channel.clone());
    let seen = service.mapping(ask("consortium_lead", "")).await.unwrap().into_inner();
    let theirs = seen.partners.iter().find(|one| one.institution == "northgate").unwrap();
    assert_eq!((theirs.rows_kept_back, theirs.sources.len(), seen.rounded), (1_210, 0, true));
    let lead = Browser::of(&hub, &lead, Role::ConsortiumLead).await;
    let all = lead.get("/mapping").await.body;
    assert!(all.contains("<h1>1 partner keeps rows back</h1>") && all.contains("about 1,210"), "{all}");
    assert!(!all.contains("Z9") && !all.contains("CSV-DATE") && !all.contains("9f02ab17"), "{all}");
    let teacher = hub.invited(&manager, "northgate", Role::Teacher, None).await;
    let teacher = Browser::of(&hub, &teacher, Role::Teacher).await;
    assert_eq!(teacher.get("/mapping").await.status, 404);

    let log = hub.exchange.show(1, 10_000).await.unwrap();
    let told = log.iter().find(|entry| entry["what"] == "sources.told").unwrap();
    assert_eq!(told["more"], serde_json::json!({ "sources": 2, "kept_back": 1_207 }));
}

#[tokio::test]
async fn what_a_data_manager_decides_of_a_code_becomes_lines_for_the_technicians_file_and_nothing_else() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    let agent = hub.agent("northgate").await;
    let sorts = vec![
        kept("Mark", "ATT-UNKNOWN-CODE", "Z9", 1_204),
        kept("Mark", "ATT-UNKNOWN-CODE", "Q2", 40),
        kept("Session", "CSV-PERIOD", "P9", 12),
        kept("Sort", "CSV-VALUE", "B7", 9),
        kept("Date", "CSV-DATE", "", 3),
    ];
    let fixed =
        Source { name: "roster".to_owned(), connector: "oneroster".to_owned(), ..marks(sorts.clone()) };
    tell(&agent, vec![marks(sorts), fixed]).await.unwrap();

    let page = browser.get("/mapping").await.body;
    assert_eq!(
        page.matches("Decide what these stand for").count(),
        1,
        "a roster has no table of marks: {page}"
    );
    assert!(!page.contains("[[codes.row]]"), "nothing is decided by itself: {page}");
    for open in
        ["&#34;P9&#34; = [&#34;HH:MM&#34;, &#34;HH:MM&#34;]", "# &#34;B7&#34; = &#34;&#34;  # column Sort"]
    {
        assert!(page.contains(open), "{open}: {page}");
    }

    let path = "/mapping?source=marks&code.Z9=absent&code.Q2=&code.XRAY7=present&code.Q2%22=late";
    let page = browser.get(path).await.body;
    let lines = "# At the end of the file:\n[[codes.row]]\nsource_code = \"Z9\"\nmeaning = \"not in the room\"\n\
                 physical = \"absent\"\ncounts = \"N\"\n\n# Under [periods]";
    assert!(page.contains(&lines.replace('"', "&#34;")), "{page}");
    assert_eq!(page.matches("[[codes.row]]").count(), 1, "not decided, and never told of: {page}");
    assert!(
        !page.contains("XRAY7")
            && page.contains("its <code>sha256sum</code> begins with <code>9f02ab17</code>")
    );
    let again = browser.get("/mapping?source=marks&code.Z9=%3Cscript%3E").await.body;
    assert!(!again.contains("[[codes.row]]") && !again.contains("script&#62;"), "{again}");
    let of_another = browser.get("/mapping?source=grades&code.Z9=absent").await.body;
    assert!(!of_another.contains("[[codes.row]]"), "{of_another}");
}

#[tokio::test]
async fn an_agent_tells_of_itself_alone_and_nothing_that_could_be_somebody() {
    let hub = TestHub::start().await;
    let agent = hub.agent("northgate").await;
    for (wrong, field) in [
        (kept("Mark", "ATT-UNKNOWN-CODE", "Whitlow", 50), "code"),
        (kept("Mark", "ATT-UNKNOWN-CODE", "A823200012001", 50), "code"),
        (kept("Mark", "ATT-UNKNOWN-CODE", "Z9", 2), "code"),
        (kept("Mark\n", "CSV-DATE", "", 1), "caption"),
        (kept("Mark", "CSV-DATE", "", 0), "rows"),
    ] {
        let refused = tell(&agent, vec![marks(vec![wrong])]).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert!(refused.message().contains(field) && !refused.message().contains("Whitlow"), "{refused:?}");
    }
    tell(&agent, vec![marks(vec![kept("Mark", "ATT-UNKNOWN-CODE", "Z9", 8)])]).await.unwrap();
    tell(&agent, vec![marks(vec![kept("Mark", "ATT-UNKNOWN-CODE", "Z9", 8)])]).await.unwrap();
    let soon = tell(&agent, vec![marks(Vec::new())]).await.unwrap_err();
    assert_eq!(soon.code(), Code::ResourceExhausted);
    assert!(soon.metadata().contains_key("retry-after-ms"), "{soon:?}");

    let mut service = ReadinessServiceClient::new(agent.channel.clone());
    let problems = service.problems(ProblemsRequest::default()).await.unwrap().into_inner().problems;
    let code = problems.iter().find(|one| one.rule == "ATT-UNKNOWN-CODE").unwrap();
    assert_eq!((code.count, code.kept_back, code.refused), (8, true, false));
    let manager = hub.first("northgate", Role::DataManager).await;
    let mut person = ReadinessServiceClient::new(manager.channel.clone());
    let denied = person.tell_sources(TellSourcesRequest::default()).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
}
