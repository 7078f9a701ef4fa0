//! The receivers of alerts.

/// A webhook that Alertmanager sends the alerts of one severity to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receiver {
    pub(super) name: String,
    pub(super) url: String,
}

impl Receiver {
    /// Creates a receiver called `name` that posts to `url`.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self { name: name.into(), url: url.into() }
    }
}
