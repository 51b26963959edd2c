//! Awaiting events on the bus.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use weihe_kernel::bus::{Bus, Overflow, Subscription};
use weihe_kernel::event::NamedEvent;

use crate::DEADLINE;

/// Events kept for the message of a test that waits in vain.
const REMEMBERED: usize = 20;

/// A look at the bus: all events of a filter, in order.
#[derive(Debug)]
pub struct Watch {
    bus: Arc<Bus>,
    subscription: Subscription,
    waiting: VecDeque<NamedEvent>,
    passed: VecDeque<String>,
}

impl Watch {
    /// Watches what matches a filter from now on, beginning with the last value of each topic.
    pub fn new(bus: &Arc<Bus>, filter: &str) -> Self {
        let parsed = filter.parse().expect("a filter");
        Self {
            subscription: bus.subscribe(
                "test",
                parsed,
                Overflow::DropOldest,
                65_536,
                true,
                Arc::default(),
            ),
            bus: bus.clone(),
            waiting: VecDeque::new(),
            passed: VecDeque::new(),
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> NamedEvent {
        self.until("any event", |_| true).await
    }

    /// Events up to the first that is wanted, which is returned.
    pub async fn until(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&NamedEvent) -> bool,
    ) -> NamedEvent {
        let search = async {
            loop {
                while let Some(event) = self.waiting.pop_front() {
                    if wanted(&event) {
                        return event;
                    }
                    self.passed.push_back(format!(
                        "{} {:?} {}",
                        event.topic, event.quality, event.value
                    ));
                    if self.passed.len() > REMEMBERED {
                        self.passed.pop_front();
                    }
                }
                let mut run = Vec::new();
                self.subscription.recv(&mut run, 1024).await;
                self.waiting
                    .extend(run.iter().map(|event| self.bus.named(event)));
            }
        };
        match tokio::time::timeout(DEADLINE, search).await {
            Ok(event) => event,
            Err(_) => panic!(
                "waited in vain for {what}; the last events were {:#?}",
                self.passed
            ),
        }
    }

    /// Waits until a topic has a value.
    pub async fn value(&mut self, topic: &str, value: impl Into<Value>) -> NamedEvent {
        let value = value.into();
        let what = format!("{topic} = {value}");
        self.until(&what, |event| event.topic == topic && event.value == value)
            .await
    }

    /// Waits for the next event of a topic.
    pub async fn topic(&mut self, topic: &str) -> NamedEvent {
        self.until(topic, |event| event.topic == topic).await
    }

    /// What has arrived by now, without waiting.
    pub fn so_far(&mut self) -> Vec<NamedEvent> {
        let mut run = Vec::new();
        self.subscription.try_take(&mut run, usize::MAX);
        self.waiting
            .extend(run.iter().map(|event| self.bus.named(event)));
        self.waiting.drain(..).collect()
    }
}
