use std::sync::Arc;

use wasmtime::component::{Resource, ResourceTable};

use super::bindings::wasi::keyvalue::store::{self, HostBucket as _};
use super::bindings::weihe::store::sql::{self, HostDatabase as _};
use super::*;
use crate::{Grant, Store};

struct Data {
    session: Session,
    table: ResourceTable,
    denied: std::sync::Mutex<Vec<String>>,
}

impl Guest for Data {
    fn split(&mut self) -> wasmtime::Result<(&mut Session, &mut ResourceTable)> {
        Ok((&mut self.session, &mut self.table))
    }

    fn denied(&self, what: &str, reason: &str) {
        self.denied
            .lock()
            .unwrap()
            .push(format!("{what}: {reason}"));
    }
}

fn data(store: &Store, grant: &str) -> Data {
    let grant = Grant::from_table(&toml::from_str(grant).unwrap()).unwrap();
    Data {
        session: store.session("soil", Arc::new(grant)),
        table: ResourceTable::new(),
        denied: std::sync::Mutex::default(),
    }
}

/// Another handle of the same resource: calls take one by value.
fn again<R: 'static>(resource: &Resource<R>) -> Resource<R> {
    Resource::new_own(resource.rep())
}

#[tokio::test]
async fn a_guest_writes_and_reads_rows_through_its_imports() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("weihe.db")).unwrap();
    let mut data = data(&store, "tables = ['t']");
    let mut view = View(&mut data);
    let unknown = view.open_database("other").unwrap_err();
    assert!(
        matches!(&unknown, sql::Error::Unknown(text) if text.contains("`other`")),
        "{unknown:?}"
    );
    let main = view.open_database("main").unwrap();
    let create = "CREATE TABLE t (a, b)".to_owned();
    assert_eq!(
        view.execute(again(&main), create, vec![])
            .await
            .unwrap()
            .unwrap(),
        0
    );
    let insert = "INSERT INTO t VALUES (?1, ?2)".to_owned();
    let values = || vec![sql::Value::Integer(7), sql::Value::Blob(vec![1, 2])];
    let many = view
        .execute_many(again(&main), insert, vec![values(), values()])
        .await;
    assert_eq!(many.unwrap().unwrap(), 2);
    let select = "SELECT a, b, 'x' AS c, 0.5, NULL FROM t LIMIT 1".to_owned();
    let found = view
        .query(again(&main), select, vec![])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.columns[..3], ["a", "b", "c"]);
    assert_eq!(
        format!("{:?}", found.rows),
        "[[Value::Integer(7), Value::Blob([1, 2]), Value::Text(\"x\"), Value::Real(0.5), Value::Null]]"
    );
    let secret = "SELECT * FROM weihe_keys".to_owned();
    let denied = view
        .query(again(&main), secret, vec![])
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(&denied, sql::Error::Denied(text) if text.contains("`weihe_keys`")),
        "{denied:?}"
    );
    sql::HostDatabase::drop(&mut view, again(&main)).unwrap();
    // A handle that is gone is a fault of the bindings, not an answer.
    assert!(view.query(main, "SELECT 1".into(), vec![]).await.is_err());
    let told = data.denied.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "refusals are told, and only those: {told:?}");
    assert!(
        told[0].starts_with("main: ") && told[0].contains("`weihe_keys`"),
        "{told:?}"
    );
    data.session.commit().await.unwrap();
}

impl View<'_, Data> {
    fn open_database(&mut self, name: &str) -> Result<Resource<Database>, sql::Error> {
        sql::HostDatabase::open(self, name.into()).unwrap()
    }
}

#[tokio::test]
async fn a_guest_sets_and_lists_keys_through_its_imports() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("weihe.db")).unwrap();
    let mut data = data(&store, "keys = true");
    let mut view = View(&mut data);
    let denied = store::Host::open(&mut view, "shared".into())
        .unwrap()
        .unwrap_err();
    assert!(matches!(denied, store::Error::AccessDenied), "{denied:?}");
    let own = store::Host::open(&mut view, String::new())
        .unwrap()
        .unwrap();
    view.set(again(&own), "mode".into(), b"auto".to_vec())
        .await
        .unwrap()
        .unwrap();
    let found = view.get(again(&own), "mode".into()).await.unwrap().unwrap();
    assert_eq!(found.as_deref(), Some(&b"auto"[..]));
    let page = view.list_keys(again(&own), None).await.unwrap().unwrap();
    assert_eq!((page.keys, page.cursor), (vec!["mode".to_owned()], None));
    view.delete(again(&own), "mode".into())
        .await
        .unwrap()
        .unwrap();
    assert!(
        !view
            .exists(again(&own), "mode".into())
            .await
            .unwrap()
            .unwrap()
    );
    let empty = view
        .set(again(&own), String::new(), vec![])
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(&empty, store::Error::Other(text) if text.contains("empty")),
        "{empty:?}"
    );
    store::HostBucket::drop(&mut view, own).unwrap();
    let told = data.denied.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("shared: "), "{told:?}");
}

#[test]
fn the_linker_takes_every_function_once() {
    let mut config = wasmtime::Config::new();
    config.concurrency_support(false);
    let engine = wasmtime::Engine::new(&config).unwrap();
    let mut linker = Linker::<Data>::new(&engine);
    add_to_linker(&mut linker).unwrap();
    assert!(add_to_linker(&mut linker).is_err());
}
