//! Does with lines and PWM channels what it is told, in words with `;` between sentences:
//!
//! | sentence | |
//! |---|---|
//! | `out LINE SAFE [0 or 1]` | opens an output with the safe value `keep`, `active` or `inactive`, and perhaps a first value |
//! | `in LINE` | opens an input |
//! | `set LINE 0 or 1` | sets an output that this instance has opened |
//! | `pulse CHANNEL WIDTH` | opens a PWM channel with a safe width in nanoseconds, or `off` |
//! | `run CHANNEL PERIOD WIDTH` | sets a channel that this instance has opened, and switches it on |
//! | `refuse` | is an error |
//! | `trap` | ends the instance |
//!
//! The setting `start-1` is what version 1 does in its start, `start-2` what version 2 does, and `stop`
//! what either does in its stop. The command `do` has the argument `words`; its errors are those of the
//! hardware. `version` answers with the version.

wit_bindgen::generate!({
    path: [
        "../../../wit/deps/wasi-logging",
        "../../../wit/deps/wasi-config",
        "../../../wit/deps/wasi-i2c",
        "../../../wit/plugin",
        "../../../wit/hal",
    ],
    inline: "
        package weihe:guests;
        world outputs {
            include weihe:plugin/imports@0.1.0;
            import weihe:hal/gpio@0.1.0;
            import weihe:hal/pwm@0.1.0;
            export weihe:plugin/lifecycle@0.1.0;
            export weihe:plugin/commands@0.1.0;
        }
    ",
    world: "outputs",
    generate_all,
});

use std::cell::RefCell;
use std::collections::BTreeMap;

use exports::weihe::plugin::commands::{self, CallError, Invocation, Outcome};
use exports::weihe::plugin::lifecycle::{
    self, CommandInfo, ConnectionNeed, Description, StartContext, StopReason,
};
use wasi::config::store as config;
use weihe::hal::gpio::{Active, Bias, Drive, Edges, InputOptions, Line, OutputOptions, SafeValue};
use weihe::hal::pwm::Channel;
use weihe::plugin::types::Error;

thread_local! {
    static LINES: RefCell<BTreeMap<String, Line>> = RefCell::default();
    static CHANNELS: RefCell<BTreeMap<String, Channel>> = RefCell::default();
}

fn told(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn carry_out(words: &str) -> Result<(), String> {
    words.split(';').map(str::trim).try_for_each(sentence)
}

fn sentence(words: &str) -> Result<(), String> {
    let words: Vec<&str> = words.split_whitespace().collect();
    match *words.as_slice() {
        [] => Ok(()),
        ["out", name, safe] => open_output(name, safe, None),
        ["out", name, safe, value] => open_output(name, safe, Some(value == "1")),
        ["in", name] => {
            let options = InputOptions {
                bias: Bias::AsIs,
                active: Active::AsWired,
                edges: Edges::None,
                debounce: 0,
            };
            keep(name, Line::open_input(name, options).map_err(told)?);
            Ok(())
        }
        ["set", name, value] => LINES.with_borrow(|lines| {
            let line = lines.get(name).ok_or("this instance has not opened it")?;
            line.write(value == "1").map_err(told)
        }),
        ["pulse", name, width] => {
            let channel = Channel::open(name, width.parse().ok()).map_err(told)?;
            CHANNELS.with_borrow_mut(|channels| channels.insert(name.to_owned(), channel));
            Ok(())
        }
        ["run", name, period, width] => CHANNELS.with_borrow(|channels| {
            let channel = channels
                .get(name)
                .ok_or("this instance has not opened it")?;
            let [period, width] = [period, width].map(|number| number.parse().unwrap_or(0));
            channel.set(period, width).map_err(told)?;
            channel.enable(true).map_err(told)
        }),
        ["refuse"] => Err("it was told to refuse".to_owned()),
        ["trap"] => core::arch::wasm32::unreachable(),
        _ => Err(format!("what is `{}`?", words.join(" "))),
    }
}

fn open_output(name: &str, safe: &str, initial: Option<bool>) -> Result<(), String> {
    let safe = match safe {
        "keep" => SafeValue::Keep,
        "active" => SafeValue::Active,
        _ => SafeValue::Inactive,
    };
    let options = OutputOptions {
        active: Active::AsWired,
        drive: Drive::PushPull,
        initial,
        safe,
    };
    keep(name, Line::open_output(name, options).map_err(told)?);
    Ok(())
}

fn keep(name: &str, line: Line) {
    LINES.with_borrow_mut(|lines| lines.insert(name.to_owned(), line));
}

fn setting(key: &str) -> String {
    config::get(key).ok().flatten().unwrap_or_default()
}

struct Outputs;

impl lifecycle::Guest for Outputs {
    fn describe() -> Description {
        let command = |name: &str| CommandInfo {
            name: name.into(),
            summary: "See the plugin's source".into(),
            arguments: String::new(),
            answer: String::new(),
        };
        Description {
            name: "outputs".into(),
            version: crate::VERSION.into(),
            summary: "Does with outputs what it is told".into(),
            commands: vec![command("do"), command("version")],
            topics: Vec::new(),
            config_schema: String::new(),
            standalone: true,
            connection: ConnectionNeed::None,
        }
    }

    fn start(_: StartContext) -> Result<(), Error> {
        let (major, _) = crate::VERSION.split_at(1);
        carry_out(&setting(&format!("start-{major}"))).map_err(Error::Rejected)
    }

    fn stop(_: StopReason) {
        // It ends in any case.
        let _ = carry_out(&setting("stop"));
    }
}

impl commands::Guest for Outputs {
    fn call(invocation: Invocation) -> Result<Outcome, CallError> {
        if invocation.command == "version" {
            return Ok(Outcome::Done(format!("\"{}\"", crate::VERSION)));
        }
        // Words need no escapes.
        let words = invocation.arguments.split('"').nth(3).unwrap_or_default();
        match carry_out(words) {
            Ok(()) => Ok(Outcome::Done("null".into())),
            Err(error) => Err(CallError::Failed(error)),
        }
    }
}

export!(Outputs);
