//! The plugin. It writes texts down, and of integers the number of their event.

mod alias;

mod bindings {
    #![allow(missing_docs, clippy::all)]
    wit_bindgen::generate!({
        path: [
            "../../../wit/deps/wasi-logging",
            "../../../wit/deps/wasi-config",
            "../../../wit/deps/wasi-keyvalue",
            "../../../wit/plugin",
            "../../../wit/store",
        ],
        inline: "
            package weihe:guests;
            world ledger {
                include weihe:plugin/imports@0.1.0;
                include weihe:store/imports@0.1.0;
                export weihe:plugin/lifecycle@0.1.0;
                export weihe:plugin/events@0.1.0;
            }
        ",
        world: "ledger",
        generate_all,
    });
}

use std::cell::RefCell;

use bindings::exports::weihe::plugin::events::{self, Error, Event};
use bindings::exports::weihe::plugin::lifecycle::{
    self, ConnectionNeed, Description, StartContext, StopReason,
};
use bindings::wasi::config::store as config;
use bindings::weihe::plugin::bus::{self, Overflow, Publication, Quality, SubscribeOptions, Value};
use bindings::weihe::store::sql::{self, Database};

thread_local! {
    static OUT: RefCell<String> = RefCell::default();
}

fn execute(statement: &str, parameters: &[sql::Value]) -> Result<(), Error> {
    let failed = |error| Error::Retry(format!("{error:?}"));
    let database = Database::open("main").map_err(failed)?;
    database.execute(statement, parameters).map_err(failed)?;
    Ok(())
}

fn setting(key: &str) -> Option<String> {
    config::get(key).ok().flatten()
}

struct Ledger;

impl lifecycle::Guest for Ledger {
    fn describe() -> Description {
        Description {
            name: "ledger".into(),
            version: "0.1.0".into(),
            summary: "Writes down what it hears".into(),
            commands: Vec::new(),
            topics: Vec::new(),
            config_schema: String::new(),
            standalone: false,
            connection: ConnectionNeed::None,
        }
    }

    fn start(context: StartContext) -> Result<(), Error> {
        OUT.set(format!("plugin/{}/out", context.device));
        execute("CREATE TABLE IF NOT EXISTS ledger (text, attempt)", &[])?;
        let options = SubscribeOptions {
            overflow: Overflow::DropOldest,
            capacity: setting("capacity")
                .and_then(|capacity| capacity.parse().ok())
                .unwrap_or(0),
            retained: false,
        };
        let input = setting("input").unwrap_or_else(|| format!("plugin/{}/in", context.device));
        bus::subscribe(&input, options).map_err(|error| Error::Fatal(format!("{error:?}")))?;
        Ok(())
    }

    fn stop(_: StopReason) {}
}

impl events::Guest for Ledger {
    fn handle(event: Event) -> Result<(), Error> {
        let text = match event.value {
            Value::Text(text) => text,
            Value::Integer(_) => event.id.sequence.to_string(),
            _ => return Ok(()),
        };
        if text == "alias" {
            return alias::alias().map_err(Error::Rejected);
        }
        let row = [
            sql::Value::Text(text.clone()),
            sql::Value::Integer(event.attempt.into()),
        ];
        execute("INSERT INTO ledger VALUES (?1, ?2)", &row)?;
        let publication = Publication {
            topic: OUT.with_borrow(String::clone),
            time: None,
            quality: Quality::Good,
            value: Value::Text(text.clone()),
        };
        bus::publish(&publication).map_err(|error| Error::Fatal(format!("{error:?}")))?;
        match text.as_str() {
            "reject" => Err(Error::Rejected("told to reject".into())),
            "retry" if event.attempt == 1 => Err(Error::Retry("told to ask again".into())),
            _ => Ok(()),
        }
    }
}

bindings::export!(Ledger with_types_in bindings);
