//! The settings of the generator.

use std::time::Duration;

use super::receiver::Receiver;
use crate::Severity;

/// Settings of the generator that are not part of the SLO definitions: intervals, receivers,
/// addresses, namespaces and labels. [`render`](super::render) validates them.
///
/// ```
/// use std::time::Duration;
/// use sre_kit_slo::Severity;
/// use sre_kit_slo::render::{Options, Receiver};
///
/// let options = Options::new()
///     .scrape_interval(Duration::from_secs(30))
///     .runbooks("https://runbooks.example.com/shop")
///     .grafana("https://grafana.example.com")
///     .receiver(Severity::Page, Receiver::pager_duty("on-call", "/etc/alertmanager/secrets/alerts/pagerduty"))
///     .kubernetes_namespace("shop")
///     .label("team", "payments");
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing before `render`"]
pub struct Options {
    pub(super) scrape_interval: Duration,
    pub(super) evaluation_interval: Duration,
    pub(super) compression: u32,
    pub(super) runbooks: String,
    pub(super) grafana: String,
    pub(super) datasource_uid: Option<String>,
    pub(super) page: Receiver,
    pub(super) ticket: Receiver,
    pub(super) heartbeat: Option<Receiver>,
    pub(super) other_alerts: bool,
    pub(super) kubernetes_namespace: Option<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) scope: Vec<(String, String)>,
    pub(super) sloth: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// Returns the defaults: scrapes every 15 s, evaluations every 30 s, placeholders as receivers.
    pub fn new() -> Self {
        Self {
            scrape_interval: Duration::from_secs(15),
            evaluation_interval: Duration::from_secs(30),
            compression: 1,
            runbooks: String::new(),
            grafana: String::new(),
            datasource_uid: None,
            // `.invalid` never resolves (RFC 2606). Alertmanager fails to send to a placeholder
            // that was not replaced, and counts and logs the failure.
            page: Receiver::webhook("slo-page", "http://page-receiver.invalid/"),
            ticket: Receiver::webhook("slo-ticket", "http://ticket-receiver.invalid/"),
            heartbeat: None,
            other_alerts: false,
            kubernetes_namespace: None,
            labels: Vec::new(),
            scope: Vec::new(),
            sloth: false,
        }
    }

    /// Sets the interval at which Prometheus scrapes the service. Defaults to 15 s.
    ///
    /// The shortest window has to hold four scrapes.
    pub fn scrape_interval(mut self, interval: Duration) -> Self {
        self.scrape_interval = interval;
        self
    }

    /// Sets the interval at which Prometheus evaluates the rules. Defaults to 30 s. At most 2 min.
    pub fn evaluation_interval(mut self, interval: Duration) -> Self {
        self.evaluation_interval = interval;
        self
    }

    /// Sets the address under which the runbook pages are published, for SLOs that do not
    /// [set it](crate::Slo::runbooks) themselves. Defaults to none: then alerts have no annotation
    /// `runbook_url`.
    pub fn runbooks(mut self, base_url: impl Into<String>) -> Self {
        self.runbooks = base_url.into();
        self
    }

    /// Sets the address of Grafana, such as `https://grafana.example.com`, so that alerts have the
    /// annotation `dashboard_url`: the address of the dashboard of SLOs, which has a fixed uid, with
    /// the SLO selected. Defaults to none: then alerts have no such annotation.
    pub fn grafana(mut self, base_url: impl Into<String>) -> Self {
        self.grafana = base_url.into();
        self
    }

    /// Sets the uid of the data source that dashboards select initially. Defaults to the default
    /// Prometheus data source of Grafana.
    pub fn datasource_uid(mut self, uid: impl Into<String>) -> Self {
        self.datasource_uid = Some(uid.into());
        self
    }

    /// Sets the receiver of the alerts of one severity. Defaults to a placeholder.
    pub fn receiver(mut self, severity: Severity, receiver: Receiver) -> Self {
        match severity {
            Severity::Page => self.page = receiver,
            Severity::Ticket => self.ticket = receiver,
        }
        self
    }

    /// Sets the receiver of a dead man's switch: it is notified every five minutes of the alert
    /// `Watchdog`, which always fires, so that a service such as Dead Man's Snitch or healthchecks.io
    /// tells when Prometheus or Alertmanager is gone. Defaults to none.
    ///
    /// The alert is part of kube-prometheus-stack. Elsewhere add a rule with `expr: vector(1)`.
    pub fn heartbeat(mut self, receiver: Receiver) -> Self {
        self.heartbeat = Some(receiver);
        self
    }

    /// Routes alerts of other rules as well, such as those of kube-prometheus-stack: the severity
    /// `critical` to the receiver of pages and `warning` to that of tickets, one notification per
    /// alert and namespace. Defaults to the alerts of the SLOs alone.
    pub fn other_alerts(mut self) -> Self {
        self.other_alerts = true;
        self
    }

    /// Sets the namespace in the metadata of Kubernetes objects. Defaults to none.
    pub fn kubernetes_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.kubernetes_namespace = Some(namespace.into());
        self
    }

    /// Adds a label to every rule and alert, beside the labels of the SLOs.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// Restricts every query to series with this label, and adds it to every rule. Use it if
    /// services of the same name in several namespaces or clusters share one Prometheus.
    pub fn scope(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.scope.push((name.into(), value.into()));
        self
    }

    /// Adds the labels `sloth_id`, `sloth_service`, `sloth_slo` and `sloth_window` and the metric
    /// `sloth_slo_info`, so that dashboards that were made for Sloth work.
    pub fn sloth_labels(mut self) -> Self {
        self.sloth = true;
        self
    }

    /// Divides every window and period by `divisor`, so that a test does not have to wait for an
    /// hour. Defaults to 1. Factors stay the same, because they are ratios of the period and a
    /// window.
    pub fn compressed(mut self, divisor: u32) -> Self {
        self.compression = divisor;
        self
    }

    /// Returns the scope as PromQL matchers without braces, for dashboards.
    pub(super) fn scope_selector(&self) -> String {
        let matchers: Vec<_> = self
            .scope
            .iter()
            .map(|(name, value)| format!("{name}={}", super::promql::quoted(value)))
            .collect();
        matchers.join(",")
    }

    /// Appends the values of the scope to the title of a dashboard.
    pub(super) fn title(&self, title: &str) -> String {
        let scope: Vec<_> = self.scope.iter().map(|(_, value)| value.as_str()).collect();
        if scope.is_empty() { title.to_owned() } else { format!("{title}, {}", scope.join(" ")) }
    }

    /// Returns the uid of the dashboard of SLOs, which links contain. The values of the scope keep
    /// those of several namespaces apart. Grafana allows 40 characters of its own choice.
    pub(super) fn dashboard_uid(&self, service: &str) -> String {
        let parts = [service].into_iter().chain(self.scope.iter().map(|(_, value)| value.as_str()));
        let parts: Vec<_> = ["slo"].into_iter().chain(parts).collect();
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let uid: String = parts.join("-").chars().map(plain).take(40).collect();
        uid.trim_end_matches('-').to_owned()
    }

    /// Divides a length of time by the compression.
    pub(super) fn compress(&self, length: Duration) -> Duration {
        length / self.compression.max(1)
    }
}
