//! `weihe:store/sql@0.1.0`.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::weihe::store::sql;
use super::{Database, Guest, View};
use crate::error::StoreError;
use crate::session::MAIN;
use crate::value::{Row, Rows, Value};

impl<T: Guest> sql::Host for View<'_, T> {}

impl<T: Guest> sql::HostDatabase for View<'_, T> {
    fn open(&mut self, name: String) -> Result<Result<Resource<Database>, sql::Error>> {
        if name != MAIN {
            return Ok(Err(StoreError::Unknown(name).into()));
        }
        let (_, table) = self.0.split()?;
        Ok(Ok(table.push(Database)?))
    }

    async fn execute(
        &mut self,
        database: Resource<Database>,
        statement: String,
        parameters: sql::Row,
    ) -> Result<Result<u64, sql::Error>> {
        let (session, table) = self.0.split()?;
        table.get(&database)?;
        let done = session.execute(statement, row(parameters)).await;
        Ok(self.told(MAIN, done).map_err(Into::into))
    }

    async fn execute_many(
        &mut self,
        database: Resource<Database>,
        statement: String,
        parameters: Vec<sql::Row>,
    ) -> Result<Result<u64, sql::Error>> {
        let (session, table) = self.0.split()?;
        table.get(&database)?;
        let rows = parameters.into_iter().map(row).collect();
        let done = session.execute_many(statement, rows).await;
        Ok(self.told(MAIN, done).map_err(Into::into))
    }

    async fn query(
        &mut self,
        database: Resource<Database>,
        statement: String,
        parameters: sql::Row,
    ) -> Result<Result<sql::Rows, sql::Error>> {
        let (session, table) = self.0.split()?;
        table.get(&database)?;
        let found = session.query(statement, row(parameters)).await;
        Ok(self.told(MAIN, found).map(Into::into).map_err(Into::into))
    }

    fn drop(&mut self, database: Resource<Database>) -> Result<()> {
        let (_, table) = self.0.split()?;
        table.delete(database)?;
        Ok(())
    }
}

fn row(row: sql::Row) -> Row {
    row.into_iter().map(Into::into).collect()
}

impl From<sql::Value> for Value {
    fn from(value: sql::Value) -> Self {
        match value {
            sql::Value::Null => Self::Null,
            sql::Value::Integer(integer) => Self::Integer(integer),
            sql::Value::Real(real) => Self::Real(real),
            sql::Value::Text(text) => Self::Text(text),
            sql::Value::Blob(blob) => Self::Blob(blob),
        }
    }
}

impl From<Value> for sql::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(integer) => Self::Integer(integer),
            Value::Real(real) => Self::Real(real),
            Value::Text(text) => Self::Text(text),
            Value::Blob(blob) => Self::Blob(blob),
        }
    }
}

impl From<Rows> for sql::Rows {
    fn from(rows: Rows) -> Self {
        let values = |row: Row| row.into_iter().map(Into::into).collect();
        Self {
            columns: rows.columns,
            rows: rows.rows.into_iter().map(values).collect(),
        }
    }
}

impl From<StoreError> for sql::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unknown(_) => Self::Unknown(error.to_string()),
            StoreError::Denied(text) => Self::Denied(text),
            StoreError::Invalid(text) => Self::Invalid(text),
            StoreError::Constraint(text) => Self::Constraint(text),
            StoreError::Busy(text) => Self::Busy(text),
            StoreError::Full(text) => Self::Full(text),
            StoreError::TooLarge(text) => Self::TooLarge(text),
            StoreError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
