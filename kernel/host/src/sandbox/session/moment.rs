//! What happens between two movements of the clock, and that it comes to an end.

use super::Session;

/// Calls into the plugin while the clock stands still, beside one for each event that the test feeds. A chain of
/// events that is meant to end is far shorter, and so many calls are made in seconds.
const MOST_CALLS: u64 = 10_000;

impl Session {
    /// Waits until nothing is left to do before the clock moves. `fed` events are new. An error says that it does
    /// not come to that: the plugin keeps itself busy. Then it is not waited for again.
    pub(super) async fn settle(&self, fed: usize) -> Result<(), String> {
        if let Some(told) = self.endless.get() {
            return Err(told.clone());
        }
        let most = MOST_CALLS + fed as u64;
        self.seen.begin_moment(most);
        let last = tokio::select! {
            biased;
            last = self.seen.endless() => last,
            () = self.rest.wait(&self.store) => return Ok(()),
        };
        let device = self.spec.as_ref().map_or("", |spec| &spec.name);
        let why = match &last {
            Some(event) => {
                let named = self.kernel.bus().named(event);
                let whose = match named.source == device {
                    true => ", which it has published itself: does it subscribe what it publishes?",
                    false => "",
                };
                format!("; the last one was an event on `{}`{whose}", named.topic)
            }
            None => String::new(),
        };
        let told = format!(
            "device `{device}` does not come to rest: its plugin was called {most} times while the clock stood still{why}"
        );
        Err(self.endless.get_or_init(|| told).clone())
    }
}
