//! One row is one group that a member of staff teaches; their rows together are one declaration, given at the end.
//!
//! A declaration says all that somebody teaches. So of whom one group can't be read, nothing is said: what was
//! declared before stands.

use super::{
    bound::{Bad, Bound},
    common::At,
    plan::{Captions, optional, required},
};
use crate::{
    connector::FileFault,
    item::{Item, Place, Sink},
    mapping::Columns,
};
use commonroll_core::{LocalId, Role, directory::StaffDeclaration};
use std::collections::{BTreeMap, BTreeSet};

/// Most groups of one member of staff.
pub const GROUPS_MAX: usize = 200;

/// Rows of staff, as they come together.
pub struct Teaching {
    staff: Bound,
    group: Option<Bound>,
    /// By id: the line on which they first stand and their groups, or nothing where one of them can't be read.
    found: BTreeMap<LocalId, (u64, Option<BTreeSet<LocalId>>)>,
}

impl Teaching {
    pub fn bind(mapping: &Columns, captions: &Captions) -> Result<Self, FileFault> {
        Ok(Self {
            staff: required("staff", mapping, captions)?,
            group: optional("group", mapping, captions)?,
            found: BTreeMap::new(),
        })
    }

    /// How many members of staff were found.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Takes a row in. A blank group says that they are there and teach nothing yet.
    pub fn row(&mut self, at: At<'_, '_>) -> Result<(), Bad> {
        let id = self.staff.local_id(at.row, at.number)?;
        let id = id.ok_or_else(|| {
            self.staff.bad("CSV-ID-BLANK", "must not be blank, or name it in `skip_if_blank`")
        })?;
        let (_, groups) = self.found.entry(id).or_insert_with(|| (at.row.line, Some(BTreeSet::new())));
        let Some(bound) = &self.group else { return Ok(()) };
        match (bound.local_id(at.row, at.number), &mut *groups) {
            (Ok(Some(group)), Some(held)) => {
                held.insert(group);
                if held.len() > GROUPS_MAX {
                    *groups = None;
                    return Err(
                        bound.bad("CSV-STAFF-GROUPS", "somebody teaches more than 200 groups; nobody does")
                    );
                }
                Ok(())
            }
            (Ok(_), _) => Ok(()),
            (Err(bad), _) => {
                *groups = None;
                Err(bad)
            }
        }
    }

    /// Gives everybody of whom all is known.
    pub fn tell(self, out: &mut dyn Sink) {
        for (local_id, (line, groups)) in self.found {
            let Some(groups) = groups else { continue };
            let groups = groups.into_iter().collect();
            out.item(
                Item::Staff(StaffDeclaration { local_id, roles: vec![Role::Teacher], groups }),
                Place { line },
            );
        }
    }
}
