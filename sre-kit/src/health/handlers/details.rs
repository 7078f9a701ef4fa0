use std::fmt;
use std::sync::Arc;

use http::request::Parts;

/// Who may read what a check said: an error's text, the reason of a drain.
///
/// Names and states of checks are always shown; the words behind them only to a
/// request that asks (`?verbose`) and that this policy allows.
///
/// ```
/// use sre_kit::health::ShowDetails;
///
/// // Whoever the proxy in front has let in.
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
    /// Nobody: `reason withheld`. The reasons are in the log.
    pub const fn never() -> Self {
        Self(Policy::Never)
    }

    /// Whoever asks for `?verbose`. For a port that only operators reach.
    pub const fn on_verbose() -> Self {
        Self(Policy::Verbose)
    }

    /// Whoever asks for `?verbose` in a request that `rule` accepts, by its head or
    /// by what a layer in front has put into its extensions.
    pub fn when(rule: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Policy::When(Arc::new(rule)))
    }

    pub(in crate::health) fn allows(&self, head: &Parts) -> bool {
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
