//! What comes out: one side where one side is promised, tagged, and nothing set by a name.

use crate::made;
use commonroll_report::{ReportError, Visitor, evacuation, learner_report, progress_sheet};

/// Where a person looks at the pages: PDF files, kept as build output.
fn keep(name: &str, bytes: &[u8]) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn sides(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.matches("/Type/Page/").count()
        + text.matches("/Type /Page\n").count()
        + text.matches("/Type/Page\n").count()
}

fn is_tagged(pdf: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pdf);
    text.contains("/StructTreeRoot") && text.contains("/MarkInfo") && text.contains("pdfuaid:part")
}

#[test]
fn progress_is_one_side_for_few_and_for_many_sites() {
    for (sites, courses) in [(0, 0), (1, 1), (6, 8), (12, 12)] {
        let pdf = progress_sheet(&made::sheet(sites, courses)).unwrap();
        keep(&format!("progress-{sites}.pdf"), &pdf);
        assert_eq!((sides(&pdf), is_tagged(&pdf)), (1, true), "{sites} sites");
    }
    let mut sheet = made::sheet(6, 8);
    sheet.weeks = vec![String::new(); 61];
    assert!(matches!(progress_sheet(&sheet), Err(ReportError::TooMuch { .. })));
}

#[test]
fn a_report_is_one_side_up_to_twelve_subjects_and_no_more_is_taken() {
    for subjects in [0, 5, 12] {
        let pdf = learner_report(&made::report(subjects)).unwrap();
        keep(&format!("learner-{subjects}.pdf"), &pdf);
        assert_eq!((sides(&pdf), is_tagged(&pdf)), (1, true), "{subjects} subjects");
    }
    // However much is written.
    let mut long = made::report(12);
    let much = "Wherever they are taught, and whatever it takes. ".repeat(40);
    (long.lead, long.next) = (much.clone(), much.clone());
    long.subjects.iter_mut().for_each(|subject| subject.next.clone_from(&much));
    long.praise = vec![much.clone(); 30];
    long.concerns = vec![much; 30];
    let pdf = learner_report(&long).unwrap();
    keep("learner-long.pdf", &pdf);
    assert_eq!(sides(&pdf), 1);
    assert!(matches!(learner_report(&made::report(13)), Err(ReportError::TooMuch { .. })));
}

#[test]
fn the_evacuation_list_takes_the_sides_it_needs() {
    for (visitors, least) in [(0, 1), (9, 1), (300, 5)] {
        let pdf = evacuation(&made::visitors(visitors)).unwrap();
        keep(&format!("evacuation-{visitors}.pdf"), &pdf);
        assert!(sides(&pdf) >= least && is_tagged(&pdf), "{visitors} visitors");
    }
    assert!(matches!(evacuation(&made::visitors(2_001)), Err(ReportError::TooMuch { .. })));
}

#[test]
fn a_name_is_printed_and_never_set_as_type() {
    let mut list = made::visitors(1);
    let clean = evacuation(&list).unwrap();
    for name in [
        "#panic(\"x\")",
        "$x$ *bold* = title",
        "#read(\"/etc/passwd\")",
        "\u{202e}\u{0}]]}",
        "Зоя Ξένη",
        "李小龍",
    ] {
        list.gatherings[0].visitors[0] =
            Visitor { name: name.to_owned(), ..list.gatherings[0].visitors[0].clone() };
        assert_eq!(sides(&evacuation(&list).unwrap()), sides(&clean), "a name did something");
    }
    assert!(!format!("{list:?}").contains("panic"), "what is printed about somebody isn't in a log line");
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let report = made::report(5);
    assert_eq!(learner_report(&report).unwrap(), learner_report(&report).unwrap());
}
