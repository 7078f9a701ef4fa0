//! Load on a database, and its results.
#![allow(dead_code, reason = "not every test file uses all of it")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use sre_kit::db::Db;
use sre_kit::metrics::{Registry, TextFormat};

pub(crate) fn metric(registry: &Registry, name: &str, labels: &[&str]) -> f64 {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text.lines()
        .filter(|line| line.split(['{', ' ']).next() == Some(name))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

pub(crate) fn statement(sql: &str) -> Statement {
    Statement::from_string(sea_orm::DbBackend::Postgres, sql)
}

pub(crate) async fn one(db: &Db) -> Result<i32, sea_orm::DbErr> {
    let row = db.query_one_raw(statement("SELECT 1 AS x")).await?.expect("a row");
    row.try_get("", "x")
}

/// Workers that query until they are stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    ok: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(db: &Db, workers: usize) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            ok: Arc::default(),
            failures: Arc::default(),
            tasks: Vec::new(),
        };
        for _ in 0..workers {
            let (db, stop) = (db.clone(), Arc::clone(&load.stop));
            let (ok, failures) = (Arc::clone(&load.ok), Arc::clone(&load.failures));
            load.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    match one(&db).await {
                        Ok(_) => {
                            ok.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => failures.lock().expect("held").push(error.to_string()),
                    }
                    // The servers need some time too.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }));
        }
        load
    }

    pub(crate) async fn end(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no panic");
        }
        let failures = self.failures.lock().expect("held").clone();
        (self.ok.load(Ordering::Relaxed), failures)
    }
}

/// Everything that is logged, at every level, by every crate.
#[derive(Clone, Default)]
pub(crate) struct Everything(Arc<Mutex<String>>);

impl Everything {
    pub(crate) fn text(&self) -> String {
        self.0.lock().expect("held").clone()
    }

    fn note(&self, what: &dyn std::fmt::Debug) {
        use std::fmt::Write;
        let _ = writeln!(self.0.lock().expect("held"), "{what:?}");
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Everything {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        _: &tracing::span::Id,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) {
        self.note(attributes);
    }
    fn on_record(
        &self,
        _: &tracing::span::Id,
        values: &tracing::span::Record<'_>,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) {
        self.note(values);
    }
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        self.note(event);
    }
}
