//! Progress in the console: a lead's page and paper, a partner's own, and nothing for others.

use crate::{
    browser::{Browser, with_console},
    kit::TestHub,
};
use commonroll_core::Role;

#[tokio::test]
async fn a_lead_sees_all_a_head_the_own_site_and_a_teacher_nothing() {
    let hub = TestHub::with(with_console).await;
    let lead = hub.first("ridgeway", Role::ConsortiumLead).await;
    let lead = Browser::of(&hub, &lead, Role::ConsortiumLead).await;
    assert_eq!(lead.get("/").await.to(), "/progress", "it is what a lead comes for");
    let page = lead.get("/progress").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("<h1>No figures to show yet</h1>") && page.body.contains("Whole partnership"));
    assert!(page.body.contains("lead-sees-sums"), "the rule is named");
    for by in ["site", "course", "home", "week", "nonsense"] {
        assert_eq!(lead.get(&format!("/progress?by={by}")).await.status, 200, "{by}");
    }
    assert_eq!(lead.get("/progress?of=northgate").await.status, 200);
    let nowhere = lead.get("/progress?of=nowhere").await;
    assert_eq!((nowhere.status, nowhere.body), (404, lead.get("/progress?of=%3Cscript%3E").await.body));

    let head = hub.first("ridgeway", Role::Head).await;
    let head = Browser::of(&hub, &head, Role::Head).await;
    let own = head.get("/progress").await;
    assert!(own.status == 200 && own.body.contains("Your own figures, line by line"), "{own:?}");
    assert_eq!(head.get("/progress?of=northgate").await.status, 404);

    let teacher = hub.colleague("ridgeway", Role::Teacher).await;
    let teacher = Browser::of(&hub, &teacher, Role::Teacher).await;
    assert_eq!(teacher.get("/progress").await.status, 404);
    assert_eq!(teacher.get("/progress/paper").await.status, 404);
}

#[cfg(feature = "pdf")]
#[tokio::test]
async fn paper_is_printed_for_whom_the_page_is_shown() {
    let hub = TestHub::with(with_console).await;
    let lead = hub.first("ridgeway", Role::ConsortiumLead).await;
    let lead = Browser::of(&hub, &lead, Role::ConsortiumLead).await;
    let paper = lead.get("/progress/paper").await;
    assert_eq!((paper.status, paper.header("content-type")), (200, "application/pdf"));
    assert!(paper.body.starts_with("%PDF-"));
    assert_eq!(paper.header("cache-control"), "no-store");
    assert!(lead.get("/progress").await.body.contains("href=\"/progress/paper?\""));
    assert_eq!(lead.get("/whereabouts/visitors/evacuation").await.status, 404);

    let officer = hub.colleague("ridgeway", Role::AttendanceOfficer).await;
    let officer = Browser::of(&hub, &officer, Role::AttendanceOfficer).await;
    assert_eq!(officer.get("/progress/paper").await.status, 404);
    // No agreement lets this school see who is in today: there is neither a page nor paper.
    for path in ["/whereabouts/visitors", "/whereabouts/visitors/evacuation"] {
        assert_eq!(officer.get(path).await.status, 404, "{path}");
    }
}
