//! One objective after it was checked.

use super::burn_tier::{self, BurnTier, Ground, TierAdjustment};
use super::events::{self, EventClass, Indicator};
use super::names::{check_name, check_word};
use super::slo::Slo;
use super::span::{Period, Window};
use super::tier::Tier;
use crate::Objective;
use sre_kit_core::ConfigError;

/// One SLO of a checked set, to be read: every part of it can work.
#[derive(Clone, Debug)]
pub struct Definition {
    slo: Slo,
    tiers: Vec<BurnTier>,
    windows: Vec<Window>,
    reasons: Vec<String>,
}

impl Definition {
    /// The value of the label `slo`.
    pub fn name(&self) -> &str {
        &self.slo.name
    }

    /// What is measured.
    pub fn indicator(&self) -> Indicator {
        self.slo.indicator
    }

    /// The share that shall be good.
    pub fn objective(&self) -> Objective {
        self.slo.objective
    }

    /// A sentence of its author, or nothing.
    pub fn description(&self) -> &str {
        &self.slo.description
    }

    /// The team that answers its alerts, or nothing.
    pub fn owner(&self) -> &str {
        &self.slo.owner
    }

    /// Where its runbook pages are published, without a slash at the end, or nothing.
    pub fn runbooks(&self) -> &str {
        self.slo.runbooks.trim_end_matches('/')
    }

    /// Labels of its author's own, by name.
    pub fn labels(&self) -> &[(String, String)] {
        &self.slo.labels
    }

    /// The time over which it holds.
    pub fn period(&self) -> Period {
        self.slo.period
    }

    /// The routes that it counts, by template. None means all requests.
    pub fn routes(&self) -> &[String] {
        &self.slo.routes
    }

    /// The methods that it counts. None means all.
    pub fn methods(&self) -> &[String] {
        &self.slo.methods
    }

    /// What an outcome of the golden signals counts as.
    pub fn count_of(&self, outcome: &str) -> &EventClass {
        if self.slo.only.as_ref().is_some_and(|only| !only.iter().any(|o| o == outcome)) {
            return &EventClass::Ignored;
        }
        let known = self.slo.outcomes.iter().find(|(known, _)| known == outcome);
        known.map_or(&EventClass::Ignored, |(_, count)| count)
    }

    /// What a stream counts as: by its outcome (`None`), or excluded.
    pub fn excludes_streams(&self) -> Option<&str> {
        matches!(self.slo.indicator, Indicator::Latency { .. }).then_some(events::STREAM)
    }

    /// Every outcome that it names, by default or by its author.
    pub fn outcomes(&self) -> impl Iterator<Item = &str> {
        let only = self.slo.only.iter().flatten();
        self.slo.outcomes.iter().map(|(outcome, _)| outcome).chain(only).map(String::as_str)
    }

    /// The marks with which the service leaves an event out.
    pub fn marks(&self) -> &[String] {
        &self.slo.marks
    }

    /// Every reason under which an event may be left out: the values of the
    /// label `reason` of `slo_events_excluded_total`.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Its burn-rate alerts, in the order in which they were asked for; of the
    /// standard ones the steepest comes first.
    pub fn tiers(&self) -> &[BurnTier] {
        &self.tiers
    }

    /// Every window of its tiers, and the period: each once, the shortest first.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    pub(super) fn check(slo: Slo, notes: &mut Vec<TierAdjustment>) -> Result<Self, ConfigError> {
        check_name("slo.name", &slo.name)?;
        check_period(slo.period)?;
        check_indicator(&slo)?;
        check_selectors(&slo)?;
        check_metadata(&slo)?;
        let tiers = check_tiers(&slo, notes)?;
        let mut windows: Vec<_> =
            tiers.iter().flat_map(|tier| [tier.long(), tier.short()]).collect();
        windows.push(slo.period.into());
        windows.sort_unstable();
        windows.dedup();
        let mut definition = Self { slo, tiers, windows, reasons: Vec::new() };
        definition.reasons = definition.find_reasons();
        Ok(definition)
    }

    fn find_reasons(&self) -> Vec<String> {
        let by_outcome = self.outcomes().filter_map(|outcome| self.count_of(outcome).reason());
        let marks = self.slo.marks.iter().map(String::as_str);
        let mut reasons: Vec<_> =
            by_outcome.chain(self.excludes_streams()).chain(marks).map(str::to_owned).collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }
}

fn check_period(period: Period) -> Result<(), ConfigError> {
    let whole = period.as_secs().is_multiple_of(60) && period.as_duration().subsec_nanos() == 0;
    if whole && (Period::SHORTEST..=Period::LONGEST).contains(&period) {
        return Ok(());
    }
    Err(ConfigError::new(
        "slo.period",
        period,
        "a period has whole minutes, from one hour to 400 days",
        "write `Period::days(30)`",
    ))
}

fn check_indicator(slo: &Slo) -> Result<(), ConfigError> {
    let refuse = |value: &dyn std::fmt::Debug, rule: &'static str, advice: &'static str| {
        Err(ConfigError::new(format!("slo `{}`", slo.name), value, rule, advice))
    };
    match slo.indicator {
        Indicator::Latency { threshold, .. } if threshold.is_zero() => refuse(
            &threshold,
            "no request is as fast as a threshold of zero",
            "write the longest duration that users accept, such as 300 ms",
        ),
        Indicator::Latency { threshold, .. } if threshold >= slo.period.as_duration() => refuse(
            &threshold,
            "the threshold is shorter than the period",
            "write the longest duration that users accept, such as 300 ms",
        ),
        Indicator::Ratio
            if !slo.routes.is_empty()
                || !slo.methods.is_empty()
                || !slo.outcomes.is_empty()
                || slo.only.is_some() =>
        {
            refuse(
                &"a ratio",
                "its events are counted by the caller, so there is no request to select",
                "drop the routes, methods and outcomes, or make it an availability",
            )
        }
        _ => Ok(()),
    }
}

fn check_selectors(slo: &Slo) -> Result<(), ConfigError> {
    let field = || format!("slo `{}`", slo.name);
    for (name, list) in [("route", &slo.routes), ("method", &slo.methods), ("mark", &slo.marks)] {
        if let Some(twice) = list.iter().enumerate().find(|(i, v)| list[..*i].contains(v)) {
            let rule = format!("that {name} is named already");
            return Err(ConfigError::new(field(), twice.1, rule, "name it once"));
        }
    }
    if let Some(empty) = slo.routes.iter().find(|route| route.is_empty()) {
        return Err(ConfigError::new(
            field(),
            empty,
            "a route has a name",
            "write the template as the router has it, such as `/items/{id}`",
        ));
    }
    let token = |m: &str| !m.is_empty() && m.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if let Some(bad) = slo.methods.iter().find(|method| !token(method)) {
        return Err(ConfigError::new(
            field(),
            bad,
            "a method is written in capital letters",
            "write it like `POST`",
        ));
    }
    if slo.only.as_ref().is_some_and(Vec::is_empty) {
        return Err(ConfigError::new(
            field(),
            "no outcome",
            "an SLO counts at least one outcome",
            "drop `.only(..)` to count all of them",
        ));
    }
    for outcome in slo.outcomes.iter().map(|(outcome, _)| outcome).chain(slo.only.iter().flatten())
    {
        check_word("slo.outcome", outcome)?;
    }
    let reasons = slo.outcomes.iter().filter_map(|(_, count)| count.reason());
    for reason in reasons.chain(slo.marks.iter().map(String::as_str)) {
        check_word("slo.reason", reason)?;
    }
    Ok(())
}

/// Labels that the rules have already.
const TAKEN: [&str; 9] = [
    "alertname",
    "category",
    "outcome",
    "owner",
    "service",
    "severity",
    "slo",
    "slo_tier",
    "window",
];

fn check_metadata(slo: &Slo) -> Result<(), ConfigError> {
    let names: Vec<_> =
        TAKEN.into_iter().chain(slo.labels.iter().map(|(name, _)| name.as_str())).collect();
    sre_kit_core::internal::check_labels(&names)?;
    if let Some((name, value)) = slo.labels.iter().find(|(_, value)| value.is_empty()) {
        return Err(ConfigError::new(
            format!("slo label `{name}`"),
            value,
            "Prometheus drops a label without a value",
            "give it a value or drop it",
        ));
    }
    let url = &slo.runbooks;
    let well_formed = (url.starts_with("https://") || url.starts_with("http://"))
        && !url.contains(|c: char| c.is_whitespace() || c.is_control() || "\"<>".contains(c));
    if !url.is_empty() && !well_formed {
        return Err(ConfigError::new(
            "slo.runbooks",
            url,
            "it is the address of a folder of pages, with http:// or https://",
            "write it like `https://runbooks.example.com/shop`",
        ));
    }
    Ok(())
}

fn check_tiers(slo: &Slo, notes: &mut Vec<TierAdjustment>) -> Result<Vec<BurnTier>, ConfigError> {
    let standard = Tier::standard();
    let (asked, wanted) =
        slo.tiers.as_ref().map_or((false, &standard[..]), |tiers| (true, tiers.as_slice()));
    if let Some(unknown) = slo.without.iter().find(|name| !wanted.iter().any(|t| t.name == **name))
    {
        let names: Vec<_> = wanted.iter().map(|tier| tier.name.as_str()).collect();
        return Err(ConfigError::new(
            format!("slo `{}`", slo.name),
            unknown,
            "there is no tier of that name to do without",
            format!("the tiers are {}", names.join(", ")),
        ));
    }
    let ground = Ground { slo: &slo.name, objective: slo.objective, period: slo.period, asked };
    let mut tiers: Vec<BurnTier> = Vec::new();
    for tier in wanted.iter().filter(|tier| !slo.without.contains(&tier.name)) {
        if tiers.iter().any(|known| known.name() == tier.name) {
            return Err(ConfigError::new(
                format!("slo `{}`", slo.name),
                &tier.name,
                "two tiers have that name",
                "rename one: it becomes the label `slo_tier`",
            ));
        }
        tiers.extend(burn_tier::resolve(tier, &ground, notes)?);
    }
    if tiers.is_empty() && slo.without.is_empty() {
        return Err(ConfigError::new(
            format!("slo `{}`", slo.name),
            slo.objective,
            format!("no burn tier can work with that objective over {}", slo.period),
            "choose tiers with `.tiers(..)`, or leave all out with `.without_tier(..)`",
        ));
    }
    Ok(tiers)
}
