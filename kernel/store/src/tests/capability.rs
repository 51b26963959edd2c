use std::any::Any;

use weihe_kernel::capability::{Attachment, Capability};
use weihe_kernel::device::{Checkpoint, Checkpoints};

use super::*;
use crate::StoreCapability;

fn table(text: &str) -> toml::Table {
    toml::from_str(text).unwrap()
}

#[tokio::test]
async fn the_kernel_commits_and_rolls_back_a_device() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&directory.path().join("weihe.db")).unwrap());
    let capability = StoreCapability::new(store.clone());
    assert_eq!(capability.name(), "store");
    let granted = capability
        .configure("soil", &table("tables = ['t']"))
        .unwrap();
    let mut attached = granted.attach("soil");
    assert!(!attached.is_dirty());
    change(session(&mut attached), "CREATE TABLE t (a)")
        .await
        .unwrap();
    assert!(attached.is_dirty());
    attached.commit().await.unwrap();
    change(session(&mut attached), "INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    attached.rollback().await;
    assert!(!attached.is_dirty());
    // A fresh instance after a trap.
    change(session(&mut attached), "INSERT INTO t VALUES (2)")
        .await
        .unwrap();
    attached = granted.attach("soil");
    assert_eq!(
        number(session(&mut attached), "SELECT count(*) FROM t").await,
        0
    );
    // The store is closed with the last that holds it.
    drop((capability, granted));
    assert!(Store::open(store.file()).is_err());
    drop(store);
    assert!(rows(session(&mut attached), "SELECT 1").await.is_err());
}

fn session(attached: &mut Box<dyn Attachment>) -> &mut Session {
    (attached.as_mut() as &mut dyn Any).downcast_mut().unwrap()
}

#[test]
fn a_wrong_grant_is_refused_with_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("weihe.db")).unwrap();
    let capability = StoreCapability::new(Arc::new(store));
    let Err(error) = capability.configure("soil", &table("table = ['t']")) else {
        panic!("accepted");
    };
    assert_eq!(error.key.as_deref(), Some("table"));
    assert_eq!(error.help.as_deref(), Some("did you mean `tables`?"));
}

#[test]
fn the_kernel_links_both_interfaces_beside_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("weihe.db")).unwrap();
    let capability = StoreCapability::new(Arc::new(store));
    let engine = wasmtime::Engine::new(wasmtime::Config::new().concurrency_support(false)).unwrap();
    let mut linker = wasmtime::component::Linker::new(&engine);
    capability.link(&mut linker).unwrap();
}

#[tokio::test]
async fn checkpoints_outlive_the_host() {
    let mut rig = Rig::new();
    let checkpoint = Checkpoint {
        version: 3,
        bytes: vec![1, 2, 3],
    };
    Checkpoints::save(rig.store(), "soil", checkpoint.clone())
        .await
        .unwrap();
    rig.reopen();
    assert_eq!(Checkpoints::load(rig.store(), "soil"), Ok(Some(checkpoint)));
    assert_eq!(Checkpoints::load(rig.store(), "air"), Ok(None));
}
