//! Which lesson marks can be SIF objects.
//!
//! An object of a file can't say that an older one is to go, needs a code of SIF's own sets, and names its learner by a RefId. What
//! doesn't fit is left for the CSV list, so that nothing is lost in silence.

use crate::settings::{Sif, sif::is_ref_id};
use commonroll_connectors::render::{self, MarkRow};

/// The objects, if there are any, and the rows that can't be one.
pub(super) fn objects(rows: &[MarkRow], sif: &Sif) -> (Option<Vec<u8>>, Vec<MarkRow>) {
    let fits = |row: &&MarkRow| {
        !row.head.withdrawn && sif.codes.contains_key(&row.mark) && is_ref_id(row.head.learner.as_str())
    };
    let (fit, left): (Vec<&MarkRow>, Vec<&MarkRow>) = rows.iter().partition(fits);
    let fit: Vec<MarkRow> = fit.into_iter().cloned().collect();
    let code = |row: &MarkRow| sif.codes.get(&row.mark).cloned();
    let xml = (!fit.is_empty()).then(|| render::sif_periods(&fit, &sif.school, &code));
    (xml, left.into_iter().cloned().collect())
}
