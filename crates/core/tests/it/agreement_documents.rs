//! The documents made from an agreement: what they must say, word for word, and that nothing in a text escapes into
//! Markdown or HTML.

use crate::agreement::{PAIR, read};
use commonroll_core::{
    Slug, Timestamp,
    agreement::{
        AgreementText, ItemKind, STARTING_TEXT, Word,
        documents::{
            Document, Reader, SignedBy, Volumes, impact_assessment, privacy_notice, processing_record,
            signing_page,
        },
        reading_grade,
    },
};
use expect_test::expect_file;
use jiff::tz::TimeZone;

const COLLEGE_HOME: &str = include_str!("../../../../policies/agreements/northgate-oakwood.toml");
const CONSORTIUM: &str = include_str!("../../../../policies/agreements/vale-14-19.toml");
/// A hash in a test; which text it belongs to is no matter of these documents.
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn london() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

fn signed(institution: &str) -> SignedBy {
    let at = "2026-07-01T08:30:00Z".parse::<jiff::Timestamp>().unwrap();
    SignedBy { institution: slug(institution), name: "A. Example".into(), at: Timestamp::from_jiff(at) }
}

#[test]
fn the_page_that_a_head_signs() {
    let page = signing_page(&read(PAIR), HASH, &[signed("kingsmead")], &london());
    expect_file!["golden/agreement-page.md"].assert_eq(&page.markdown());
}

#[test]
fn the_page_says_who_has_signed_and_when_it_counts() {
    let text = |signatures: &[SignedBy]| signing_page(&read(PAIR), HASH, signatures, &london()).markdown();
    assert!(text(&[]).contains("0 of 2 parties have signed"));
    assert!(text(&[signed("kingsmead")]).contains("A. Example, 1 July 2026 at 09:30"), "British Summer Time");
    assert!(text(&[signed("kingsmead"), signed("northgate")]).contains("Every party has signed."));
    assert!(
        text(&[signed("kingsmead"), signed("kingsmead")]).contains("1 of 2"),
        "two heads of one school are one party"
    );
    assert!(text(&[signed("elsewhere")]).contains("0 of 2"), "a stranger's signature counts for nobody");
}

#[test]
fn the_page_says_what_does_not_flow() {
    let page = signing_page(&read(COLLEGE_HOME), HASH, &[], &london()).markdown();
    assert!(page.contains(
        "Not shared: attendance source code, note and register; assessment comment; behaviour and achievement (nothing of \
         it); card of a visiting learner needs and presence today."
    ));
}

#[test]
fn the_article_30_record_of_each_institution() {
    let (pair, college) = (read(PAIR), read(COLLEGE_HOME));
    let all = [(&pair, HASH), (&college, HASH)];
    let record = processing_record(&slug("northgate"), &all).unwrap();
    expect_file!["golden/agreement-record.md"].assert_eq(&record.markdown());
    let school = processing_record(&slug("oakwood"), &all).unwrap().markdown();
    assert!(!school.contains("Kingsmead"), "an agreement that it is no party to is none of its business");
    assert!(processing_record(&slug("elsewhere"), &all).is_none());
}

#[test]
fn the_impact_assessment_lists_risks_that_follow_from_the_items() {
    let volumes: Volumes = [(ItemKind::ALL[0].1, 1_204_500), (ItemKind::Card, 950)].into();
    let page = impact_assessment(&read(CONSORTIUM), HASH, &volumes).markdown();
    expect_file!["golden/agreement-dpia.md"].assert_eq(&page);
    let narrow = impact_assessment(&read(COLLEGE_HOME), HASH, &Volumes::new()).markdown();
    assert!(narrow.contains("to be counted"));
    assert!(page.contains("alleged theft") && !narrow.contains("theft"), "no behaviour, no such risk");
    assert!(page.contains("Among 5 parties") && !narrow.contains("Among"));
}

#[test]
fn the_notice_for_adults_and_for_learners_of_14() {
    let adult = privacy_notice(&read(PAIR), Reader::Adult);
    let young = privacy_notice(&read(PAIR), Reader::Young);
    expect_file!["golden/agreement-notice.md"].assert_eq(&adult.markdown());
    expect_file!["golden/agreement-notice-young.md"].assert_eq(&young.markdown());
}

#[test]
fn a_learner_of_14_can_read_the_notice() {
    for text in [PAIR, COLLEGE_HOME, CONSORTIUM] {
        let (young, adult) =
            (privacy_notice(&read(text), Reader::Young), privacy_notice(&read(text), Reader::Adult));
        let grade = reading_grade(&young.prose());
        assert!(grade < 7.0, "grade {grade:.1}, for readers of about {:.0}", grade + 5.0);
        assert!(reading_grade(&adult.prose()) < 12.0, "grade {:.1}", reading_grade(&adult.prose()));
        for sentence in young.prose().iter().flat_map(|piece| piece.split(['.', '?', ':'])) {
            assert!(sentence.split_whitespace().count() <= 24, "long: {sentence}");
        }
        let words = young.markdown().to_lowercase();
        for hard in ["processing", "controller", "gdpr", "retention", "pursuant", "data subject"] {
            assert!(!words.contains(hard), "`{hard}` is no word for the young version");
        }
    }
}

/// Every document of an agreement.
fn documents(agreement: &AgreementText) -> Vec<Document> {
    let own = &agreement.parties()[0].institution;
    let signature = SignedBy { name: "<b>Jo|*x*</b>".into(), ..signed(own.as_str()) };
    vec![
        signing_page(agreement, HASH, &[signature], &london()),
        processing_record(own, &[(agreement, HASH)]).unwrap(),
        impact_assessment(agreement, HASH, &Volumes::new()),
        privacy_notice(agreement, Reader::Adult),
        privacy_notice(agreement, Reader::Young),
    ]
}

#[test]
fn nothing_that_somebody_writes_becomes_markup() {
    let hostile =
        "<script>alert(1)</script> [x](javascript:y) | a | `b` </td><img src=x onerror=z> *c* &amp; # d";
    let filled = PAIR
        .replace("\"None. The hub and its backups are in the United Kingdom.\"", &format!("'{hostile}'"))
        .replace("for_learners = \"\"\"", &format!("for_learners = \"\"\"{hostile}"))
        .replace("purpose = \"\"\"", &format!("purpose = \"\"\"# {hostile}"))
        .replace("title = \"Kingsmead", &format!("title = \"{hostile} Kingsmead"))
        .replace("name = \"Kingsmead School\"", &format!("name = \"{hostile}\""))
        .replace("kept_at_source = \"3 years", &format!("kept_at_source = \"{hostile}"));
    for document in documents(&read(&filled)) {
        let html = document.html();
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>"));
        let opened = html.matches("<td>").count() + html.matches("<th scope").count();
        assert_eq!(
            html.matches("</td>").count() + html.matches("</th>").count(),
            opened,
            "no cell ends early"
        );
        let markdown = document.markdown().replace("\\]", "");
        assert!(!markdown.contains("<script") && !markdown.contains("](") && !markdown.contains(" *c*"));
        for table in markdown.split("\n\n").filter(|block| block.starts_with("| ")) {
            let bars = |line: &str| line.replace("\\|", "").matches('|').count();
            let first = bars(table.lines().next().unwrap());
            assert!(table.lines().all(|line| bars(line) == first), "every row has as many cells:\n{table}");
        }
    }
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    for document in documents(&read(CONSORTIUM)) {
        let html = document.html();
        assert!(html.starts_with("<!doctype html>") && html.contains("@page { size: A4"));
        for outside in ["http:", "https:", "url(", "@import", "<link", "<script", "src="] {
            assert!(!html.contains(outside), "{outside}");
        }
    }
}

#[test]
fn the_starting_text_explains_every_field_that_the_samples_use() {
    for text in [PAIR, COLLEGE_HOME, CONSORTIUM] {
        let keys = text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.trim());
        for key in keys.filter(|key| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')) {
            assert!(STARTING_TEXT.contains(&format!("{key} = ")), "{key}");
        }
    }
}
