//! The rules in words, sentence by sentence. Each function answers which groups may leave, or `None`.

use super::{
    bits, whole,
    world::{Day, Person, Record, World},
};
use commonroll_core::{Purpose, RecordKind, Role};
use commonroll_policy::{Action, OfficeAct};

/// Of a kind, what may flow at all: the internal comment on behaviour never leaves the source.
fn shareable(kind: RecordKind) -> u32 {
    if kind == RecordKind::Behaviour { bits(&[1, 2, 3, 4]) } else { whole(kind) }
}

/// "Policies are the ceiling; an agreement lists what of it flows": between the host that made it and the home.
fn flows(world: &World, record: &Record, home: usize, today: Day) -> Option<u32> {
    let listed = world.listed(record.source, home, record.kind, today)?;
    let covered = world.placed(record);
    covered.then_some((listed | bits(&[1])) & shareable(record.kind))
}

/// A host gives the hub its records of learners placed with it; home receives everything about its learners from
/// every host. Nobody else gets anything. Confidential records never travel.
pub(super) fn institution(
    world: &World,
    action: Action,
    actor: usize,
    record: &Record,
    today: Day,
) -> Option<u32> {
    if record.confidential {
        return None;
    }
    let home = world.home(record.learner)?;
    let entitled = match action {
        Action::Publish => actor == record.source,
        Action::Receive => actor == home,
    };
    flows(world, record, home, today).filter(|_| entitled)
}

/// What somebody reads of a record.
pub(super) fn record_to_person(
    world: &World,
    person: &Person,
    purpose: Purpose,
    record: &Record,
    today: Day,
) -> Option<u32> {
    if record.confidential || purpose == Purpose::Emergency {
        return None;
    }
    let home = world.home(record.learner);
    let at_home = home == Some(person.at);
    let made_here = record.source == person.at;
    let all = shareable(record.kind);
    // What there is to see at the learner's home: its own records, and what flows to it.
    let seen_at_home = || {
        if made_here { Some(all) } else { flows(world, record, person.at, today) }
    };
    let is = |purposes: &[Purpose]| purposes.contains(&purpose);
    match person.role {
        // A teacher sees learners of groups they teach, within the placement's dates: what the own institution
        // recorded, and at home what flows there.
        Role::Teacher => {
            if !is(&[Purpose::Teaching, Purpose::Pastoral]) || !world.teaches(person, record.learner, today) {
                None
            } else if made_here {
                Some(all)
            } else if at_home {
                seen_at_home()
            } else {
                None
            }
        }
        // Tutors, heads of sixth form and heads see their own institution's learners; attendance alone when that is
        // what they look for.
        Role::Tutor | Role::HeadOfSixth | Role::Head if at_home => match purpose {
            Purpose::Pastoral => seen_at_home(),
            Purpose::Attendance if record.kind == RecordKind::Attendance => seen_at_home(),
            _ => None,
        },
        // An attendance officer sees attendance, and of behaviour no narrative.
        Role::AttendanceOfficer if at_home && is(&[Purpose::Attendance]) => match record.kind {
            RecordKind::Attendance => seen_at_home(),
            RecordKind::Behaviour => seen_at_home().map(|groups| groups & bits(&[1, 2, 3])),
            RecordKind::Assessment => None,
        },
        // Learners and parents see the learner's own record once home turns that on.
        Role::Learner | Role::Parent if at_home => {
            let own = person.child == Some(record.learner) && world.access_on[person.at];
            seen_at_home().filter(|_| own && is(&[Purpose::Pastoral, Purpose::Administration]))
        }
        // A program gets whether learners of its institution were present.
        Role::Program if at_home && record.kind == RecordKind::Attendance => {
            seen_at_home().filter(|_| is(&[Purpose::Attendance])).map(|groups| groups & bits(&[1, 2]))
        }
        // A data manager, DPO or lead reads no record; nor does anybody at an institution that has nothing to do with it.
        _ => None,
    }
}

const IDENTITY: u32 = bits(&[1]);
const CONTACT: u32 = bits(&[2]);
const NEEDS: u32 = bits(&[3]);
const PRESENCE: u32 = bits(&[4]);

/// A host receives the card of learners placed with it and while they are, as far as it is agreed.
pub(super) fn card_to_institution(world: &World, at: usize, learner: usize, today: Day) -> Option<u32> {
    let home = world.home(learner)?;
    if home == at || !world.placed_at(learner, at, today) {
        return None;
    }
    let listed = world.listed_of_card(home, at, today)?;
    Some((listed | IDENTITY) & (IDENTITY | CONTACT | NEEDS | PRESENCE))
}

/// What somebody reads of a card.
pub(super) fn card_to_person(
    world: &World,
    person: &Person,
    purpose: Purpose,
    learner: usize,
    emergency: bool,
    today: Day,
) -> Option<u32> {
    let home = world.home(learner)?;
    let at_home = home == person.at;
    let staff = [Role::Teacher, Role::Tutor, Role::HeadOfSixth, Role::AttendanceOfficer, Role::Head];
    if purpose == Purpose::Emergency {
        // Emergency access: of a placed learner, whom to call and the needs.
        let opened = emergency && staff.contains(&person.role) && world.placed_at(learner, person.at, today);
        return (opened && !at_home).then_some(IDENTITY | CONTACT | NEEDS);
    }
    let agreed = || card_to_institution(world, person.at, learner, today);
    let all = IDENTITY | CONTACT | NEEDS | PRESENCE;
    match (person.role, purpose) {
        (Role::Teacher, Purpose::Teaching | Purpose::Pastoral) if world.teaches(person, learner, today) => {
            if at_home {
                Some(all)
            } else {
                agreed()
            }
        }
        (Role::Tutor | Role::HeadOfSixth | Role::Head, Purpose::Pastoral | Purpose::Attendance)
            if at_home =>
        {
            Some(all)
        }
        (Role::AttendanceOfficer, Purpose::Attendance) if at_home => Some(all & !NEEDS),
        (Role::AttendanceOfficer, Purpose::Attendance) => {
            agreed().map(|groups| groups & (IDENTITY | PRESENCE))
        }
        (Role::Learner | Role::Parent, Purpose::Pastoral | Purpose::Administration) if at_home => {
            (person.child == Some(learner) && world.access_on[person.at]).then_some(all)
        }
        _ => None,
    }
}

/// Who may do what else. `own`: it concerns the own institution, another, or (`None`) the consortium.
pub(super) fn office(role: Role, act: OfficeAct, purpose: Purpose, own: Option<bool>, second: bool) -> bool {
    use OfficeAct::*;
    let (head, manager, dpo, lead) =
        (role == Role::Head, role == Role::DataManager, role == Role::Dpo, role == Role::ConsortiumLead);
    let fits = if act == OpenEmergency { Purpose::Emergency } else { Purpose::Administration };
    let mine = own == Some(true);
    let mine_or_all = own != Some(false);
    purpose == fits
        && match act {
            // Everybody who is enrolled may know the rules.
            SeePolicy => role != Role::Program,
            // A data manager sees decisions, the log, readiness, and the metadata of the own institution's sharing;
            // a data protection officer as the data manager.
            SeeDecisions | SeeNames => (manager || dpo) && mine,
            SeeSharing => (manager || dpo || head) && mine,
            SeeLog => (manager || dpo) && mine_or_all,
            // A technician sees the agents and readiness of the own institution.
            SeeReadiness if role == Role::Technician => mine,
            SeeReadiness | SeeAggregates => lead || ((manager || dpo) && mine_or_all) || (head && mine),
            TryPolicy | ProposePolicy | ActivatePolicy => (manager || dpo) && mine_or_all,
            ApprovePolicy => (manager || dpo || head) && mine_or_all && second,
            ProposeAgreement => (manager || head) && mine,
            SignAgreement => head && mine,
            InvitePerson | RevokePerson | SetAccess => (head || manager) && mine,
            // Of the own institution, or, by a lead, of any: where an institution has nobody else.
            GrantOffice => second && (((head || manager) && mine) || (lead && own.is_some())),
            SubjectExport | Erase | BreachPack => dpo && mine,
            ReviewEmergency => dpo && mine && second,
            ExitPack => (head || manager || dpo) && mine,
            OpenEmergency => {
                mine && (head
                    || matches!(
                        role,
                        Role::Teacher | Role::Tutor | Role::HeadOfSixth | Role::AttendanceOfficer
                    ))
            }
            EndMembership => head && mine,
            // A data manager asks, the data protection officer agrees.
            AskRetention => (manager || dpo) && mine,
            SetRetention => dpo && mine,
            SettleMatch => manager && mine,
            // Who reads records of the own learners takes them out; who is told approves, and never what they asked for.
            ExportRecords => mine && (head || matches!(role, Role::HeadOfSixth | Role::AttendanceOfficer)),
            ApproveExport => (head || manager || dpo) && mine && second,
        }
}
