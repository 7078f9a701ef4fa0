//! `demo-app gate`: canary analysis that decides whether to promote or roll back.
//!
//! The decision rule is [`sre_kit::slo::canary`]. This module queries the event counts from
//! Prometheus and returns the exit code that a pipeline acts on.

mod prometheus;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use sre_kit::ConfigError;
use sre_kit::slo::Slos;
use sre_kit::slo::canary::{CanaryGate, CanaryVerdict};
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::prometheus::{Prometheus, QueryError, SloCounts};
use crate::cli;
use crate::failure::Failure;
use crate::objectives;

const ROLL_BACK: u8 = 5;
const NO_DATA: u8 = 6;

/// The shortest window to query: two or three scrapes, which `increase` needs.
const MIN_WINDOW: Duration = Duration::from_mins(1);

pub(crate) async fn run(settings: cli::Gate) -> Result<ExitCode, Failure> {
    let slos = objectives::set()?;
    let looks = settings.seconds / settings.every + 1;
    let comparisons = looks.saturating_mul(u32::try_from(slos.len()).unwrap_or(u32::MAX));
    let gate = CanaryGate::new().significance(settings.significance)?.comparisons(comparisons);
    let prometheus = Prometheus::new(&settings.prometheus, slos.service())?;

    let started = Instant::now();
    let mut ticks = interval(Duration::from_secs(settings.every.into()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Err("Prometheus was not queried".to_owned());
    for look in 1..=looks {
        ticks.tick().await;
        let window = started.elapsed().max(MIN_WINDOW);
        last = match ask(&prometheus, &settings, window).await {
            Ok((canary, fleet)) => Ok(compare(&gate, &slos, &canary, fleet.as_ref())),
            Err(QueryError::Setting(error)) => return Err(error.into()),
            // A broken port-forward or a restarting server may work at the next look.
            Err(QueryError::Transient(sentence)) => Err(sentence),
        };
        match &last {
            Ok(verdicts) if verdicts.iter().any(|(_, verdict)| is_worse(verdict)) => break,
            Ok(verdicts) => tracing::info!("comparison {look} of {looks}: {}", one_line(verdicts)),
            Err(sentence) => tracing::warn!("comparison {look} of {looks}: {sentence}"),
        }
    }
    Ok(ExitCode::from(print_result(&last)))
}

/// The verdict for each SLO, by its name.
type Verdicts = [(String, CanaryVerdict)];

async fn ask(
    prometheus: &Prometheus<'_>,
    settings: &cli::Gate,
    window: Duration,
) -> Result<(SloCounts, Option<SloCounts>), QueryError> {
    let canary = prometheus.counts("--canary", &settings.canary, window).await?;
    let fleet = match &settings.fleet {
        Some(fleet) => Some(prometheus.counts("--fleet", fleet, window).await?),
        None => None,
    };
    Ok((canary, fleet))
}

fn compare(
    gate: &CanaryGate,
    slos: &Slos,
    canary: &SloCounts,
    fleet: Option<&SloCounts>,
) -> Vec<(String, CanaryVerdict)> {
    slos.iter()
        .map(|slo| {
            let fleet = fleet.map(|fleet| fleet.of(slo.name()));
            let verdict = gate.evaluate(slo.objective(), canary.of(slo.name()), fleet);
            (slo.name().to_owned(), verdict)
        })
        .collect()
}

/// Prints the result and returns the exit code.
fn print_result(last: &Result<Vec<(String, CanaryVerdict)>, String>) -> u8 {
    let (code, sentence) = match last {
        Err(sentence) => (NO_DATA, format!("no data: {sentence}\n")),
        Ok(verdicts) => {
            let (code, word) = decide(verdicts);
            let mut text = format!("{word}\n");
            for (name, verdict) in verdicts {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  {name}: {verdict}");
            }
            (code, text)
        }
    };
    // A closed standard output is no error: the exit code is the result.
    let _ = std::io::stdout().write_all(sentence.as_bytes());
    code
}

/// Rolls back if at least one SLO is worse, and promotes only if all are as good.
fn decide(verdicts: &Verdicts) -> (u8, &'static str) {
    if verdicts.iter().any(|(_, verdict)| is_worse(verdict)) {
        (ROLL_BACK, "roll back")
    } else if verdicts.iter().all(|(_, verdict)| matches!(verdict, CanaryVerdict::AsGood(_))) {
        (0, "promote")
    } else {
        (NO_DATA, "no data")
    }
}

fn is_worse(verdict: &CanaryVerdict) -> bool {
    matches!(verdict, CanaryVerdict::Worse(_))
}

fn one_line(verdicts: &Verdicts) -> String {
    let each: Vec<_> = verdicts.iter().map(|(name, verdict)| format!("{name} {verdict}")).collect();
    each.join("; ")
}

impl From<ConfigError> for QueryError {
    fn from(error: ConfigError) -> Self {
        Self::Setting(error)
    }
}
