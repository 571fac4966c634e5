//! The made-up institutions of the table and the examples.

use crate::question::{Action, AgreementInForce, Question};
use commonroll_core::{RecordKind, Slug};

/// One of each who can ask. The host is always the one that made the record.
pub(crate) struct Cast {
    pub home: Slug,
    pub host: Slug,
    pub other_host: Slug,
    pub second_claimant: Slug,
    pub stranger: Slug,
    agreement: Slug,
}

impl Cast {
    pub fn new() -> Self {
        let slug = |name: &str| name.parse().expect("the names below are slugs");
        Self {
            home: slug("home"),
            host: slug("host"),
            other_host: slug("other-host"),
            second_claimant: slug("second-claimant"),
            stranger: slug("stranger"),
            agreement: slug("agreement"),
        }
    }

    /// The member with this name.
    pub fn member(&self, name: &str) -> Option<&Slug> {
        let all = [&self.home, &self.host, &self.other_host, &self.second_claimant, &self.stranger];
        all.into_iter().find(|slug| slug.as_str() == name)
    }

    /// An agreement that lists these groups.
    pub const fn lists(&self, groups: u32) -> AgreementInForce<'_> {
        AgreementInForce { id: &self.agreement, version: 1, groups }
    }

    /// The question as it should be: the host publishes or the home receives, placed, and everything is agreed.
    pub fn usual(&self, kind: RecordKind, action: Action) -> Question<'_> {
        let actor = match action {
            Action::Publish => &self.host,
            Action::Receive => &self.home,
        };
        let all = kind.groups().iter().fold(0, |set, (number, _)| set | 1 << number);
        Question {
            action,
            actor,
            source: &self.host,
            kind,
            home: Some(&self.home),
            placed: true,
            agreement: Some(self.lists(all)),
            confidential: false,
        }
    }
}
