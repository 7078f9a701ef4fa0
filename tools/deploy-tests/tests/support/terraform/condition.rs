//! Reads the condition that Google puts to a job's token: so much of the Common
//! Expression Language as the bootstrap writes.

use std::collections::BTreeMap;

/// The claims of GitHub's token of a job.
pub(crate) type Claims = BTreeMap<&'static str, String>;

/// Whether the job is let in. A claim that is missing is an error there, and no entry.
pub(crate) fn holds(condition: &str, claims: &Claims) -> bool {
    let mut reader = Reader { rest: condition, claims };
    let held = reader.any();
    assert_eq!(reader.rest.trim(), "", "not understood in {condition}");
    held == Some(true)
}

struct Reader<'a> {
    rest: &'a str,
    claims: &'a Claims,
}

impl Reader<'_> {
    /// `a || b`: true if one is, whatever becomes of the others.
    fn any(&mut self) -> Option<bool> {
        let mut held = self.all();
        while self.take("||") {
            held = match (held, self.all()) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        held
    }

    /// `a && b`: false if one is, whatever becomes of the others.
    fn all(&mut self) -> Option<bool> {
        let mut held = self.one();
        while self.take("&&") {
            held = match (held, self.one()) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        held
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let held = self.any();
            assert!(self.take(")"), "no end of a parenthesis before {}", self.rest);
            return held;
        }
        assert!(self.take("assertion."), "no claim in {}", self.rest);
        let letter = |c: char| c.is_ascii_lowercase() || c == '_';
        let end = self.rest.find(|c| !letter(c)).expect("something is asked of a claim");
        let claim = self.claims.get(&self.rest[..end]).cloned();
        self.rest = &self.rest[end..];
        if self.take(".startsWith(") {
            let text = self.text();
            assert!(self.take(")"), "no end of a call before {}", self.rest);
            return claim.map(|claim| claim.starts_with(&text));
        }
        let equal = self.take("==");
        assert!(equal || self.take("!="), "nothing known in {}", self.rest);
        let text = self.text();
        claim.map(|claim| (claim == text) == equal)
    }

    fn text(&mut self) -> String {
        assert!(self.take("'"), "no text in {}", self.rest);
        let (text, rest) = self.rest.split_once('\'').expect("a text ends");
        self.rest = rest;
        text.to_owned()
    }

    fn take(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}
