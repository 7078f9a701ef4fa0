//! A service with a database: its pool, its health check and its place in the shutdown.
//!
//! It counts its visitors in SQLite. With another URL and another feature, the same code uses
//! PostgreSQL by password or IAM token, see `sre_kit::manual::iam_database`.
//!
//! ```text
//! cargo run -p sre-kit-examples --example database
//! curl localhost:8080/visits
//! curl 'localhost:9464/readyz?verbose'
//! curl -s localhost:9464/metrics | grep db_client
//! ```
//!
//! `DATABASE_URL`, `LISTEN` and `SRE_KIT_ADMIN` set other addresses.
#![allow(clippy::print_stdout, reason = "examples print to standard output")]

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use sre_kit::SreKit;
use sre_kit::db::{Db, DbMetrics, DbSettings};
use sre_kit::golden_signals::RouteSource;
use sre_kit::lifecycle::{self, ShutdownReport};
use sre_kit::metrics::Registry;
use tokio::net::TcpListener;

/// Adds a visit and returns how many there were.
async fn visits(State(db): State<Db>) -> Result<String, StatusCode> {
    count(&db).await.map(|visits| format!("{visits}\n")).map_err(|error| {
        // The client learns nothing about the database.
        println!("{error}");
        StatusCode::INTERNAL_SERVER_ERROR
    })
}

async fn count(db: &Db) -> Result<i64, DbErr> {
    // `&Db` is a connection of sea-orm. This takes the role of entities and migrations.
    let sql = "INSERT INTO visits DEFAULT VALUES RETURNING id";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("no id".to_owned()))?.try_get_by_index(0)
}

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(serve())
}

async fn serve() -> Result<ShutdownReport, Box<dyn Error>> {
    let registry = Registry::new();
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let db = Db::new(&DbSettings::new(&url)?, &DbMetrics::new(&registry)?)?;
    let mut kit = SreKit::builder(sre_kit::build_info!())
        .registry(&registry)
        .routes(RouteSource::axum())
        // A check that is reported, the pool's saturation, and closing the pool after the last
        // request.
        .database(&db)
        .with_env()?
        .build()?;
    db.connect(Duration::from_secs(10)).await?;
    db.execute_unprepared("CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY)").await?;
    let app = Router::new().route("/visits", get(visits)).with_state(db).layer(kit.http_layer());

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("service on http://{}/visits", listener.local_addr()?);
    if let Some(admin) = kit.start_admin().await? {
        println!("metrics on http://{admin}/metrics");
    }
    Ok(kit.serve(listener, app).await?)
}
