#![allow(clippy::unwrap_used)]

use super::*;
use crate::event::{Quality, Value};

fn event(bus: &Bus, topic: &str, value: i64) -> Event {
    Event {
        topic: bus.topic(topic).unwrap(),
        source: SourceId(0),
        time: value.unsigned_abs(),
        sequence: 0,
        cause: None,
        attempt: 1,
        quality: Quality::Good,
        value: Value::Integer(value),
    }
}

fn publish(bus: &Bus, source: &str, topics: &[(&str, i64)]) -> Blocked {
    let source = bus.source(source).unwrap();
    let mut run: Vec<Event> = topics
        .iter()
        .map(|(topic, value)| event(bus, topic, *value))
        .collect();
    bus.publish(source, &mut run)
}

fn subscribe(bus: &Arc<Bus>, filter: &str, overflow: Overflow, capacity: usize) -> Subscription {
    bus.subscribe(
        "test",
        filter.parse().unwrap(),
        overflow,
        capacity,
        true,
        Arc::default(),
    )
}

fn values(subscription: &Subscription) -> Vec<i64> {
    let mut events = Vec::new();
    subscription.try_take(&mut events, usize::MAX);
    events
        .iter()
        .map(|event| match event.value {
            Value::Integer(value) => value,
            _ => i64::MIN,
        })
        .collect()
}

#[test]
fn values_like_minus_one_and_an_initial_zero_are_delivered() {
    let bus = Bus::new(1);
    let all = subscribe(&bus, "#", Overflow::DropOldest, 8);
    assert!(publish(&bus, "d", &[("a", 0), ("a", -1)]).is_empty());
    assert_eq!(values(&all), [0, -1]);
}

#[test]
fn a_later_subscriber_starts_from_the_present() {
    let bus = Bus::new(1);
    assert!(publish(&bus, "d", &[("a", 1), ("a", 2), ("b", 3), ("a", 4)]).is_empty());
    let late = subscribe(&bus, "#", Overflow::DropOldest, 8);
    assert_eq!(values(&late), [3, 4]);
    assert!(publish(&bus, "d", &[("a", 5)]).is_empty());
    assert_eq!(values(&late), [5]);
}

#[test]
fn a_slow_subscriber_drops_its_oldest_and_counts_them() {
    let bus = Bus::new(1);
    let slow = subscribe(&bus, "a", Overflow::DropOldest, 3);
    let fast = subscribe(&bus, "a", Overflow::DropOldest, 100);
    for value in 0..10 {
        assert!(publish(&bus, "d", &[("a", value)]).is_empty());
    }
    assert_eq!(values(&slow), [7, 8, 9]);
    assert_eq!(slow.dropped(), 7);
    assert_eq!(values(&fast).len(), 10);
    assert_eq!(fast.dropped(), 0);
}

#[test]
fn a_run_longer_than_the_queue_keeps_its_end() {
    let bus = Bus::new(1);
    let slow = subscribe(&bus, "a", Overflow::DropOldest, 3);
    let run: Vec<(&str, i64)> = (0..10).map(|value| ("a", value)).collect();
    assert!(publish(&bus, "d", &run).is_empty());
    assert_eq!(values(&slow), [7, 8, 9]);
    assert_eq!(slow.dropped(), 7);
}

/// Publishes texts of so many bytes on one topic.
fn publish_texts(bus: &Bus, topic: &str, sizes: &[usize]) -> Blocked {
    let source = bus.source("d").unwrap();
    let text = |size: &usize| Event {
        value: Value::Text("x".repeat(*size).into()),
        ..event(bus, topic, 0)
    };
    let mut run: Vec<Event> = sizes.iter().map(text).collect();
    bus.publish(source, &mut run)
}

fn narrow(bus: &Arc<Bus>, filter: &str, overflow: Overflow, bytes: usize) -> Subscription {
    let bound = Bound { events: 100, bytes };
    let wake = Arc::default();
    bus.subscribe("test", filter.parse().unwrap(), overflow, bound, true, wake)
}

/// The sizes of the texts that are taken at once.
fn sizes(subscription: &Subscription, room: &mut Room) -> Vec<usize> {
    let mut events = Vec::new();
    subscription.take_within(&mut events, room);
    let size = |event: &Event| event.value.payload_len();
    events.iter().map(size).collect()
}

fn all() -> Room {
    Room::new(usize::MAX, usize::MAX)
}

#[test]
fn a_queue_is_bounded_in_bytes_too_and_counts_what_it_drops_for_them() {
    let bus = Bus::new(1);
    let slow = narrow(&bus, "a", Overflow::DropOldest, 100);
    assert!(publish_texts(&bus, "a", &[40, 40, 10, 30]).is_empty());
    assert_eq!(slow.dropped(), 1);
    assert!(publish(&bus, "d", &[("a", 1)]).is_empty());
    assert_eq!(sizes(&slow, &mut all()), [40, 10, 30, 0]);
    assert!(publish_texts(&bus, "a", &[50, 50, 1, 500]).is_empty());
    assert_eq!(slow.dropped(), 4);
    assert_eq!(sizes(&slow, &mut all()), [500], "one is always held");
    assert!(publish_texts(&bus, "a", &[50, 50]).is_empty());
    assert_eq!(sizes(&slow, &mut all()), [50, 50], "the count starts anew");
}

#[test]
fn latest_only_counts_bytes_of_what_it_replaces() {
    let bus = Bus::new(1);
    let latest = narrow(&bus, "#", Overflow::LatestOnly, 100);
    assert!(publish_texts(&bus, "a", &[60, 80, 30]).is_empty());
    assert!(publish_texts(&bus, "b", &[60]).is_empty());
    assert_eq!(latest.dropped(), 2);
    assert!(publish_texts(&bus, "b", &[80]).is_empty());
    assert_eq!(
        (sizes(&latest, &mut all()), latest.dropped()),
        (vec![80], 4)
    );
    assert!(publish_texts(&bus, "a", &[40]).is_empty());
    assert!(publish_texts(&bus, "b", &[60]).is_empty());
    assert_eq!(sizes(&latest, &mut all()), [40, 60]);
}

#[tokio::test]
async fn a_publisher_waits_for_bytes_and_an_event_of_any_size_passes() {
    let bus = Bus::new(1);
    let narrow = narrow(&bus, "a", Overflow::Block, 100);
    let blocked = publish_texts(&bus, "a", &[60, 60, 500, 1, 1]);
    let delivery = tokio::spawn(blocked.deliver());
    let mut seen = Vec::new();
    let mut most = 0;
    while seen.len() < 5 {
        most = most.max(narrow.queue().status().queued);
        let mut events = Vec::new();
        narrow.recv(&mut events, 1).await;
        seen.extend(events.iter().map(|event| event.value.payload_len()));
    }
    delivery.await.unwrap();
    assert_eq!((seen, narrow.dropped()), (vec![60, 60, 500, 1, 1], 0));
    assert_eq!(most, 2);
}

#[test]
fn a_batch_ends_before_the_event_that_does_not_fit() {
    let bus = Bus::new(1);
    let queue = narrow(&bus, "a", Overflow::DropOldest, 10_000);
    assert!(publish_texts(&bus, "a", &[0, 30, 30, 50, 500, 10, 0]).is_empty());
    let batches: Vec<Vec<usize>> =
        std::iter::repeat_with(|| sizes(&queue, &mut Room::new(10, 100)))
            .take_while(|batch| !batch.is_empty())
            .collect();
    assert_eq!(
        batches,
        [vec![0, 30, 30], vec![50], vec![500], vec![10, 0]],
        "one larger than the room comes without others"
    );
    assert!(publish_texts(&bus, "a", &[1, 1, 1, 1]).is_empty());
    assert_eq!(sizes(&queue, &mut Room::new(3, 100)), [1, 1, 1]);
}

#[test]
fn what_a_subscription_leaves_behind_is_counted_as_dropped() {
    let bus = Bus::new(1);
    let wake: Arc<Wake> = Arc::default();
    let filter = || "a".parse().unwrap();
    let ended = bus.subscribe("t", filter(), Overflow::Block, 2, false, wake.clone());
    let other = bus.subscribe("t", filter(), Overflow::DropOldest, 4, false, wake.clone());
    let blocked = publish(
        &bus,
        "d",
        &[("a", 1), ("a", 2), ("a", 3), ("a", 4), ("a", 5)],
    );
    let drops = || wake.drops().load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(drops(), 1);
    drop(ended);
    assert_eq!(drops(), 3);
    drop(blocked);
    assert_eq!(drops(), 6, "those that waited for room as well");
    assert_eq!(values(&other), [2, 3, 4, 5]);
    drop(other);
    assert_eq!(drops(), 6);
}

#[test]
fn latest_only_keeps_the_newest_of_each_topic_in_its_place() {
    let bus = Bus::new(1);
    let latest = subscribe(&bus, "#", Overflow::LatestOnly, 8);
    assert!(publish(&bus, "d", &[("a", 1), ("b", 2), ("a", 3)]).is_empty());
    assert_eq!(values(&latest), [3, 2]);
    assert!(publish(&bus, "d", &[("b", 4), ("b", 5), ("a", 6)]).is_empty());
    assert_eq!(values(&latest), [5, 6]);
    assert_eq!(latest.dropped(), 2);
}

#[tokio::test]
async fn a_blocked_publisher_waits_and_loses_nothing() {
    let bus = Bus::new(1);
    let narrow = subscribe(&bus, "a", Overflow::Block, 2);
    let blocked = publish(
        &bus,
        "d",
        &[("a", 1), ("a", 2), ("a", 3), ("a", 4), ("a", 5)],
    );
    let delivery = tokio::spawn(blocked.deliver());
    let mut seen = Vec::new();
    while seen.len() < 5 {
        let mut events = Vec::new();
        narrow.recv(&mut events, 1).await;
        seen.extend(events.into_iter().map(|event| event.value));
    }
    delivery.await.unwrap();
    assert_eq!(seen, (1..=5).map(Value::Integer).collect::<Vec<_>>());
    assert_eq!(narrow.dropped(), 0);
}

/// A run over topics with different subscribers goes out in pieces. A reader on another thread makes room
/// between two of them; a later piece must not slip in before what waits.
#[test]
fn a_reader_that_makes_room_meanwhile_changes_no_order() {
    let bus = Bus::new(1);
    let narrow = subscribe(&bus, "a", Overflow::Block, 1);
    let run: Vec<_> = (0..200).flat_map(|n| [("a", n), ("b", n)]).collect();
    for _ in 0..200 {
        let seen = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = Vec::new();
                while seen.len() < 200 {
                    seen.extend(values(&narrow));
                }
                seen
            });
            let blocked = publish(&bus, "d", &run);
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.unwrap().block_on(blocked.deliver());
            reader.join().unwrap()
        });
        assert!(seen.iter().copied().eq(0..200), "{seen:?}");
    }
}

#[tokio::test]
async fn a_vanished_subscriber_never_freezes_its_publisher() {
    let bus = Bus::new(1);
    let narrow = subscribe(&bus, "a", Overflow::Block, 1);
    let delivery = tokio::spawn(publish(&bus, "d", &[("a", 1), ("a", 2), ("a", 3)]).deliver());
    tokio::task::yield_now().await;
    drop(narrow);
    delivery.await.unwrap();
    assert!(bus.subscriptions().is_empty());
}

#[test]
fn giving_up_on_a_blocked_queue_counts_the_rest() {
    let bus = Bus::new(1);
    let narrow = subscribe(&bus, "a", Overflow::Block, 1);
    drop(publish(&bus, "d", &[("a", 1), ("a", 2), ("a", 3)]));
    assert_eq!(narrow.dropped(), 2);
}

#[test]
fn sequences_rise_per_source_and_across_boots() {
    let first = Bus::new(1);
    let all = subscribe(&first, "#", Overflow::DropOldest, 8);
    assert!(publish(&first, "x", &[("a", 1), ("b", 2)]).is_empty());
    assert!(publish(&first, "y", &[("a", 3)]).is_empty());
    let mut events = Vec::new();
    all.try_take(&mut events, 8);
    assert_eq!(events[0].sequence + 1, events[1].sequence);
    assert_eq!(events[2].sequence, events[0].sequence);
    let second = Bus::new(2);
    let source = second.source("x").unwrap();
    assert!(second.sequences(source, 1) > events[1].sequence);
}

#[test]
fn an_ended_subscription_leaves_nothing_behind() {
    let bus = Bus::new(1);
    for _ in 0..100 {
        let subscription = subscribe(&bus, "a/+", Overflow::DropOldest, 4);
        assert!(publish(&bus, "d", &[("a/b", 1)]).is_empty());
        drop(subscription);
    }
    let tables = bus.lock();
    assert!(tables.filters.is_empty());
    assert!(tables.queues.is_empty());
    assert!(tables.lists.len() <= 1);
}

#[test]
fn endless_new_topics_are_refused_at_the_limit() {
    let bus = Bus::new(1);
    for index in 0..MAX_TOPICS {
        bus.topic(&format!("t/{index}")).unwrap();
    }
    assert!(
        matches!(bus.topic("one/more"), Err(BusError::TooManyTopics(name)) if name == "one/more")
    );
    assert!(bus.topic("t/0").is_ok());
}

#[tokio::test]
async fn a_full_queue_does_not_keep_a_blocked_publisher_from_the_others() {
    let bus = Bus::new(1);
    let stuck = subscribe(&bus, "a", Overflow::Block, 1);
    let (before, after) = (
        subscribe(&bus, "a/#", Overflow::Block, 1),
        subscribe(&bus, "#", Overflow::Block, 1),
    );
    let delivery = tokio::spawn(publish(&bus, "d", &[("a", 1), ("a", 2), ("a", 3)]).deliver());
    for subscription in [&before, &after] {
        let mut events = Vec::new();
        while events.len() < 3 {
            subscription.recv(&mut events, 1).await;
        }
    }
    delivery.abort();
    assert!(delivery.await.is_err());
    assert_eq!((before.dropped(), after.dropped()), (0, 0));
    assert_eq!((values(&stuck), stuck.dropped()), (vec![1], 2));
}

#[test]
fn new_options_keep_what_waits() {
    let bus = Bus::new(1);
    let all = subscribe(&bus, "#", Overflow::Block, 8);
    assert!(publish(&bus, "d", &[("a", 1), ("b", 2), ("a", 3), ("c", 4)]).is_empty());
    all.renew(Overflow::DropOldest, 3, None);
    assert_eq!(all.dropped(), 1);
    all.renew(Overflow::LatestOnly, 8, None);
    assert!(publish(&bus, "d", &[("b", 5)]).is_empty());
    assert_eq!(values(&all), [5, 3, 4]);
}

#[test]
fn renewed_retained_values_come_for_topics_that_wait_for_nothing() {
    let bus = Bus::new(1);
    let all = subscribe(&bus, "#", Overflow::DropOldest, 8);
    assert!(publish(&bus, "d", &[("a", 1), ("b", 2), ("c", 3)]).is_empty());
    assert_eq!(values(&all), [1, 2, 3]);
    assert!(publish(&bus, "d", &[("a", 4), ("a", 5)]).is_empty());
    all.renew(Overflow::DropOldest, 8, Some(&|event| event.time != 2));
    assert_eq!(values(&all), [4, 5, 3]);
}

#[test]
fn a_batch_knows_since_when_one_of_its_events_has_waited_whatever_was_dropped_before_it() {
    let bus = Bus::new(1);
    let source = bus.source("d").unwrap();
    let queue = subscribe(&bus, "a", Overflow::DropOldest, 4);
    let publish_at = |values: std::ops::Range<i64>, at| {
        let mut run: Vec<Event> = values.map(|value| event(&bus, "a", value)).collect();
        assert!(bus.publish_at(source, &mut run, at).is_empty());
    };
    let take = |most| {
        let mut room = Room::new(most, usize::MAX);
        queue.take_within(&mut Vec::new(), &mut room);
        room.since()
    };
    publish_at(0..2, 10);
    publish_at(2..4, 20);
    assert_eq!(take(1), Some(10));
    assert_eq!(take(3), None, "one is measured at a time");
    publish_at(0..3, 30);
    publish_at(3..6, 40);
    assert_eq!(take(4), Some(40), "another for the one that was dropped");
    publish_at(0..1, 0);
    publish_at(1..3, 50);
    assert_eq!(take(1), None, "nobody knows when it was published");
    assert_eq!(take(1), Some(50));
    let status = queue.queue().status();
    assert_eq!((status.queued, status.peak, status.capacity), (1, 4, 4));
}

#[test]
fn a_value_that_replaced_another_says_nothing_about_those_that_waited_longer() {
    let bus = Bus::new(1);
    let source = bus.source("d").unwrap();
    let queue = subscribe(&bus, "#", Overflow::LatestOnly, 4);
    let publish_at = |topics: &[&str], at| {
        let mut run: Vec<Event> = topics.iter().map(|topic| event(&bus, topic, 0)).collect();
        assert!(bus.publish_at(source, &mut run, at).is_empty());
    };
    let take = |most| {
        let mut room = Room::new(most, usize::MAX);
        queue.take_within(&mut Vec::new(), &mut room);
        room.since()
    };
    publish_at(&["a", "b", "c"], 10);
    assert_eq!(take(1), Some(10));
    publish_at(&["b"], 50);
    assert_eq!(take(2), None, "the last of these has waited since 10");
    publish_at(&["a"], 60);
    publish_at(&["a", "b"], 70);
    assert_eq!(take(2), Some(60));
}
