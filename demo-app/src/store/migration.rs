//! The migrations of the schema. Do not change a migration after its release.

#![expect(elided_lifetimes_in_paths, reason = "the signatures of the trait elide them")]

use sea_orm_migration::prelude::*;

pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateVisits)]
    }
}

struct CreateVisits;

impl MigrationName for CreateVisits {
    fn name(&self) -> &'static str {
        "m20261125_000001_create_visits"
    }
}

#[derive(DeriveIden)]
enum Visits {
    Table,
    Slot,
    Count,
}

#[async_trait::async_trait]
impl MigrationTrait for CreateVisits {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Visits::Table)
            .if_not_exists()
            .col(ColumnDef::new(Visits::Slot).small_integer().not_null().primary_key())
            .col(ColumnDef::new(Visits::Count).big_integer().not_null())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Visits::Table).to_owned()).await
    }
}
