//! `demo-app gate`: watches a canary beside its fleet, and says whether to go on.
//!
//! The rule is [`sre_kit::slo::canary`]'s. Here are the numbers it needs, from a
//! Prometheus, and the exit code that a pipeline acts on.

mod prometheus;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use sre_kit::ConfigError;
use sre_kit::slo::Slos;
use sre_kit::slo::canary::{CanaryGate, CanaryVerdict};
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::prometheus::{Answer, Prometheus, Trouble};
use crate::cli;
use crate::failure::Failure;
use crate::objectives;

const ROLL_BACK: u8 = 5;
const NO_DATA: u8 = 6;

/// Two or three scrapes, so that there is an increase to read.
const SHORTEST: Duration = Duration::from_mins(1);

pub(crate) async fn run(settings: cli::Gate) -> Result<ExitCode, Failure> {
    let slos = objectives::set()?;
    let looks = settings.seconds / settings.every + 1;
    let comparisons = looks.saturating_mul(u32::try_from(slos.len()).unwrap_or(u32::MAX));
    let gate = CanaryGate::new().significance(settings.significance)?.comparisons(comparisons);
    let prometheus = Prometheus::new(&settings.prometheus, slos.service())?;

    let started = Instant::now();
    let mut ticks = interval(Duration::from_secs(settings.every.into()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Err("nobody was asked".to_owned());
    for look in 1..=looks {
        ticks.tick().await;
        let window = started.elapsed().max(SHORTEST);
        last = match ask(&prometheus, &settings, window).await {
            Ok((canary, fleet)) => Ok(judge(&gate, &slos, &canary, fleet.as_ref())),
            Err(Trouble::Setting(error)) => return Err(error.into()),
            // A port-forward breaks, a server restarts: the next look may work.
            Err(Trouble::Passing(sentence)) => Err(sentence),
        };
        match &last {
            Ok(judged) if judged.iter().any(|(_, verdict)| is_worse(verdict)) => break,
            Ok(judged) => tracing::info!("look {look} of {looks}: {}", in_a_line(judged)),
            Err(sentence) => tracing::warn!("look {look} of {looks}: {sentence}"),
        }
    }
    Ok(ExitCode::from(conclude(&last)))
}

/// What each SLO's counts say.
type Judged = [(String, CanaryVerdict)];

async fn ask(
    prometheus: &Prometheus<'_>,
    settings: &cli::Gate,
    window: Duration,
) -> Result<(Answer, Option<Answer>), Trouble> {
    let canary = prometheus.counts("--canary", &settings.canary, window).await?;
    let fleet = match &settings.fleet {
        Some(fleet) => Some(prometheus.counts("--fleet", fleet, window).await?),
        None => None,
    };
    Ok((canary, fleet))
}

fn judge(
    gate: &CanaryGate,
    slos: &Slos,
    canary: &Answer,
    fleet: Option<&Answer>,
) -> Vec<(String, CanaryVerdict)> {
    slos.iter()
        .map(|slo| {
            let fleet = fleet.map(|fleet| fleet.of(slo.name()));
            let verdict = gate.evaluate(slo.objective(), canary.of(slo.name()), fleet);
            (slo.name().to_owned(), verdict)
        })
        .collect()
}

/// Says how it ended, and gives the exit code.
fn conclude(last: &Result<Vec<(String, CanaryVerdict)>, String>) -> u8 {
    let (code, sentence) = match last {
        Err(sentence) => (NO_DATA, format!("no data: {sentence}\n")),
        Ok(judged) => {
            let (code, word) = decide(judged);
            let mut text = format!("{word}\n");
            for (name, verdict) in judged {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  {name}: {verdict}");
            }
            (code, text)
        }
    };
    // Whoever reads may stop reading; the code is what counts.
    let _ = std::io::stdout().write_all(sentence.as_bytes());
    code
}

/// One SLO that is worse is enough to go back, and all are needed to go on.
fn decide(judged: &Judged) -> (u8, &'static str) {
    if judged.iter().any(|(_, verdict)| is_worse(verdict)) {
        (ROLL_BACK, "roll back")
    } else if judged.iter().all(|(_, verdict)| matches!(verdict, CanaryVerdict::AsGood(_))) {
        (0, "go on")
    } else {
        (NO_DATA, "no data")
    }
}

fn is_worse(verdict: &CanaryVerdict) -> bool {
    matches!(verdict, CanaryVerdict::Worse(_))
}

fn in_a_line(judged: &Judged) -> String {
    let each: Vec<_> = judged.iter().map(|(name, verdict)| format!("{name} {verdict}")).collect();
    each.join("; ")
}

impl From<ConfigError> for Trouble {
    fn from(error: ConfigError) -> Self {
        Self::Setting(error)
    }
}
