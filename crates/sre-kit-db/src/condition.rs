//! How a database is.

/// How a database is, as [`Db::check`](super::Db::check) found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DbHealth {
    /// It answers.
    Up,
    /// It answers, but something that will be needed does not work: the reason.
    Degraded(String),
    /// It does not answer: the reason.
    Down(String),
}
