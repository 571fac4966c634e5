//! Institutions declare, the hub answers, agreements and institutions travel.

use crate::sample::{date, id, slug, text, time};
use commonroll_core::{
    Interval, Invalid, RecordKind, Role,
    agreement::{AlertTimes, ItemKind, Moment},
    directory::{
        Agreement, DateRange, DayDeclaration, Declaration, GroupDeclaration, Institution, InstitutionType,
        LearnerDeclaration, LessonDeclaration, Limits, NoticeDeclaration, NoticeKind, PlacementAcceptance,
        PlacementDeclaration, PlacementEnd, Registration, StaffDeclaration, SupportDeclaration,
    },
};
use commonroll_wire::{
    DeclarationAnswer, RecordAnswer, Refusal,
    pb::{
        directory::v1 as pb, directory::v1::declaration::Fact, exchange::v1 as exchange,
        institution::v1::Staff, timetable::v1::Lesson,
    },
    read_agreement, read_declaration, read_declaration_answer, read_institution, read_record_answer,
    write_agreement, write_declaration, write_declaration_answer, write_institution, write_record_answer,
};

fn learner() -> LearnerDeclaration {
    LearnerDeclaration {
        local_id: id("K-0417"),
        registration: Registration::Home,
        upn: "A123456789012".into(),
        uln: "9900000019".into(),
        uci: String::new(),
        former_upns: vec!["R86040012500A".into()],
        birth_date: Some("2009-02-28".parse().unwrap()),
        surname: text("Example"),
        forename: text("Ada"),
        known_as: text(""),
    }
}

fn declarations() -> [Declaration; 9] {
    let dates = DateRange::new(date(), "2027-07-16".parse().unwrap()).unwrap();
    let (learner_id, group) = (id("K-0417"), Some(id("12B/Ph1")));
    [
        Declaration::Learner(learner()),
        Declaration::Group(GroupDeclaration {
            local_id: id("12B/Ph1"),
            course_title: text("A level Physics"),
            subject: text("Physics"),
        }),
        Declaration::Placement(PlacementDeclaration {
            learner: learner_id.clone(),
            host: slug("northgate"),
            group: group.clone(),
            dates,
        }),
        Declaration::Acceptance(PlacementAcceptance {
            learner: learner_id.clone(),
            home: slug("kingsmead"),
            group: None,
            dates,
        }),
        Declaration::End(PlacementEnd {
            learner: learner_id,
            other: slug("northgate"),
            group,
            from: time(1_789_380_000_000_000),
        }),
        Declaration::Staff(StaffDeclaration {
            local_id: id("S1"),
            roles: vec![Role::Teacher, Role::HeadOfSixth],
            groups: vec![id("12B/Ph1"), id("13A/Ph1")],
        }),
        Declaration::Day(
            DayDeclaration::new(date(), false, Some("A".parse().unwrap()), vec![lesson("1"), lesson("2")])
                .unwrap(),
        ),
        Declaration::Notice(NoticeDeclaration {
            local_id: id("4711"),
            learner: id("K-0417"),
            kind: NoticeKind::ExpectedAbsence,
            time: hour(),
            withdrawn: true,
        }),
        Declaration::Support(SupportDeclaration {
            learner: id("K-0417"),
            needs: text("Large print"),
            emergency: text("Ring the desk first"),
            last_date: "2027-07-16".parse().unwrap(),
        }),
    ]
}

fn hour() -> Interval {
    Interval::new(time(1_789_380_000_000_000), time(1_789_383_600_000_000)).unwrap()
}

fn lesson(name: &str) -> LessonDeclaration {
    let (local_id, group, room) = (id(name), id("12B/Ph1"), text("B12"));
    LessonDeclaration { local_id, group, time: hour(), room, cancelled: name == "2" }
}

#[test]
fn every_declaration_comes_back_as_it_was_said() {
    for declaration in declarations() {
        assert_eq!(read_declaration(&write_declaration(&declaration)).unwrap(), declaration);
    }
}

#[test]
fn every_registration_comes_back() {
    use Registration::{Guest, Home, Previous, Subsidiary};
    for registration in [Home, Subsidiary, Guest, Previous] {
        let declaration = Declaration::Learner(LearnerDeclaration { registration, ..learner() });
        assert_eq!(read_declaration(&write_declaration(&declaration)).unwrap(), declaration);
    }
}

/// The field named when one declaration, the nth of [`declarations`], is changed.
fn refused(which: usize, edit: impl FnOnce(&mut Fact)) -> &'static str {
    let mut declaration = write_declaration(&declarations()[which]);
    edit(declaration.fact.as_mut().unwrap());
    read_declaration(&declaration).unwrap_err().field
}

#[test]
fn a_bad_declaration_is_refused_by_its_field() {
    macro_rules! said {
        ($which:expr, $variant:ident, $field:ident = $value:expr) => {
            refused($which, |fact| match fact {
                Fact::$variant(said) => said.$field = $value,
                _ => panic!("not the declaration meant"),
            })
        };
    }
    assert_eq!(read_declaration(&pb::Declaration { fact: None }).unwrap_err().field, "fact");
    assert_eq!(said!(0, Learner, local_id = " ".into()), "local_id");
    assert_eq!(said!(0, Learner, registration = 0), "registration");
    assert_eq!(said!(0, Learner, registration = 9), "registration");
    assert_eq!(said!(0, Learner, upn = "9".repeat(33)), "upn");
    assert_eq!(said!(0, Learner, uln = "9\n".into()), "uln");
    assert_eq!(said!(0, Learner, uci = "\u{1}".into()), "uci");
    assert_eq!(said!(0, Learner, former_upns = vec!["9\n".into()]), "former_upns");
    assert_eq!(said!(0, Learner, former_upns = vec![String::new(); 9]), "former_upns");
    assert_eq!(said!(0, Learner, birth_date = "2009-02-29".into()), "birth_date");
    assert_eq!(said!(0, Learner, surname = "s".repeat(101)), "surname");
    assert_eq!(said!(0, Learner, forename = "f\u{1b}".into()), "forename");
    assert_eq!(said!(0, Learner, known_as = "k".repeat(101)), "known_as");
    assert_eq!(said!(1, Group, local_id = String::new()), "local_id");
    assert_eq!(said!(1, Group, course_title = "c".repeat(201)), "course_title");
    assert_eq!(said!(1, Group, subject = "s".repeat(101)), "subject");
    assert_eq!(said!(2, Placement, learner_local_id = String::new()), "learner_local_id");
    assert_eq!(said!(2, Placement, host = "North Gate".into()), "host");
    assert_eq!(said!(2, Placement, group_local_id = "g".repeat(65)), "group_local_id");
    assert_eq!(said!(2, Placement, first_date = String::new()), "first_date");
    assert_eq!(said!(2, Placement, last_date = "2026-09-13".into()), "last_date");
    assert_eq!(said!(3, Acceptance, home = String::new()), "home");
    assert_eq!(said!(4, End, other = "9".into()), "other");
    assert_eq!(said!(4, End, from_us = i64::MAX), "from_us");
    assert_eq!(said!(6, Day, school_date = "2026-09-31".into()), "school_date");
    assert_eq!(said!(6, Day, week = "w".repeat(13)), "week");
    assert_eq!(said!(7, Notice, local_id = String::new()), "local_id");
    assert_eq!(said!(7, Notice, learner_local_id = String::new()), "learner_local_id");
    assert_eq!(said!(7, Notice, kind = 2), "kind");
    assert_eq!(said!(7, Notice, kind = 9), "kind");
    assert_eq!(said!(7, Notice, group_local_id = "12B".into()), "group_local_id");
    assert_eq!(said!(7, Notice, end_us = 0), "end_us");
    assert_eq!(said!(8, Support, learner_local_id = String::new()), "learner_local_id");
    assert_eq!(said!(8, Support, text = "n".repeat(501)), "text");
    assert_eq!(said!(8, Support, emergency = "e".repeat(201)), "emergency");
    assert_eq!(said!(8, Support, last_date = String::new()), "last_date");
    let lessons = |edit: fn(&mut Vec<Lesson>)| {
        refused(6, |fact| match fact {
            Fact::Day(day) => edit(&mut day.lessons),
            _ => panic!("not the declaration meant"),
        })
    };
    assert_eq!(lessons(|of| of[0].local_id.clear()), "local_id");
    assert_eq!(lessons(|of| of[0].local_id = of[1].local_id.clone()), "local_id");
    assert_eq!(lessons(|of| of[0].group_local_id.clear()), "group_local_id");
    assert_eq!(lessons(|of| of[0].end_us = of[0].start_us), "end_us");
    assert_eq!(lessons(|of| of[0].room = "r".repeat(41)), "room");
    assert_eq!(lessons(|of| of.resize(2_001, Lesson::default())), "lessons");
}

#[test]
fn staff_are_checked_and_carried() {
    let staff = Staff { local_id: "S1".into(), roles: vec![1, 2], group_local_ids: vec!["12B/Ph1".into()] };
    let read = |staff: Staff| read_declaration(&pb::Declaration { fact: Some(Fact::Staff(staff)) });
    let Declaration::Staff(said) = read(staff.clone()).unwrap() else { panic!("staff was declared") };
    assert_eq!((said.roles, said.groups), (vec![Role::Teacher, Role::Tutor], vec![id("12B/Ph1")]));
    let field = |staff| read(staff).unwrap_err().field;
    assert_eq!(field(Staff { local_id: String::new(), ..staff.clone() }), "local_id");
    assert_eq!(field(Staff { roles: vec![], ..staff.clone() }), "roles");
    assert_eq!(field(Staff { roles: vec![0], ..staff.clone() }), "roles");
    assert_eq!(field(Staff { roles: vec![1, 99], ..staff.clone() }), "roles");
    assert_eq!(field(Staff { group_local_ids: vec![String::new()], ..staff }), "group_local_ids");
}

#[test]
fn answers_come_back_as_they_were_given() {
    let refusal = Refusal::from(&Invalid::new("code", "must have 1 to 16 visible characters"));
    assert_eq!(refusal.code, "invalid_field");
    for answer in [
        RecordAnswer::Accepted { sequence: 1 },
        RecordAnswer::Duplicate { sequence: u64::MAX },
        RecordAnswer::Rejected(refusal.clone()),
    ] {
        assert_eq!(read_record_answer(write_record_answer(answer.clone())).unwrap(), answer);
    }
    for answer in [
        DeclarationAnswer::Accepted,
        DeclarationAnswer::Unchanged,
        DeclarationAnswer::Rejected(refusal),
        DeclarationAnswer::Contested { code: "contested_home".into(), reason: "ask the other home".into() },
    ] {
        assert_eq!(read_declaration_answer(write_declaration_answer(answer.clone())).unwrap(), answer);
    }
}

#[test]
fn an_answer_that_makes_no_sense_is_refused_by_its_field() {
    let record = |outcome, sequence, reason: &str| {
        let reason = reason.to_owned();
        read_record_answer(exchange::RecordResult { outcome, sequence, reason, ..Default::default() })
            .unwrap_err()
            .field
    };
    assert_eq!(record(0, 1, ""), "outcome");
    assert_eq!(record(4, 1, ""), "outcome");
    assert_eq!(record(1, 0, ""), "sequence");
    assert_eq!(record(3, 0, "\u{1b}[2J"), "reason");
    let declared = pb::DeclarationResult { outcome: 5, ..Default::default() };
    assert_eq!(read_declaration_answer(declared).unwrap_err().field, "outcome");
}

fn agreement() -> Agreement {
    Agreement {
        id: slug("sixth-form-2026"),
        version: 3,
        parties: vec![slug("kingsmead"), slug("northgate")],
        purpose: "Shared sixth form teaching".into(),
        kinds: [(RecordKind::Attendance, vec![2, 3]), (RecordKind::Behaviour, vec![])].into(),
        first_date: date(),
        last_date: "2027-08-31".parse().unwrap(),
        limits: Limits {
            homes: vec![slug("kingsmead")],
            hosts: vec![slug("northgate"), slug("kingsmead")],
            card: vec![1, 3],
            seen_by: [
                (ItemKind::Card, [(3, [Role::Teacher].into())].into()),
                (
                    ItemKind::Record(RecordKind::Attendance),
                    [(2, [Role::Tutor, Role::AttendanceOfficer].into()), (3, [Role::Tutor].into())].into(),
                ),
            ]
            .into(),
            kept_at_end: [ItemKind::Record(RecordKind::Attendance)].into(),
            times: AlertTimes::new([(Moment::Register, 10), (Moment::NextDay, 930)].into()).unwrap(),
        },
    }
}

#[test]
fn an_agreement_comes_back_and_a_bad_one_names_its_field() {
    assert_eq!(read_agreement(&write_agreement(&agreement())).unwrap(), agreement());
    let field = |edit: fn(&mut commonroll_wire::pb::agreement::v1::Agreement)| {
        let mut message = write_agreement(&agreement());
        edit(&mut message);
        read_agreement(&message).unwrap_err().field
    };
    assert_eq!(field(|a| a.id.clear()), "id");
    assert_eq!(field(|a| a.version = 0), "version");
    assert_eq!(field(|a| a.parties.truncate(1)), "parties");
    assert_eq!(field(|a| a.parties[1] = "kingsmead".into()), "parties");
    assert_eq!(field(|a| a.purpose.clear()), "purpose");
    assert_eq!(field(|a| a.kinds[0].kind = 0), "kind");
    assert_eq!(field(|a| a.kinds[1].kind = 1), "kinds");
    assert_eq!(field(|a| a.kinds[0].groups.push(6)), "groups");
    assert_eq!(field(|a| a.kinds[0].groups.push(1)), "groups");
    assert_eq!(field(|a| a.kinds[0].groups.push(2)), "groups");
    assert_eq!(field(|a| a.first_date = "2026-13-01".into()), "first_date");
    assert_eq!(field(|a| a.homes.push("oakwood".into())), "homes");
    assert_eq!(field(|a| a.hosts = vec!["kingsmead".into(); 3]), "hosts");
    assert_eq!(field(|a| a.kinds[0].seen_by[0].roles.push("everybody".into())), "role");
    assert_eq!(field(|a| a.kinds[0].seen_by[0].roles.clear()), "seen_by");
    assert_eq!(field(|a| a.kinds[0].seen_by[0].group = 4), "seen_by");
    assert_eq!(field(|a| a.card.as_mut().unwrap().groups.push(9)), "groups");
    assert_eq!(field(|a| a.alert_times[0].moment = "grace".into()), "alert_times");
    assert_eq!(field(|a| a.alert_times[0].minutes = 0), "alert_times");
    assert_eq!(field(|a| a.alert_times[0].minutes = 1 << 20), "alert_times");
    assert_eq!(field(|a| a.alert_times.push(a.alert_times[1].clone())), "alert_times");
    assert_eq!(field(|a| a.last_date = "2026-09-01".into()), "last_date");
}

#[test]
fn an_institution_comes_back_and_a_bad_one_names_its_field() {
    use InstitutionType::{Academy, FeCollege, School, SixthForm};
    let institution = |kind| Institution {
        slug: slug("kingsmead"),
        name: "Kingsmead School".into(),
        kind,
        urn: "100000".into(),
        ukprn: "10000000".into(),
        time_zone: "Europe/London".into(),
        phone: "01632 960107".into(),
        desk: "Attendance desk".into(),
    };
    for kind in [School, Academy, FeCollege, SixthForm] {
        assert_eq!(read_institution(&write_institution(&institution(kind))).unwrap(), institution(kind));
    }
    let field = |edit: fn(&mut commonroll_wire::pb::institution::v1::Institution)| {
        let mut message = write_institution(&institution(School));
        edit(&mut message);
        read_institution(&message).unwrap_err().field
    };
    assert_eq!(field(|i| i.slug = "K".into()), "slug");
    assert_eq!(field(|i| i.name.clear()), "name");
    assert_eq!(field(|i| i.r#type = 0), "type");
    assert_eq!(field(|i| i.r#type = 5), "type");
    assert_eq!(field(|i| i.urn = "12345".into()), "urn");
    assert_eq!(field(|i| i.ukprn = "20000000".into()), "ukprn");
    assert_eq!(field(|i| i.time_zone = "../etc".into()), "time_zone");
    assert_eq!(field(|i| i.phone = "ask for Ada".into()), "phone");
    assert_eq!(field(|i| i.desk = "d".repeat(61)), "desk");
}
