//! Counts events and passes each on with the version that handled it: `plugin/<device>/out` has the
//! text `<version> <count> <number>`, where the count is of all versions. An event with the text `trap`
//! ends the instance on its first delivery, and is passed on with the number -1 on the second.
//!
//! It listens to `plugin/<device>/in`, or to the filter in its setting `input`.
//! With a setting `beat` (a period in nanoseconds) it ticks on `plugin/<device>/tick`. A version with
//! something aside has one more subscription and one more timer than the others.

wit_bindgen::generate!({
    path: [
        "../../../wit/deps/wasi-logging",
        "../../../wit/deps/wasi-config",
        "../../../wit/plugin",
        "../../../wit/connection",
    ],
    inline: "
        package weihe:guests;
        world versions {
            include weihe:plugin/imports@0.1.0;
            include weihe:connection/imports@0.1.0;
            export weihe:plugin/lifecycle@0.1.0;
            export weihe:plugin/events@0.1.0;
            export weihe:plugin/state@0.1.0;
        }
    ",
    world: "versions",
    generate_all,
});

use std::cell::RefCell;

use exports::weihe::plugin::events::{self, Error, Event};
use exports::weihe::plugin::lifecycle::{
    self, ConnectionNeed, Description, StartContext, StopReason,
};
use exports::weihe::plugin::state::{self, Snapshot};
use wasi::config::store as config;
use weihe::connection::connections::Connection;
use weihe::plugin::bus::{self, Overflow, Publication, Quality, SubscribeOptions, Value};
use weihe::plugin::schedule::{self, EveryOptions, Missed};

#[derive(Default)]
struct Me {
    device: String,
    /// Events handled by all versions.
    count: u64,
    /// Events handled by this instance.
    own: u64,
}

thread_local! {
    static ME: RefCell<Me> = RefCell::default();
}

fn publish(level: &str, text: String) -> Result<(), Error> {
    let topic = ME.with_borrow(|me| format!("plugin/{}/{level}", me.device));
    let published = bus::publish(&Publication {
        topic,
        time: None,
        quality: Quality::Good,
        value: Value::Text(text),
    });
    published.map_err(fatal)
}

fn fatal(error: impl std::fmt::Debug) -> Error {
    Error::Fatal(format!("{error:?}"))
}

fn setting(key: &str) -> Option<String> {
    config::get(key).ok().flatten()
}

fn subscribe(filter: &str) -> Result<(), Error> {
    let options = SubscribeOptions {
        overflow: Overflow::DropOldest,
        capacity: 60_000,
        retained: false,
    };
    bus::subscribe(filter, options).map(|_| ()).map_err(fatal)
}

fn every(name: &str, period: u64) -> Result<(), Error> {
    let options = EveryOptions {
        missed: Missed::Skip,
        jitter: 0,
        first: None,
    };
    schedule::every(name, period, options).map_err(fatal)
}

struct Version;

impl lifecycle::Guest for Version {
    fn describe() -> Description {
        Description {
            name: "versions".into(),
            version: crate::VERSION.into(),
            summary: "Passes events on".into(),
            commands: Vec::new(),
            topics: Vec::new(),
            config_schema: String::new(),
            standalone: true,
            connection: ConnectionNeed::Optional,
        }
    }

    fn start(context: StartContext) -> Result<(), Error> {
        ME.with_borrow_mut(|me| me.device.clone_from(&context.device));
        if let Some(name) = &context.connection {
            Connection::open(name).map_err(fatal)?;
        }
        let own = |level: &str| format!("plugin/{}/{level}", context.device);
        subscribe(&setting("input").unwrap_or_else(|| own("in")))?;
        if crate::ASIDE {
            subscribe(&own("aside"))?;
        }
        if let Some(Ok(period)) = setting("beat").map(|beat| beat.parse()) {
            every("beat", period)?;
            if crate::ASIDE {
                every("aside", period)?;
            }
        }
        let count = ME.with_borrow(|me| me.count);
        publish(
            "started",
            format!("{} {} {count}", crate::VERSION, context.restored),
        )
    }

    fn stop(_: StopReason) {
        // It ends in any case.
        let _ = publish("stopped", crate::VERSION.into());
    }
}

impl events::Guest for Version {
    fn handle(event: Event) -> Result<(), Error> {
        if let Some(timer) = event.topic.strip_prefix("$timer/") {
            return publish("tick", format!("{} {timer}", crate::VERSION));
        }
        let number = match &event.value {
            Value::Integer(number) => *number,
            Value::Text(text) if text == "trap" => {
                if event.attempt == 1 {
                    core::arch::wasm32::unreachable();
                }
                -1
            }
            _ => return Err(Error::Rejected("no number".into())),
        };
        let (count, own) = ME.with_borrow_mut(|me| {
            me.count += 1;
            me.own += 1;
            (me.count, me.own)
        });
        if own == crate::TRAP {
            core::arch::wasm32::unreachable();
        }
        publish("out", format!("{} {count} {number}", crate::VERSION))
    }
}

impl state::Guest for Version {
    fn export_state() -> Snapshot {
        Snapshot {
            version: 1,
            bytes: ME.with_borrow(|me| me.count.to_le_bytes().to_vec()),
        }
    }

    fn import_state(snapshot: Snapshot) -> Result<(), Error> {
        let bytes = <[u8; 8]>::try_from(snapshot.bytes.as_slice());
        let bytes = bytes.map_err(|_| Error::Rejected("its state has another length".into()))?;
        let count = u64::from_le_bytes(bytes);
        if crate::REFUSES && count > 0 {
            return Err(Error::Rejected("it wants to begin anew".into()));
        }
        ME.with_borrow_mut(|me| me.count = count);
        Ok(())
    }
}

export!(Version);
