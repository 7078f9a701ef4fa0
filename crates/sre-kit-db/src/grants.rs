//! The privileges of the role that reads and writes rows, granted by the role that migrates.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};

use super::error::{DbError, DbErrorKind};

/// Returns whether a role exists, and whether it is the one that is logged in.
const ROLE: &str = "SELECT rolname = current_user AS same FROM pg_roles WHERE rolname = $1";

/// Returns the statements that hold for tables of later migrations. Default privileges apply to
/// objects that the current role creates.
const LATER: &str = "SELECT format(statement, current_schema(), $1::text) AS statement FROM (VALUES \
    ('GRANT USAGE ON SCHEMA %1$I TO %2$I'), \
    ('ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I \
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %2$I'), \
    ('ALTER DEFAULT PRIVILEGES IN SCHEMA %1$I GRANT USAGE, SELECT ON SEQUENCES TO %2$I') \
    ) AS statements (statement)";

/// Returns the statements for what is in the schema already. Only objects whose owner the current
/// role may act as are named: an extension's views belong to somebody else. The record of
/// migrations may be read and not changed.
const PRESENT: &str = "SELECT format(CASE \
        WHEN relname = 'seaql_migrations' \
            THEN 'REVOKE INSERT, UPDATE, DELETE ON %1$s FROM %2$I' \
        WHEN relkind = 'S' THEN 'GRANT USAGE, SELECT ON SEQUENCE %1$s TO %2$I' \
        ELSE 'GRANT SELECT, INSERT, UPDATE, DELETE ON %1$s TO %2$I' END, \
        pg_class.oid::regclass, $1::text) AS statement \
    FROM pg_class \
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') \
        AND pg_has_role(relowner, 'USAGE') \
    UNION ALL \
    SELECT format('GRANT SELECT ON %1$s TO %2$I', pg_class.oid::regclass, $1::text) \
    FROM pg_class \
    WHERE relnamespace = current_schema()::regnamespace AND relname = 'seaql_migrations' \
        AND pg_has_role(relowner, 'USAGE')";

/// Grants `role` the use of the schema, and of what later statements create in it. Call it before
/// the migrations: there is no moment in which a table exists that the role may not use. Returns
/// whether the role is another one than the current, which needs no grant for itself.
pub(super) async fn grant_future(db: &DatabaseConnection, role: &str) -> Result<bool, DbError> {
    let Some(found) = query(db, ROLE, role).await?.into_iter().next() else {
        return Err(DbError::new(
            DbErrorKind::Migration,
            format_args!(
                "no privileges are granted: the role {role:?} does not exist on this server; \
                 create it, or correct the name"
            ),
        ));
    };
    if found.try_get::<bool>("", "same").map_err(failed)? {
        return Ok(false);
    }
    execute(db, LATER, role).await?;
    Ok(true)
}

/// Grants `role` the tables and sequences that are there. Repeating it changes nothing.
pub(super) async fn grant_present(db: &DatabaseConnection, role: &str) -> Result<(), DbError> {
    execute(db, PRESENT, role).await?;
    tracing::info!(role, "the role may read and write the tables of the schema");
    Ok(())
}

/// Executes each statement that `statements` returns for `role`. The server quotes the names.
async fn execute(db: &DatabaseConnection, statements: &str, role: &str) -> Result<(), DbError> {
    for row in query(db, statements, role).await? {
        let statement: String = row.try_get("", "statement").map_err(failed)?;
        db.execute_unprepared(&statement).await.map_err(failed)?;
    }
    Ok(())
}

async fn query(
    db: &DatabaseConnection,
    sql: &str,
    role: &str,
) -> Result<Vec<QueryResult>, DbError> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [role.into()]);
    db.query_all_raw(statement).await.map_err(failed)
}

fn failed(error: sea_orm::DbErr) -> DbError {
    DbError::new(DbErrorKind::Migration, format_args!("granting privileges failed: {error}"))
        .caused_by(error)
}
