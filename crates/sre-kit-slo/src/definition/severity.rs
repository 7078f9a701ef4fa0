//! The severity of an alert.

use std::fmt;

/// The severity of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// A human must act now.
    Page,
    /// A human must act within working hours.
    Ticket,
}

impl Severity {
    /// Returns the value of the label `severity`: `page` or `ticket`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
