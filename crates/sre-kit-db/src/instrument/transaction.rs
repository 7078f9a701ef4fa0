//! A transaction whose statements are recorded.

use std::fmt;
use std::pin::Pin;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, Statement, TransactionError, TransactionOptions, TransactionSession,
    TransactionTrait,
};

use super::callback::run_transaction;
use super::operation::Operation;
use super::pending::PendingGuard;
use super::recorder::{ConnectionSource, Recorder};

/// A transaction of a [`Db`](crate::Db). Its statements are recorded like those of the `Db`.
/// Dropping it without a commit rolls it back.
#[must_use = "dropping it rolls the transaction back"]
pub struct DbTransaction {
    inner: DatabaseTransaction,
    recorder: Recorder,
    /// `None` for a nested transaction, which uses the connection of the outer one.
    _pending: Option<PendingGuard>,
}

impl DbTransaction {
    pub(crate) fn new(
        inner: DatabaseTransaction,
        recorder: Recorder,
        pending: Option<PendingGuard>,
    ) -> Self {
        Self { inner, recorder, _pending: pending }
    }

    /// Commits the transaction.
    ///
    /// # Errors
    ///
    /// Returns an error if the server rejected the commit, or if the connection broke off. In the
    /// latter case it is unknown whether the transaction was committed.
    pub async fn commit(self) -> Result<(), DbErr> {
        let Self { inner, recorder, _pending } = self;
        recorder.run(Operation::named("COMMIT"), ConnectionSource::Existing, inner.commit()).await
    }

    /// Rolls the transaction back.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection broke off. The server then rolls back by itself.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let Self { inner, recorder, _pending } = self;
        recorder
            .run(Operation::named("ROLLBACK"), ConnectionSource::Existing, inner.rollback())
            .await
    }

    async fn nested(
        &self,
        work: impl Future<Output = Result<DatabaseTransaction, DbErr>>,
    ) -> Result<Self, DbErr> {
        let savepoint = Operation::named("SAVEPOINT");
        let inner = self.recorder.run(savepoint, ConnectionSource::Existing, work).await?;
        Ok(Self::new(inner, self.recorder.clone(), None))
    }
}

#[async_trait]
impl ConnectionTrait for DbTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let operation = Operation::of(&statement.sql);
        self.recorder
            .run(operation, ConnectionSource::Existing, self.inner.execute_raw(statement))
            .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let work = self.inner.execute_unprepared(sql);
        self.recorder.run(Operation::of(sql), ConnectionSource::Existing, work).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let operation = Operation::of(&statement.sql);
        self.recorder
            .run(operation, ConnectionSource::Existing, self.inner.query_one_raw(statement))
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let operation = Operation::of(&statement.sql);
        self.recorder
            .run(operation, ConnectionSource::Existing, self.inner.query_all_raw(statement))
            .await
    }
}

#[async_trait]
impl TransactionTrait for DbTransaction {
    type Transaction = Self;

    async fn begin(&self) -> Result<Self, DbErr> {
        self.nested(self.inner.begin()).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<Self, DbErr> {
        self.nested(self.inner.begin_with_config(isolation_level, access_mode)).await
    }

    async fn begin_with_options(&self, options: TransactionOptions) -> Result<Self, DbErr> {
        self.nested(self.inner.begin_with_options(options)).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Self) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run_transaction(self.begin().await, callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Self) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run_transaction(self.begin_with_config(isolation_level, access_mode).await, callback).await
    }
}

#[async_trait]
impl TransactionSession for DbTransaction {
    async fn commit(self) -> Result<(), DbErr> {
        self.commit().await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        self.rollback().await
    }
}

impl fmt::Debug for DbTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DbTransaction")
    }
}
