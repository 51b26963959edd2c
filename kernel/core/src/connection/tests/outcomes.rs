//! The promise that each accepted ticket gets exactly one outcome, under any course of events.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::super::*;
use super::rig::*;

#[derive(Debug, Clone)]
enum Step {
    Submit {
        device: usize,
        priority: Priority,
        rule: ReplyRule,
        timeout: u64,
        deadline: u64,
        turnaround: u64,
    },
    Cancel {
        device: usize,
        ticket: Ticket,
    },
    Answer(String),
    Pass(u64),
    Unplug,
    Refuse(bool),
    Room {
        device: usize,
        capacity: usize,
    },
    Detach(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let priority = prop::sample::select(Priority::ALL.to_vec());
    let rule = prop::sample::select(vec![
        ReplyRule::None,
        ReplyRule::Length(2),
        ReplyRule::Delimiter(b"z".to_vec()),
        ReplyRule::Silence,
        ReplyRule::Codec(String::new()),
    ]);
    let span = 1..2_000u64;
    prop_oneof![
        8 => (0..3usize, priority, rule, span.clone(), span.clone(), 0..3u64).prop_map(
            |(device, priority, rule, timeout, deadline, turnaround)| Step::Submit {
                device,
                priority,
                rule,
                timeout: timeout * MS,
                deadline: deadline * MS,
                turnaround: turnaround * 300 * MS,
            }
        ),
        2 => (0..3usize, 0..40u64).prop_map(|(device, ticket)| Step::Cancel { device, ticket }),
        6 => "[#?!0-3abz]{0,6}".prop_map(Step::Answer),
        4 => span.prop_map(|millis| Step::Pass(millis * MS)),
        1 => Just(Step::Unplug),
        1 => any::<bool>().prop_map(Step::Refuse),
        1 => (0..3usize, 0..4usize).prop_map(|(device, capacity)| Step::Room { device, capacity }),
        1 => (0..3usize).prop_map(Step::Detach),
    ]
}

/// Plays the steps and returns how many outcomes each ticket of each device got.
async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let settings = Settings {
        gap: 2 * MS,
        silence: 5 * MS,
        max_reply: 16,
        max_timeouts: Some(4),
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    let mut devices: Vec<_> = ["a", "b", "c"].map(|name| rig.device(name)).into();
    let mut outcomes: BTreeMap<(usize, Ticket), usize> = BTreeMap::new();
    let mut next = 0;
    for step in steps {
        match step {
            Step::Submit {
                device,
                priority,
                rule,
                timeout,
                deadline,
                turnaround,
            } => {
                let request = Request {
                    priority,
                    reply: rule,
                    timeout,
                    deadline,
                    turnaround,
                    ..poll("ask")
                };
                if devices[device].0.submit(next, request).is_ok() {
                    outcomes.insert((device, next), 0);
                }
                next += 1;
            }
            Step::Cancel { device, ticket } => devices[device].0.cancel(ticket),
            Step::Answer(text) => {
                rig.plug_in();
                // The far side may have been closed meanwhile.
                let _ = rig.far.write_all(text.as_bytes()).await;
                rig.run(0).await;
            }
            Step::Pass(span) => rig.run(span).await,
            Step::Unplug => rig.unplug().await,
            Step::Refuse(refuse) => rig.refuse(refuse.then_some("refused")),
            Step::Room { device, capacity } => devices[device].1.set_capacity(capacity),
            Step::Detach(device) => {
                // A device that leaves is not told what it has no room for.
                devices[device].1.set_capacity(usize::MAX);
                devices[device].0.detach();
                let name = ["a", "b", "c"][device];
                for (ticket, _) in devices[device].1.replies() {
                    *outcomes.entry((device, ticket)).or_insert(9) += 1;
                }
                devices[device] = rig.device(name);
            }
        }
    }
    for (_, mailbox) in &devices {
        mailbox.set_capacity(usize::MAX);
    }
    rig.connection.close().await;
    rig.run(0).await;
    for (device, (_, mailbox)) in devices.iter().enumerate() {
        for (ticket, _) in mailbox.replies() {
            *outcomes.entry((device, ticket)).or_insert(9) += 1;
        }
    }
    for (ticket, count) in outcomes {
        prop_assert_eq!(count, 1, "outcomes of {:?}", ticket);
    }
    let stats = rig.connection.stats().counters;
    let ended = stats.replies
        + stats.timeouts
        + stats.expired
        + stats.cancelled
        + stats.link_down
        + stats.framing;
    prop_assert!(ended >= stats.requests, "{:?}", stats);
    prop_assert_eq!(rig.clock.next_deadline(), None);
    Ok(())
}

proptest! {
    #[test]
    fn every_ticket_gets_exactly_one_outcome(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps))?;
    }
}
