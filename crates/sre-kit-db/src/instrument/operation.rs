//! The operation and the table of a statement, parsed from its text.

/// The operation of a statement.
///
/// The text of a statement must not be a label: it is unbounded and may contain user input. The
/// first keyword is one of a fixed list, and the table is used only if the statement names exactly
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// The table. Empty if there is none, or more than one.
    pub(crate) collection: String,
}

const NAMES: [&str; 24] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "WITH",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "SET",
    "SHOW",
    "CREATE",
    "ALTER",
    "DROP",
    "TRUNCATE",
    "COPY",
    "CALL",
    "DO",
    "EXPLAIN",
    "GRANT",
    "REVOKE",
    "PRAGMA",
];

/// The longest name of a table: PostgreSQL truncates at 63 bytes.
const MAX_NAME: usize = 63;

/// The part of a statement that is parsed, in bytes.
const MAX_PARSED: usize = 4_096;

impl Operation {
    pub(super) const LABELS: [&'static str; 7] = [
        "db_system_name",
        "db_namespace",
        "db_operation_name",
        "db_collection_name",
        "server_address",
        "server_port",
        "error_type",
    ];

    /// Returns an operation without a statement, such as `COMMIT`.
    pub(crate) fn named(name: &'static str) -> Self {
        Self { name, collection: String::new() }
    }

    /// Parses a statement.
    pub(crate) fn of(sql: &str) -> Self {
        let mut words = Words::new(sql);
        let first = words.next().unwrap_or_default();
        let Some(name) = NAMES.into_iter().find(|name| first.is(name)) else {
            return Self::named("OTHER");
        };
        let mut collection = None;
        let mut more = false;
        let introduces: &[&str] = match name {
            "SELECT" | "DELETE" => &["FROM", "JOIN"],
            "INSERT" | "MERGE" => &["INTO"],
            "UPDATE" => {
                collection = words.next().and_then(Word::name);
                &["FROM", "JOIN"]
            }
            "COPY" => {
                collection = words.next().and_then(Word::name);
                &[]
            }
            _ => return Self::named(name),
        };
        while let Some(word) = words.next() {
            if !introduces.iter().any(|keyword| word.is(keyword)) {
                continue;
            }
            let named = words.next().and_then(Word::name);
            match (&collection, named) {
                (None, Some(named)) => collection = Some(named),
                (Some(known), Some(named)) if *known == named => {}
                _ => more = true,
            }
            if name == "INSERT" || name == "MERGE" {
                break;
            }
        }
        let collection = collection.filter(|_| !more && !words.truncated).unwrap_or_default();
        Self { name, collection }
    }
}

/// The words of a statement, without literals, comments and punctuation.
struct Words<'a> {
    text: &'a str,
    truncated: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Word<'a> {
    text: &'a str,
    quoted: bool,
}

impl Word<'_> {
    fn is(self, keyword: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Returns the word as the name of a table, or `None` at the start of a subquery.
    fn name(self) -> Option<String> {
        let fits = !self.text.is_empty() && self.text.len() <= MAX_NAME && self.text != "(";
        (fits && !self.is("SELECT") && !self.is("LATERAL")).then(|| self.text.to_owned())
    }
}

impl<'a> Words<'a> {
    fn new(sql: &'a str) -> Self {
        if sql.len() <= MAX_PARSED {
            return Self { text: sql, truncated: false };
        }
        let end = (0..=MAX_PARSED).rev().find(|at| sql.is_char_boundary(*at)).unwrap_or(0);
        Self { text: &sql[..end], truncated: true }
    }

    /// Returns the text before `end`, and skips `after` bytes behind it.
    fn take(&mut self, end: usize, after: usize) -> &'a str {
        let taken = &self.text[..end];
        self.text = self.text.get(end + after..).unwrap_or("");
        taken
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        loop {
            let first = self.text.chars().next()?;
            let rest = &self.text[first.len_utf8()..];
            match first {
                '-' if rest.starts_with('-') => {
                    let end = self.text.find('\n').unwrap_or(self.text.len());
                    self.take(end, 1);
                }
                '/' if rest.starts_with('*') => {
                    let end = self.text.find("*/").unwrap_or(self.text.len());
                    self.take(end, 2);
                }
                '\'' => {
                    let end = rest.find('\'').map_or(self.text.len(), |at| at + 1);
                    self.take(end, 1);
                }
                '"' | '`' => {
                    self.take(0, 1);
                    let end = self.text.find(first).unwrap_or(self.text.len());
                    let text = self.take(end, 1);
                    // The last part of a qualified name is the table.
                    if let Some(rest) = self.text.strip_prefix('.') {
                        self.text = rest;
                        continue;
                    }
                    return Some(Word { text, quoted: true });
                }
                '(' => {
                    let text = self.take(1, 0);
                    return Some(Word { text, quoted: false });
                }
                c if c.is_alphabetic() || c == '_' => {
                    let part = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
                    let end = self.text.find(part).unwrap_or(self.text.len());
                    let text = self.take(end, 0);
                    if let Some(rest) = self.text.strip_prefix('.') {
                        self.text = rest;
                        continue;
                    }
                    return Some(Word { text, quoted: false });
                }
                _ => {
                    self.take(first.len_utf8(), 0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_NAME, Operation};

    fn read(sql: &str) -> (&'static str, String) {
        let operation = Operation::of(sql);
        (operation.name, operation.collection)
    }

    #[test]
    fn one_table_is_named_and_more_than_one_is_not() {
        for (sql, name, collection) in [
            ("SELECT 1", "SELECT", ""),
            (r#"SELECT "a"."b" FROM "visits" WHERE "a" = $1"#, "SELECT", "visits"),
            ("select * from public.visits v", "SELECT", "visits"),
            (r#"SELECT SUM("count") FROM "shop"."visits""#, "SELECT", "visits"),
            ("SELECT * FROM a JOIN b ON a.x = b.x", "SELECT", ""),
            ("SELECT * FROM a JOIN a AS again ON true", "SELECT", "a"),
            ("SELECT * FROM (SELECT * FROM a) AS x", "SELECT", ""),
            ("SELECT 'FROM secret' FROM visits", "SELECT", "visits"),
            ("SELECT 'it''s FROM x' FROM visits", "SELECT", "visits"),
            ("/* FROM x */ SELECT 1 -- FROM y\nFROM visits", "SELECT", "visits"),
            (
                r#"INSERT INTO "visits" ("slot") VALUES ($1) ON CONFLICT DO UPDATE SET x = 1"#,
                "INSERT",
                "visits",
            ),
            ("INSERT INTO a SELECT * FROM b", "INSERT", "a"),
            (r#"UPDATE "visits" SET "count" = 1"#, "UPDATE", "visits"),
            ("UPDATE a SET x = 1 FROM b", "UPDATE", ""),
            ("DELETE FROM visits WHERE slot = 1", "DELETE", "visits"),
            ("CREATE TABLE visits (id int)", "CREATE", ""),
            ("  \n begin", "BEGIN", ""),
            ("frobnicate everything", "OTHER", ""),
            ("", "OTHER", ""),
            (r#"SELECT * FROM "FROM""#, "SELECT", "FROM"),
        ] {
            assert_eq!(read(sql), (name, collection.to_owned()), "{sql}");
        }
    }

    #[test]
    fn what_is_too_long_to_be_read_is_not_guessed_at() {
        let sql = format!("SELECT {} FROM a", "x, ".repeat(5_000));
        assert_eq!(read(&sql), ("SELECT", String::new()));
        let sql = format!("SELECT * FROM {}", "a".repeat(MAX_NAME + 1));
        assert_eq!(read(&sql), ("SELECT", String::new()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_literals_never_show(
            sql: String,
            literal in "[a-z]{20}",
        ) {
            let _ = Operation::of(&sql);
            let _ = Operation::of(&format!("SELECT {sql}"));
            let sql = format!("SELECT * FROM a WHERE b = '{literal}' AND c = 'FROM {literal}'");
            prop_assert_eq!(Operation::of(&sql).collection, "a");
        }
    }
}
