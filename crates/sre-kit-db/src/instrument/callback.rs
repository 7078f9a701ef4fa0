//! Transactions that run a callback.

use std::pin::Pin;

use sea_orm::{DbErr, TransactionError, TransactionSession};

/// Runs `callback` in a transaction. Commits if it succeeds, and rolls back if it fails.
pub(crate) async fn run_transaction<Tx, F, T, E>(
    transaction: Result<Tx, DbErr>,
    callback: F,
) -> Result<T, TransactionError<E>>
where
    Tx: TransactionSession,
    F: for<'c> FnOnce(&'c Tx) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
    T: Send,
    E: std::fmt::Display + std::fmt::Debug + Send,
{
    let transaction = transaction.map_err(TransactionError::Connection)?;
    let result = callback(&transaction).await.map_err(TransactionError::Transaction);
    let ended =
        if result.is_ok() { transaction.commit().await } else { transaction.rollback().await };
    ended.map_err(TransactionError::Connection)?;
    result
}
