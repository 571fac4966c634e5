//! A long list in pages of so many: which of it is shown, and the ways to the page before and the next.

use std::ops::Range;

/// Where somebody stands in a long list.
pub(super) struct Pager {
    /// Which of how many.
    pub says: String,
    /// The address of the page before.
    pub before: Option<String>,
    /// The address of the next page.
    pub after: Option<String>,
}

/// What of `all` the asked page shows, `most` to a page, and the ways on, each made by `to`. None where all are shown; what is
/// no page is the first, and what lies behind the end the last: whoever settles the last line there stays at the end.
pub(super) fn pages(
    all: usize,
    most: usize,
    asked: &str,
    to: impl Fn(usize) -> String,
) -> (Option<Pager>, Range<usize>) {
    let pages = all.div_ceil(most);
    if pages <= 1 {
        return (None, 0..all);
    }
    let at = asked.parse().unwrap_or(1).clamp(1, pages);
    let shown = (at - 1) * most..all.min(at * most);
    let pager = Pager {
        says: format!("{} to {} of {all}", shown.start + 1, shown.end),
        before: (at > 1).then(|| to(at - 1)),
        after: (at < pages).then(|| to(at + 1)),
    };
    (Some(pager), shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_a_long_list_is_on_one_page_and_behind_the_end_is_the_last() {
        let asked = |asked: &str| pages(95, 40, asked, |page| format!("?page={page}"));
        let all: Vec<usize> = ["1", "2", "3"].iter().flat_map(|at| asked(at).1).collect();
        assert_eq!(all, (0..95).collect::<Vec<_>>());
        for (at, says, before, after) in [
            ("", "1 to 40 of 95", None, Some("?page=2")),
            ("2", "41 to 80 of 95", Some("?page=1"), Some("?page=3")),
            ("3", "81 to 95 of 95", Some("?page=2"), None),
            ("4", "81 to 95 of 95", Some("?page=2"), None),
            ("0", "1 to 40 of 95", None, Some("?page=2")),
            ("-1", "1 to 40 of 95", None, Some("?page=2")),
            ("99999999999999999999", "1 to 40 of 95", None, Some("?page=2")),
        ] {
            let pager = asked(at).0.unwrap();
            let seen = (pager.says.as_str(), pager.before.as_deref(), pager.after.as_deref());
            assert_eq!(seen, (says, before, after), "page {at:?}");
        }
        for few in [0, 1, 40] {
            let (pager, shown) = pages(few, 40, "2", |_| String::new());
            assert!(pager.is_none() && shown == (0..few), "{few} are one page");
        }
    }
}
