//! The pages of the probes.

use http::StatusCode;

use super::page::Page;
use super::response::text;
use crate::ConfigError;
use crate::health::Health;

/// A function that answers a probe. It returns whether the probe succeeds.
pub(super) type ProbeFn = Box<dyn Fn() -> bool + Send + Sync>;

/// Returns the pages of the probes: from `health`, or else from the two functions. Without a
/// function a probe always succeeds.
///
/// # Errors
///
/// Returns an error if there are both `health` and a function.
pub(super) fn probe_pages(
    health: Option<Health>,
    ready: Option<ProbeFn>,
    started: Option<ProbeFn>,
) -> Result<Vec<Page>, ConfigError> {
    const PROBES: [(&str, &str); 3] = [
        ("/livez", "Should it be left alone?"),
        ("/readyz", "Should traffic come here?"),
        ("/startupz", "Has it started?"),
    ];
    let Some(health) = health else {
        let [(livez, live_about), (readyz, ready_about), (startupz, startup_about)] = PROBES;
        return Ok(vec![
            probe_page(livez, live_about, "", Box::new(|| true)),
            probe_page(readyz, ready_about, "not ready\n", ready.unwrap_or(Box::new(|| true))),
            probe_page(
                startupz,
                startup_about,
                "not started\n",
                started.unwrap_or(Box::new(|| true)),
            ),
        ]);
    };
    if ready.is_some() || started.is_some() {
        return Err(ConfigError::new(
            "admin.ready_when",
            "a function",
            "the probes are answered by health checks already",
            "gate readiness or startup in the health builder instead",
        ));
    }
    let mut pages: Vec<_> = PROBES
        .into_iter()
        .map(|(path, about)| Page::service(path, about, health.service()).public())
        .collect();
    pages.push(Page::service("/readyz/{check}", "One check.", health.service()).public());
    Ok(pages)
}

/// Returns the page of a probe that `probe` answers. A failure has the body `failure`.
fn probe_page(
    path: &'static str,
    about: &'static str,
    failure: &'static str,
    probe: ProbeFn,
) -> Page {
    Page::get(path, about, move |_| {
        std::future::ready(if probe() {
            text(StatusCode::OK, "ok\n")
        } else {
            text(StatusCode::SERVICE_UNAVAILABLE, failure)
        })
    })
    .public()
}
