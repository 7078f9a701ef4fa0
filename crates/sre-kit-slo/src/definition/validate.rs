//! The rules that an SLO has to satisfy, apart from its tiers.

use super::event_source::EventSource;
use super::indicator::Indicator;
use super::names::{check_name, check_word};
use super::period::Period;
use super::slo::Slo;
use sre_kit_core::ConfigError;

/// Checks everything but the tiers.
pub(super) fn validate(slo: &Slo) -> Result<(), ConfigError> {
    check_name("slo.name", &slo.name)?;
    check_period(slo.period)?;
    check_indicator(slo)?;
    check_source(slo)?;
    check_selectors(slo)?;
    check_metadata(slo)
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
    let invalid = |value: &dyn std::fmt::Debug, rule: &'static str, advice: &'static str| {
        Err(ConfigError::new(format!("slo `{}`", slo.name), value, rule, advice))
    };
    match slo.indicator {
        Indicator::Latency { threshold, .. } if threshold.is_zero() => invalid(
            &threshold,
            "no request is as fast as a threshold of zero",
            "write the longest duration that users accept, such as 300 ms",
        ),
        Indicator::Latency { threshold, .. } if threshold >= slo.period.as_duration() => invalid(
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
            invalid(
                &"a ratio",
                "its events are counted by the caller, so there is no request to select",
                "drop the routes, methods and outcomes, or make it an availability",
            )
        }
        _ => Ok(()),
    }
}

fn check_source(slo: &Slo) -> Result<(), ConfigError> {
    let invalid = |value: &dyn std::fmt::Debug, rule: &'static str, advice: &'static str| {
        Err(ConfigError::new(format!("slo `{}`", slo.name), value, rule, advice))
    };
    if !(slo.share > 0.0 && slo.share <= 1.0) {
        return invalid(
            &slo.share,
            "the share of requests that need a dependency is above 0 and at most 1",
            "write 0.3 if three of ten requests need it",
        );
    }
    if let (false, Some(reason)) = (slo.source == EventSource::Requests, slo.exclusions.first()) {
        return invalid(
            reason,
            "only requests are marked with a reason, not calls and work",
            "drop `exclude_marked`",
        );
    }
    if let (EventSource::Work(_), Some(selector)) =
        (&slo.source, slo.routes.first().or(slo.methods.first()))
    {
        return invalid(
            selector,
            "work has neither routes nor methods",
            "drop them, or declare a unit of work of its own",
        );
    }
    Ok(())
}

fn check_selectors(slo: &Slo) -> Result<(), ConfigError> {
    let field = || format!("slo `{}`", slo.name);
    let lists = [("route", &slo.routes), ("method", &slo.methods), ("exclusion", &slo.exclusions)];
    for (name, list) in lists {
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
    let reasons = slo.outcomes.iter().filter_map(|(_, class)| class.reason());
    for reason in reasons.chain(slo.exclusions.iter().map(String::as_str)) {
        check_word("slo.reason", reason)?;
    }
    Ok(())
}

/// The labels that the generated rules set themselves.
const RESERVED_LABELS: [&str; 9] = [
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
    let names: Vec<_> = RESERVED_LABELS
        .into_iter()
        .chain(slo.labels.iter().map(|(name, _)| name.as_str()))
        .collect();
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
