//! What guests import: `weihe:store/sql` and `wasi:keyvalue/store`, over a [`Session`].
//!
//! Nothing here decides: arguments and results are carried between the component's types and the
//! session's.

mod keyvalue;
mod sql;

use std::marker::PhantomData;

use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::error::StoreError;
use crate::session::Session;

mod bindings {
    #![allow(missing_docs)]

    wasmtime::component::bindgen!({
        path: ["../../wit/deps/wasi-keyvalue", "../../wit/store"],
        inline: "
            package weihe:store-host;
            world imports {
                include weihe:store/imports@0.1.0;
                include weihe:store/keyvalue-imports@0.1.0;
            }
        ",
        world: "weihe:store-host/imports",
        imports: {
            "weihe:store/sql.[method]database.execute": async | trappable,
            "weihe:store/sql.[method]database.execute-many": async | trappable,
            "weihe:store/sql.[method]database.query": async | trappable,
            "wasi:keyvalue/store.[method]bucket.get": async | trappable,
            "wasi:keyvalue/store.[method]bucket.set": async | trappable,
            "wasi:keyvalue/store.[method]bucket.delete": async | trappable,
            "wasi:keyvalue/store.[method]bucket.exists": async | trappable,
            "wasi:keyvalue/store.[method]bucket.list-keys": async | trappable,
            default: trappable,
        },
        with: {
            "weihe:store/sql.database": crate::guest::Database,
            "wasi:keyvalue/store.bucket": crate::session::Bucket,
        },
        require_store_data_send: true,
    });
}

/// The interfaces that [`add_to_linker`] serves, as components import them.
pub const INTERFACES: [&str; 2] = ["weihe:store/sql@0.1.0", "wasi:keyvalue/store@0.2.0-draft2"];

/// A database that a guest has opened. There is one, so it needs no content.
#[derive(Debug)]
pub struct Database;

/// Store data of a guest that uses the store.
pub trait Guest: Send + 'static {
    /// The session of the guest's device and the table of its resources. An error says that the
    /// device has none: a fault of the host, which ends the call with a trap.
    fn split(&mut self) -> wasmtime::Result<(&mut Session, &mut ResourceTable)>;

    /// The guest used what it is not granted, and was refused. By default nobody is told.
    fn denied(&self, what: &str, reason: &str) {
        let _ = (what, reason);
    }
}

/// The store as one guest sees it.
struct View<'a, T>(&'a mut T);

impl<T: Guest> View<'_, T> {
    /// Passes a result on; a refusal is told.
    fn told<R>(&self, what: &str, result: Result<R, StoreError>) -> Result<R, StoreError> {
        if let Err(StoreError::Denied(reason)) = &result {
            self.0.denied(what, reason);
        }
        result
    }
}

struct HasStore<T>(PhantomData<T>);

impl<T: Guest> HasData for HasStore<T> {
    type Data<'a> = View<'a, T>;
}

/// Adds the store's functions to a linker.
pub fn add_to_linker<T: Guest>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    bindings::weihe::store::sql::add_to_linker::<T, HasStore<T>>(linker, |guest| View(guest))?;
    bindings::wasi::keyvalue::store::add_to_linker::<T, HasStore<T>>(linker, |guest| View(guest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
