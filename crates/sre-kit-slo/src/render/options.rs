//! What the generated files need to know beside the SLOs.

use std::time::Duration;

use crate::{Severity, Slos};
use sre_kit_core::ConfigError;

/// The staleness lookback of Prometheus is 5 minutes: rules that are evaluated
/// less often than every two leave gaps behind.
const SLOWEST_EVALUATION: Duration = Duration::from_mins(2);

/// Samples that a window has to hold. `rate` needs two; four leave room for a
/// scrape that failed.
const SAMPLES: u32 = 4;

/// What the generated files need to know beside the SLOs.
///
/// ```
/// use std::time::Duration;
/// use sre_kit_slo::Severity;
/// use sre_kit_slo::render::{Options, Receiver};
///
/// let options = Options::new()
///     .scrape_interval(Duration::from_secs(30))
///     .runbooks("https://runbooks.example.com/shop")
///     .receiver(Severity::Page, Receiver::new("on-call", "https://pager.example.com/hook"))
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
    pub(super) datasource_uid: Option<String>,
    pub(super) page: Receiver,
    pub(super) ticket: Receiver,
    pub(super) kubernetes_namespace: Option<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) scope: Vec<(String, String)>,
    pub(super) sloth: bool,
}

/// Where Alertmanager sends alerts of one severity: a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub(super) name: String,
    pub(super) url: String,
}

impl Receiver {
    /// A receiver of this name that posts to `url`.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self { name: name.into(), url: url.into() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// Scrapes every 15 s, evaluations every 30 s, placeholders as receivers.
    pub fn new() -> Self {
        Self {
            scrape_interval: Duration::from_secs(15),
            evaluation_interval: Duration::from_secs(30),
            compression: 1,
            runbooks: String::new(),
            datasource_uid: None,
            // `.invalid` never resolves (RFC 2606): a placeholder that is left in
            // place fails to send, and Alertmanager counts and logs it.
            page: Receiver::new("slo-page", "http://page-receiver.invalid/"),
            ticket: Receiver::new("slo-ticket", "http://ticket-receiver.invalid/"),
            kubernetes_namespace: None,
            labels: Vec::new(),
            scope: Vec::new(),
            sloth: false,
        }
    }

    /// How often Prometheus scrapes the service. 15 s unless set.
    pub fn scrape_interval(mut self, interval: Duration) -> Self {
        self.scrape_interval = interval;
        self
    }

    /// How often the rules are evaluated. 30 s unless set, two minutes at most.
    pub fn evaluation_interval(mut self, interval: Duration) -> Self {
        self.evaluation_interval = interval;
        self
    }

    /// Where runbook pages are published, for SLOs that name no place of their
    /// own. Without one, `runbook_url` is the page's path among the generated files.
    pub fn runbooks(mut self, base_url: impl Into<String>) -> Self {
        self.runbooks = base_url.into();
        self
    }

    /// The data source that dashboards choose at first. Any of Prometheus' unless set.
    pub fn datasource_uid(mut self, uid: impl Into<String>) -> Self {
        self.datasource_uid = Some(uid.into());
        self
    }

    /// Where alerts of a severity go. Placeholders unless set.
    pub fn receiver(mut self, severity: Severity, receiver: Receiver) -> Self {
        match severity {
            Severity::Page => self.page = receiver,
            Severity::Ticket => self.ticket = receiver,
        }
        self
    }

    /// The namespace in the metadata of Kubernetes objects. None unless set.
    pub fn kubernetes_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.kubernetes_namespace = Some(namespace.into());
        self
    }

    /// A label on every rule and alert, beside those of the SLOs.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// Reads only series with this label, and puts it on every rule: for services
    /// of one name in several namespaces or clusters under one Prometheus.
    pub fn scope(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.scope.push((name.into(), value.into()));
        self
    }

    /// Adds the labels `sloth_id`, `sloth_service`, `sloth_slo` and `sloth_window`
    /// and the metric `sloth_slo_info`, so that dashboards made for Sloth work.
    pub fn sloth_labels(mut self) -> Self {
        self.sloth = true;
        self
    }

    /// Divides every window and period, so that a test need not wait for an hour.
    /// Factors stay: they are ratios of the period and a window.
    pub fn compressed(mut self, divisor: u32) -> Self {
        self.compression = divisor;
        self
    }

    /// The scope as matchers without braces, for dashboards.
    pub(super) fn scope_selector(&self) -> String {
        let matchers: Vec<_> = self
            .scope
            .iter()
            .map(|(name, value)| format!("{name}={}", super::promql::quoted(value)))
            .collect();
        matchers.join(",")
    }

    /// The scope in a dashboard's title.
    pub(super) fn title(&self, title: &str) -> String {
        let scope: Vec<_> = self.scope.iter().map(|(_, value)| value.as_str()).collect();
        if scope.is_empty() { title.to_owned() } else { format!("{title}, {}", scope.join(" ")) }
    }

    /// Divides a length of time.
    pub(super) fn compress(&self, length: Duration) -> Duration {
        length / self.compression.max(1)
    }

    pub(super) fn check(&self, slos: &Slos) -> Result<(), ConfigError> {
        let refuse = |field: &'static str, value: &dyn std::fmt::Debug, rule, advice| {
            Err(ConfigError::new(field, value, rule, advice))
        };
        if self.compression == 0 {
            return refuse(
                "render.compressed",
                &0,
                "nothing can be divided by zero",
                "leave it out, or write 60 to turn hours into minutes",
            );
        }
        for (field, interval) in [
            ("render.scrape_interval", self.scrape_interval),
            ("render.evaluation_interval", self.evaluation_interval),
        ] {
            if interval.is_zero() || interval.subsec_nanos() % 1_000_000 != 0 {
                return refuse(
                    field,
                    &interval,
                    "an interval is a whole number of milliseconds, and not zero",
                    "write it like `Duration::from_secs(15)`",
                );
            }
        }
        if self.evaluation_interval > SLOWEST_EVALUATION {
            return refuse(
                "render.evaluation_interval",
                &self.evaluation_interval,
                "Prometheus forgets a sample after 5 minutes, so rules run at least every two",
                "leave it at 30 s",
            );
        }
        self.check_slos(slos)?;
        self.check_texts()?;
        let names: Vec<_> = TAKEN
            .into_iter()
            .chain(self.labels.iter().chain(&self.scope).map(|(name, _)| name.as_str()))
            .collect();
        sre_kit_core::internal::check_labels(&names)
    }

    fn check_slos(&self, slos: &Slos) -> Result<(), ConfigError> {
        for slo in slos {
            let plan = super::plan::Plan::new(slos.service(), slo, self);
            if let Some((name, value)) = plan.labels().iter().find(|(_, text)| text.contains("{{"))
            {
                return Err(ConfigError::new(
                    format!("render.label `{name}`"),
                    value,
                    "Prometheus would take it for a template",
                    "write it without `{{`",
                ));
            }
            for window in plan.every_window() {
                if window.subsec_nanos() % 1_000_000 != 0 {
                    return Err(ConfigError::new(
                        "render.compressed",
                        self.compression,
                        format!("`{}` would have a window of {window:?}", slo.name()),
                        "choose a divisor that leaves whole milliseconds",
                    ));
                }
                if window < self.scrape_interval * SAMPLES {
                    return Err(ConfigError::new(
                        "render.scrape_interval",
                        self.scrape_interval,
                        format!(
                            "`{}` has a window of {window:?}, which has to hold four scrapes",
                            slo.name()
                        ),
                        "scrape more often or widen the window",
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), ConfigError> {
        let urls = [
            ("render.runbooks", &self.runbooks, true),
            ("render.receiver", &self.page.url, false),
            ("render.receiver", &self.ticket.url, false),
        ];
        for (field, url, may_be_empty) in urls {
            let odd = |c: char| c.is_whitespace() || c.is_control() || "\"<>{}".contains(c);
            let web = url.starts_with("https://") || url.starts_with("http://");
            if (may_be_empty && url.is_empty()) || (web && !url.contains(odd)) {
                continue;
            }
            return Err(ConfigError::new(
                field,
                url,
                "it is an address with http:// or https://",
                "write it like `https://runbooks.example.com/shop`",
            ));
        }
        if let Some(name) = [&self.page.name, &self.ticket.name]
            .into_iter()
            .find(|name| name.is_empty() || *name == super::alertmanager::NOBODY)
        {
            return Err(ConfigError::new(
                "render.receiver",
                name,
                "that is no name for a receiver, or one that is taken",
                "name it after whom it tells, such as `on-call`",
            ));
        }
        if self.page.name == self.ticket.name && self.page.url != self.ticket.url {
            return Err(ConfigError::new(
                "render.receiver",
                &self.page.name,
                "pages and tickets go to two places under one name",
                "give each receiver a name of its own",
            ));
        }
        let empty = self.labels.iter().chain(&self.scope).find(|(_, value)| value.is_empty());
        if let Some((name, value)) = empty {
            return Err(ConfigError::new(
                format!("render.label `{name}`"),
                value,
                "Prometheus drops a label without a value",
                "give it a value or drop it",
            ));
        }
        Ok(())
    }
}

/// Labels that the rules have already, and `job`, which absent alerts cannot know.
const TAKEN: [&str; 8] =
    ["alertname", "outcome", "owner", "service", "severity", "slo", "slo_tier", "window"];
