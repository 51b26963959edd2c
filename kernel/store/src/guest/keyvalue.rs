//! `wasi:keyvalue/store@0.2.0-draft2`.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::wasi::keyvalue::store;
use super::{Guest, View};
use crate::error::StoreError;
use crate::session::Bucket;
use crate::value::KeyPage;

impl<T: Guest> store::Host for View<'_, T> {
    fn open(&mut self, identifier: String) -> Result<Result<Resource<Bucket>, store::Error>> {
        let (session, _) = self.0.split()?;
        let opened = session.bucket(&identifier);
        match self.told(&identifier, opened) {
            Ok(bucket) => {
                let (_, table) = self.0.split()?;
                Ok(Ok(table.push(bucket)?))
            }
            Err(error) => {
                // The interface has no room for the reason.
                tracing::debug!("{error}");
                Ok(Err(error.into()))
            }
        }
    }
}

impl<T: Guest> store::HostBucket for View<'_, T> {
    async fn get(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Result<Option<Vec<u8>>, store::Error>> {
        let (session, table) = self.0.split()?;
        let found = session.get(table.get(&bucket)?, key).await;
        Ok(found.map_err(Into::into))
    }

    async fn set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> Result<Result<(), store::Error>> {
        let (session, table) = self.0.split()?;
        let done = session.set(table.get(&bucket)?, key, value).await;
        Ok(done.map_err(Into::into))
    }

    async fn delete(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Result<(), store::Error>> {
        let (session, table) = self.0.split()?;
        let done = session.delete(table.get(&bucket)?, key).await;
        Ok(done.map_err(Into::into))
    }

    async fn exists(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Result<bool, store::Error>> {
        let (session, table) = self.0.split()?;
        let found = session.exists(table.get(&bucket)?, key).await;
        Ok(found.map_err(Into::into))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<String>,
    ) -> Result<Result<store::KeyResponse, store::Error>> {
        let (session, table) = self.0.split()?;
        let page = session.list_keys(table.get(&bucket)?, cursor).await;
        Ok(page.map(Into::into).map_err(Into::into))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> Result<()> {
        let (_, table) = self.0.split()?;
        table.delete(bucket)?;
        Ok(())
    }
}

impl From<KeyPage> for store::KeyResponse {
    fn from(page: KeyPage) -> Self {
        Self {
            keys: page.keys,
            cursor: page.cursor,
        }
    }
}

impl From<StoreError> for store::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Denied(_) => Self::AccessDenied,
            StoreError::Unknown(_) => Self::NoSuchStore,
            other => Self::Other(other.to_string()),
        }
    }
}
