//! The reasons for which an SLO excludes requests.

use std::num::NonZeroU16;

/// Excludes a request from the SLOs that declare this reason with
/// [`Slo::exclude_marked`](crate::slo::Slo::exclude_marked). All other SLOs count the request.
///
/// Insert it into the extensions of a response, or assign reasons to requests at their arrival with
/// [`GoldenSignalsBuilder::slo_exclusion`](super::GoldenSignalsBuilder::slo_exclusion).
///
/// ```
/// use sre_kit::golden_signals::SloExclusion;
///
/// let mut response = http::Response::new(());
/// response.extensions_mut().insert(SloExclusion::new("synthetic"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SloExclusion(&'static str);

impl SloExclusion {
    /// Creates an exclusion with this reason.
    pub const fn new(reason: &'static str) -> Self {
        Self(reason)
    }

    /// Returns the reason.
    pub const fn reason(self) -> &'static str {
        self.0
    }
}

/// The id of a reason that some SLO of the layer declares. A request carries it to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExclusionId(NonZeroU16);

/// The reasons that the SLOs of a layer declare, each of them once.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExclusionReasons(Vec<Box<str>>);

impl ExclusionReasons {
    /// Adds a reason if it is new.
    pub(crate) fn add(&mut self, reason: &str) {
        if self.id(reason).is_none() {
            self.0.push(reason.into());
        }
    }

    /// Returns the id of a reason, or `None` if no SLO declares it.
    pub(crate) fn id(&self, reason: &str) -> Option<ExclusionId> {
        let index = self.0.iter().position(|known| **known == *reason)?;
        u16::try_from(index + 1).ok().and_then(NonZeroU16::new).map(ExclusionId)
    }
}
