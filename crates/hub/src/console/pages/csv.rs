//! Lines of the CSV files that people take out of the console: they end with CR LF, and every cell is quoted.
//!
//! A cell that a spreadsheet would take for a formula gets an apostrophe in front (case 43): what people wrote must not run on
//! whoever opens it. This is for people; what machines exchange keeps its exact bytes.

/// Cells as one line.
pub fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(|cell| cell_of(&cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// One cell: quoted, and never the beginning of a formula. Numbers below zero stay numbers.
fn cell_of(text: &str) -> String {
    let number = !text.is_empty() && text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    let number = number && text.len() - text.trim_start_matches('-').len() <= 1 && text != "-";
    // What a spreadsheet skips in front of a formula counts as nothing here, too; some read the full-width signs as well.
    let begins = text.trim_start_matches([' ', '\u{a0}', '\u{feff}', '\n']).chars().next();
    let formula = begins.is_some_and(|c| "=+-@\t\r＝＋－＠".contains(c)) && !number;
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_43_no_cell_is_a_formula() {
        for bad in
            ["=1+1", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1", "-", "--1"]
        {
            assert!(cell_of(bad).starts_with("\"'"), "{bad:?}");
        }
        for good in ["", "Zac", "-5", "12", "C12", "a=b", "'quoted"] {
            assert_eq!(cell_of(good), format!("\"{good}\""));
        }
        assert_eq!(
            cell_of("say \"hi\",\r\nthen =1"),
            "\"say \"\"hi\"\",\r\nthen =1\"",
            "one cell, whatever is in it"
        );
    }
}
