//! One SLO as it is written.

use std::time::Duration;

use super::event_class::{EventClass, default_classes};
use super::event_source::EventSource;
use super::indicator::{Indicator, LatencyEnd};
use super::period::Period;
use super::tier::Tier;
use crate::Objective;

/// One service level objective (SLO) as it is written. [`Slos::new`](super::Slos::new) validates
/// the SLOs of a service together.
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
/// # Which events are good
///
/// Each request is one event. It is counted when the request has ended. The names of the outcomes
/// are those of `sre_kit_http_server_requests_total`.
///
/// | Outcome | Availability | Latency |
/// |---|---|---|
/// | `ok`, `client_error` | good | good up to the threshold, bad above it |
/// | `timeout` | bad | bad: there was no response in time |
/// | `error`, `service_error`, `panic`, `shed` | bad | excluded as `failed`: they burn the budget of the availability SLO |
/// | `aborted_before_headers`, `aborted_mid_body` | excluded as `client_abort` | bad above the threshold, otherwise excluded as `client_abort` |
/// | any, of a stream or an upgrade | as above | excluded as `stream` |
///
/// Calls to a [dependency](Self::dependency) and units of [work](Self::work) have outcomes of their
/// own:
///
/// | Outcome | Availability | Latency, with [`within`](Self::within) |
/// |---|---|---|
/// | `ok`, and `client_error` of a call | good | good up to the threshold, bad above it |
/// | `timeout` | bad | bad |
/// | `error`, `no_response`, and `panic` of work | bad | excluded as `failed` |
/// | `canceled` | excluded as `canceled` | bad above the threshold, otherwise excluded as `canceled` |
/// | `shed`, and `panic` of a call | excluded under that name: the other side is not at fault | the same |
///
/// A client error is good, as in the *Site Reliability Workbook*, chapter 2: the service answered,
/// and a client must not be able to burn its budget. A client that disconnects after the threshold
/// waited too long, so the event is bad. A client that disconnects before it shows nothing about
/// the service.
///
/// [`good`](Self::good), [`bad`](Self::bad), [`exclude`](Self::exclude) and [`only`](Self::only)
/// change the class of single outcomes.
#[derive(Clone, Debug)]
#[must_use = "an SLO does nothing before `Slos::new`"]
pub struct Slo {
    pub(super) name: String,
    pub(super) indicator: Indicator,
    pub(super) source: EventSource,
    /// The share of requests that need a dependency.
    pub(super) share: f64,
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
    pub(super) exclusions: Vec<String>,
    /// `None` stands for the standard tiers, as far as they can work.
    pub(super) tiers: Option<Vec<Tier>>,
    pub(super) without: Vec<String>,
}

impl Slo {
    /// Creates an SLO for the share of requests that are answered without a fault of the service.
    pub fn availability(name: impl Into<String>, objective: Objective) -> Self {
        Self::new(name.into(), objective, Indicator::Availability)
    }

    /// Creates an SLO for the share of requests that are answered within `threshold`.
    ///
    /// The threshold is compared with the measured duration, so no histogram needs a bucket
    /// boundary there.
    pub fn latency(name: impl Into<String>, objective: Objective, threshold: Duration) -> Self {
        let indicator = Indicator::Latency { threshold, until: LatencyEnd::Body };
        Self::new(name.into(), objective, indicator)
    }

    /// Creates an SLO for the share of events that the application records as good, for work that
    /// is not a request.
    pub fn ratio(name: impl Into<String>, objective: Objective) -> Self {
        Self::new(name.into(), objective, Indicator::Ratio)
    }

    /// Creates an SLO for the share of calls to a declared peer that its other side answers without
    /// a fault. Its name is that of the peer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sre_kit_slo::{Slo, Slos};
    ///
    /// let payments = || Slo::dependency("payments", "99.95".parse().expect("an objective"));
    /// let slos = Slos::new("shop", [
    ///     Slo::availability("checkout", "99.9".parse()?),
    ///     payments(),
    ///     payments().within(Duration::from_millis(300)).named("payments-latency"),
    /// ])?;
    /// assert!(slos.dependency_gaps().is_empty());
    /// # Ok::<(), sre_kit_slo::ConfigError>(())
    /// ```
    pub fn dependency(peer: impl Into<String>, objective: Objective) -> Self {
        let peer = peer.into();
        Self::of_source(peer.clone(), EventSource::Calls(peer), objective)
    }

    /// Creates an SLO for the share of the units of work of one kind that succeed. Its name is that
    /// of the unit.
    pub fn work(unit: impl Into<String>, objective: Objective) -> Self {
        let unit = unit.into();
        Self::of_source(unit.clone(), EventSource::Work(unit), objective)
    }

    fn of_source(name: String, source: EventSource, objective: Objective) -> Self {
        let indicator = Indicator::Availability;
        let outcomes = default_classes(indicator, &source);
        Self { source, outcomes, ..Self::new(name, objective, indicator) }
    }

    /// Makes it a latency SLO: good are the events that take no longer than `threshold`. The classes
    /// of all outcomes become the defaults again, so call it before [`good`](Self::good) and its
    /// like.
    pub fn within(mut self, threshold: Duration) -> Self {
        self.indicator = Indicator::Latency { threshold, until: LatencyEnd::Body };
        self.outcomes = default_classes(self.indicator, &self.source);
        self
    }

    /// Sets the name, for a second SLO of the same peer or unit.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the share of the service's requests that need the dependency, above 0 and up to 1.
    /// Defaults to 1. [`Slos::dependency_gaps`](super::Slos::dependency_gaps) uses it.
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    fn new(name: String, objective: Objective, indicator: Indicator) -> Self {
        let source = EventSource::Requests;
        Self {
            name,
            share: 1.0,
            outcomes: default_classes(indicator, &source),
            source,
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
            exclusions: Vec::new(),
            tiers: None,
            without: Vec::new(),
        }
    }

    /// Sets the description: a sentence that says what users get if the objective is met.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Sets the team that answers the alerts. It becomes the label `owner`.
    pub fn owner(mut self, team: impl Into<String>) -> Self {
        self.owner = team.into();
        self
    }

    /// Sets the address under which the runbook pages are published, such as
    /// `https://runbooks.example.com/shop`. Defaults to the address in the options of the
    /// generator.
    pub fn runbooks(mut self, base_url: impl Into<String>) -> Self {
        self.runbooks = base_url.into();
        self
    }

    /// Adds a label to the rules and alerts.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// Sets the rolling period over which the objective holds. Defaults to 30 days.
    pub fn period(mut self, period: impl Into<Period>) -> Self {
        self.period = period.into();
        self
    }

    /// Counts only the requests of these routes, given as templates. Defaults to all requests,
    /// including those that match no route.
    pub fn routes<T: Into<String>>(mut self, templates: impl IntoIterator<Item = T>) -> Self {
        self.routes.extend(templates.into_iter().map(Into::into));
        self
    }

    /// Counts only the requests of these methods. Defaults to all methods.
    pub fn methods<T: Into<String>>(mut self, methods: impl IntoIterator<Item = T>) -> Self {
        self.methods.extend(methods.into_iter().map(Into::into));
        self
    }

    /// Counts only the requests of these outcomes and ignores all others. Defaults to all outcomes.
    pub fn only<T: Into<String>>(mut self, outcomes: impl IntoIterator<Item = T>) -> Self {
        self.only.get_or_insert_default().extend(outcomes.into_iter().map(Into::into));
        self
    }

    /// Counts requests with this outcome as good.
    pub fn good(self, outcome: impl Into<String>) -> Self {
        self.outcome(outcome.into(), EventClass::Good)
    }

    /// Counts requests with this outcome as bad.
    pub fn bad(self, outcome: impl Into<String>) -> Self {
        self.outcome(outcome.into(), EventClass::Bad)
    }

    /// Excludes requests with this outcome and counts them under `reason`.
    pub fn exclude(self, outcome: impl Into<String>, reason: impl Into<String>) -> Self {
        self.outcome(outcome.into(), EventClass::Excluded(reason.into()))
    }

    /// Excludes requests that the service marks with `reason`, such as `synthetic` for probes or
    /// `load_test`, and counts them under it.
    pub fn exclude_marked(mut self, reason: impl Into<String>) -> Self {
        self.exclusions.push(reason.into());
        self
    }

    fn outcome(mut self, outcome: String, class: EventClass) -> Self {
        match self.outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, known)) => *known = class,
            None => self.outcomes.push((outcome, class)),
        }
        self
    }

    /// Ends the duration of a latency SLO at the response head, for bodies whose duration depends
    /// on the client. Defaults to the end of the body. Has no effect on other SLOs.
    pub fn until_headers(mut self) -> Self {
        if let Indicator::Latency { until, .. } = &mut self.indicator {
            *until = LatencyEnd::Headers;
        }
        self
    }

    /// Sets the burn tiers. Defaults to [`Tier::standard`].
    ///
    /// A tier that is set here and cannot work is an error of [`Slos::new`](super::Slos::new). A
    /// standard tier that cannot work is left out or changed instead, and a
    /// [`TierAdjustment`](super::TierAdjustment) records it.
    pub fn tiers(mut self, tiers: impl IntoIterator<Item = Tier>) -> Self {
        self.tiers.get_or_insert_default().extend(tiers);
        self
    }

    /// Removes the tier called `name`.
    pub fn without_tier(mut self, name: impl Into<String>) -> Self {
        self.without.push(name.into());
        self
    }
}
