//! Migrations at a real PostgreSQL server, by processes that are killed, lose their lock, or wait
//! for each other.
#![cfg(all(feature = "db-postgres", feature = "migrate"))]
#![expect(elided_lifetimes_in_paths, reason = "the trait was declared so, and must be matched")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sea_orm_migration::prelude::{
    DbErr, MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait,
};
use sea_orm_migration::sea_orm::ConnectionTrait;
use sre_kit::db::{Db, DbErrorKind, DbMetrics, DbSettings, MigrateSettings};
use sre_kit::metrics::Registry;

use crate::db_support::postgres::{Logins, Postgres};
use crate::load::metric;

const SOON: Duration = Duration::from_mins(1);

/// The variable with the URL of the server, for the process that is killed.
const URL: &str = "SRE_KIT_TEST_MIGRATE_URL";

/// The variable with the time that the first migration sleeps after it created its table.
const SLEEP: &str = "SRE_KIT_TEST_MIGRATE_SLEEP";

struct Visits;

impl MigrationName for Visits {
    fn name(&self) -> &'static str {
        "m1_visits"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Visits {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("CREATE TABLE visits (id int)").await?;
        let sleep = std::env::var(SLEEP).unwrap_or_else(|_| "0".to_owned());
        db.execute_unprepared(&format!("SELECT pg_sleep({sleep})")).await?;
        Ok(())
    }
}

/// Creates an index concurrently, which waits for all transactions that could see the table.
struct Index;

impl MigrationName for Index {
    fn name(&self) -> &'static str {
        "m2_index"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Index {
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "CREATE INDEX CONCURRENTLY visits_id ON visits (id)";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Visits), Box::new(Index)]
    }
}

fn db(url: &str, registry: &Registry) -> Db {
    let settings = DbSettings::new(url).expect("valid").acquire_timeout(Duration::from_secs(10));
    Db::new(&settings, &DbMetrics::new(registry).expect("free")).expect("valid")
}

/// Runs the test `migrates_until_it_is_killed` in another process.
fn start(url: &str, sleep: u32) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "migrate::migrates_until_it_is_killed"])
        .env(URL, url)
        .env(SLEEP, sleep.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < SOON, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn sleepers(server: &Postgres) -> String {
    server.sql(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(%'",
    )
}

/// A part of the next test, which does nothing on its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn migrates_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let db = db(&url, &Registry::new());
    db.migrate::<Migrator>(&MigrateSettings::default()).await.expect("migrates");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn whoever_waits_goes_on_when_the_one_who_migrates_is_killed() {
    let server = Postgres::start(Logins::Password).await;
    let url = server.password_url();
    // Its statement would go on for ten minutes after its process is gone.
    let mut holder = start(&url, 600);
    until("it migrates", || sleepers(&server) == "1").await;
    let waiter = tokio::spawn({
        let url = url.clone();
        async move {
            let registry = Registry::new();
            let db = db(&url, &registry);
            let done = db.migrate::<Migrator>(&MigrateSettings::default()).await;
            db.close().await;
            done
        }
    });
    let waiters = "SELECT count(*) FROM pg_stat_activity \
         WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid() \
         AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')";
    until("another asks for the lock", || server.sql(waiters) == "1").await;
    assert!(!waiter.is_finished(), "it waits");
    holder.kill().expect("kill -9");
    holder.wait().expect("it is gone");
    let done = waiter.await.expect("no panic").expect("it goes on");
    assert_eq!(done, 2, "what was under way was rolled back and is done again");
    assert_eq!(server.sql_in("shop", "SELECT count(*) FROM seaql_migrations"), "2");
    assert_eq!(sleepers(&server), "0", "nobody works for a process that is gone");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn an_index_is_made_concurrently_while_others_wait() {
    let server = Postgres::start(Logins::Password).await;
    let url = server.password_url();
    let migrators: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let registry = Registry::new();
                let db = db(&url, &registry);
                let done = db.migrate::<Migrator>(&MigrateSettings::default()).await;
                db.close().await;
                done
            })
        })
        .collect();
    let mut done = 0;
    for migrator in migrators {
        done += migrator.await.expect("no panic").expect("none is a deadlock");
    }
    assert_eq!(done, 2, "each is run once");
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'visits_id'::regclass";
    assert_eq!(server.sql_in("shop", valid), "t");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_run_is_measured_and_what_is_pending_is_counted() {
    let server = Postgres::start(Logins::Password).await;
    let url = server.password_url();
    let registry = Registry::new();
    let db = db(&url, &registry);
    let pending = || metric(&registry, "sre_kit_db_migration_pending", &[]);
    let runs = |outcome: &str| {
        let label = format!("outcome=\"{outcome}\"");
        metric(&registry, "sre_kit_db_migration_duration_seconds_count", &[&label])
    };
    let left = db.pending_migrations::<Migrator>().await.expect("it can be asked");
    assert_eq!(left, ["m1_visits", "m2_index"]);
    assert!((pending() - 2.0).abs() < 0.1, "{}", pending());

    // Somebody else has the lock.
    let mut holder = start(&url, 600);
    until("it migrates", || sleepers(&server) == "1").await;
    let patience = MigrateSettings::default().wait(Duration::from_millis(100));
    let locked = db.migrate::<Migrator>(&patience).await.expect_err("another one migrates");
    assert_eq!(locked.kind(), DbErrorKind::Locked, "{locked}");
    assert!((runs("locked") - 1.0).abs() < 0.1);
    holder.kill().expect("kill -9");
    holder.wait().expect("it is gone");

    assert_eq!(db.migrate::<Migrator>(&MigrateSettings::default()).await.expect("migrates"), 2);
    assert!((runs("ok") - 1.0).abs() < 0.1);
    assert!(pending().abs() < 0.1, "{}", pending());
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn whoever_loses_the_lock_stops() {
    let server = Postgres::start(Logins::Password).await;
    let mut holder = start(&server.password_url(), 600);
    until("it migrates", || sleepers(&server) == "1").await;
    let lock = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'";
    server.sql(lock);
    until("it has ended", || holder.try_wait().expect("asked").is_some()).await;
    assert!(!holder.wait().expect("ended").success(), "and not well");
    until("and its statement with it", || sleepers(&server) == "0").await;
    assert_eq!(server.sql_in("shop", "SELECT to_regclass('visits') IS NULL"), "t", "rolled back");
}
