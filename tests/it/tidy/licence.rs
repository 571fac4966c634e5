//! Licence expressions as crates write them: `MIT OR Apache-2.0`, `(MIT OR ISC) AND Zlib`, the older `MIT/Apache-2.0`.

/// The licences of an expression with which it can be kept, or `None` if it can't with those allowed.
/// Gives every allowed licence that the expression names in a branch that holds.
pub fn kept_with(expression: &str, allowed: &[String]) -> Option<Vec<String>> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, allowed };
    let kept = reader.either();
    assert!(reader.words.is_empty(), "not a licence expression: {expression}");
    kept
}

struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.first() == Some(&word);
        if is {
            self.words = &self.words[1..];
        }
        is
    }

    fn either(&mut self) -> Option<Vec<String>> {
        let mut kept = self.all();
        while self.next_is("OR") {
            kept = match (kept, self.all()) {
                (Some(one), Some(other)) => Some([one, other].concat()),
                (one, other) => one.or(other),
            };
        }
        kept
    }

    fn all(&mut self) -> Option<Vec<String>> {
        let mut kept = self.one();
        while self.next_is("AND") {
            kept = kept.zip(self.one()).map(|(one, other)| [one, other].concat());
        }
        kept
    }

    fn one(&mut self) -> Option<Vec<String>> {
        if self.next_is("(") {
            let kept = self.either();
            assert!(self.next_is(")"), "a bracket is open");
            return kept;
        }
        let (first, rest) = self.words.split_first().expect("a licence");
        self.words = rest;
        let mut name = (*first).to_owned();
        if self.next_is("WITH") {
            let (exception, rest) = self.words.split_first().expect("an exception");
            self.words = rest;
            name = format!("{name} WITH {exception}");
        }
        self.allowed.contains(&name).then(|| vec![name])
    }
}

#[test]
fn an_expression_is_kept_only_if_a_whole_branch_of_it_is_allowed() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
    let kept = |expression| kept_with(expression, &allowed);
    assert_eq!(kept("MIT"), Some(vec!["MIT".to_owned()]));
    assert!(kept("GPL-3.0 OR (ISC AND MIT)").is_some() && kept("Unlicense/MIT").is_some());
    assert!(kept("Apache-2.0 WITH LLVM-exception").is_some() && kept("Apache-2.0").is_none());
    assert!(kept("MIT AND GPL-3.0").is_none() && kept("(MIT OR GPL-3.0) AND AGPL-3.0").is_none());
}
