//! The receivers of alerts.

use sre_kit_core::ConfigError;

/// Whom Alertmanager notifies of the alerts of one severity: one or more integrations under a name.
///
/// A secret is read by Alertmanager from a file, and never part of the generated configuration. With
/// the Prometheus Operator such a file is a key of a Secret that `alertmanagerSpec.secrets` mounts,
/// `/etc/alertmanager/secrets/SECRET/KEY`. The file holds the secret alone, without a line break at
/// its end: Alertmanager 0.25 sends the key of Opsgenie with the line break, and every delivery fails.
///
/// ```
/// use sre_kit_slo::render::Receiver;
///
/// let secrets = "/etc/alertmanager/secrets/alerts";
/// let page = Receiver::pager_duty("on-call", format!("{secrets}/pagerduty"))
///     .and(Receiver::slack("on-call", format!("{secrets}/slack"), "#incidents"));
/// let ticket = Receiver::email("tickets", "sre@example.com", "alerts@example.com", "smtp.example.com:587")
///     .login("alerts", format!("{secrets}/smtp"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "a receiver does nothing before `Options::receiver`"]
pub struct Receiver {
    pub(super) name: String,
    pub(super) integrations: Vec<Integration>,
}

/// One way to notify people.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Integration {
    Webhook {
        url: String,
    },
    WebhookFile {
        file: String,
    },
    Slack {
        file: String,
        channel: String,
    },
    PagerDuty {
        file: String,
        api_url: Option<String>,
    },
    Opsgenie {
        file: String,
        api_url: Option<String>,
    },
    Email(Email),
    /// A setter that does not belong to the integration before it.
    Misplaced(&'static str),
}

/// The settings of notifications by email.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Email {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) smarthost: String,
    pub(super) login: Option<(String, String)>,
    pub(super) plaintext: bool,
}

impl Receiver {
    fn new(name: impl Into<String>, integration: Integration) -> Self {
        Self { name: name.into(), integrations: vec![integration] }
    }

    /// Creates a receiver called `name` that posts Alertmanager's JSON to `url`.
    ///
    /// The address is part of the generated configuration. If it holds a token, use
    /// [`webhook_file`](Self::webhook_file).
    pub fn webhook(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(name, Integration::Webhook { url: url.into() })
    }

    /// Creates a receiver called `name` that posts Alertmanager's JSON to the address in the file at
    /// `url_file`. Needs Alertmanager 0.26 or later.
    pub fn webhook_file(name: impl Into<String>, url_file: impl Into<String>) -> Self {
        Self::new(name, Integration::WebhookFile { file: url_file.into() })
    }

    /// Creates a receiver called `name` that posts to a Slack channel such as `#incidents`, by the
    /// incoming webhook whose address is in the file at `url_file`.
    pub fn slack(
        name: impl Into<String>,
        url_file: impl Into<String>,
        channel: impl Into<String>,
    ) -> Self {
        Self::new(name, Integration::Slack { file: url_file.into(), channel: channel.into() })
    }

    /// Creates a receiver called `name` that opens an incident in PagerDuty, by the key of an
    /// integration with Events API v2 in the file at `routing_key_file`.
    pub fn pager_duty(name: impl Into<String>, routing_key_file: impl Into<String>) -> Self {
        Self::new(name, Integration::PagerDuty { file: routing_key_file.into(), api_url: None })
    }

    /// Creates a receiver called `name` that opens an alert in Opsgenie, by the key of an API
    /// integration in the file at `api_key_file`.
    pub fn opsgenie(name: impl Into<String>, api_key_file: impl Into<String>) -> Self {
        Self::new(name, Integration::Opsgenie { file: api_key_file.into(), api_url: None })
    }

    /// Creates a receiver called `name` that sends an email to `to`, from `from`, by the SMTP server
    /// `smarthost`, written as `smtp.example.com:587`.
    pub fn email(
        name: impl Into<String>,
        to: impl Into<String>,
        from: impl Into<String>,
        smarthost: impl Into<String>,
    ) -> Self {
        Self::new(
            name,
            Integration::Email(Email {
                to: to.into(),
                from: from.into(),
                smarthost: smarthost.into(),
                login: None,
                plaintext: false,
            }),
        )
    }

    /// Sets the address of the API of PagerDuty or Opsgenie. Defaults to Alertmanager's, which is
    /// the one in the USA. Opsgenie in the EU is `https://api.eu.opsgenie.com/`.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        match self.integrations.last_mut() {
            Some(
                Integration::PagerDuty { api_url, .. } | Integration::Opsgenie { api_url, .. },
            ) => *api_url = Some(url.into()),
            _ => self.integrations.push(Integration::Misplaced("api_url")),
        }
        self
    }

    /// Sets the user at the SMTP server, and the file that holds the password. Defaults to no login.
    pub fn login(mut self, user: impl Into<String>, password_file: impl Into<String>) -> Self {
        match self.integrations.last_mut() {
            Some(Integration::Email(email)) => {
                email.login = Some((user.into(), password_file.into()));
            }
            _ => self.integrations.push(Integration::Misplaced("login")),
        }
        self
    }

    /// Sends emails to an SMTP server without TLS, such as a relay on the same machine. Defaults to
    /// requiring TLS.
    pub fn without_tls(mut self) -> Self {
        match self.integrations.last_mut() {
            Some(Integration::Email(email)) => email.plaintext = true,
            _ => self.integrations.push(Integration::Misplaced("without_tls")),
        }
        self
    }

    /// Adds the integrations of `other`, so that both are notified. The name stays that of `self`.
    pub fn and(mut self, other: Self) -> Self {
        self.integrations.extend(other.integrations);
        self
    }

    /// Validates the receiver. An error names the rule and never shows an address with a token.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.integrations.iter().try_for_each(|integration| {
            integration.problem().map_or(Ok(()), |(value, rule, advice)| {
                Err(ConfigError::new(
                    format!("render.receiver `{}`", self.name),
                    value,
                    rule,
                    advice,
                ))
            })
        })
    }
}

impl Integration {
    /// Returns what is wrong: the value, the rule and what to do.
    fn problem(&self) -> Option<(String, &'static str, &'static str)> {
        match self {
            // The address may hold a token.
            Self::Webhook { url } => (!is_web(url)).then(|| {
                (
                    "an address".to_owned(),
                    "a webhook begins with http:// or https:// and has no spaces or quotes",
                    "write it like `https://pager.example.com/hook`",
                )
            }),
            Self::WebhookFile { file } => no_path(file),
            Self::Slack { file, channel } => no_path(file).or_else(|| {
                (!is_word(channel)).then(|| {
                    (
                        channel.clone(),
                        "a channel of Slack is one word",
                        "write it like `#incidents`",
                    )
                })
            }),
            Self::PagerDuty { file, api_url } | Self::Opsgenie { file, api_url } => no_path(file)
                .or_else(|| {
                    api_url.as_ref().filter(|url| !is_web(url)).map(|url| {
                        (
                            url.clone(),
                            "the address of an API begins with http:// or https://",
                            "write it like `https://api.eu.opsgenie.com/`",
                        )
                    })
                }),
            Self::Email(email) => email.problem(),
            Self::Misplaced(setter) => Some((
                (*setter).to_owned(),
                "the integration before it has no such setting",
                "call it right after the constructor it belongs to: `api_url` after `pager_duty` \
                 or `opsgenie`, `login` and `without_tls` after `email`",
            )),
        }
    }
}

impl Email {
    fn problem(&self) -> Option<(String, &'static str, &'static str)> {
        if let Some(odd) = [&self.to, &self.from].into_iter().find(|text| !text.contains('@')) {
            return Some((
                odd.clone(),
                "it is an email address",
                "write it like `sre@example.com`",
            ));
        }
        let port = self.smarthost.rsplit_once(':').filter(|(host, _)| is_word(host));
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            return Some((
                self.smarthost.clone(),
                "an SMTP server has a host and a port",
                "write it like `smtp.example.com:587`",
            ));
        }
        self.login.as_ref().and_then(|(_, file)| no_path(file))
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Returns whether `url` is an address of the web that needs no quotes.
pub(super) fn is_web(url: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "\"<>{}".contains(c);
    (url.starts_with("https://") || url.starts_with("http://")) && !url.contains(odd)
}

fn no_path(file: &str) -> Option<(String, &'static str, &'static str)> {
    let odd = |c: char| c.is_control() || c == '"';
    if file.starts_with('/') && !file.contains(odd) {
        return None;
    }
    // A secret in the place of its file is not shown.
    Some((
        "a text".to_owned(),
        "a secret is named by the absolute path of its file where Alertmanager runs",
        "write it like `/etc/alertmanager/secrets/alerts/pagerduty`",
    ))
}
