//! sea-orm's connection traits for [`Db`].

use std::pin::Pin;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, Statement, TransactionError, TransactionOptions, TransactionTrait,
};

use crate::db::Db;
use crate::instrument::{ConnectionSource, DbTransaction, Operation, Recorder, run_transaction};

#[async_trait]
impl ConnectionTrait for Db {
    fn get_database_backend(&self) -> DbBackend {
        self.connection().get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let operation = Operation::of(&statement.sql);
        let work = self.connection().execute_raw(statement);
        self.recorder().run(operation, ConnectionSource::Pool, work).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let work = self.connection().execute_unprepared(sql);
        self.recorder().run(Operation::of(sql), ConnectionSource::Pool, work).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let operation = Operation::of(&statement.sql);
        let work = self.connection().query_one_raw(statement);
        self.recorder().run(operation, ConnectionSource::Pool, work).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let operation = Operation::of(&statement.sql);
        let work = self.connection().query_all_raw(statement);
        self.recorder().run(operation, ConnectionSource::Pool, work).await
    }
}

#[async_trait]
impl TransactionTrait for Db {
    type Transaction = DbTransaction;

    async fn begin(&self) -> Result<DbTransaction, DbErr> {
        begin(self.recorder(), self.connection().begin()).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<DbTransaction, DbErr> {
        let work = self.connection().begin_with_config(isolation_level, access_mode);
        begin(self.recorder(), work).await
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<DbTransaction, DbErr> {
        begin(self.recorder(), self.connection().begin_with_options(options)).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c DbTransaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
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
        F: for<'c> FnOnce(
                &'c DbTransaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        run_transaction(self.begin_with_config(isolation_level, access_mode).await, callback).await
    }
}

async fn begin(
    recorder: &Recorder,
    work: impl Future<Output = Result<DatabaseTransaction, DbErr>>,
) -> Result<DbTransaction, DbErr> {
    let pending = recorder.pending.start();
    // sea-orm does not report how long it waited for the connection.
    let inner = recorder.run(Operation::named("BEGIN"), ConnectionSource::Existing, work).await?;
    Ok(DbTransaction::new(inner, recorder.clone(), Some(pending)))
}
