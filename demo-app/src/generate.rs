//! `demo-app generate`: writes the rules, dashboards and other files generated from the SLOs.

use std::io::{self, Write};
use std::process::ExitCode;

use sre_kit::slo::Severity;
use sre_kit::slo::render::{Options, Receiver, render};

use crate::cli::Generate;
use crate::failure::Failure;
use crate::objectives;

/// The exit code if the existing files differ from the generated ones.
const STALE: u8 = 4;

pub(crate) fn run(settings: &Generate) -> Result<ExitCode, Failure> {
    let rendered = render(&objectives::set()?, &options(settings))?;
    if let Some(dir) = &settings.out {
        rendered.write(dir)?;
        say(&format!("Wrote {} files to {}\n", rendered.files().count(), dir.display()));
    }
    let Some(dir) = &settings.check else { return Ok(ExitCode::SUCCESS) };
    let drift = rendered.check(dir)?;
    if drift.is_empty() {
        say(&format!("{} is up to date\n", dir.display()));
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("{drift}\nTo update the files, run: demo-app generate --out {}\n", dir.display()));
    Ok(ExitCode::from(STALE))
}

fn options(settings: &Generate) -> Options {
    let mut options = Options::new();
    if let Some(url) = &settings.runbooks {
        options = options.runbooks(url);
    }
    if let Some(url) = &settings.grafana {
        options = options.grafana(url);
    }
    if let Some(namespace) = &settings.namespace {
        options = options.kubernetes_namespace(namespace);
    }
    for (name, value) in &settings.scope {
        options = options.scope(name, value);
    }
    if let Some(url) = &settings.heartbeat_url {
        options = options.heartbeat(Receiver::webhook("heartbeat", url));
    }
    if settings.other_alerts {
        options = options.other_alerts();
    }
    for (severity, name, url) in [
        (Severity::Page, "page", &settings.page_url),
        (Severity::Ticket, "ticket", &settings.ticket_url),
    ] {
        if let Some(url) = url {
            options = options.receiver(severity, Receiver::webhook(name, url));
        }
    }
    options.compressed(settings.compressed)
}

/// Prints `text`. Ignores a closed standard output.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
