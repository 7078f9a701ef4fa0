//! What a statement does, and to which table, read from its text.

/// What a statement does.
///
/// The text of a statement is no label: it is unbounded, and may hold what a user
/// typed. The first keyword is one of a few, and the table is taken only where the
/// statement names exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// Empty where there is none, or more than one.
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

/// A table's name is longer nowhere: PostgreSQL cuts at 63 bytes.
const LONGEST: usize = 63;

/// No more of a statement is read.
const READ: usize = 4_096;

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

    /// Transactions begin and end without a statement of the caller's.
    pub(crate) fn named(name: &'static str) -> Self {
        Self { name, collection: String::new() }
    }

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
        let collection = collection.filter(|_| !more && !words.cut).unwrap_or_default();
        Self { name, collection }
    }
}

/// The words of a statement: literals, comments and punctuation are passed over.
struct Words<'a> {
    text: &'a str,
    cut: bool,
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

    /// The word as a table's name; a subquery has none.
    fn name(self) -> Option<String> {
        let fits = !self.text.is_empty() && self.text.len() <= LONGEST && self.text != "(";
        (fits && !self.is("SELECT") && !self.is("LATERAL")).then(|| self.text.to_owned())
    }
}

impl<'a> Words<'a> {
    fn new(sql: &'a str) -> Self {
        if sql.len() <= READ {
            return Self { text: sql, cut: false };
        }
        let end = (0..=READ).rev().find(|at| sql.is_char_boundary(*at)).unwrap_or(0);
        Self { text: &sql[..end], cut: true }
    }

    /// Takes what lies before `end`, and passes over `after` bytes that follow it.
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
                    // Of a qualified name the last part is the table's.
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

    use super::{LONGEST, Operation};

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
        let sql = format!("SELECT * FROM {}", "a".repeat(LONGEST + 1));
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
