//! What a permit can rest on, and which of it a denied question lacks.
//!
//! Found by asking the policies: everything that could be there is imagined to be there, then what turns out not to
//! be needed is taken away again. What is left, and isn't there, is missing.

use crate::{
    engine::{Answer, Engine},
    question::Action,
    scene::{Act, Person, Scene, Thing},
    verdict::DenyCode,
    why::deciding,
};
use commonroll_core::Purpose;

/// Something that a permit can rest on, in the order in which a lack of it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Purpose,
    Home,
    Placement,
    Agreement,
    Teaching,
    Own,
    Access,
    Second,
    Emergency,
}

/// In the order in which they are told.
const TOLD: [Need; 9] = [
    Need::Purpose,
    Need::Home,
    Need::Placement,
    Need::Agreement,
    Need::Teaching,
    Need::Own,
    Need::Access,
    Need::Second,
    Need::Emergency,
];

/// In the order in which it is tried to do without them: where several ways lead to a permit, the usual one is told.
const SPARED: [Need; 9] = [
    Need::Emergency,
    Need::Own,
    Need::Access,
    Need::Second,
    Need::Home,
    Need::Teaching,
    Need::Agreement,
    Need::Placement,
    Need::Purpose,
];

impl Need {
    /// The answer's code.
    pub const fn code(self, scene: &Scene<'_>) -> DenyCode {
        match self {
            Self::Purpose => DenyCode::WrongPurpose,
            Self::Home => match scene.thing {
                Thing::Office => DenyCode::NotYours,
                Thing::Record(_) | Thing::Card => DenyCode::NotHome,
            },
            Self::Placement => DenyCode::NoPlacement,
            Self::Agreement => DenyCode::NoAgreement,
            Self::Teaching => DenyCode::NotTeaching,
            Self::Own => DenyCode::NotOwn,
            Self::Access => DenyCode::AccessOff,
            Self::Second => DenyCode::NeedsSecond,
            Self::Emergency => DenyCode::NoEmergency,
        }
    }

    /// Which thing is missing and who can change it. The same words whether the learner is known or not.
    pub const fn words(self, scene: &Scene<'_>) -> &'static str {
        match self {
            Self::Purpose => {
                "this role doesn't look or act for this purpose: name the purpose that you really have, or use the role \
                 that it belongs to"
            }
            Self::Home => home_words(scene),
            Self::Placement => match scene.thing {
                Thing::Card => {
                    "no placement of the learner with your institution is in force: the learner's home declares it and \
                     your institution accepts it"
                }
                Thing::Record(_) | Thing::Office => {
                    "no placement covers the record's date, time and group: the learner's home declares it and the host \
                     accepts it"
                }
            },
            Self::Agreement => match scene.thing {
                Thing::Card => {
                    "no sharing agreement in force between the learner's home and your institution lists cards: both \
                     sign one that does"
                }
                Thing::Record(_) | Thing::Office => {
                    "no sharing agreement in force between the two institutions lists records of this kind: both sign \
                     one that does"
                }
            },
            Self::Teaching => {
                "you teach no group that the learner is in within the placement's dates: your institution's data says \
                 who teaches which group"
            }
            Self::Own => "neither your own nor your child's: the learner's home says who belongs to whom",
            Self::Access => {
                "the learner's home hasn't let learners and parents in: its head or data manager can"
            }
            Self::Second => {
                "it takes a second person: somebody else of the right role has to propose it first"
            }
            Self::Emergency => {
                "no emergency access is open: staff of the host open one, with a reason, for a learner placed with it"
            }
        }
    }

    /// The scene as it would be if this were there; `None` where the scene has no such thing.
    fn supplied<'a>(self, scene: Scene<'a>, purpose: Option<Purpose>) -> Scene<'a> {
        let placing = scene.act == Act::Institution(Action::Publish) || scene.thing == Thing::Card;
        let with = |change: &dyn Fn(&mut Person)| Scene {
            person: scene.person.map(|mut person| {
                change(&mut person);
                person
            }),
            ..scene.clone()
        };
        match self {
            Self::Purpose => with(&|person| person.purpose = purpose.unwrap_or(person.purpose)),
            Self::Teaching => with(&|person| person.teaches = true),
            Self::Own => with(&|person| person.own = true),
            Self::Access => with(&|person| person.access_on = true),
            Self::Second => with(&|person| person.second = true),
            Self::Emergency => with(&|person| person.emergency = true),
            Self::Home if matches!(scene.act, Act::Institution(Action::Publish) | Act::ReceiveCard) => scene,
            Self::Home => Scene { home: Some(scene.actor), ..scene },
            Self::Placement if scene.thing == Thing::Office => scene,
            Self::Placement if placing => {
                let home = scene.home.or(Some("(the learner's home)"));
                Scene { home, placed: true, ..scene }
            }
            Self::Placement => Scene { placed: true, ..scene },
            Self::Agreement if scene.thing == Thing::Office => scene,
            Self::Agreement => {
                let agreement = scene.agreement.clone().or(Some(("(an agreement)".to_owned(), u32::MAX)));
                Scene { agreement, ..scene }
            }
        }
    }
}

const fn home_words(scene: &Scene<'_>) -> &'static str {
    match (scene.thing, scene.person) {
        (Thing::Office, _) => "it concerns another institution than yours: a person of that institution can",
        (_, None) => {
            "the recipient is not the learner's home, or more than one institution claims to be: those who claim the \
             learner settle it between them"
        }
        (_, Some(_)) => {
            "your institution is not the learner's home, or more than one institution claims to be: those who claim \
             the learner settle it between them"
        }
    }
}

/// What a denied scene lacks, in the order of telling. Empty if nothing that could be supplied would help.
pub(crate) fn missing(engine: &Engine, scene: &Scene<'_>) -> Vec<Need> {
    let own = scene.person.map(|person| person.purpose);
    let permitted = |needs: &[Need], purpose: Option<Purpose>| {
        let imagined = needs.iter().fold(scene.clone(), |scene, need| need.supplied(scene, purpose));
        matches!(engine.ask(&imagined, deciding(scene.thing)), Answer::Allow(_))
    };
    // To be the home shuts some ways, such as those of a host: so everything is tried without that too.
    let as_host: Vec<Need> = TOLD.into_iter().filter(|need| *need != Need::Home).collect();
    let purposes = own.into_iter().chain(Purpose::ALL).map(Some).chain([None]);
    let ways = purposes.flat_map(|purpose| [(TOLD.to_vec(), purpose), (as_host.clone(), purpose)]);
    let Some((mut needs, purpose)) = ways.into_iter().find(|(needs, purpose)| permitted(needs, *purpose))
    else {
        return Vec::new();
    };
    // What is there already, or can't be, is no need.
    needs.retain(|need| need.supplied(scene.clone(), purpose) != *scene);
    for spared in SPARED.into_iter().filter(|spared| needs.contains(spared)).collect::<Vec<_>>() {
        let fewer: Vec<Need> = needs.iter().copied().filter(|need| *need != spared).collect();
        if permitted(&fewer, purpose) {
            needs = fewer;
        }
    }
    needs
}
