//! The queries of the dashboard of the golden signals.

/// Joins two lists of matchers.
pub(super) fn join(scope: &str, more: &str) -> String {
    if scope.is_empty() { more.to_owned() } else { format!("{scope},{more}") }
}

/// Selects a metric of the selected jobs.
pub(super) fn of_job(metric: &str, scope: &str) -> String {
    format!("{metric}{{{}}}", join(scope, r#"job=~"$job""#))
}

/// Selects a metric of the selected jobs and routes, with more matchers.
pub(super) fn of_route(metric: &str, scope: &str, more: &str) -> String {
    let matchers = join(scope, r#"job=~"$job",http_route=~"$route""#);
    let more = if more.is_empty() { String::new() } else { format!(",{more}") };
    format!("{metric}{{{matchers}{more}}}")
}

/// Returns the rate over the interval of Grafana.
pub(super) fn rate(selector: &str) -> String {
    format!("rate({selector}[$__rate_interval])")
}

/// Returns the sum of rates by labels.
pub(super) fn sum(by: &str, selector: &str) -> String {
    if by.is_empty() {
        format!("sum({})", rate(selector))
    } else {
        format!("sum by ({by}) ({})", rate(selector))
    }
}

/// Returns a quantile of a histogram by labels.
pub(super) fn quantile(q: &str, by: &str, buckets: &str) -> String {
    let by = if by.is_empty() { "le".to_owned() } else { format!("le, {by}") };
    format!("histogram_quantile({q}, sum by ({by}) ({}))", rate(buckets))
}
