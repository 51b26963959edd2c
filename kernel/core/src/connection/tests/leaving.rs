//! Devices that leave in order, with something left to say.

use bytes::Bytes;

use super::super::*;
use super::rig::*;

#[tokio::test]
async fn a_device_that_leaves_in_order_has_its_bytes_written_behind_the_exchange_at_hand() {
    let mut rig = Rig::new(Settings::default()).await;
    let (leaving, _mailbox) = rig.device("leaving");
    let (staying, _other_mailbox) = rig.device("staying");
    staying.submit(1, poll("a")).unwrap();
    rig.run(0).await;
    staying.submit(2, poll("b")).unwrap();
    leaving.send(None, Bytes::from_static(b"bye")).unwrap();
    let at = rig.now() + limits::LEAVE_TIMEOUT;
    let left = tokio::spawn(async move {
        leaving.written(at).await;
        leaving.detach();
    });
    rig.run(SECOND - 1).await;
    assert!(!left.is_finished());
    rig.run(1).await;
    left.await.unwrap();
    assert_eq!(rig.sent().await, "abyeb");
}

#[tokio::test]
async fn a_device_that_leaves_waits_for_no_line_that_is_down_or_stuck() {
    let mut rig = Rig::with_buffer(Settings::default(), 4).await;
    let (seat, _mailbox) = rig.device("meter");
    seat.send(None, Bytes::from_static(b"more than four bytes"))
        .unwrap();
    let at = rig.now() + limits::LEAVE_TIMEOUT;
    let (first, second) = (seat.clone(), seat.clone());
    let stuck = tokio::spawn(async move { first.written(at).await });
    rig.run(limits::LEAVE_TIMEOUT - 1).await;
    assert!(!stuck.is_finished());
    rig.run(1).await;
    stuck.await.unwrap();
    let down = tokio::spawn(async move { second.written(u64::MAX).await });
    rig.run(0).await;
    assert!(!down.is_finished());
    rig.refuse(Some("no route"));
    rig.unplug().await;
    down.await.unwrap();
}
