//! What every output needs to know of one SLO: its windows, names and selectors.

use std::time::Duration;

use super::options::Options;
use super::promql::{Selector, duration};
use crate::{Decimal, Definition, Severity};

/// The window of the recorded rates that everything long is derived from.
const BASE: Duration = Duration::from_mins(5);

/// The counter that the process exports. Good and bad are disjoint, and both
/// exist at zero from the start.
pub(super) const EVENTS: &str = "slo_events_total";

/// One SLO, with every length of time compressed as the options say.
pub(super) struct Plan<'a> {
    pub(super) service: &'a str,
    pub(super) slo: &'a Definition,
    pub(super) options: &'a Options,
    pub(super) base: Duration,
    pub(super) period: Duration,
    pub(super) tiers: Vec<PlannedTier<'a>>,
}

/// One burn tier.
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
        // The steepest first: it inhibits the ones behind it.
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

    /// `shop-checkout`: names files, rule groups and Kubernetes objects.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.service, self.slo.name())
    }

    /// The windows that are recorded from raw counters, the shortest first.
    pub(super) fn windows(&self) -> Vec<Duration> {
        let mut windows: Vec<_> =
            self.tiers.iter().flat_map(|tier| [tier.long, tier.short]).collect();
        windows.push(self.base);
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    pub(super) fn every_window(&self) -> impl Iterator<Item = Duration> {
        self.windows().into_iter().chain([self.period])
    }

    /// Before this much history exists a budget cannot be called exhausted: as
    /// long as the longest alert window, which is what watches a young service.
    pub(super) fn history(&self) -> (Duration, Duration) {
        let longest = self.tiers.iter().max_by_key(|tier| tier.long);
        longest.map_or((self.period / 10, self.period / 20), |tier| (tier.long, tier.short))
    }

    fn pinned(&self, metric: impl Into<String>) -> Selector {
        Selector::new(metric)
            .with("service", self.service)
            .with("slo", self.slo.name())
            .with_all(self.options.scope.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// Every event of the SLO.
    pub(super) fn events(&self) -> Selector {
        self.pinned(EVENTS)
    }

    /// The bad ones.
    pub(super) fn bad_events(&self) -> Selector {
        self.pinned(EVENTS).with("outcome", "bad")
    }

    /// A recorded series of the SLO.
    pub(super) fn recorded(&self, metric: &str) -> Selector {
        self.pinned(metric)
    }

    /// The recorded error ratio over a window.
    pub(super) fn ratio(&self, window: Duration) -> Selector {
        self.recorded(&error_ratio(window))
    }

    /// `slo:events:rate5m`.
    pub(super) fn events_rate(&self) -> String {
        format!("slo:events:rate{}", duration(self.base))
    }

    /// `slo:bad_events:rate5m`.
    pub(super) fn bad_events_rate(&self) -> String {
        format!("slo:bad_events:rate{}", duration(self.base))
    }

    /// The error budget in percent: `0.1` for an objective of 99.9 %.
    pub(super) fn budget_percent(&self) -> Decimal {
        let billionths = self.slo.objective().error_budget().units() / 1_000_000_000;
        // A budget is below one, so its percentage fits by far.
        Decimal::billionths(u64::try_from(billionths).unwrap_or(0) * 100)
    }

    /// The labels of every rule: ours, then those of the SLO and of the options.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        let own = [("service", self.service), ("slo", self.slo.name())];
        let mut labels: Vec<_> =
            own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        if !self.slo.owner().is_empty() {
            labels.push(("owner".to_owned(), self.slo.owner().to_owned()));
        }
        let more = [self.options.scope.as_slice(), self.slo.labels(), &self.options.labels];
        for (name, value) in more.into_iter().flatten() {
            // What the SLO says holds against what is said for all.
            if !labels.iter().any(|(known, _)| known == name) {
                labels.push((name.clone(), value.clone()));
            }
        }
        labels
    }

    /// Labels by which dashboards made for Sloth find the SLO.
    pub(super) fn sloth_labels(&self) -> [(String, String); 3] {
        [
            ("sloth_id".to_owned(), self.id()),
            ("sloth_service".to_owned(), self.service.to_owned()),
            ("sloth_slo".to_owned(), self.slo.name().to_owned()),
        ]
    }

    /// The page of an alert, below the generated folder.
    pub(super) fn runbook_path(&self, page: &str) -> String {
        format!("runbooks/{}/{page}.md", self.slo.name())
    }

    /// The address of an alert's page.
    pub(super) fn runbook_url(&self, page: &str) -> String {
        let own = self.slo.runbooks();
        let base = if own.is_empty() { self.options.runbooks.trim_end_matches('/') } else { own };
        let path = self.runbook_path(page);
        if base.is_empty() {
            return path;
        }
        let below = path.strip_prefix("runbooks/").unwrap_or(&path);
        format!("{base}/{below}")
    }
}

/// `slo:sli_error:ratio_rate1h`, the name that Sloth gave it.
pub(super) fn error_ratio(window: Duration) -> String {
    format!("slo:sli_error:ratio_rate{}", duration(window))
}
