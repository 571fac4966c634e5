//! T levels and their components, functional skills, level 2 certificates, NVQ, pass or fail, effort.
//!
//! Effort grades run in different directions at different schools, so they have no ranks.

use super::{bare, k, row, s, scale};
use crate::grades::scale::{Alias, Fine, GradeRow, Scale};

/// The scales of this file.
pub(super) fn scales() -> Vec<Scale> {
    vec![
        // A bare pass doesn't say how the core went, on which the points depend: it is read as the range of both.
        Scale {
            words: true,
            aliases: vec![
                Alias { text: "P", low: "P(D/E)", high: "P(C+)" },
                same("P(CORABOVE)", "P(C+)"),
                same("P(DORE)", "P(D/E)"),
                same("PARTIALACHIEVEMENT", "PA"),
            ],
            ..scale(
                "t-level",
                "UCAS range 72 to 168; steps are field knowledge; DfE points not known",
                None,
                vec![
                    row("D*", None, s(168.0)),
                    row("D", None, k(144.0)),
                    row("M", None, k(120.0)),
                    row("P(C+)", None, k(96.0)),
                    row("P(D/E)", None, s(72.0)),
                    bare("PA"),
                    bare("U"),
                ],
            )
        },
        Scale {
            fine: Fine::Signs,
            ..scale(
                "t-level-core",
                "field knowledge",
                None,
                vec![bare("A*"), bare("A"), bare("B"), bare("C"), bare("D"), bare("E"), bare("U")],
            )
        },
        Scale {
            words: true,
            ..scale(
                "t-level-occupational-specialism",
                "field knowledge",
                None,
                vec![bare("D"), bare("M"), bare("P"), bare("U")],
            )
        },
        scale(
            "t-level-industry-placement",
            "field knowledge",
            None,
            vec![bare("Completed"), bare("Not completed")],
        ),
        // The level that was passed. For a qualification of a known level, see `pass-fail`.
        Scale {
            words: true,
            aliases: vec![
                same("L2P", "L2"),
                same("L1P", "L1"),
                same("E3P", "E3"),
                same("E2P", "E2"),
                same("E1P", "E1"),
            ],
            ..scale(
                "functional-skills",
                "not point-scored",
                None,
                vec![bare("L2"), bare("L1"), bare("E3"), bare("E2"), bare("E1"), bare("Fail")],
            )
        },
        Scale {
            aliases: vec![same("P", "Pass"), same("F", "Fail")],
            ..scale("pass-fail", "not point-scored", None, vec![bare("Pass"), bare("Fail")])
        },
        Scale {
            words: true,
            ..scale(
                "level-2-certificate",
                "field knowledge",
                None,
                vec![bare("D"), bare("M"), bare("P"), bare("U")],
            )
        },
        Scale { words: true, ..scale("nvq", "field knowledge", None, vec![bare("P"), bare("U")]) },
        unordered("effort-1-4", vec![bare("1"), bare("2"), bare("3"), bare("4")]),
        unordered("effort-1-5", vec![bare("1"), bare("2"), bare("3"), bare("4"), bare("5")]),
        unordered("effort-a-e", vec![bare("A"), bare("B"), bare("C"), bare("D"), bare("E")]),
    ]
}

fn same(text: &'static str, code: &'static str) -> Alias {
    Alias { text, low: code, high: code }
}

fn unordered(id: &str, grades: Vec<GradeRow>) -> Scale {
    Scale { ordered: false, ..scale(id, "each school's own", None, grades) }
}
