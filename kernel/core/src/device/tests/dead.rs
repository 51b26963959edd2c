//! Dead letters are kept, and go back into the mailbox behind what waits there.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::oneshot::error::TryRecvError;

use super::super::{DeadLetters, LetterKind, LetterView, MAX_LETTERS};
use super::rig::*;
use crate::connection::{LinkState, Notice};

async fn kept(world: &World) -> Vec<LetterView> {
    world.settle().await;
    let letters = world.around.letters.list(None).await.unwrap();
    letters
        .iter()
        .map(|kept| kept.letter.view(kept.id, &kept.device, kept.bytes))
        .collect()
}

/// A plugin that rejects 3 until it is mended.
fn unmended() -> (Rc<Script>, Rc<Cell<bool>>) {
    let (script, mended) = (Script::new(), Rc::new(Cell::new(false)));
    let is_mended = mended.clone();
    script.on_event(move |_, _, event| {
        if number(event) == 3 && !is_mended.get() {
            return rejected("three is too much");
        }
        Ok(Ok(()))
    });
    (script, mended)
}

#[test]
fn what_is_buried_is_kept_with_input_reason_and_time() {
    play(|world| async move {
        let (script, _) = unmended();
        let device = world.start(&script).await;
        world.run(7 * SECOND).await;
        world.send("in/a", [3]).await;
        let letter = kept(&world).await.remove(0);
        assert_eq!(letter.device, "device");
        assert_eq!(letter.kind, LetterKind::Event);
        assert_eq!(letter.time, EPOCH + 7 * SECOND);
        assert!(
            letter.reason.contains("three is too much"),
            "{}",
            letter.reason
        );
        assert_eq!(letter.input["topic"], "in/a");
        assert_eq!(letter.input["source"], "outside");
        assert_eq!(letter.input["value"], 3);
        assert_eq!(letter.input["quality"], "good");
        world.stop(device).await;
    });
}

#[test]
fn a_notice_is_kept_and_cannot_be_delivered_again() {
    play(|world| async move {
        let script = Script::new();
        script.on_notice(|_, _, _| rejected("no"));
        let device = world.start(&script).await;
        device.notify(Notice::Link {
            state: LinkState::Up,
            reason: "".into(),
        });
        let letter = kept(&world).await.remove(0);
        assert_eq!(letter.kind, LetterKind::Notice);
        assert_eq!(letter.input["connection"], "field");
        world.stop(device).await;
    });
}

#[test]
fn a_letter_goes_back_behind_what_waits_and_is_handled_once() {
    play(|world| async move {
        let (script, mended) = unmended();
        let device = world.start(&script).await;
        world.send("in/a", [3]).await;
        script.deliveries();
        let id = kept(&world).await[0].id;
        let letter = world.around.letters.load("device", id).await.unwrap();
        mended.set(true);
        let event = letter.unwrap().letter.event(&world.bus).unwrap();
        world.publish("in/a", [10, 11]);
        let mut taken = device.device.mailbox.again(event.clone()).unwrap();
        assert!(
            device.device.mailbox.again(event).is_none(),
            "one at a time"
        );
        assert_eq!(taken.try_recv(), Err(TryRecvError::Empty));
        world.settle().await;
        assert_eq!(taken.try_recv(), Ok(()));
        assert_eq!(script.deliveries(), [(10, 1), (11, 1), (3, 2)]);
        assert!(!device.device.mailbox.withdraw());
        world.stop(device).await;
    });
}

#[test]
fn a_device_that_is_never_idle_takes_its_letter_all_the_same() {
    play(|world| async move {
        let (script, mended) = unmended();
        let device = world
            .start_with(&script, |spec| spec.limits.batch = 2)
            .await;
        world.send("in/a", [3]).await;
        let letters = world.around.letters.list(None).await.unwrap();
        mended.set(true);
        script.batches();
        world.publish("in/a", 10..=15);
        let event = letters[0].letter.event(&world.bus).unwrap();
        let _taken = device.device.mailbox.again(event).unwrap();
        world.settle().await;
        let batches = script.batches();
        assert_eq!(batches, [vec![10, 11], vec![3, 12], vec![13, 14], vec![15]]);
        world.stop(device).await;
    });
}

#[test]
fn what_is_not_taken_can_be_taken_back_and_ends_with_the_device() {
    play(|world| async move {
        let (script, _) = unmended();
        let device = world.start(&script).await;
        let mailbox = &device.device.mailbox;
        let mut taken = mailbox.again(sample(&world.bus, "in/a", 1)).unwrap();
        assert!(mailbox.withdraw());
        assert_eq!(taken.try_recv(), Err(TryRecvError::Closed));
        world.settle().await;
        assert!(script.deliveries().is_empty());
        let mailbox = device.device.mailbox.clone();
        world.stop(device).await;
        assert!(mailbox.again(sample(&world.bus, "in/a", 1)).is_none());
    });
}

#[test]
fn letters_beyond_the_bound_are_counted() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|_, _, _| rejected("never"));
        let device = world.start(&script).await;
        let sent = MAX_LETTERS as i64 + 40;
        for value in 0..sent {
            world.send("in/a", [value]).await;
        }
        let letters = kept(&world).await;
        assert_eq!(letters.len(), MAX_LETTERS);
        assert_eq!(letters[0].input["value"], 40, "the oldest went");
        let lost = &device.device.live.counters.dead_lost;
        assert_eq!(lost.load(std::sync::atomic::Ordering::Relaxed), 40);
        world.stop(device).await;
    });
}
