//! The plugin.

mod codec;
mod excess;
mod hunger;
mod rhythm;
mod storm;
mod unrest;

mod bindings {
    #![allow(missing_docs, clippy::all)]
    wit_bindgen::generate!({
        path: [
            "../../../wit/deps/wasi-logging",
            "../../../wit/deps/wasi-config",
            "../../../wit/plugin",
            "../../../wit/connection",
        ],
        inline: "
            package weihe:guests;
            world raw {
                include weihe:plugin/imports@0.1.0;
                include weihe:connection/imports@0.1.0;
                export weihe:plugin/lifecycle@0.1.0;
                export weihe:plugin/events@0.1.0;
                export weihe:plugin/commands@0.1.0;
                export weihe:plugin/state@0.1.0;
                export weihe:plugin/codec@0.1.0;
            }
        ",
        world: "raw",
        generate_all,
    });
}

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use bindings::exports::weihe::plugin::commands::{self, CallError, Invocation, Outcome};
use bindings::exports::weihe::plugin::events::{self, Error, Event};
use bindings::exports::weihe::plugin::lifecycle::{
    self, CommandInfo, ConnectionNeed, Description, StartContext, StopReason,
};
use bindings::exports::weihe::plugin::state::{self, Snapshot};
use bindings::wasi::config::store as config;
use bindings::weihe::connection::connections::{Connection, Request};
use bindings::weihe::connection::types::{Priority, ReplyRule};
use bindings::weihe::plugin::bus::{
    self, BusError, Overflow, Publication, Quality, SubscribeOptions, Value,
};
use bindings::weihe::plugin::{calls, schedule};

/// The version of the state's packing.
const STATE: u32 = 1;

/// The state that says that importing it has to go wrong.
const POISON: &[u8] = b"poison";

/// An hour: longer than any call may take.
const LONG: Duration = Duration::from_secs(3600);

#[derive(Default)]
struct Me {
    device: String,
    connection: Option<String>,
    /// Events that were handled, over all instances.
    handled: u64,
    poisoned: bool,
    mended: bool,
    /// Its subscription.
    input: Option<u32>,
}

thread_local! {
    static ME: RefCell<Me> = RefCell::default();
}

fn me<R>(use_it: impl FnOnce(&mut Me) -> R) -> R {
    ME.with_borrow_mut(use_it)
}

fn setting(key: &str) -> String {
    config::get(key).ok().flatten().unwrap_or_default()
}

fn publish(level: &str, value: Value) -> Result<(), BusError> {
    let topic = me(|me| format!("plugin/{}/{level}", me.device));
    bus::publish(&Publication {
        topic,
        time: None,
        quality: Quality::Good,
        value,
    })
}

/// Publishes; that it may is granted.
fn say(level: &str, value: Value) {
    if let Err(error) = publish(level, value) {
        trap(&format!("{error:?}"));
    }
}

fn trap(why: &str) -> ! {
    eprintln!("{why}");
    core::arch::wasm32::unreachable()
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

struct Raw;

impl lifecycle::Guest for Raw {
    fn describe() -> Description {
        let command = |name: &str| CommandInfo {
            name: name.to_owned(),
            summary: String::new(),
            arguments: String::new(),
            answer: String::new(),
        };
        Description {
            name: "raw".into(),
            version: "0.1.0".into(),
            summary: "Does what it is told".into(),
            commands: [
                "count", "rhythm", "trap", "never", "refuse", "poison", "mend",
            ]
            .map(command)
            .into(),
            topics: Vec::new(),
            config_schema: String::new(),
            standalone: true,
            connection: ConnectionNeed::Optional,
        }
    }

    fn start(context: StartContext) -> Result<(), Error> {
        me(|me| {
            me.device.clone_from(&context.device);
            me.connection.clone_from(&context.connection);
        });
        match setting("start").as_str() {
            "trap" => {
                say("half", Value::None);
                trap("told to trap in its start");
            }
            "spin" => spin(),
            "reject" => return Err(Error::Rejected("it was told to refuse".into())),
            "retry" if context.incarnation < 3 => return Err(Error::Retry("not yet".into())),
            "once" if context.incarnation > 1 => {
                return Err(Error::Rejected("it was told to start once".into()));
            }
            _ => {}
        }
        if setting("open") == "connection"
            && let Some(name) = &context.connection
            && let Err(error) = Connection::open(name)
        {
            return Err(Error::Fatal(format!("{error:?}")));
        }
        if let Ok(period) = setting("tick").parse() {
            let options = schedule::EveryOptions {
                missed: schedule::Missed::Skip,
                jitter: 0,
                first: None,
            };
            if let Err(error) = schedule::every("tick", period, options) {
                return Err(Error::Fatal(format!("{error:?}")));
            }
        }
        let expression = setting("cron");
        if !expression.is_empty() {
            let options = schedule::CronOptions {
                missed: schedule::Missed::Once,
                jitter: 0,
            };
            if let Err(error) = schedule::cron("cron", &expression, options) {
                return Err(Error::Fatal(format!("{error:?}")));
            }
        }
        let input = match setting("input") {
            input if input.is_empty() => format!("plugin/{}/in", context.device),
            input => input,
        };
        let options = SubscribeOptions {
            overflow: match setting("overflow").as_str() {
                "block" => Overflow::Block,
                _ => Overflow::DropOldest,
            },
            capacity: setting("capacity").parse().unwrap_or(0),
            retained: false,
        };
        let id = bus::subscribe(&input, options);
        let id = id.map_err(|error| Error::Fatal(format!("{error:?}")))?;
        me(|me| me.input = Some(id));
        if setting("start") == "trap late" {
            trap("told to trap at the end of its start");
        }
        say("restored", Value::Boolean(context.restored));
        say("started", Value::Integer(context.incarnation.into()));
        Ok(())
    }

    fn stop(_: StopReason) {
        say("stopped", Value::None);
    }
}

impl events::Guest for Raw {
    fn handle(event: Event) -> Result<(), Error> {
        if event.topic.starts_with("$timer/") {
            rhythm::tick();
        }
        let order = match &event.value {
            Value::Text(text) => text.clone(),
            _ => String::new(),
        };
        match event.topic.as_str() {
            unrest::TICK => return unrest::blow(),
            unrest::TURN => return unrest::turn_over(),
            _ => {}
        }
        if !order.is_empty() {
            say("half", Value::Text(order.clone()));
        }
        match order.as_str() {
            "trap" => trap("told to trap"),
            "ail" if !me(|me| me.mended) => trap("told to ail until it is mended"),
            "trap-once" if event.attempt == 1 => trap("told to trap once"),
            "reject" => return Err(Error::Rejected("told to reject".into())),
            "never" => return Err(Error::Retry("told to ask for ever".into())),
            "retry" if event.attempt < 3 => return Err(Error::Retry("told to ask again".into())),
            "panic" => unrest::stumble(&event.topic),
            "chatter" => unrest::chatter(),
            "storm" => unrest::blow()?,
            "restless" => unrest::turn_over()?,
            "tempest" => unrest::wind_up()?,
            "fatal" => return Err(Error::Fatal("told to give up".into())),
            "spin" => spin(),
            "grow" => hunger::grow(),
            "hoard" => return Err(Error::Rejected(hunger::hoard())),
            "recurse" => {
                black_box(hunger::recurse(black_box(1)));
            }
            "flood" => return Err(Error::Rejected(flood(false))),
            "deluge" => return Err(Error::Rejected(flood(true))),
            "sleep" => std::thread::sleep(LONG),
            "transact" => transact(ReplyRule::Length(1))?,
            "submit" => submit()?,
            "call" => call()?,
            "let go" => let_go(),
            _ => {
                if let Some(what) = order.strip_prefix("storm of ") {
                    storm::storm_of(what);
                }
                if let Some(what) = order.strip_prefix("pile up ") {
                    return Err(Error::Rejected(excess::pile_up(what)));
                }
                if let Some(topic) = order.strip_prefix("claim ") {
                    let claimed = bus::publish(&Publication {
                        topic: topic.to_owned(),
                        time: None,
                        quality: Quality::Good,
                        value: Value::None,
                    });
                    return Err(Error::Rejected(debug(claimed)));
                }
                if let Some(id) = order.strip_prefix("name ") {
                    let name = id.parse().ok().and_then(bus::topic_name);
                    return Err(Error::Rejected(debug(name)));
                }
                if let Some(address) = order.strip_prefix("dial ") {
                    let dialled = std::net::TcpStream::connect(address);
                    return Err(Error::Rejected(debug(dialled.map(|_| ()))));
                }
                if let Some(way) = order.strip_prefix("frame ") {
                    transact(ReplyRule::Codec(way.to_owned()))?;
                }
            }
        }
        me(|me| me.handled += 1);
        let echo = if order.is_empty() {
            event.value
        } else {
            Value::Text(format!("{order} {}", event.attempt))
        };
        say("echo", echo);
        Ok(())
    }
}

/// Ends what it has set up, but for its connection.
fn let_go() {
    schedule::cancel("tick");
    if let Some(id) = me(|me| me.input.take()) {
        bus::unsubscribe(id);
    }
}

/// Publishes until the host says no, or (`deaf`) for ever.
fn flood(deaf: bool) -> String {
    loop {
        if let Err(error) = publish("flood", Value::Bytes(vec![0; 64]))
            && !deaf
        {
            return format!("{error:?}");
        }
    }
}

fn debug(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Its connection. A handle each time: handles are nothing, the place is the device's.
fn connection() -> Connection {
    let name = me(|me| me.connection.clone()).unwrap_or_default();
    Connection::open(&name).unwrap_or_else(|error| trap(&format!("{error:?}")))
}

/// A question.
fn question(reply: ReplyRule) -> Request {
    Request {
        bytes: b"?".to_vec(),
        reply,
        priority: Priority::Poll,
        timeout: nanoseconds(LONG),
        deadline: nanoseconds(LONG),
        turnaround: 0,
        peer: None,
    }
}

/// Asks, and waits for the reply.
fn transact(reply: ReplyRule) -> Result<(), Error> {
    let outcome = connection().transact(&question(reply));
    outcome
        .map(|_| ())
        .map_err(|error| Error::Rejected(debug(error)))
}

/// Asks, and does not wait.
fn submit() -> Result<(), Error> {
    let asked = connection().submit(&question(ReplyRule::Length(1)));
    asked
        .map(|_| ())
        .map_err(|error| Error::Rejected(debug(error)))
}

/// Calls its neighbour, who never answers.
fn call() -> Result<(), Error> {
    let called = calls::call("good", "never", "{}", nanoseconds(LONG));
    called
        .map(|_| ())
        .map_err(|error| Error::Rejected(debug(error)))
}

impl commands::Guest for Raw {
    fn call(invocation: Invocation) -> Result<Outcome, CallError> {
        match invocation.command.as_str() {
            "count" => Ok(Outcome::Done(me(|me| me.handled.to_string()))),
            "rhythm" => Ok(Outcome::Done(rhythm::since_asked())),
            "trap" => {
                say("half", Value::None);
                trap("told to trap by a command");
            }
            "never" => Ok(Outcome::Pending),
            "refuse" => {
                say("half", Value::None);
                Err(CallError::InvalidArgument("nothing pleases it".into()))
            }
            "mend" => {
                me(|me| me.mended = true);
                Ok(Outcome::Done("null".into()))
            }
            "poison" => {
                me(|me| me.poisoned = true);
                Ok(Outcome::Done("null".into()))
            }
            other => Err(CallError::UnknownCommand(other.to_owned())),
        }
    }
}

impl state::Guest for Raw {
    fn export_state() -> Snapshot {
        let bytes = me(|me| {
            if me.poisoned {
                POISON.to_vec()
            } else {
                me.handled.to_le_bytes().to_vec()
            }
        });
        Snapshot {
            version: STATE,
            bytes,
        }
    }

    fn import_state(snapshot: Snapshot) -> Result<(), Error> {
        if snapshot.bytes == POISON {
            trap("told to trap on its state");
        }
        let bytes = <[u8; 8]>::try_from(snapshot.bytes.as_slice());
        let bytes = bytes.map_err(|_| Error::Rejected("its state has another length".into()))?;
        me(|me| me.handled = u64::from_le_bytes(bytes));
        Ok(())
    }
}

bindings::export!(Raw with_types_in bindings);
