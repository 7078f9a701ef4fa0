//! What a check finds, and the types of values.

use std::fmt;

/// A difference from the semantic conventions. Its text is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConventionViolation {
    subject: String,
    text: String,
}

impl ConventionViolation {
    pub(super) fn new(subject: &str, text: String) -> Self {
        Self { subject: subject.to_owned(), text }
    }

    /// Returns the metric, or the owner of the attributes.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for ConventionViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.text)
    }
}

/// The type of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueType {
    /// A text, also one of an enumeration.
    String,
    /// An integer.
    Int,
    /// A float.
    Double,
    /// `true` or `false`.
    Bool,
    /// A list of texts.
    Strings,
    /// Something else.
    Other,
}

impl ValueType {
    /// Returns whether the conventions' type `known` is this one.
    pub(super) fn is(self, known: &str) -> bool {
        match known {
            "int" | "enum_int" => self == Self::Int,
            "double" => self == Self::Double,
            "boolean" => self == Self::Bool,
            "string[]" | "template[string[]]" => self == Self::Strings,
            "string" | "enum" | "template[string]" => self == Self::String,
            // Types that are rare: nothing is compared.
            _ => true,
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bool => "boolean",
            Self::Strings => "string[]",
            Self::Other => "of another type",
        })
    }
}
