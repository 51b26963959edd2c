//! How it stands with outputs, on `$safe/<device>`.

use std::sync::PoisonError;

use crate::event::{Event, Quality, Value};

use super::outputs::Outputs;
use super::status::{SafeState, SafeStatus};

impl Outputs {
    /// Publishes how it stands, though it has not changed.
    pub(super) fn tell_again(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.tell();
    }

    /// Tells the guard and everyone on `$safe/<device>` how it stands. Lanes and connections do so at once:
    /// one after the other, so that none of them is overtaken by what it has replaced.
    pub(super) fn tell(&self) {
        self.refresh();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self.status();
        // The counters alone are no news.
        let news = |status: &SafeStatus| (status.cause.clone(), status.outputs.clone());
        if told.as_ref().map(news) == status.as_ref().map(news) {
            return;
        }
        self.publish(status.as_ref());
        *told = status;
    }

    fn publish(&self, status: Option<&SafeStatus>) {
        let (quality, value) = match status {
            Some(status) => {
                let quality = match status.state {
                    SafeState::Pending | SafeState::Failed => Quality::Bad,
                    SafeState::Applying => Quality::Uncertain,
                    SafeState::Armed | SafeState::Applied => Quality::Good,
                };
                let json = serde_json::to_string(status).unwrap_or_default();
                (quality, Value::Json(json.into()))
            }
            None => (Quality::Good, Value::None),
        };
        let topic = match self.bus.topic(&format!("$safe/{}", self.device)) {
            Ok(topic) => topic,
            Err(error) => {
                tracing::error!(device = %self.device, "how its outputs are is not published: {error}");
                return;
            }
        };
        let mut run = [Event {
            topic,
            source: self.source,
            time: self.clock.now(),
            sequence: 0,
            cause: None,
            attempt: 1,
            quality,
            value,
        }];
        // It waits for no subscriber.
        drop(self.bus.publish(self.source, &mut run));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bus::Bus;
    use crate::clock::VirtualClock;
    use crate::failsafe::{GuardedLine, SafeLine};

    struct Line(&'static str);

    impl SafeLine for Line {
        fn name(&self) -> &str {
            self.0
        }

        fn describe(&self) -> String {
            "pump = off".into()
        }

        fn apply(&self) -> Result<(), String> {
            Ok(())
        }

        fn guarded(&self) -> Option<GuardedLine> {
            None
        }
    }

    #[test]
    fn what_is_told_last_is_how_it_stands_whichever_threads_tell() {
        let bus = Bus::new(1);
        let source = bus.source("$kernel").unwrap();
        let clock = Arc::new(VirtualClock::new(0));
        let outputs = Outputs::new("device".into(), source, bus.clone(), clock);
        for _ in 0..500 {
            std::thread::scope(|scope| {
                for name in ["chip/1", "chip/2", "chip/3"] {
                    let outputs = &outputs;
                    scope.spawn(move || outputs.declare(Arc::new(Line(name))));
                }
            });
            let last = bus.last("$safe/device").unwrap().value.to_json();
            assert_eq!(last["outputs"].as_array().unwrap().len(), 3);
            for name in ["chip/1", "chip/2", "chip/3"] {
                outputs.release(name);
            }
        }
    }
}
