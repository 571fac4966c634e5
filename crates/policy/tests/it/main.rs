//! The policies as data managers would tell them, their faults, and the table of who may what.

mod compare;
mod decisions;
mod faults;
mod oracle;
mod people;
#[cfg(feature = "prove")]
mod prove;
mod table;

use commonroll_core::{RecordKind, Slug};
use commonroll_policy::{Action, AgreementInForce, Policy, Question};
use std::path::PathBuf;

fn policy() -> Policy {
    Policy::embedded().expect("the embedded set is fit")
}

fn slug(name: &str) -> Slug {
    name.parse().expect("a slug")
}

fn policies_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// The partners of the stories: Ridgeway is home, Northgate teaches, Kingsmead looks on.
struct Partners {
    ridgeway: Slug,
    northgate: Slug,
    kingsmead: Slug,
    agreement: Slug,
}

impl Partners {
    fn new() -> Self {
        Self {
            ridgeway: slug("ridgeway"),
            northgate: slug("northgate"),
            kingsmead: slug("kingsmead"),
            agreement: slug("transition"),
        }
    }

    fn agreed(&self, groups: u32) -> AgreementInForce<'_> {
        AgreementInForce { id: &self.agreement, version: 3, groups }
    }

    /// Ridgeway would receive a record that Northgate made of its placed learner; everything is agreed.
    fn goes_home(&self, kind: RecordKind) -> Question<'_> {
        Question {
            action: Action::Receive,
            actor: &self.ridgeway,
            source: &self.northgate,
            kind,
            home: Some(&self.ridgeway),
            placed: true,
            agreement: Some(self.agreed(0b11_1110)),
            confidential: false,
        }
    }

    /// Every question that can be posed about a kind, by relation: who asks, who is home, what is in force.
    fn every_question(&self, kind: RecordKind) -> impl Iterator<Item = Question<'_>> {
        let homes = [None, Some(&self.ridgeway), Some(&self.northgate), Some(&self.kingsmead)];
        let agreements = (0..1u32 << kind.groups().len()).map(|set| Some(self.agreed(set << 2)));
        let agreements: Vec<_> = [None].into_iter().chain(agreements).collect();
        let mut all = Vec::new();
        for action in Action::ALL {
            for actor in [&self.ridgeway, &self.northgate] {
                for home in homes {
                    for agreement in &agreements {
                        for (placed, confidential) in
                            [(false, false), (false, true), (true, false), (true, true)]
                        {
                            let (source, agreement) = (&self.northgate, *agreement);
                            all.push(Question {
                                action,
                                actor,
                                source,
                                kind,
                                home,
                                placed,
                                agreement,
                                confidential,
                            });
                        }
                    }
                }
            }
        }
        all.into_iter()
    }
}
