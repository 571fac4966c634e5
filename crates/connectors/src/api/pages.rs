//! Lists that come page by page, however the server pages: by a link in the answer or in its header, by offset with or
//! without a total, by numbered pages. A list that changes under our hands is found out, not taken.

use super::{Answer, ApiFault, Request, Rows, rows};
use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

/// Most pages of one list.
const PAGES_MAX: u32 = 20_000;

/// How a server pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// The answer has the address of the next page at this path.
    Link(&'static str),
    /// `limit` and `offset`, a header `Link`, a total, or nothing of all that.
    Offset,
    /// Numbered pages, from 1; the answer tells how many there are, and of how many rows.
    Numbered {
        /// The parameter that has the number, and the scalar of an answer that tells it.
        page: &'static str,
        /// The scalar that has the number of pages.
        pages: &'static str,
        /// The scalar that has the number of rows.
        total: &'static str,
    },
    /// All in one answer: one that says that there is more is refused.
    Once,
}

/// One list on its way.
#[derive(Debug)]
pub struct Pages {
    path: String,
    query: Vec<(String, String)>,
    /// Path to the list in an answer.
    envelope: Option<String>,
    /// Path to the id in a row; empty if rows have none.
    id: String,
    paging: Paging,
    limit: u64,
    next: Option<Request>,
    known: HashSet<u64>,
    given: u64,
    total: Option<u64>,
    pages: u32,
}

/// What one page was.
#[derive(Debug, PartialEq, Eq)]
pub enum Page {
    /// More follow.
    More,
    /// It was the last.
    Last,
}

impl Pages {
    /// A list at a path.
    pub fn new(
        path: impl Into<String>,
        query: Vec<(String, String)>,
        envelope: Option<&str>,
        id: &str,
        (paging, limit): (Paging, u64),
    ) -> Self {
        let mut pages = Self {
            path: path.into(),
            query,
            envelope: envelope.map(str::to_owned),
            id: id.to_owned(),
            paging,
            limit,
            next: None,
            known: HashSet::new(),
            given: 0,
            total: None,
            pages: 0,
        };
        pages.next = Some(pages.request(0));
        pages
    }

    fn request(&self, offset: u64) -> Request {
        let mut query = self.query.clone();
        if self.paging == Paging::Offset {
            query.retain(|(name, _)| name != "limit" && name != "offset");
            query.push(("limit".to_owned(), self.limit.to_string()));
            query.push(("offset".to_owned(), offset.to_string()));
        }
        if let Paging::Numbered { page, .. } = self.paging {
            query.retain(|(name, _)| name != page);
            query.push((page.to_owned(), (self.pages + 1).to_string()));
        }
        Request::get(self.path.clone(), query)
    }

    /// The next question; `None` at the end.
    pub fn next(&mut self) -> Option<Request> {
        self.next.take()
    }

    /// Takes a page.
    pub fn answer(&mut self, answer: &Answer<'_>, out: &mut dyn Rows) -> Result<Page, ApiFault> {
        let mut fresh = Vec::new();
        let (id_path, known, first) = (&self.id, &mut self.known, self.pages == 0);
        let mut repeated = 0_u64;
        let n = rows::each(answer.body, self.envelope.as_deref(), &mut |row| {
            if id_path.is_empty() {
                return out.row("", row);
            }
            let id = rows::id_of(row, id_path).ok_or_else(|| {
                let fix = format!("a row of the answer has no `{id_path}`; ask the vendor what changed");
                ApiFault::new("API-ROW-ID", fix)
            })?;
            if known.insert(hash(&id)) {
                fresh.push(());
                out.row(&id, row)
            } else {
                repeated += 1;
                Ok(())
            }
        })?;
        self.pages += 1;
        let (fresh, page) = (fresh.len() as u64, self.pages);
        if self.id.is_empty() {
            self.given += n;
        } else {
            self.given += fresh;
            // A server that knows no offset gives the same list again.
            let ignores_offset = !first && page == 2 && fresh == 0 && n == self.given;
            if repeated > 0 && !(ignores_offset && self.paging == Paging::Offset && self.total.is_none()) {
                return Err(ApiFault::changed("a row came twice"));
            }
            if ignores_offset && repeated > 0 {
                return Ok(Page::Last);
            }
        }
        if self.pages >= PAGES_MAX {
            let fix = "the list has more pages than any school's; ask for a shorter time with `query`";
            return Err(ApiFault::new("API-PAGES", fix));
        }
        self.after(answer, n)
    }

    fn after(&mut self, answer: &Answer<'_>, n: u64) -> Result<Page, ApiFault> {
        let next = match self.paging {
            Paging::Once => {
                is_all(answer, n)?;
                None
            }
            Paging::Link(path) => rows::scalar(answer.body, path).map(Request::follow),
            Paging::Offset => self.offset(answer, n)?,
            Paging::Numbered { page, pages, total } => {
                let number = |path| rows::scalar(answer.body, path).and_then(|text| text.parse::<u64>().ok());
                match (number(page), number(pages), number(total)) {
                    (Some(page), Some(pages), Some(total)) => self.numbered((page, pages, total), n)?,
                    _ => {
                        let fix = "the answer does not tell its page and how many there are; it was not taken for all there is. Ask \
                                   the vendor what changed";
                        return Err(ApiFault::new("API-ENVELOPE", fix));
                    }
                }
            }
        };
        self.next = next;
        Ok(if self.next.is_some() { Page::More } else { Page::Last })
    }

    fn numbered(
        &mut self,
        (page, pages, total): (u64, u64, u64),
        n: u64,
    ) -> Result<Option<Request>, ApiFault> {
        if page != u64::from(self.pages) {
            return Err(ApiFault::changed("another page came than was asked for"));
        }
        if self.total.is_some_and(|before| before != total) {
            return Err(ApiFault::changed("its length changed"));
        }
        self.total = Some(total);
        if page < pages {
            return if n == 0 {
                Err(ApiFault::changed("rows are missing"))
            } else {
                Ok(Some(self.request(0)))
            };
        }
        self.complete().map(|()| None)
    }

    fn offset(&mut self, answer: &Answer<'_>, n: u64) -> Result<Option<Request>, ApiFault> {
        if let (Some(before), Some(total)) = (self.total, answer.total)
            && before != total
        {
            return Err(ApiFault::changed("its length changed"));
        }
        self.total = self.total.or(answer.total);
        if let Some(link) = answer.link {
            if let Some(next) = next_of(link) {
                return Ok(Some(Request::follow(next)));
            }
            // Links without a next one are those of the last page.
            return self.complete().map(|()| None);
        }
        match self.total {
            Some(total) if self.given >= total => self.complete().map(|()| None),
            Some(_) if n == 0 => Err(ApiFault::changed("rows are missing")),
            // Without a total, only an empty page is surely behind the end: a server may give fewer than asked for.
            None if n == 0 => Ok(None),
            _ => Ok(Some(self.request(self.given))),
        }
    }

    fn complete(&self) -> Result<(), ApiFault> {
        match self.total {
            Some(total) if total != self.given => Err(ApiFault::changed("rows are missing or too many")),
            _ => Ok(()),
        }
    }
}

/// Refuses an answer of so many rows that says that there are more: a part would pass for all.
fn is_all(answer: &Answer<'_>, n: u64) -> Result<(), ApiFault> {
    let more = if answer.link.is_some_and(|link| next_of(link).is_some()) {
        Some("its header `Link` leads to a next page".to_owned())
    } else if answer.total.is_some_and(|total| total > n) {
        Some("a header names a longer list".to_owned())
    } else {
        rows::tells_more(answer.body, n)?.map(|name| format!("its member `{name}` says so"))
    };
    let Some(more) = more else { return Ok(()) };
    let fix = format!(
        "the answer is one page of a longer list ({more}), and a part must not pass for all: nothing of it was taken. Have all of it \
         in one answer (a larger page with `query`), or set the option `paging` to \"offset\" if the server takes `limit` and `offset`"
    );
    Err(ApiFault::new("API-PAGES-MORE", fix))
}

/// The address of `rel="next"` in a header `Link`.
fn next_of(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, behind)) = rest.split_once('<') {
        let (address, parameters) = behind.split_once('>')?;
        let end = parameters.find('<').unwrap_or(parameters.len());
        let own = parameters[..end].to_ascii_lowercase().replace(['"', ' '], "");
        if own.contains("rel=next") {
            return Some(address.to_owned());
        }
        rest = &parameters[end..];
    }
    None
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::next_of;

    #[test]
    fn the_next_page_is_the_link_that_says_so() {
        let header = "<https://a/x?offset=0,1>; rel=\"first\", <https://a/x?offset=2>; rel=\"next\"";
        assert_eq!(next_of(header).as_deref(), Some("https://a/x?offset=2"));
        assert_eq!(next_of("<https://a>; rel=\"last\""), None);
    }
}
