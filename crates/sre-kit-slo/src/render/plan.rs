//! The windows, names and selectors of one SLO, which every generated file is made from.

use std::time::Duration;

use super::options::Options;
use super::promql::{Selector, duration};
use crate::{Decimal, Definition, Severity};

/// The window of the recorded rates that long ranges are derived from.
const BASE: Duration = Duration::from_secs(5 * 60);

/// The counter that the process exports. Its good and bad series are disjoint, and both exist at
/// zero from the start.
pub(super) const EVENTS: &str = "slo_events_total";

/// One SLO, with every length of time divided by the compression of the options.
pub(super) struct Plan<'a> {
    pub(super) service: &'a str,
    pub(super) slo: &'a Definition,
    pub(super) options: &'a Options,
    pub(super) base: Duration,
    pub(super) period: Duration,
    pub(super) tiers: Vec<PlannedTier<'a>>,
}

/// One burn tier, with its windows compressed.
pub(super) struct PlannedTier<'a> {
    pub(super) name: &'a str,
    pub(super) severity: Severity,
    pub(super) long: Duration,
    pub(super) short: Duration,
    pub(super) factor: Decimal,
    pub(super) threshold: Decimal,
    pub(super) budget_share: Decimal,
    pub(super) min_bad_events: Option<u64>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(service: &'a str, slo: &'a Definition, options: &'a Options) -> Self {
        let mut tiers: Vec<_> = slo
            .tiers()
            .iter()
            .map(|tier| PlannedTier {
                name: tier.name(),
                severity: tier.severity(),
                long: options.compress(tier.long().as_duration()),
                short: options.compress(tier.short().as_duration()),
                factor: tier.factor(),
                threshold: tier.threshold(),
                budget_share: tier.budget_share(),
                min_bad_events: tier.min_bad_events(),
            })
            .collect();
        // The highest factor comes first, because it inhibits the tiers after it.
        tiers.sort_by(|a, b| b.factor.cmp(&a.factor).then(a.long.cmp(&b.long)));
        Self {
            service,
            slo,
            options,
            base: options.compress(BASE),
            period: options.compress(slo.period().as_duration()),
            tiers,
        }
    }

    /// Returns the name of rule groups and Kubernetes objects, such as `shop-checkout`.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.service, self.slo.name())
    }

    /// Returns the windows that are recorded from raw counters, from the shortest to the longest.
    pub(super) fn windows(&self) -> Vec<Duration> {
        let mut windows: Vec<_> =
            self.tiers.iter().flat_map(|tier| [tier.long, tier.short]).collect();
        windows.push(self.base);
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    /// Returns every window, and the period last.
    pub(super) fn windows_and_period(&self) -> impl Iterator<Item = Duration> {
        self.windows().into_iter().chain([self.period])
    }

    /// Returns the history that must exist before a budget counts as exhausted: an offset and the
    /// window before it. The offset is the longest alert window, so that the burn alerts watch a
    /// service until then.
    pub(super) fn history(&self) -> (Duration, Duration) {
        let longest = self.tiers.iter().max_by_key(|tier| tier.long);
        longest.map_or((self.period / 10, self.period / 20), |tier| (tier.long, tier.short))
    }

    /// Returns a selector of the series of this SLO.
    fn pinned(&self, metric: impl Into<String>) -> Selector {
        Selector::new(metric)
            .with("service", self.service)
            .with("slo", self.slo.name())
            .with_all(self.options.scope.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// Returns the selector of all events of the SLO.
    pub(super) fn events(&self) -> Selector {
        self.pinned(EVENTS)
    }

    /// Returns the selector of the bad events of the SLO.
    pub(super) fn bad_events(&self) -> Selector {
        self.pinned(EVENTS).with("outcome", "bad")
    }

    /// Returns the selector of a recorded series of the SLO.
    pub(super) fn recorded(&self, metric: &str) -> Selector {
        self.pinned(metric)
    }

    /// Returns the selector of the recorded error ratio over a window.
    pub(super) fn ratio(&self, window: Duration) -> Selector {
        self.recorded(&error_ratio(window))
    }

    /// Returns the name of the recorded rate of events, `slo:events:rate5m`.
    pub(super) fn events_rate(&self) -> String {
        format!("slo:events:rate{}", duration(self.base))
    }

    /// Returns the name of the recorded rate of bad events, `slo:bad_events:rate5m`.
    pub(super) fn bad_events_rate(&self) -> String {
        format!("slo:bad_events:rate{}", duration(self.base))
    }

    /// Returns the error budget in percent: `0.1` for an objective of 99.9 %.
    pub(super) fn budget_percent(&self) -> Decimal {
        let billionths = self.slo.objective().error_budget().units() / 1_000_000_000;
        // A budget is below one, so its percentage fits.
        Decimal::billionths(u64::try_from(billionths).unwrap_or(0) * 100)
    }

    /// Returns the labels of every rule: the fixed ones, then those of the SLO and of the options.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        let own = [("service", self.service), ("slo", self.slo.name())];
        let mut labels: Vec<_> =
            own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        if !self.slo.owner().is_empty() {
            labels.push(("owner".to_owned(), self.slo.owner().to_owned()));
        }
        let more = [self.options.scope.as_slice(), self.slo.labels(), &self.options.labels];
        for (name, value) in more.into_iter().flatten() {
            // A label of the SLO overrides the same label of the options.
            if !labels.iter().any(|(known, _)| known == name) {
                labels.push((name.clone(), value.clone()));
            }
        }
        labels
    }

    /// Returns the labels by which dashboards that were made for Sloth find the SLO.
    pub(super) fn sloth_labels(&self) -> [(String, String); 3] {
        [
            ("sloth_id".to_owned(), self.id()),
            ("sloth_service".to_owned(), self.service.to_owned()),
            ("sloth_slo".to_owned(), self.slo.name().to_owned()),
        ]
    }

    /// Returns the path of the runbook page of an alert in the generated folder.
    pub(super) fn runbook_path(&self, page: &str) -> String {
        format!("runbooks/{}/{page}.md", self.slo.name())
    }

    /// Returns the address of the runbook page of an alert, if the pages are published.
    pub(super) fn runbook_url(&self, page: &str) -> Option<String> {
        let own = self.slo.runbooks();
        let base = if own.is_empty() { &self.options.runbooks } else { own };
        let base = base.trim_end_matches('/');
        (!base.is_empty()).then(|| format!("{base}/{}/{page}.md", self.slo.name()))
    }

    /// Returns the address of the dashboard with the SLO selected, if the address of Grafana is
    /// known.
    pub(super) fn dashboard_url(&self) -> Option<String> {
        let base = self.options.grafana.trim_end_matches('/');
        let uid = self.options.dashboard_uid(self.service);
        (!base.is_empty()).then(|| format!("{base}/d/{uid}?var-slo={}", self.slo.name()))
    }
}

/// Returns the name of the recorded error ratio, such as `slo:sli_error:ratio_rate1h`. Sloth uses
/// the same names.
pub(super) fn error_ratio(window: Duration) -> String {
    format!("slo:sli_error:ratio_rate{}", duration(window))
}
