//! The plugin.

mod asymmetric;
mod speed;
mod symmetric;

pub mod bindings {
    #![allow(missing_docs, clippy::all)]
    wit_bindgen::generate!({
        path: [
            "../../../wit/deps/wasi-logging",
            "../../../wit/deps/wasi-config",
            "../../../wit/plugin",
            "../../../wit/guomi",
        ],
        inline: "
            package weihe:guests;
            world guomi {
                include weihe:plugin/imports@0.1.0;
                include weihe:guomi/imports@0.1.0;
                export weihe:plugin/lifecycle@0.1.0;
                export weihe:plugin/commands@0.1.0;
            }
        ",
        world: "guomi",
        generate_all,
    });
}

use bindings::exports::weihe::plugin::commands::{self, CallError, Invocation, Outcome};
use bindings::exports::weihe::plugin::lifecycle::{
    self, CommandInfo, ConnectionNeed, Description, Error, StartContext, StopReason,
};
use serde_json::{Value, json};

/// Why a command came to nothing: an error of the interface, as Rust shows it.
pub type Told = Result<Value, String>;

const COMMANDS: [&str; 19] = [
    "sm3",
    "random",
    "look",
    "secret",
    "export",
    "hold",
    "trap",
    "mac",
    "mac-verify",
    "cipher",
    "seal",
    "open",
    "seal-parts",
    "sign",
    "verify",
    "encrypt",
    "decrypt",
    "agree",
    "measure",
];

struct Guomi;

impl lifecycle::Guest for Guomi {
    fn describe() -> Description {
        let command = |name: &&str| CommandInfo {
            name: (*name).to_owned(),
            summary: String::new(),
            arguments: String::new(),
            answer: String::new(),
        };
        Description {
            name: "guomi".into(),
            version: "0.1.0".into(),
            summary: "Computes with keys what it is told".into(),
            commands: COMMANDS.iter().map(command).collect(),
            topics: Vec::new(),
            config_schema: String::new(),
            standalone: false,
            connection: ConnectionNeed::None,
        }
    }

    fn start(_: StartContext) -> Result<(), Error> {
        Ok(())
    }

    fn stop(_: StopReason) {}
}

/// What a command is asked: an object.
pub struct Asked(Value);

impl Asked {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    pub fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or(0)
    }

    pub fn octets(&self, name: &str) -> Vec<u8> {
        let text = self.text(name).unwrap_or_default();
        let digits = (0..text.len()).step_by(2);
        digits
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
            .collect()
    }

    /// Data that is named, or as many zeros as are asked for.
    pub fn data(&self) -> Vec<u8> {
        match self.number("zeros") {
            0 => self.octets("data"),
            zeros => vec![0; zeros as usize],
        }
    }

    /// The data in parts of a size; all in one without.
    pub fn parts<'d>(&self, data: &'d [u8]) -> impl Iterator<Item = &'d [u8]> {
        let size = match self.number("parts") {
            0 => data.len().max(1),
            size => size as usize,
        };
        data.chunks(size)
    }
}

pub fn hex(bytes: &[u8]) -> Value {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Value::from(digits)
}

pub fn said<E: std::fmt::Debug>(error: E) -> String {
    format!("{error:?}")
}

impl commands::Guest for Guomi {
    fn call(invocation: Invocation) -> Result<Outcome, CallError> {
        let asked = Asked(serde_json::from_str(&invocation.arguments).unwrap_or_default());
        let told = match invocation.command.as_str() {
            "sign" => asymmetric::sign(&asked),
            "verify" => asymmetric::verify(&asked),
            "encrypt" => asymmetric::encrypt(&asked),
            "decrypt" => asymmetric::decrypt(&asked),
            "agree" => asymmetric::agree(&asked),
            "measure" => speed::measure(&asked),
            "trap" => {
                let held = symmetric::hold(asked.number("count"));
                panic!("with {} handles open", held.map_or(0, |held| held.len()));
            }
            other => match symmetric::answer(other, &asked) {
                Some(told) => told,
                None => return Err(CallError::UnknownCommand(invocation.command)),
            },
        };
        let answer = match told {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "error": error }),
        };
        Ok(Outcome::Done(answer.to_string()))
    }
}

bindings::export!(Guomi with_types_in bindings);
