//! General qualifications of level 3: A level, AS, EPQ, Core Maths, International Baccalaureate.
//!
//! The points of A level A, B and C were confirmed against published averages.

use super::{bare, k, row, s, scale, v};
use crate::grades::scale::{Fine, Form, Scale};

/// The scales of this file.
pub(super) fn scales() -> Vec<Scale> {
    vec![
        Scale {
            fine: Fine::Steps,
            ..scale(
                "gce-a-level",
                "press averages (DfE points); studyfromhome.co.uk (UCAS)",
                Some(100),
                vec![
                    row("A*", k(60.0), s(56.0)),
                    row("A", v(50.0), s(48.0)),
                    row("B", v(40.0), s(40.0)),
                    row("C", v(30.0), s(32.0)),
                    row("D", k(20.0), s(24.0)),
                    row("E", k(10.0), s(16.0)),
                    row("U", k(0.0), s(0.0)),
                ],
            )
        },
        Scale {
            fine: Fine::Steps,
            ..scale(
                "gce-as",
                "half of an A level (DfE points); redcar-cleveland.gov.uk, D and E corrected (UCAS)",
                Some(50),
                vec![
                    row("A", k(25.0), s(20.0)),
                    row("B", k(20.0), s(16.0)),
                    row("C", k(15.0), s(12.0)),
                    row("D", k(10.0), s(10.0)),
                    row("E", k(5.0), s(6.0)),
                    bare("U"),
                ],
            )
        },
        Scale {
            fine: Fine::Steps,
            ..scale(
                "epq",
                "half of an A level",
                Some(50),
                vec![
                    row("A*", k(30.0), k(28.0)),
                    row("A", k(25.0), k(24.0)),
                    row("B", k(20.0), k(20.0)),
                    row("C", k(15.0), k(16.0)),
                    row("D", k(10.0), k(12.0)),
                    row("E", k(5.0), k(8.0)),
                    bare("U"),
                ],
            )
        },
        Scale {
            fine: Fine::Steps,
            ..scale(
                "core-maths",
                "field knowledge; points not known",
                Some(50),
                vec![bare("A"), bare("B"), bare("C"), bare("D"), bare("E"), bare("U")],
            )
        },
        Scale {
            fine: Fine::Signs,
            ..scale(
                "ib-subject",
                "field knowledge; points not known",
                None,
                vec![bare("7"), bare("6"), bare("5"), bare("4"), bare("3"), bare("2"), bare("1")],
            )
        },
        Scale {
            form: Form::Number { max_hundredths: 4_500 },
            ..scale("ib-diploma-total", "field knowledge; points not known", None, vec![])
        },
    ]
}
