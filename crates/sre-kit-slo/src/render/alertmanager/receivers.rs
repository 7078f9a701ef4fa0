//! The receivers of Alertmanager, with texts that link to runbook and dashboard.

use super::super::receiver::{Email, Integration, Receiver};
use super::super::yaml::{Yaml, map, texts};

/// The links of the first alert of a notification. Those of a notification about one SLO and
/// severity differ in the page of the runbook at most.
const RUNBOOK: &str = "{{ (index .Alerts 0).Annotations.runbook_url }}";
const DASHBOARD: &str = "{{ (index .Alerts 0).Annotations.dashboard_url }}";

const URGENT: &str =
    r#"{{ if or (eq .CommonLabels.severity "page") (eq .CommonLabels.severity "critical") }}"#;

const TEXT: &str = "\
{{ range .Alerts }}{{ .Annotations.summary }}
{{ .Annotations.description }}
{{ with .Annotations.runbook_url }}Runbook: {{ . }}
{{ end }}{{ with .Annotations.dashboard_url }}Dashboard: {{ . }}
{{ end }}
{{ end }}";

const SLACK: &str = "\
{{ range .Alerts }}*{{ .Annotations.summary }}*
{{ .Annotations.description }}
{{ with .Annotations.runbook_url }}<{{ . }}|Runbook>
{{ end }}{{ with .Annotations.dashboard_url }}<{{ . }}|Dashboard>
{{ end }}
{{ end }}";

const HTML: &str = "\
<h3>{{ .Status | toUpper }}: {{ .CommonLabels.severity }}</h3>
{{ range .Alerts }}<p><b>{{ .Annotations.summary }}</b><br>{{ .Annotations.description }}</p>
<p>{{ with .Annotations.runbook_url }}<a href=\"{{ . }}\">Runbook</a> {{ end }}
{{ with .Annotations.dashboard_url }}<a href=\"{{ . }}\">Dashboard</a>{{ end }}</p>
{{ end }}";

/// Renders one receiver, with its integrations by kind. A heartbeat is not told that it resolved.
pub(super) fn receiver(receiver: &Receiver, resolved: bool) -> Yaml {
    let mut kinds: Vec<(&str, Vec<Yaml>)> = Vec::new();
    for integration in &receiver.integrations {
        let Some((kind, settings)) = settings(integration) else { continue };
        let settings = settings.with("send_resolved", Yaml::from(resolved));
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, list)) => list.push(settings),
            None => kinds.push((kind, vec![settings])),
        }
    }
    let name = map([("name", Yaml::from(&receiver.name))]);
    kinds.into_iter().fold(name, |all, (kind, list)| all.with(kind, Yaml::List(list)))
}

/// Returns the key of an integration and its settings.
fn settings(integration: &Integration) -> Option<(&'static str, Yaml)> {
    let with_url = |settings: Yaml, key: &str, url: &Option<String>| match url {
        Some(url) => settings.with(key, Yaml::from(url)),
        None => settings,
    };
    Some(match integration {
        Integration::Webhook { url } => ("webhook_configs", map([("url", Yaml::from(url))])),
        Integration::WebhookFile { file } => {
            ("webhook_configs", map([("url_file", Yaml::from(file))]))
        }
        Integration::Slack { file, channel } => (
            "slack_configs",
            map([
                ("api_url_file", Yaml::from(file)),
                ("channel", Yaml::from(channel)),
                ("text", Yaml::from(SLACK)),
            ]),
        ),
        Integration::PagerDuty { file, api_url } => {
            let link = |href: &str, text: &str| texts([("href", href), ("text", text)]);
            let settings = map([
                ("routing_key_file", Yaml::from(file)),
                ("description", Yaml::from("{{ (index .Alerts 0).Annotations.summary }}")),
                (
                    "severity",
                    Yaml::from(format!("{URGENT}critical{{{{ else }}}}warning{{{{ end }}}}")),
                ),
                ("details", texts([("alerts", TEXT)])),
                ("links", Yaml::List(vec![link(RUNBOOK, "Runbook"), link(DASHBOARD, "Dashboard")])),
            ]);
            ("pagerduty_configs", with_url(settings, "url", api_url))
        }
        Integration::Opsgenie { file, api_url } => {
            let settings = map([
                ("api_key_file", Yaml::from(file)),
                ("message", Yaml::from("{{ (index .Alerts 0).Annotations.summary }}")),
                ("description", Yaml::from(TEXT)),
                ("details", texts([("runbook_url", RUNBOOK), ("dashboard_url", DASHBOARD)])),
                ("priority", Yaml::from(format!("{URGENT}P1{{{{ else }}}}P3{{{{ end }}}}"))),
            ]);
            ("opsgenie_configs", with_url(settings, "api_url", api_url))
        }
        Integration::Email(email) => ("email_configs", email_settings(email)),
        // The options are validated before.
        Integration::Misplaced(_) => return None,
    })
}

fn email_settings(email: &Email) -> Yaml {
    let mut settings = map([
        ("to", Yaml::from(&email.to)),
        ("from", Yaml::from(&email.from)),
        ("smarthost", Yaml::from(&email.smarthost)),
    ]);
    if let Some((user, file)) = &email.login {
        settings = settings
            .with("auth_username", Yaml::from(user))
            .with("auth_password_file", Yaml::from(file));
    }
    if email.plaintext {
        settings = settings.with("require_tls", Yaml::from(false));
    }
    settings.with("html", Yaml::from(HTML)).with("text", Yaml::from(TEXT))
}
