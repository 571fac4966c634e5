//! GCSE in numbers and in letters, combined science, and the technical awards of levels 1 and 2.
//!
//! The points are those of Attainment 8.

use super::{k, row, scale};
use crate::grades::scale::{Fine, Scale};

/// Letters of the old scale with the nearest numbers of the new one, for showing side by side. Not a conversion.
pub const NEAREST_NUMBERS: &[(&str, &[&str])] = &[
    ("A*", &["9", "8"]),
    ("A", &["7"]),
    ("B", &["6", "5"]),
    ("C", &["4"]),
    ("D", &["3"]),
    ("E", &["2"]),
    ("F", &["2"]),
    ("G", &["1"]),
    ("U", &["U"]),
];

/// The scales of this file.
pub(super) fn scales() -> Vec<Scale> {
    vec![
        Scale {
            fine: Fine::Steps,
            ..scale(
                "gcse-9-1",
                "redcar-cleveland.gov.uk; points are the number",
                None,
                vec![
                    row("9", k(9.0), None),
                    row("8", k(8.0), None),
                    row("7", k(7.0), None),
                    row("6", k(6.0), None),
                    row("5", k(5.0), None),
                    row("4", k(4.0), None),
                    row("3", k(3.0), None),
                    row("2", k(2.0), None),
                    row("1", k(1.0), None),
                    row("U", k(0.0), None),
                ],
            )
        },
        Scale {
            fine: Fine::Steps,
            ..scale(
                "gcse-letter",
                "Attainment 8 points for unreformed GCSE",
                None,
                vec![
                    row("A*", k(8.5), None),
                    row("A", k(7.0), None),
                    row("B", k(5.5), None),
                    row("C", k(4.0), None),
                    row("D", k(3.0), None),
                    row("E", k(2.0), None),
                    row("F", k(1.5), None),
                    row("G", k(1.0), None),
                    row("U", k(0.0), None),
                ],
            )
        },
        // A double grade: its points count twice.
        scale(
            "gcse-combined-science",
            "mean of both numbers",
            None,
            vec![
                row("9-9", k(9.0), None),
                row("9-8", k(8.5), None),
                row("8-8", k(8.0), None),
                row("8-7", k(7.5), None),
                row("7-7", k(7.0), None),
                row("7-6", k(6.5), None),
                row("6-6", k(6.0), None),
                row("6-5", k(5.5), None),
                row("5-5", k(5.0), None),
                row("5-4", k(4.5), None),
                row("4-4", k(4.0), None),
                row("4-3", k(3.5), None),
                row("3-3", k(3.0), None),
                row("3-2", k(2.5), None),
                row("2-2", k(2.0), None),
                row("2-1", k(1.5), None),
                row("1-1", k(1.0), None),
                row("U", k(0.0), None),
            ],
        ),
        Scale {
            words: true,
            ..scale(
                "level-1-2-technical",
                "field knowledge",
                None,
                vec![
                    row("L2D*", k(8.5), None),
                    row("L2D", k(7.0), None),
                    row("L2M", k(5.5), None),
                    row("L2P", k(4.0), None),
                    row("L1D", k(3.0), None),
                    row("L1M", k(2.0), None),
                    row("L1P", k(1.25), None),
                    row("U", None, None),
                ],
            )
        },
    ]
}
