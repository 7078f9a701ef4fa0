//! The policy that decides who sees the details of checks.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

/// The policy that decides which requests see details: error texts and the reason of a drain.
///
/// Names and states of checks are always shown. Details are shown only to a request with
/// `?verbose` that this policy allows.
///
/// ```
/// use sre_kit::health::ShowDetails;
///
/// // The proxy in front sets this header for operators, and removes it from other requests.
/// let details = ShowDetails::when(|head| head.headers.contains_key("x-operator"));
/// ```
#[derive(Clone)]
pub struct ShowDetails(Policy);

#[derive(Clone)]
enum Policy {
    Never,
    Verbose,
    When(Arc<dyn Fn(&Parts) -> bool + Send + Sync>),
}

impl ShowDetails {
    /// Shows details to no request: a response says `reason withheld`. The log has the reasons.
    pub const fn never() -> Self {
        Self(Policy::Never)
    }

    /// Shows details to every request with `?verbose`. Use it on a port that only operators reach.
    pub const fn on_verbose() -> Self {
        Self(Policy::Verbose)
    }

    /// Shows details to requests with `?verbose` that `rule` accepts, by their head or by the
    /// extensions that a layer in front has added.
    pub fn when(rule: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Policy::When(Arc::new(rule)))
    }

    /// Returns whether the request with this head may see details, if it asks for them.
    pub(super) fn allows(&self, head: &Parts) -> bool {
        match &self.0 {
            Policy::Never => false,
            Policy::Verbose => true,
            Policy::When(rule) => rule(head),
        }
    }
}

impl Default for ShowDetails {
    fn default() -> Self {
        Self::never()
    }
}

impl fmt::Debug for ShowDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Policy::Never => "ShowDetails::never",
            Policy::Verbose => "ShowDetails::on_verbose",
            Policy::When(_) => "ShowDetails::when",
        })
    }
}
