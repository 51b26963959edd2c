use std::task::Poll;

use super::*;
use crate::executor::Executor;
use crate::limits::{KEY_BYTES, KEYS_PAGE, VALUE_BYTES};
use crate::message::Task;
use crate::{KeyPage, SavedState};

#[tokio::test]
async fn keys_join_the_transaction_of_the_rows() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let own = soil.bucket("").unwrap();
    soil.set(&own, "mode".into(), b"auto".to_vec())
        .await
        .unwrap();
    change(&mut soil, "INSERT INTO t VALUES (1, 2)")
        .await
        .unwrap();
    assert_eq!(
        soil.get(&own, "mode".into()).await.unwrap().as_deref(),
        Some(&b"auto"[..])
    );
    soil.rollback().await;
    assert_eq!(soil.get(&own, "mode".into()).await, Ok(None));
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, 0);

    soil.set(&own, "mode".into(), b"auto".to_vec())
        .await
        .unwrap();
    soil.set(&own, "mode".into(), b"hand".to_vec())
        .await
        .unwrap();
    soil.commit().await.unwrap();
    assert_eq!(
        soil.get(&own, "mode".into()).await.unwrap().as_deref(),
        Some(&b"hand"[..])
    );
    assert_eq!(soil.exists(&own, "mode".into()).await, Ok(true));
    soil.delete(&own, "mode".into()).await.unwrap();
    soil.delete(&own, "never".into()).await.unwrap();
    assert_eq!(soil.exists(&own, "mode".into()).await, Ok(false));
    soil.commit().await.unwrap();
    assert_eq!(soil.get(&own, "mode".into()).await, Ok(None));
}

#[tokio::test]
async fn buckets_are_apart_and_need_a_grant() {
    let rig = Rig::new();
    let mut soil = rig.session("soil", "keys = true\nbuckets = ['shared', 'air']");
    let mut air = rig.session("air", "keys = true\nbuckets = ['shared']");
    for bucket in ["", "shared", "air"] {
        let bucket = soil.bucket(bucket).unwrap();
        soil.set(&bucket, "k".into(), b"soil".to_vec())
            .await
            .unwrap();
    }
    soil.commit().await.unwrap();
    let (own, shared) = (air.bucket("").unwrap(), air.bucket("shared").unwrap());
    assert_eq!(air.get(&own, "k".into()).await, Ok(None));
    assert_eq!(
        air.get(&shared, "k".into()).await,
        Ok(Some(b"soil".to_vec()))
    );
    let error = air.bucket("air").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("device `air` may not use bucket `air`"),
        "{error}"
    );
    let none = rig.session("none", "");
    let error = none.bucket("").unwrap_err();
    assert!(error.to_string().contains("keys = true"), "{error}");
}

#[tokio::test]
async fn keys_are_listed_page_by_page_in_byte_order() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let own = soil.bucket("").unwrap();
    assert_eq!(soil.list_keys(&own, None).await, Ok(KeyPage::default()));
    let mut wanted: Vec<String> = (0..2 * KEYS_PAGE).map(|i| format!("k{i}")).collect();
    wanted.push("Z".into());
    wanted.push("é".into());
    for key in &wanted {
        soil.set(&own, key.clone(), vec![]).await.unwrap();
    }
    wanted.sort();
    // Inside of the turn and after it.
    for _ in 0..2 {
        let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = soil.list_keys(&own, cursor).await.unwrap();
            found.extend(page.keys);
            pages += 1;
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, wanted);
        assert_eq!(pages, 3);
        soil.commit().await.unwrap();
    }
}

#[tokio::test]
async fn keys_and_values_have_limits() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let own = soil.bucket("").unwrap();
    let long = "k".repeat(KEY_BYTES);
    let large = vec![7; VALUE_BYTES];
    soil.set(&own, long.clone(), large.clone()).await.unwrap();
    soil.commit().await.unwrap();
    assert_eq!(soil.get(&own, long.clone()).await.unwrap().unwrap(), large);
    let error = soil.set(&own, long + "k", vec![]).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge(_)), "{error:?}");
    let error = soil
        .set(&own, "k".into(), vec![0; VALUE_BYTES + 1])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("value of `k`"), "{error}");
    let error = soil.set(&own, String::new(), vec![]).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
    assert!(!soil.is_dirty());
}

#[tokio::test]
async fn whoever_loads_a_state_does_not_block_its_thread() {
    let rig = Rig::new();
    let state = SavedState {
        version: 1,
        bytes: vec![1],
    };
    rig.store().save_state("soil", state.clone()).await.unwrap();
    // The reader is busy until it is told to go on.
    let (go_on, told) = std::sync::mpsc::channel::<()>();
    let (answer, _busy) = tokio::sync::oneshot::channel();
    let run = move |_: &mut Executor<'_>| {
        told.recv().unwrap();
        Ok(())
    };
    rig.store().read(Box::new(Task { answer, run }));
    let mut loaded = std::pin::pin!(rig.store().load_state("soil"));
    let first = std::future::poll_fn(|context| Poll::Ready(loaded.as_mut().poll(context)));
    assert!(first.await.is_pending());
    go_on.send(()).unwrap();
    assert_eq!(soon(loaded).await, Ok(Some(state)));
}

#[tokio::test]
async fn states_are_saved_replaced_and_loaded() {
    let mut rig = Rig::new();
    let state = |version, bytes: Vec<u8>| SavedState { version, bytes };
    assert_eq!(rig.store().load_state("soil").await, Ok(None));
    rig.store()
        .save_state("soil", state(1, vec![1]))
        .await
        .unwrap();
    // Larger than anything that a device may write itself.
    let large = state(u32::MAX, vec![9; 3 * VALUE_BYTES]);
    rig.store().save_state("soil", large.clone()).await.unwrap();
    rig.store()
        .save_state("air", state(0, vec![]))
        .await
        .unwrap();
    rig.reopen();
    assert_eq!(rig.store().load_state("soil").await, Ok(Some(large)));
    assert_eq!(
        rig.store().load_state("air").await,
        Ok(Some(state(0, vec![])))
    );
    let error = rig
        .store()
        .save_state("soil", state(1, vec![0; 17 << 20]))
        .await
        .unwrap_err();
    assert!(
        error.contains("device `soil`") && error.contains("17825792"),
        "{error}"
    );
}
