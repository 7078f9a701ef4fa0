//! The visitor counter in the database.

mod entity;
mod migration;

use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QuerySelect, Set};
use sre_kit::ConfigError;
use sre_kit::db::{Db, DbError, DbMetrics, DbSettings, MigrateSettings};
use sre_kit::metrics::Registry;

use entity::{ActiveModel, Column, Entity};
use migration::Migrator;

use crate::cli;

/// How long `serve` waits for the database at startup, and for migrations that another process
/// runs.
const START: Duration = Duration::from_mins(1);

/// The number of rows that visits are spread over, so that concurrent visits seldom wait for the
/// same row lock.
const SLOTS: i16 = 16;

/// The visitor counter. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    db: Db,
    migrates: bool,
}

impl Store {
    /// Checks the settings. Does not connect yet.
    pub(crate) fn new(settings: &cli::Database, registry: &Registry) -> Result<Self, ConfigError> {
        let environment = |name: &str| std::env::var(name).ok();
        let database = DbSettings::new(&settings.url)?.with_vars(environment)?;
        let db = Db::new(&database, &DbMetrics::new(registry)?)?;
        // Only this process uses its SQLite file, so it has to run the migrations itself.
        Ok(Self { migrates: settings.url.starts_with("sqlite:"), db })
    }

    /// Returns the database, for the kit.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Connects and ensures that the schema is up to date: migrates SQLite, and waits for
    /// `demo-app migrate` on PostgreSQL.
    pub(crate) async fn start(&self) -> Result<(), DbError> {
        self.db.connect(START).await?;
        if self.migrates {
            return self.migrate(None).await.map(drop);
        }
        self.db.wait_migrated::<Migrator>(START).await
    }

    /// Applies pending migrations and returns their number. `grant_to` may use the tables.
    pub(crate) async fn migrate(&self, grant_to: Option<&str>) -> Result<usize, DbError> {
        let settings = MigrateSettings::default();
        let settings = match grant_to {
            Some(role) => settings.grant_to(role),
            None => settings,
        };
        self.db.migrate::<Migrator>(&settings).await
    }

    /// Connects without a check of the schema.
    pub(crate) async fn connect(&self) -> Result<(), DbError> {
        self.db.connect(START).await
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        self.db.close().await;
    }

    /// Counts one visit and returns the total.
    pub(crate) async fn visit(&self) -> Result<u64, DbErr> {
        let slot = fastrand::i16(..SLOTS);
        let counted = Expr::col((Entity, Column::Count)).add(1);
        Entity::insert(ActiveModel { slot: Set(slot), count: Set(1) })
            .on_conflict(OnConflict::column(Column::Slot).value(Column::Count, counted).to_owned())
            .exec_without_returning(&self.db)
            .await?;
        self.visits().await
    }

    /// Returns the total number of visits.
    pub(crate) async fn visits(&self) -> Result<u64, DbErr> {
        // PostgreSQL returns the sum of bigint as numeric, which does not decode as an integer.
        let sum = Column::Count.sum().cast_as("BIGINT");
        let sum: Option<Option<i64>> = Entity::find()
            .select_only()
            .column_as(sum, "visits")
            .into_tuple()
            .one(&self.db)
            .await?;
        Ok(sum.flatten().and_then(|sum| u64::try_from(sum).ok()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use sre_kit::metrics::Registry;

    use super::Store;
    use crate::cli::Database;

    fn store(url: &str) -> Store {
        Store::new(&Database { url: url.to_owned() }, &Registry::new()).expect("valid")
    }

    async fn counts_to_twenty(url: &str) {
        let store = store(url);
        store.start().await.expect("migrates");
        assert_eq!(store.migrate(None).await.expect("a second time"), 0, "there is nothing to do");
        for n in 1..=20 {
            assert_eq!(store.visit().await.expect("counts"), n);
        }
        store.close().await;
    }

    #[tokio::test]
    async fn visits_are_counted_in_memory() {
        counts_to_twenty("sqlite::memory:").await;
    }

    #[tokio::test]
    async fn visits_are_counted_in_a_file_that_outlives_the_process() {
        let dir = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite://{}/visits.sqlite", dir.path().display());
        counts_to_twenty(&url).await;
        let store = store(&url);
        assert_eq!(store.visits().await.expect("counts"), 20);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn concurrent_visits_are_all_counted() {
        let dir = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite://{}/visits.sqlite", dir.path().display());
        let store = store(&url);
        store.start().await.expect("migrates");
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.visit().await.expect("counts") })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(store.visits().await.expect("counts"), 50);
    }
}
