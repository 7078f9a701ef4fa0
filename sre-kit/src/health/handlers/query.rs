//! The query parameters of a probe.

/// The query of a request. Unknown parameters are ignored, as Kubernetes does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    text: &'a str,
}

impl<'a> Query<'a> {
    pub(super) fn new(text: Option<&'a str>) -> Self {
        Self { text: text.unwrap_or_default() }
    }

    pub(super) fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// Returns whether `verbose` occurs, with or without a value.
    pub(super) fn verbose(self) -> bool {
        self.pairs().any(|(key, _)| key == "verbose")
    }

    /// Returns the names of all `exclude=` parameters. They are not decoded, because the characters
    /// of names should not be percent-encoded (RFC 3986 §2.3).
    pub(super) fn excluded(self) -> impl Iterator<Item = &'a str> {
        self.pairs().filter(|(key, _)| *key == "exclude").map(|(_, value)| value)
    }

    fn pairs(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}
