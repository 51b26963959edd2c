//! Dead letters in the database.

use weihe_kernel::device::{
    DeadLetters as _, Letter, MAX_LETTER_BYTES, MAX_LETTERS, MemoryDeadLetters, SHOWN_BYTES,
};

use super::*;

fn letter(reason: &str, payload: usize) -> Letter {
    Letter {
        time: 1_700_000_000_000_000_000,
        reason: reason.into(),
        head: "{}".into(),
        payload: vec![7; payload].into(),
    }
}

#[tokio::test]
async fn letters_survive_the_store_and_go_when_they_are_removed() {
    let mut rig = Rig::new();
    for reason in ["one", "two", "three"] {
        assert_eq!(
            soon(rig.store().keep("soil", letter(reason, 3))).await,
            Ok(0)
        );
    }
    soon(rig.store().keep("valve", letter("other", 3)))
        .await
        .unwrap();
    rig.reopen();
    let all = soon(rig.store().list(None)).await.unwrap();
    let ids: Vec<u64> = all.iter().map(|kept| kept.id).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert_eq!(all[3].device, "valve");
    assert_eq!(all[0].letter, letter("one", 3));
    let removed = soon(rig.store().remove("soil", vec![2, 4, 9])).await;
    assert_eq!(removed, Ok(vec![2]), "4 is another device's, 9 is nobody's");
    let left = soon(rig.store().list(Some("soil"))).await.unwrap();
    let left: Vec<&str> = left.iter().map(|kept| &*kept.letter.reason).collect();
    assert_eq!(left, ["one", "three"]);
    // An id is not used again.
    soon(rig.store().remove("valve", vec![4])).await.unwrap();
    soon(rig.store().keep("valve", letter("new", 1)))
        .await
        .unwrap();
    assert_eq!(
        soon(rig.store().list(Some("valve"))).await.unwrap()[0].id,
        5
    );
}

#[tokio::test]
async fn a_listing_shows_the_beginning_and_a_load_the_whole() {
    let rig = Rig::new();
    soon(rig.store().keep("soil", letter("long", 5_000)))
        .await
        .unwrap();
    let listed = soon(rig.store().list(None)).await.unwrap().remove(0);
    assert_eq!(
        (listed.letter.payload.len(), listed.bytes),
        (SHOWN_BYTES, 5_000)
    );
    let whole = soon(rig.store().load("soil", listed.id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(whole.letter, letter("long", 5_000));
    assert_eq!(soon(rig.store().load("valve", listed.id)).await, Ok(None));
}

/// Both keepers hold the same letters, whatever comes.
#[tokio::test]
async fn the_oldest_go_first_and_are_counted_each_device_for_itself() {
    let rig = Rig::new();
    let memory = MemoryDeadLetters::default();
    soon(rig.store().keep("valve", letter("quiet", 9)))
        .await
        .unwrap();
    memory.keep("valve", letter("quiet", 9)).await.unwrap();
    let mut lost = [0, 0];
    // Many small ones, some large ones, and one that is larger than all may be.
    let sizes = (0..MAX_LETTERS + 5)
        .map(|n| n % 7)
        .chain([MAX_LETTER_BYTES / 3; 4])
        .chain([MAX_LETTER_BYTES, 1]);
    for (n, size) in sizes.enumerate() {
        let reason = n.to_string();
        lost[0] += soon(rig.store().keep("soil", letter(&reason, size)))
            .await
            .unwrap();
        lost[1] += memory.keep("soil", letter(&reason, size)).await.unwrap();
    }
    let of = |letters: Vec<weihe_kernel::device::KeptLetter>| -> Vec<(String, u64)> {
        let of = |kept: weihe_kernel::device::KeptLetter| (kept.letter.reason, kept.bytes);
        letters.into_iter().map(of).collect()
    };
    let stored = of(soon(rig.store().list(Some("soil"))).await.unwrap());
    assert_eq!(stored, of(memory.list(Some("soil")).await.unwrap()));
    assert_eq!(lost[0], lost[1]);
    let sent = (MAX_LETTERS + 5 + 4 + 2) as u64;
    assert_eq!(
        lost[0] + stored.len() as u64,
        sent,
        "each is kept or counted"
    );
    assert_eq!(stored.last().unwrap().1, 1);
    assert_eq!(
        soon(rig.store().list(Some("valve"))).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_database_from_before_gets_the_table() {
    let mut rig = Rig::new();
    rig.store = None;
    rig.stranger()
        .execute_batch("DROP TABLE weihe_dead")
        .unwrap();
    rig.reopen();
    assert_eq!(
        soon(rig.store().keep("soil", letter("one", 3))).await,
        Ok(0)
    );
}
