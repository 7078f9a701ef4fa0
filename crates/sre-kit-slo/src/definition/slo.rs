//! One objective as it is written down.

use std::time::Duration;

use super::events::{self, EventClass, Indicator, LatencyEnd};
use super::span::Period;
use super::tier::Tier;
use crate::Objective;

/// One service level objective, written down and not yet checked:
/// [`Slos::new`](super::Slos::new) checks all of a service together.
///
/// ```
/// use std::time::Duration;
/// use sre_kit_slo::{Objective, Period, Slo, Slos};
///
/// let slos = Slos::new("shop", [
///     Slo::availability("checkout", Objective::percent(99.9)?)
///         .description("Orders go through.")
///         .owner("payments")
///         .runbooks("https://runbooks.example.com/shop")
///         .routes(["/cart/{id}/checkout"])
///         .methods(["POST"]),
///     Slo::latency("search-latency", Objective::percent(99.0)?, Duration::from_millis(300))
///         .routes(["/search"])
///         .period(Period::days(28)),
///     Slo::ratio("import-freshness", Objective::percent(95.0)?),
/// ])?;
/// assert_eq!(slos.len(), 3);
/// # Ok::<(), sre_kit_slo::ConfigError>(())
/// ```
///
/// # What counts
///
/// One event is counted once, when its request has ended. The names of the
/// outcomes are those of `http_server_requests_total`.
///
/// | Outcome | Availability | Latency |
/// |---|---|---|
/// | `ok`, `client_error` | good | by its duration |
/// | `timeout` | bad | bad: no answer came in time |
/// | `error`, `service_error`, `panic`, `shed` | bad | excluded as `failed`: it burns the availability's budget |
/// | `aborted_before_headers`, `aborted_mid_body` | excluded as `client_abort` | bad when it had taken longer than the threshold, otherwise excluded as `client_abort` |
/// | streams, upgrades | as any other | excluded as `stream` |
///
/// That a client error is good follows the *Site Reliability Workbook*,
/// chapter 2: the service did answer, and a client can not burn its budget. A
/// client that gave up waiting was answered too late, however it ended; one that
/// went away at once says nothing.
///
/// [`good`](Self::good), [`bad`](Self::bad), [`exclude`](Self::exclude) and
/// [`only`](Self::only) change this for single outcomes.
#[derive(Clone, Debug)]
#[must_use = "an objective does nothing before it is part of a set"]
pub struct Slo {
    pub(super) name: String,
    pub(super) indicator: Indicator,
    pub(super) objective: Objective,
    pub(super) description: String,
    pub(super) owner: String,
    pub(super) runbooks: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) period: Period,
    pub(super) routes: Vec<String>,
    pub(super) methods: Vec<String>,
    pub(super) only: Option<Vec<String>>,
    pub(super) outcomes: Vec<(String, EventClass)>,
    pub(super) marks: Vec<String>,
    /// `None` for the standard tiers as far as they make sense.
    pub(super) tiers: Option<Vec<Tier>>,
    pub(super) without: Vec<String>,
}

impl Slo {
    /// The share of requests that are answered without a fault of the service.
    pub fn availability(name: impl Into<String>, objective: Objective) -> Self {
        Self::new(name.into(), objective, Indicator::Availability)
    }

    /// The share of requests that are answered within `threshold`.
    ///
    /// The threshold is compared with the real duration, so no histogram needs a
    /// bucket there.
    pub fn latency(name: impl Into<String>, objective: Objective, threshold: Duration) -> Self {
        let indicator = Indicator::Latency { threshold, until: LatencyEnd::Body };
        Self::new(name.into(), objective, indicator)
    }

    /// The share of events that the caller counts as good, for work that is no request.
    pub fn ratio(name: impl Into<String>, objective: Objective) -> Self {
        Self::new(name.into(), objective, Indicator::Ratio)
    }

    fn new(name: String, objective: Objective, indicator: Indicator) -> Self {
        Self {
            name,
            indicator,
            objective,
            description: String::new(),
            owner: String::new(),
            runbooks: String::new(),
            labels: Vec::new(),
            period: Period::default(),
            routes: Vec::new(),
            methods: Vec::new(),
            only: None,
            outcomes: events::by_default(indicator),
            marks: Vec::new(),
            tiers: None,
            without: Vec::new(),
        }
    }

    /// What users get when it is met, in a sentence.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// The team that answers its alerts.
    pub fn owner(mut self, team: impl Into<String>) -> Self {
        self.owner = team.into();
        self
    }

    /// The address under which its runbook pages are published, without a slash at the end.
    pub fn runbooks(mut self, base_url: impl Into<String>) -> Self {
        self.runbooks = base_url.into();
        self
    }

    /// A label of one's own on its rules and alerts.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// The time over which it holds. 30 days unless set.
    pub fn period(mut self, period: impl Into<Period>) -> Self {
        self.period = period.into();
        self
    }

    /// Counts requests of these routes only, by template. All requests unless
    /// set, also those that match no route.
    pub fn routes<T: Into<String>>(mut self, templates: impl IntoIterator<Item = T>) -> Self {
        self.routes.extend(templates.into_iter().map(Into::into));
        self
    }

    /// Counts requests of these methods only.
    pub fn methods<T: Into<String>>(mut self, methods: impl IntoIterator<Item = T>) -> Self {
        self.methods.extend(methods.into_iter().map(Into::into));
        self
    }

    /// Counts requests of these outcomes only; all others are ignored.
    pub fn only<T: Into<String>>(mut self, outcomes: impl IntoIterator<Item = T>) -> Self {
        self.only.get_or_insert_default().extend(outcomes.into_iter().map(Into::into));
        self
    }

    /// Counts an outcome as good.
    pub fn good(self, outcome: impl Into<String>) -> Self {
        self.outcome(outcome.into(), EventClass::Good)
    }

    /// Counts an outcome as bad.
    pub fn bad(self, outcome: impl Into<String>) -> Self {
        self.outcome(outcome.into(), EventClass::Bad)
    }

    /// Leaves an outcome out, counted under `reason`.
    pub fn exclude(self, outcome: impl Into<String>, reason: impl Into<String>) -> Self {
        self.outcome(outcome.into(), EventClass::Excluded(reason.into()))
    }

    /// Leaves events out that the service marks with `reason`, such as a
    /// `synthetic` probe or a `load_test`.
    pub fn exclude_marked(mut self, reason: impl Into<String>) -> Self {
        self.marks.push(reason.into());
        self
    }

    fn outcome(mut self, outcome: String, count: EventClass) -> Self {
        match self.outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, known)) => *known = count,
            None => self.outcomes.push((outcome, count)),
        }
        self
    }

    /// Ends the duration of a latency SLO at the response head, for responses
    /// whose length is the client's doing.
    pub fn until_headers(mut self) -> Self {
        if let Indicator::Latency { until, .. } = &mut self.indicator {
            *until = LatencyEnd::Headers;
        }
        self
    }

    /// Alerts in these tiers and no others. One that can not work is an error,
    /// whereas a standard tier that can not work is left out, and a
    /// [`TierAdjustment`](super::TierAdjustment) says so.
    pub fn tiers(mut self, tiers: impl IntoIterator<Item = Tier>) -> Self {
        self.tiers.get_or_insert_default().extend(tiers);
        self
    }

    /// Does not alert in the tier of this name.
    pub fn without_tier(mut self, name: impl Into<String>) -> Self {
        self.without.push(name.into());
        self
    }
}
