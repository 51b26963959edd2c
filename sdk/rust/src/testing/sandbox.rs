//! The sandboxed place: the built component in the real kernel, reached through lines of JSON.

use super::board::can_be;
use super::fault::{Cause, Fault, strike};
use super::grants::covers;
use super::seam::Kernel;
use super::sight::{self, hex};
use super::used::{Ledger, Used};
use super::world::Submitted;
use crate::{
    CallError, CallId, Duration, Error, EventBuf, Failure, PeerId, SqlError, Ticket, Timestamp,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A way to a sandbox: `weihe-testing` brings one, which leads to `weihe sandbox`.
///
/// ```
/// use weihe_sdk::testing::Sandbox;
///
/// /// One that is always at rest.
/// struct Asleep;
///
/// impl Sandbox for Asleep {
///     fn ask(&mut self, _: &serde_json::Value) -> Result<serde_json::Value, String> {
///         Ok(serde_json::json!({ "ok": {}, "now": 1, "elapsed": 0, "seen": [] }))
///     }
/// }
/// # let _ = Asleep.ask(&serde_json::json!({ "do": "rest" }));
/// ```
pub trait Sandbox {
    /// Asks one thing and returns what it is answered with, as docs/testing.md describes it. An error says that
    /// the sandbox is gone.
    ///
    /// ```
    /// # use weihe_sdk::testing::Sandbox;
    /// fn at_rest(sandbox: &mut dyn Sandbox) -> Result<u64, String> {
    ///     let answer = sandbox.ask(&serde_json::json!({ "do": "rest" }))?;
    ///     answer["now"].as_u64().ok_or_else(|| answer.to_string())
    /// }
    /// # let _ = at_rest;
    /// ```
    fn ask(&mut self, request: &Json) -> Result<Json, String>;
}

/// How long the delays of drivers in a start or stop may be together: chips take less to wake up, and what waits for
/// something else is told soon.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// By how much time passes for them at once.
const DELAY_STEP: Duration = Duration::from_millis(1);

/// What the host has to know before the start.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) connections: Vec<(String, bool)>,
    pub(super) grants: Option<String>,
    pub(super) limits: Option<String>,
    /// The virtual board.
    pub(super) board: Option<String>,
    /// Keys, as the host is told of them.
    pub(super) keys: Vec<Json>,
    pub(super) last: Vec<EventBuf>,
    pub(super) wrong: Option<String>,
    /// What was set that is of no use in the sandbox, and what is instead.
    native: Option<(&'static str, &'static str)>,
}

impl Settings {
    pub(super) fn only_natively(&mut self, what: &'static str, instead: &'static str) {
        self.native.get_or_insert((what, instead));
    }
}

/// What came of a request to the host.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) ok: Json,
    pub(super) error: Json,
    /// Source and sequence of events that were handled, with what the plugin says of them.
    pub(super) handled: Vec<((u64, u64), Option<Error>)>,
    /// Tickets that are finished.
    pub(super) finished: Vec<Ticket>,
    /// The first thing that the plugin says of anything, or that it trapped.
    pub(super) trouble: Option<Error>,
    /// What the plugin says of a state that it does not take.
    pub(super) state_refused: Option<Error>,
}

impl Outcome {
    pub(super) fn absorb(&mut self, later: Outcome) {
        self.handled.extend(later.handled);
        self.finished.extend(later.finished);
        self.trouble = self.trouble.take().or(later.trouble);
        self.state_refused = self.state_refused.take().or(later.state_refused);
        // What the test asked is answered by the first; later ones only let it come to its end.
        if self.ok.is_null() {
            self.ok = later.ok;
        }
        if self.error.is_null() {
            self.error = later.error;
        }
    }

    fn refusal(&self) -> Option<Error> {
        let text = self.error["text"].as_str()?;
        Some(Error::fatal(text))
    }

    pub(super) fn result(self) -> Result<(), Error> {
        match self.refusal().or(self.trouble) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Bytes that the host wrote on a connection.
pub(super) struct Written {
    pub(super) connection: String,
    pub(super) peer: Option<PeerId>,
    pub(super) bytes: Vec<u8>,
}

/// A component in the sandbox.
pub(super) struct Sandboxed {
    sandbox: Box<dyn Sandbox>,
    ledger: Ledger,
    pub(super) kernel: Kernel,
    pub(super) device: String,
    /// The monotonic clock.
    pub(super) elapsed: u64,
    /// Requests that were submitted and are not finished.
    pub(super) open: Vec<Submitted>,
    /// The ticket whose request was written last on a connection.
    pub(super) on_wire: BTreeMap<(String, Option<PeerId>), Ticket>,
    /// Bytes that were sent without awaiting a reply, until they are seen on the wire.
    pub(super) sending: Vec<(String, Option<PeerId>, Vec<u8>)>,
    pub(super) written: Vec<Written>,
    /// The kernel's ids of peers, and the test's addresses for them.
    pub(super) peers: BTreeMap<PeerId, PeerId>,
    pub(super) addresses: BTreeMap<(String, String), PeerId>,
    last_call: CallId,
    gone: bool,
}

impl Sandboxed {
    pub(super) fn start(
        kernel: Kernel,
        device: &str,
        state: Option<(u32, Vec<u8>)>,
        settings: Settings,
        (sandbox, ledger): (Box<dyn Sandbox>, Ledger),
        config: &str,
    ) -> Result<Self, Error> {
        if let Some((what, instead)) = settings.native {
            let text = format!("{what} works only natively; in the sandbox use {instead}");
            return Err(Error::fatal(text));
        }
        let read = |what: &str, text: &str| {
            serde_json::from_str::<Json>(text)
                .map_err(|error| Error::fatal(format!("{what}: {error}")))
        };
        let optional = |what: &str, text: &Option<String>| {
            text.as_ref().map(|text| read(what, text)).transpose()
        };
        let connections = settings.connections.iter();
        let mut request = json!({
            "do": "start",
            "device": device,
            "config": read("config", config)?,
            "now": kernel.now(),
            "last": settings.last.iter().map(sight::sample).collect::<Vec<_>>(),
            "connections": connections
                .map(|(name, listener)| json!({ "name": name, "listener": listener }))
                .collect::<Vec<_>>(),
        });
        if let Some(grants) = optional("grants of the test", &settings.grants)? {
            request["grants"] = grants;
        }
        if let Some(limits) = optional("limits of the test", &settings.limits)? {
            request["limits"] = limits;
        }
        if let Some(board) = settings.board {
            request["board"] = board.into();
        }
        if !settings.keys.is_empty() {
            request["keys"] = settings.keys.into();
        }
        if let Some((version, bytes)) = state {
            request["state"] = json!({ "version": version, "bytes": hex(&bytes) });
        }
        let mut sandboxed = Sandboxed {
            sandbox,
            ledger,
            kernel,
            device: device.to_owned(),
            elapsed: 0,
            open: Vec::new(),
            on_wire: BTreeMap::new(),
            sending: Vec::new(),
            written: Vec::new(),
            peers: BTreeMap::new(),
            addresses: BTreeMap::new(),
            last_call: 0,
            gone: false,
        };
        sandboxed
            .change(&request)
            .map_err(|error| sandboxed.in_its_words(error))?;
        Ok(sandboxed)
    }

    /// What the plugin itself says of its start.
    fn in_its_words(&self, error: Error) -> Error {
        let prefix = format!("device `{}` refused to start: ", self.device);
        match error.text().strip_prefix(&prefix) {
            Some(words) => Error::fatal(words),
            None => error,
        }
    }

    /// Asks the host, and answers exchanges that the plugin waits for and those that a fault lets fail, until
    /// neither is left.
    pub(super) fn ask(&mut self, request: &Json) -> Outcome {
        let mut outcome = self.ask_once(request);
        loop {
            let written = std::mem::take(&mut self.written);
            let mut moved = false;
            for written in written {
                if let Some(later) = self.take_up(written) {
                    outcome.absorb(later);
                    moved = true;
                }
            }
            if let Some(later) = self.fail_calls() {
                outcome.absorb(later);
                moved = true;
            }
            if !moved && self.written.is_empty() {
                return outcome;
            }
        }
    }

    pub(super) fn ask_once(&mut self, request: &Json) -> Outcome {
        match self.sandbox.ask(request) {
            Ok(answer) => sight::take_in(self, &answer),
            Err(gone) => {
                self.gone = true;
                Outcome {
                    error: json!({ "text": gone }),
                    ..Outcome::default()
                }
            }
        }
    }

    /// Answers calls that a fault lets fail.
    fn fail_calls(&mut self) -> Option<Outcome> {
        let unanswered: Vec<_> = self.kernel.with(|world| {
            let calls = std::mem::take(&mut world.new_calls);
            calls
                .into_iter()
                .filter_map(|(id, device)| {
                    strike!(world, Call, &device).map(|error: CallError| (id, error))
                })
                .collect()
        });
        let mut all: Option<Outcome> = None;
        for (call, error) in unanswered {
            let outcome = self.ask_once(&json!({
                "do": "answer", "call": call, "error": error.to_string(),
            }));
            all.get_or_insert_default().absorb(outcome);
        }
        all
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, span: Duration, stops: &Json) -> Outcome {
        let mut request = json!({ "do": "advance", "nanoseconds": span.as_nanos() });
        if let (Some(request), Some(stops)) = (request.as_object_mut(), stops.as_object()) {
            request.extend(stops.clone());
        }
        self.ask_once(&request)
    }

    /// Starts, stops or restarts: what the plugin waits for meanwhile is answered, and delays pass. The kernel starts a device without
    /// the state that its plugin refuses: to a test that is the failure of `import-state`, as it is natively.
    fn change(&mut self, request: &Json) -> Result<(), Error> {
        let mut outcome = self.ask(request);
        let mut refused = outcome.state_refused.take();
        let mut waited = Duration::ZERO;
        while outcome.ok["pending"] == true {
            let before = self.elapsed;
            outcome = self.ask(&json!({ "do": "rest" }));
            refused = refused.or(outcome.state_refused.take());
            if outcome.ok["pending"] == true && self.elapsed == before {
                // A driver that resets its chip waits for it: as natively, that time passes by itself.
                if waited < LONGEST_DELAY {
                    waited = waited + DELAY_STEP;
                    self.pass(DELAY_STEP, &json!({})).result()?;
                    continue;
                }
                return Err(Error::fatal(
                    "the plugin does not come to the end of its start or stop: it waits for what this test does \
                     not play",
                ));
            }
        }
        outcome.result()?;
        refused.map_or(Ok(()), Err)
    }

    pub(super) fn publish(&mut self, events: &[EventBuf]) -> Vec<(u32, Error)> {
        let samples: Vec<Json> = events.iter().map(sight::sample).collect();
        let outcome = self.ask(&json!({ "do": "publish", "events": samples }));
        if let Some(refusal) = outcome.refusal() {
            return vec![(0, refusal)];
        }
        let source = outcome.ok["source"].as_u64().unwrap_or(0);
        let sequences = outcome.ok["sequences"].as_array();
        let sequences = sequences.into_iter().flatten().filter_map(Json::as_u64);
        let mut errors = Vec::new();
        for (index, (sequence, event)) in (0..).zip(sequences.zip(events)) {
            let mut handled = outcome
                .handled
                .iter()
                .filter(|(id, _)| *id == (source, sequence));
            match handled.next() {
                Some((_, None)) => {}
                Some((_, Some(error))) => errors.push((index, error.clone())),
                None => errors.push((index, self.unhandled(event, outcome.trouble.as_ref()))),
            }
        }
        errors
    }

    fn unhandled(&self, event: &EventBuf, trouble: Option<&Error>) -> Error {
        if let Some(trouble) = trouble {
            return trouble.clone();
        }
        let filters: Vec<String> = self
            .kernel
            .with(|world| world.effects.subscriptions.keys().cloned().collect());
        if filters.iter().any(|filter| covers(filter, &event.topic)) {
            return Error::fatal(format!(
                "`{}` waits for device `{}`, which has no instance now or may do nothing for a while: let time pass",
                event.topic, self.device
            ));
        }
        Error::fatal(format!(
            "`{}` did not reach device `{}`: it subscribes {}",
            event.topic,
            self.device,
            match filters.is_empty() {
                true => "nothing".to_owned(),
                false => format!("`{}`", filters.join("`, `")),
            }
        ))
    }

    pub(super) fn advance(&mut self, span: Duration) -> Result<(), Error> {
        let end = self.elapsed.saturating_add(span.as_nanos());
        while self.advance_some(end.saturating_sub(self.elapsed))? {}
        Ok(())
    }

    pub(super) fn advance_to_wire(&mut self, span: Duration) -> Result<(), Error> {
        self.advance_some(span.as_nanos()).map(drop)
    }

    /// Lets time pass; whether it was stopped by something that the host wrote on a connection.
    fn advance_some(&mut self, nanoseconds: u64) -> Result<bool, Error> {
        let outcome = self.ask(&json!({
            "do": "advance", "nanoseconds": nanoseconds, "stop-at-trouble": true,
            "stop-at-wire": true,
        }));
        let stopped = outcome.ok["stopped"] == true;
        outcome.result()?;
        Ok(stopped)
    }

    pub(super) fn set_clock(&mut self, now: Timestamp) {
        self.ask(&json!({ "do": "clock", "now": now.as_nanos() }));
    }

    pub(super) fn call(
        &mut self,
        command: &str,
        arguments: &str,
    ) -> Result<Option<String>, CallError> {
        let outcome = self.ask(&json!({
            "do": "call", "command": command, "arguments": arguments,
        }));
        if !outcome.error.is_null() {
            return Err(sight::call_error(&outcome.error));
        }
        let id = outcome.ok["call"].as_u64().unwrap_or(0);
        self.last_call = id;
        if let Some(answer) = outcome.ok["answer"].as_str() {
            return Ok(Some(answer.to_owned()));
        }
        // It was answered while an exchange of the handler was.
        self.kernel.with(|world| {
            let answers = &mut world.effects.answers;
            match answers.iter().position(|(call, _)| *call == id) {
                Some(at) => answers.remove(at).1.map(Some),
                None => Ok(None),
            }
        })
    }

    pub(super) fn last_call(&self) -> CallId {
        self.last_call
    }

    pub(super) fn answer(&mut self, call: CallId, answer: Result<&str, &str>) -> Result<(), Error> {
        let mut request = json!({ "do": "answer", "call": call });
        match answer {
            Ok(json) => request["answer"] = json.into(),
            Err(text) => request["error"] = text.into(),
        }
        self.ask(&request).result()
    }

    pub(super) fn restart(&mut self, config: &str) -> Result<(), Error> {
        let config: Json = serde_json::from_str(config)
            .map_err(|error| Error::fatal(format!("config: {error}")))?;
        self.change(&json!({ "do": "restart", "config": config }))
    }

    pub(super) fn stop(&mut self) {
        self.close();
        // What goes wrong in a stop is logged.
        let _ = self.change(&json!({ "do": "stop" }));
    }

    pub(super) fn state(&mut self) -> (u32, Vec<u8>) {
        let outcome = self.ask(&json!({ "do": "state" }));
        let version = outcome.ok["version"].as_u64().unwrap_or(0);
        let bytes = outcome.ok["bytes"].as_str().unwrap_or_default();
        (
            u32::try_from(version).unwrap_or(0),
            sight::octets(bytes).unwrap_or_default(),
        )
    }

    pub(super) fn used(&mut self) -> Used {
        Used::of(&self.ask(&json!({ "do": "status" })).ok)
    }

    /// Writes down what was used, for the end of the test.
    fn close(&mut self) {
        if !self.gone {
            let used = self.used();
            let mut ledger = self.ledger.borrow_mut();
            // After a stop nothing is left to be measured.
            if ledger.is_none() || !used.budgets.is_empty() {
                *ledger = Some(used);
            }
        }
    }

    #[allow(clippy::panic)]
    #[track_caller]
    pub(super) fn check_fault(&self, fault: &Fault) {
        let instead = match &fault.error {
            Cause::Exchange(Failure::Timeout(_) | Failure::LinkDown(_)) | Cause::Call(_) => return,
            Cause::Exchange(_) => "a time-out or a link that is down",
            Cause::Publish(_) | Cause::Subscribe(_) | Cause::Open(_) => {
                "`Setup::grants` and `Setup::limits`"
            }
            Cause::Timer(_) => "`Setup::limits` with `timers`",
            Cause::I2c(kind) if can_be(*kind, fault) => return,
            Cause::I2c(_) => {
                "a missing acknowledgement, a stuck bus, lost arbitration or a timeout of what `on` names, without `after`"
            }
            Cause::Hardware(_) => "a board of `Setup::board` on which it is broken",
            Cause::Sql(SqlError::Denied(_)) => "`Setup::grants`",
            Cause::Sql(_) | Cause::Keys(_) => "a test of its own that runs natively alone",
        };
        panic!(
            "{} can only be made to fail so natively; in the sandbox use {instead}",
            fault.error.what()
        );
    }
}

impl Drop for Sandboxed {
    fn drop(&mut self) {
        if self.ledger.borrow().is_none() {
            self.close();
        }
    }
}
