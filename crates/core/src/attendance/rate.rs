//! The attendance rate: attended out of possible, for school codes and for college usage codes alike.
//!
//! Marks that are still missing are kept apart. They are neither present nor absent, so a rate over them is provisional.

/// How one mark counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Counts {
    /// Attended, and possible. `Y` in a college's table.
    #[serde(rename = "Y")]
    Attended,
    /// Not attended, and possible. `N` in a college's table.
    #[serde(rename = "N")]
    Missed,
    /// Leaves the denominator. `~` in a college's table.
    #[serde(rename = "~")]
    Ignored,
    /// Not known yet.
    #[serde(rename = "?")]
    Unresolved,
}

/// Attended out of possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttendanceRate {
    /// Marks that count as attended.
    pub attended: u32,
    /// Marks that could have been attended.
    pub possible: u32,
    /// Marks that are missing; in neither of the others.
    pub unresolved: u32,
}

impl AttendanceRate {
    /// Percentage attended, 0 to 100; `None` if nothing was possible.
    pub fn percent(&self) -> Option<f64> {
        (self.possible > 0).then(|| f64::from(self.attended) * 100.0 / f64::from(self.possible))
    }
}

impl FromIterator<Counts> for AttendanceRate {
    fn from_iter<I: IntoIterator<Item = Counts>>(marks: I) -> Self {
        let mut rate = Self::default();
        for mark in marks {
            match mark {
                Counts::Attended => (rate.attended, rate.possible) = (rate.attended + 1, rate.possible + 1),
                Counts::Missed => rate.possible += 1,
                Counts::Ignored => {}
                Counts::Unresolved => rate.unresolved += 1,
            }
        }
        rate
    }
}
