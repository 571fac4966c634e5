//! Applied general and other vocational qualifications of level 3, by size.
//!
//! A double or triple grade only mixes neighbours. Cambridge Technicals and the alternative academic qualifications
//! have rows of their own without points, since a BTEC's points need not be theirs.

use super::{bare, k, row, s, scale, unit_only, v};
use crate::grades::scale::{Fine, Form, GradeRow, Scale};

/// The scales of this file.
pub(super) fn scales() -> Vec<Scale> {
    vec![
        blocks(
            "btec-certificate",
            50,
            1,
            vec![
                row("D*", k(25.0), k(28.0)),
                row("D", k(17.5), k(24.0)),
                row("M", k(12.5), k(16.0)),
                row("P", k(7.5), k(8.0)),
                unit_only("N"),
                bare("U"),
            ],
        ),
        blocks(
            "btec-extended-certificate",
            100,
            1,
            vec![
                row("D*", k(50.0), s(56.0)),
                row("D", v(35.0), s(48.0)),
                row("M", v(25.0), s(32.0)),
                row("P", k(15.0), s(16.0)),
                unit_only("N"),
                bare("U"),
            ],
        ),
        blocks(
            "btec-foundation-diploma",
            150,
            1,
            vec![
                row("D*", k(75.0), k(84.0)),
                row("D", k(52.5), k(72.0)),
                row("M", k(37.5), k(48.0)),
                row("P", k(22.5), k(24.0)),
                unit_only("N"),
                bare("U"),
            ],
        ),
        blocks(
            "btec-diploma",
            200,
            2,
            vec![
                row("D*D*", k(100.0), k(112.0)),
                row("D*D", k(85.0), k(104.0)),
                row("DD", k(70.0), k(96.0)),
                row("DM", k(60.0), k(80.0)),
                row("MM", k(50.0), k(64.0)),
                row("MP", k(40.0), k(48.0)),
                row("PP", k(30.0), k(32.0)),
                bare("U"),
            ],
        ),
        blocks(
            "btec-extended-diploma",
            300,
            3,
            vec![
                row("D*D*D*", k(150.0), k(168.0)),
                row("D*D*D", k(135.0), k(160.0)),
                row("D*DD", k(120.0), k(152.0)),
                row("DDD", k(105.0), k(144.0)),
                row("DDM", k(95.0), k(128.0)),
                row("DMM", k(85.0), k(112.0)),
                row("MMM", k(75.0), k(96.0)),
                row("MMP", k(65.0), k(80.0)),
                row("MPP", k(55.0), k(64.0)),
                row("PPP", k(45.0), k(48.0)),
                bare("U"),
            ],
        ),
        blocks("cambridge-technical-extended-certificate", 100, 1, d_star_to_p()),
        blocks("aaq-extended-certificate", 100, 1, d_star_to_p()),
        Scale {
            fine: Fine::Signs,
            ..scale(
                "cache-level-3",
                "field knowledge; points not known",
                None,
                vec![bare("A*"), bare("A"), bare("B"), bare("C"), bare("D"), bare("U")],
            )
        },
        Scale {
            words: true,
            fine: Fine::Signs,
            ..scale(
                "ual-level-3",
                "field knowledge; points not known",
                None,
                vec![bare("D"), bare("M"), bare("P"), bare("U")],
            )
        },
    ]
}

fn d_star_to_p() -> Vec<GradeRow> {
    vec![bare("D*"), bare("D"), bare("M"), bare("P"), unit_only("N"), bare("U")]
}

fn blocks(id: &str, size: u16, count: u8, grades: Vec<GradeRow>) -> Scale {
    Scale {
        form: Form::Blocks(count),
        fine: if count == 1 { Fine::Signs } else { Fine::None },
        words: true,
        ..scale(id, "press averages (M, D); field knowledge, sums of blocks", Some(size), grades)
    }
}
