//! How it stands with outputs, on `$safe/<device>`.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::event::{Event, Quality, Value};

use super::outputs::Outputs;
use super::status::{OutputStatus, SafeState, SafeStatus};

/// What a plugin has declared during a call that has not ended. All of it is told at once: a plugin with a
/// thousand lines opens them one by one, and each telling names them all.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// Calls that are under way.
    calls: AtomicU32,
    /// Whether they have left something to be told.
    any: AtomicBool,
}

/// A call into a plugin that is under way.
#[must_use = "it ends when this is dropped"]
pub(crate) struct Gathering<'o>(&'o Outputs);

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        let untold = &self.0.untold;
        if untold.calls.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.tell_rest();
        }
    }
}

impl Outputs {
    /// Begins a call into the plugin: what it declares is told to everyone when it ends. The guard knows of it
    /// at once.
    pub(crate) fn gather(&self) -> Gathering<'_> {
        self.untold.calls.fetch_add(1, Ordering::SeqCst);
        Gathering(self)
    }

    /// Tells the guard how it stands; everyone else, too, unless a call is under way, which does so when it ends.
    pub(super) fn tell_at_the_end(&self) {
        self.refresh();
        self.untold.any.store(true, Ordering::SeqCst);
        if self.untold.calls.load(Ordering::SeqCst) == 0 {
            self.tell_rest();
        }
    }

    fn tell_rest(&self) {
        if self.untold.any.load(Ordering::Relaxed) && self.untold.any.swap(false, Ordering::SeqCst)
        {
            self.tell_everyone();
        }
    }

    /// Publishes how it stands, though it has not changed.
    pub(super) fn tell_again(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.tell();
    }

    /// Tells the guard and everyone on `$safe/<device>` how it stands. Lanes and connections do so at once:
    /// one after the other, so that none of them is overtaken by what it has replaced.
    pub(super) fn tell(&self) {
        self.refresh();
        self.tell_everyone();
    }

    fn tell_everyone(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self.status();
        // The counters alone are no news.
        fn news(status: &Option<SafeStatus>) -> Option<(&str, &[OutputStatus])> {
            let status = status.as_ref()?;
            Some((&status.cause, &status.outputs))
        }
        if news(&told) == news(&status) {
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
    use crate::bus::{Bus, Overflow};
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

    fn outputs() -> (Arc<Bus>, Arc<Outputs>) {
        let bus = Bus::new(1);
        let source = bus.source("$kernel").unwrap();
        let clock = Arc::new(VirtualClock::new(0));
        let outputs = Outputs::new("device".into(), source, bus.clone(), clock);
        (bus, outputs)
    }

    #[test]
    fn what_a_call_declares_is_told_once_when_the_call_ends() {
        let (bus, outputs) = outputs();
        let filter = "$safe/#".parse().unwrap();
        let all = bus.subscribe(
            "test",
            filter,
            Overflow::DropOldest,
            16,
            false,
            Arc::default(),
        );
        let outer = outputs.gather();
        let inner = outputs.gather();
        for name in ["chip/1", "chip/2", "chip/3"] {
            outputs.declare(Arc::new(Line(name)));
        }
        drop(inner);
        assert!(bus.last("$safe/device").is_none());
        drop(outer);
        let told = bus.last("$safe/device").unwrap();
        assert_eq!(all.try_take(&mut Vec::new(), 16), 1);
        assert_eq!(told.value.to_json()["outputs"].as_array().unwrap().len(), 3);
        // Without a call, at once.
        outputs.release("chip/1");
        let told = bus.last("$safe/device").unwrap().value.to_json();
        assert_eq!(told["outputs"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_is_told_last_is_how_it_stands_whichever_threads_tell() {
        let (bus, outputs) = outputs();
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
