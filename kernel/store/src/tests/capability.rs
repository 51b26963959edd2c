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
    let loaded = Checkpoints::load(rig.store(), "soil").await;
    assert_eq!(loaded, Ok(Some(checkpoint)));
    assert_eq!(Checkpoints::load(rig.store(), "air").await, Ok(None));
}

#[tokio::test]
async fn a_refused_checkpoint_is_kept_out_of_the_way_and_found_where_it_is_said_to_be() {
    let mut rig = Rig::new();
    let checkpoint = |version| Checkpoint {
        version,
        bytes: vec![7; version as usize],
    };
    let store = rig.store();
    let mut said = String::new();
    for version in [1, 2] {
        said = Checkpoints::set_aside(store, "soil", checkpoint(version))
            .await
            .unwrap();
    }
    Checkpoints::save(store, "soil", checkpoint(3))
        .await
        .unwrap();
    assert!(said.contains("weihe.db"), "{said}");
    let (_, sql) = said.split_once(": ").unwrap();
    let stranger = rig.stranger();
    let mut query = stranger.prepare(sql).unwrap();
    let rows: Vec<(u32, Vec<u8>)> = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows, [(2, vec![7; 2])], "the newest refused one");
    drop(query);
    drop(stranger);
    rig.reopen();
    let loaded = Checkpoints::load(rig.store(), "soil").await;
    assert_eq!(loaded, Ok(Some(checkpoint(3))));
}
