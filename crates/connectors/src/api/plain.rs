//! Any API that answers with JSON lists: `records` is the path, options say where the list lies and how it is paged.

use super::{Answer, Api, ApiFault, Ask, Conversation, Finish, Pages, Paging, Request, Rows, SignIn};

/// An API that nobody wrote a connector for.
pub struct Plain;

impl Api for Plain {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "any API that answers with lists in JSON; options: `list` (path to the list), `id` (path to a row's id), `paging` \
         (once, offset), `limit`"
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Bearer
    }

    fn records(&self) -> &'static [&'static str] {
        &[]
    }

    fn begin(&self, ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault> {
        let option = |name: &str| ask.options.get(name).map(String::as_str);
        let paging = match option("paging").unwrap_or("once") {
            "once" => Paging::Once,
            "offset" => Paging::Offset,
            _ => return Err(ApiFault::new("API-OPTION", "the option `paging` must be once or offset")),
        };
        let limit = option("limit").and_then(|limit| limit.parse().ok()).unwrap_or(100);
        let pages = Pages::new(
            ask.records,
            ask.parameters(&[]),
            option("list"),
            option("id").unwrap_or_default(),
            (paging, limit),
        );
        Ok(Box::new(List(pages)))
    }
}

/// One list.
pub(crate) struct List(pub Pages);

impl Conversation for List {
    fn next(&mut self) -> Option<Request> {
        self.0.next()
    }

    fn answer(&mut self, answer: &Answer<'_>, out: &mut dyn Rows) -> Result<(), ApiFault> {
        self.0.answer(answer, out).map(drop)
    }

    fn finish(&mut self) -> Result<Finish, ApiFault> {
        Ok(Finish::Rows { next: None })
    }
}
