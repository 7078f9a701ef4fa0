//! The cost that metrics and spans add to a statement.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use sea_orm::{DbErr, SqlxPostgresConnector};
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::telemetry::{Telemetry, TraceContext, TraceExt};

use super::pools::timed;
use super::server::Quiet;
use super::{Effort, Failure, progress};
use crate::alternate::{Cost, percentile};

/// The rounds of sea-orm's connection (the base) and of ours, on the same pool.
#[derive(Clone, Debug, Default)]
pub(super) struct Wrapped {
    /// Our connection with metrics.
    pub(super) metrics: Vec<Cost>,
    /// Our connection with metrics and a span, in a sampled trace.
    pub(super) span: Vec<Cost>,
}

/// Measures our connection and sea-orm's, which alternate statement by statement.
pub(super) async fn measure(effort: Effort) -> Result<Wrapped, Failure> {
    let bed = Quiet::start().await?;
    let db = &bed.db;
    let pool = db.postgres_pool().expect("PostgreSQL").clone();
    let bare = &SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    let thrown = Thrown::default();
    let telemetry = &Telemetry::builder().span_exporter(thrown.clone()).build()?;
    let trace = TraceContext::new(7, 7, true);
    let traced = async || {
        // Sets the subscriber for this statement only.
        let _subscribed = tracing::dispatcher::set_default(telemetry.dispatch());
        timed(db).in_trace(trace).await
    };
    let mut wrapped = Wrapped::default();
    for round in 0..effort.rounds {
        progress("metrics and spans", round, effort);
        let base = async || timed(bare).await;
        wrapped.metrics.push(pair(effort.pairs, base, async || timed(db).await).await?);
        wrapped.span.push(pair(effort.pairs, base, traced).await?);
    }
    // A wrapper that does not record statements would be fast.
    let (found, fed) = (counted(&bed.registry), 2 * effort.rounds * effort.pairs);
    if found != Some(fed) {
        return Err(format!("{found:?} of {fed} statements were counted").into());
    }
    telemetry.shutdown_blocking(Duration::from_secs(5));
    if thrown.0.load(Ordering::Relaxed) == 0 {
        return Err("no span was exported".into());
    }
    db.close().await;
    Ok(wrapped)
}

/// Measures tenth percentiles in microseconds. The order alternates, because a statement finds the
/// caches filled by the one before it.
async fn pair(
    pairs: usize,
    bare: impl AsyncFn() -> Result<f64, DbErr>,
    whole: impl AsyncFn() -> Result<f64, DbErr>,
) -> Result<Cost, Failure> {
    let mut times = [Vec::with_capacity(pairs), Vec::with_capacity(pairs)];
    for turn in 0..pairs {
        if turn % 2 == 0 {
            times[0].push(bare().await?);
            times[1].push(whole().await?);
        } else {
            times[1].push(whole().await?);
            times[0].push(bare().await?);
        }
    }
    let [base, whole] = times.map(|mut times| percentile(&mut times, 10));
    Ok(Cost { base, whole })
}

fn counted(registry: &Registry) -> Option<usize> {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let line = text.lines().find(|line| {
        line.starts_with("db_client_operation_duration_seconds_count")
            && line.contains(r#"db_collection_name="item""#)
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

/// An exporter that counts spans and discards them.
#[derive(Clone, Debug, Default)]
struct Thrown(Arc<AtomicUsize>);

impl SpanExporter for Thrown {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        self.0.fetch_add(spans.len(), Ordering::Relaxed);
        Ok(())
    }
}
