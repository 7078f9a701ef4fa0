//! A transaction whose statements are recorded.

use std::fmt;
use std::pin::Pin;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, Statement, TransactionError, TransactionOptions, TransactionSession,
    TransactionTrait,
};

use super::connection::run;
use super::operation::Operation;
use super::session::{From, Recorder, Wanted};

/// A transaction of a [`Db`](crate::Db), whose statements are recorded as the
/// database's own are. Dropped without a commit it is rolled back.
pub struct DbTransaction {
    inner: DatabaseTransaction,
    recorder: Recorder,
    /// A nested one has the connection of the outer one.
    _wanted: Option<Wanted>,
}

impl DbTransaction {
    pub(super) fn new(
        inner: DatabaseTransaction,
        recorder: Recorder,
        wanted: Option<Wanted>,
    ) -> Self {
        Self { inner, recorder, _wanted: wanted }
    }

    /// Commits it.
    ///
    /// # Errors
    ///
    /// When the server did not take it. Whether it did is unknown where the connection
    /// broke off.
    pub async fn commit(self) -> Result<(), DbErr> {
        let Self { inner, recorder, _wanted } = self;
        recorder.run(Operation::named("COMMIT"), From::Elsewhere, inner.commit()).await
    }

    /// Rolls it back.
    ///
    /// # Errors
    ///
    /// When the connection broke off, and the server rolls it back by itself.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let Self { inner, recorder, _wanted } = self;
        recorder.run(Operation::named("ROLLBACK"), From::Elsewhere, inner.rollback()).await
    }

    async fn nested(
        &self,
        work: impl Future<Output = Result<DatabaseTransaction, DbErr>>,
    ) -> Result<Self, DbErr> {
        let savepoint = Operation::named("SAVEPOINT");
        let inner = self.recorder.run(savepoint, From::Elsewhere, work).await?;
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
        self.recorder.run(operation, From::Elsewhere, self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let work = self.inner.execute_unprepared(sql);
        self.recorder.run(Operation::of(sql), From::Elsewhere, work).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let operation = Operation::of(&statement.sql);
        self.recorder.run(operation, From::Elsewhere, self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let operation = Operation::of(&statement.sql);
        self.recorder.run(operation, From::Elsewhere, self.inner.query_all_raw(statement)).await
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
        run(self.begin().await, callback).await
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
        run(self.begin_with_config(isolation_level, access_mode).await, callback).await
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
