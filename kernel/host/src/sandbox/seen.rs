//! What is seen of a device, in the order in which it happened, as a test reads it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value as Json, json};
use tokio::sync::{Notify, oneshot};
use weihe_kernel::connection::{Failure, Notice, Priority, ReplyRule, Request};
use weihe_kernel::device::{self, Awaited, Effect, GuestError, OutgoingCall, Witness};
use weihe_kernel::event::Event;
use weihe_kernel::schedule::TimerOrder;

use super::value::digits;

type Answering = oneshot::Sender<Result<String, String>>;

#[derive(Default)]
struct State {
    sights: Vec<Json>,
    alarm: Alarm,
    /// The thread's processor time at which the plugin was entered, in nanoseconds.
    entered: Option<u64>,
    processor: Processor,
    moment: Moment,
    /// Calls of other devices, which the test answers.
    calls: HashMap<u64, Answering>,
}

/// What has happened since the clock was moved last.
#[derive(Default)]
struct Moment {
    /// So many more calls into the plugin are awaited.
    left: u64,
    /// The event that it has handled last.
    last: Option<Event>,
}

/// What a test may want to know at once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Alarm {
    /// An event or notice was not handled.
    pub(super) trouble: bool,
    /// Something was written on a connection.
    pub(super) wire: bool,
    /// A call into the plugin has ended.
    pub(super) returned: bool,
}

/// The processor time of calls into the plugin, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Processor {
    /// Of the longest.
    most: u64,
    /// Of all.
    all: u64,
}

/// Collects what is seen.
#[derive(Default)]
pub(super) struct Seen {
    state: Mutex<State>,
    /// There were more calls into the plugin than one moment has.
    endless: Notify,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host has written on a connection; `peer` is the test's number of whose stream it is, none on a line.
    pub(super) fn wrote(&self, connection: &str, peer: Option<u64>, bytes: &[u8]) {
        self.lock().alarm.wire = true;
        self.note(json!({
            "saw": "wire", "connection": connection, "peer": peer, "bytes": digits(bytes),
        }));
    }

    pub(super) fn note(&self, sight: Json) {
        self.lock().sights.push(sight);
    }

    /// What was seen since this was asked last.
    pub(super) fn take(&self) -> Vec<Json> {
        std::mem::take(&mut self.lock().sights)
    }

    /// What is to be known at once, since this was asked last.
    pub(super) fn take_alarm(&self) -> Alarm {
        std::mem::take(&mut self.lock().alarm)
    }

    /// What calls into the plugin have used.
    pub(super) fn processor(&self) -> Processor {
        self.lock().processor
    }

    /// A moment begins, in which there are so many calls into the plugin at most.
    pub(super) fn begin_moment(&self, calls: u64) {
        self.lock().moment = Moment {
            left: calls,
            last: None,
        };
    }

    /// Waits until the moment has more calls than it may, and returns the event that was handled last, if any was.
    pub(super) async fn endless(&self) -> Option<Event> {
        loop {
            self.endless.notified().await;
            let moment = &mut self.lock().moment;
            // Else it was told of a moment that is over.
            if moment.left == 0 {
                return moment.last.take();
            }
        }
    }

    fn enters(&self) {
        let mut state = self.lock();
        state.entered = Some(thread_time());
        state.moment.left = state.moment.left.saturating_sub(1);
        if state.moment.left == 0 {
            self.endless.notify_one();
        }
    }

    fn returned(&self) {
        let mut state = self.lock();
        state.alarm.returned = true;
        if let Some(entered) = state.entered.take() {
            let used = thread_time().saturating_sub(entered);
            state.processor.most = state.processor.most.max(used);
            state.processor.all += used;
        }
    }

    /// Answers a call of another device; whether it was awaited.
    pub(super) fn answer(&self, call: u64, answer: Result<String, String>) -> bool {
        let waits = self.lock().calls.remove(&call);
        waits.is_some_and(|waits| waits.send(answer).is_ok())
    }
}

impl Witness for Seen {
    fn saw(&self, _: &str, seen: device::Seen<'_>) {
        let (sight, trouble) = match seen {
            device::Seen::Enters => return self.enters(),
            device::Seen::Returned => return self.returned(),
            device::Seen::Handled { events, errors } => {
                let run: Vec<Json> = events
                    .iter()
                    .map(|event| json!([event.source.0, event.sequence]))
                    .collect();
                let failed: Vec<Json> = errors
                    .iter()
                    .map(|(index, error)| json!([index, failure(error)]))
                    .collect();
                self.lock().moment.last = events.last().cloned();
                let sight = json!({ "saw": "handled", "events": run, "errors": failed });
                (sight, !errors.is_empty())
            }
            device::Seen::Noticed {
                connection,
                notice,
                error,
            } => {
                let mut sight = told(notice);
                sight["saw"] = "noticed".into();
                sight["connection"] = connection.into();
                sight["error"] = error.map(failure).into();
                (sight, error.is_some())
            }
            device::Seen::StateRefused(error) => (
                json!({ "saw": "state-refused", "error": failure(error) }),
                false,
            ),
            device::Seen::Trapped(trap) => {
                let sight = json!({
                    "saw": "trapped", "message": trap.message, "backtrace": trap.backtrace,
                });
                (sight, true)
            }
            device::Seen::Did(effect) => (did(effect), false),
        };
        let mut state = self.lock();
        state.sights.push(sight);
        state.alarm.trouble |= trouble;
    }

    fn call(&self, _: &str, call: &OutgoingCall) -> Option<Awaited> {
        let (answer, awaited) = oneshot::channel();
        self.lock().calls.insert(call.id, answer);
        Some(awaited)
    }
}

/// The processor time of this thread, in nanoseconds.
fn thread_time() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// What a hook says went wrong: `{"rejected": "why"}`.
pub(super) fn failure(error: &GuestError) -> Json {
    match error {
        GuestError::Rejected(text) => json!({ "rejected": text }),
        GuestError::Retry(text) => json!({ "retry": text }),
        GuestError::Fatal(text) => json!({ "fatal": text }),
    }
}

fn told(notice: &Notice) -> Json {
    match notice {
        Notice::Replied { ticket, outcome } => json!({
            "notice": "replied", "ticket": ticket, "failed": outcome.as_ref().err().map(named),
        }),
        Notice::Received { .. } => json!({ "notice": "received" }),
        Notice::Link { state, .. } => json!({ "notice": "link", "state": state.as_str() }),
        Notice::Peer {
            peer,
            address,
            connected,
        } => json!({
            "notice": "peer", "peer": peer, "address": &**address, "connected": connected,
        }),
    }
}

fn named(failure: &Failure) -> Json {
    failure.to_string().into()
}

fn did(effect: &Effect) -> Json {
    match effect {
        Effect::Timer(order) => timer(order),
        Effect::Submit {
            seat,
            ticket,
            request,
        } => {
            let mut sight = asked(request);
            sight["saw"] = "submitted".into();
            sight["connection"] = (&**seat.connection()).into();
            sight["ticket"] = (*ticket).into();
            sight
        }
        Effect::Cancel { seat, ticket } => json!({
            "saw": "cancelled", "connection": &**seat.connection(), "ticket": ticket,
        }),
        Effect::Send { seat, peer, bytes } => json!({
            "saw": "sent", "connection": &**seat.connection(), "peer": peer,
            "bytes": digits(bytes),
        }),
        Effect::Disconnect { seat, peer } => json!({
            "saw": "disconnected", "connection": &**seat.connection(), "peer": peer,
        }),
        Effect::SetFailSafe { seat, frames } => {
            let frames: Vec<Json> = frames
                .iter()
                .map(|frame| {
                    let mut sight = asked(&frame.request);
                    sight["label"] = (&*frame.label).into();
                    sight["expects"] = digits(&frame.expects);
                    sight
                })
                .collect();
            json!({
                "saw": "fail-safe", "connection": &**seat.connection(), "frames": frames,
            })
        }
        Effect::Reply { id, answer } => json!({
            "saw": "answered", "call": id, "answer": answer.as_ref().ok(),
            "error": answer.as_ref().err(),
        }),
        Effect::Call {
            id,
            device,
            command,
            arguments,
            timeout,
        } => json!({
            "saw": "called", "call": id, "device": &**device, "command": command,
            "arguments": arguments, "timeout": timeout,
        }),
    }
}

fn timer(order: &TimerOrder) -> Json {
    let mut sight = match order {
        TimerOrder::Every {
            period,
            missed,
            jitter,
            first,
            ..
        } => json!({
            "order": "every", "period": period, "missed": missed, "jitter": jitter,
            "first": first,
        }),
        TimerOrder::Cron {
            expression,
            missed,
            jitter,
            ..
        } => json!({
            "order": "cron", "expression": expression.as_str(), "missed": missed,
            "jitter": jitter,
        }),
        TimerOrder::After { delay, .. } => json!({ "order": "after", "delay": delay }),
        TimerOrder::Cancel { .. } => json!({ "order": "cancel" }),
    };
    sight["saw"] = "timer".into();
    sight["name"] = (&**order.name()).into();
    sight
}

/// A request, without where it goes.
fn asked(request: &Request) -> Json {
    let priority = match request.priority {
        Priority::Urgent => "urgent",
        Priority::Command => "command",
        Priority::Poll => "poll",
    };
    json!({
        "bytes": digits(&request.bytes),
        "reply": rule(&request.reply),
        "priority": priority,
        "timeout": request.timeout,
        "deadline": request.deadline,
        "turnaround": request.turnaround,
        "peer": request.peer,
    })
}

fn rule(rule: &ReplyRule) -> Json {
    match rule {
        ReplyRule::None => json!("none"),
        ReplyRule::Length(length) => json!({ "length": length }),
        ReplyRule::Delimiter(bytes) => json!({ "delimiter": digits(bytes) }),
        ReplyRule::LengthField(field) => json!({ "length-field": {
            "offset": field.offset, "size": field.size, "adjust": field.adjust,
            "order": match field.order {
                weihe_kernel::connection::ByteOrder::BigEndian => "big",
                weihe_kernel::connection::ByteOrder::LittleEndian => "little",
            },
        } }),
        ReplyRule::Silence => json!("silence"),
        ReplyRule::Codec(options) => json!({ "codec": options }),
    }
}
