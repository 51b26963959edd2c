//! What goes wrong when a test wants it to, and what a recording makes of a plugin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use serde::Deserialize;
use weihe_sdk::prelude::*;
use weihe_sdk::testing::{Fault, Replayed, SqlAnswer, Submitted};
use weihe_sdk::{Database, SqlError};

/// Asks a meter, stores what it says, and tells another device.
struct Meter {
    database: Database,
    line: Connection,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Command {
    Ask,
    Wait,
    Tell,
}

impl Plugin for Meter {
    type Config = NoConfig;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new("meter", "0.1.0", "Asks a meter")
    }

    fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        ctx.subscribe("tank/#")?;
        ctx.every("ask", Duration::from_secs(10))?;
        Ok(Meter {
            database: ctx.database("main")?,
            line: ctx.connection()?,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        self.database.execute("INSERT", &[])?;
        ctx.publish("plugin/meter/stored", event.value)?;
        Ok(())
    }

    fn on_timer(&mut self, _: &mut Context, _: &str, _: u64) -> Result<(), Error> {
        self.line.submit(Request::new(*b"V?"))?;
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Ask => {
                self.line.submit(Request::new(*b"V?"))?;
                Ok(Answer::none())
            }
            Command::Wait => {
                let reply = self.line.transact(Request::new(*b"W?"))?;
                Answer::json(&reply.bytes.len())
            }
            Command::Tell => {
                ctx.call(
                    "pump",
                    "stop",
                    &serde_json::json!({}),
                    Duration::from_secs(1),
                )?;
                Ok(Answer::none())
            }
        }
    }

    fn on_reply(
        &mut self,
        ctx: &mut Context,
        _: &str,
        _: Ticket,
        outcome: Result<Reply, Failure>,
    ) -> Result<(), Error> {
        let text = match outcome {
            Ok(reply) => String::from_utf8_lossy(&reply.bytes).into_owned(),
            Err(failure) => failure.to_string(),
        };
        ctx.publish("plugin/meter/said", text.as_str())?;
        Ok(())
    }

    fn on_received(
        &mut self,
        _: &mut Context,
        _: &str,
        _: Option<PeerId>,
        bytes: &[u8],
        _: Timestamp,
    ) -> Result<(), Error> {
        Err(Error::rejected(format!("{} octets of noise", bytes.len())))
    }
}

weihe_sdk::plugin!(Meter: events, commands, connection);

fn setup() -> Setup<Meter> {
    FakeKernel::setup("meter")
        .connection("line")
        .sql(|_| Ok(SqlAnswer::Changed(1)))
}

fn start() -> FakeKernel<Meter> {
    setup().start("{}").unwrap()
}

fn said(kernel: &FakeKernel<Meter>) -> Vec<String> {
    let published = kernel.published().into_iter();
    published
        .filter(|sample| sample.topic == "plugin/meter/said")
        .map(|sample| match sample.value {
            ValueBuf::Text(text) => text,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_fault_strikes_after_some_and_so_many_times() {
    let mut kernel = start();
    let full = Fault::sql(SqlError::Full("disk full".to_owned()));
    kernel.inject(full.on("main").after(1).times(2));
    let went: Vec<bool> = (0..4)
        .map(|_| kernel.event("tank/level", 1.0).is_ok())
        .collect();
    assert_eq!(went, [true, false, false, true]);
    assert_eq!(
        kernel.published().len(),
        2,
        "what failed has published nothing"
    );
}

#[test]
fn a_fault_on_one_name_leaves_the_others_alone_until_it_is_mended() {
    let mut kernel = start();
    kernel.inject(Fault::sql(SqlError::Busy("locked".to_owned())).on("other"));
    kernel.event("tank/level", 1.0).unwrap();
    kernel.inject(Fault::publish(Refused::Limit("rate".to_owned())).on("plugin/meter/stored"));
    assert_eq!(kernel.event("tank/level", 1.0), Err(Error::retry("rate")));
    kernel.mend();
    kernel.event("tank/level", 1.0).unwrap();
}

#[test]
fn exchanges_fail_whether_they_are_awaited_or_not() {
    let mut kernel = start();
    kernel.inject(Fault::exchange(Failure::Timeout(b"2".to_vec())).on("line"));
    kernel.call("ask", "{}").unwrap();
    assert_eq!(said(&kernel), ["no complete reply in time, only 1 bytes"]);
    let error = kernel.call("wait", "{}").unwrap_err();
    assert!(error.text().contains("only 1 bytes"), "{error}");
}

#[test]
fn calls_of_others_fail_with_the_error_that_is_wanted() {
    let mut kernel = start();
    kernel.inject(Fault::call(CallError::unavailable("the pump is off")).on("pump"));
    let error = kernel.call("tell", "{}").unwrap_err();
    assert_eq!(error.text(), "the pump is off");
    assert_eq!(kernel.calls(), []);
}

#[test]
fn with_grants_only_what_they_name_is_open() {
    let open = setup().grants(r#"{ "subscribe": ["tank/#"] }"#);
    let mut kernel = open.start("{}").unwrap();
    kernel.event("tank/level", 1.0).unwrap();
    let error = kernel.call("tell", "{}").unwrap_err();
    assert!(matches!(error, CallError::Denied(_)), "{error:?}");
    let error = setup().grants("{}").start("{}").err().unwrap();
    assert!(error.text().contains("`tank/#`"), "{error}");
    let error = setup()
        .grants(r#"{ "publish": 1 }"#)
        .start("{}")
        .err()
        .unwrap();
    assert!(error.text().starts_with("grants of the test"), "{error}");
}

#[test]
fn a_clock_that_jumps_leaves_spans_as_they_are() {
    let mut kernel = start();
    let back = kernel.now() - Duration::from_secs(3_600);
    kernel.set_clock(back);
    kernel.advance(Duration::from_secs(9)).unwrap();
    assert_eq!(kernel.submitted().len(), 0);
    kernel.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(kernel.submitted().len(), 1);
    assert_eq!(kernel.now(), back + Duration::from_secs(10));
}

fn replay(kernel: &mut FakeKernel<Meter>, name: &str, text: &str) -> Result<Replayed, String> {
    let folder = std::env::temp_dir().join(format!("weihe-sdk-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("morning.jsonl");
    std::fs::write(&file, text).unwrap();
    let replayed = kernel.replay(&file).map_err(|error| {
        let place = folder.display().to_string();
        error.to_string().replace(&place, "fixtures")
    });
    std::fs::remove_dir_all(&folder).unwrap();
    replayed
}

#[test]
fn a_recording_is_replayed_with_its_times_and_its_replies() {
    let mut kernel = start();
    let replayed = replay(
        &mut kernel,
        "replayed",
        r#"// A morning.
{"time":1700000000000000000,"topic":"tank/level","kind":"float","value":81.5,"quality":"good","source":"x","sequence":9}
{"time":1700000010000000000,"connection":"line","request":"563f","reply":"3233"}
{"time":1700000015000000000,"connection":"line","received":"00 ff"}

{"time":1700000020000000000,"connection":"line","request":"563f","failed":"timeout"}
{"dropped":3}
{"time":1700000021000000000,"topic":"tank/name","value":"north"}
"#,
    )
    .unwrap();
    assert_eq!(
        (replayed.events, replayed.exchanges, replayed.missing),
        (2, 2, 3)
    );
    assert_eq!(
        replayed.refused,
        [(4, Error::rejected("2 octets of noise"))]
    );
    assert_eq!(said(&kernel), ["23", "no reply in time"]);
    assert_eq!(
        kernel.now(),
        Timestamp::from_nanos(1_700_000_021_000_000_000)
    );
    let stored: Vec<_> = kernel
        .published()
        .into_iter()
        .filter(|sample| sample.topic == "plugin/meter/stored")
        .map(|sample| (sample.time.as_nanos() / 1_000_000_000, sample.value))
        .collect();
    assert_eq!(
        stored,
        [
            (1_700_000_000, ValueBuf::Float(81.5)),
            (1_700_000_021, ValueBuf::Text("north".to_owned()))
        ]
    );
}

#[test]
fn what_a_host_tells_of_its_connections_is_replayed_too() {
    let mut kernel = start();
    let text = r#"{"time":5000000000,"topic":"tank/level","kind":"integer","value":1}
{"time":12000000000,"topic":"$link/line","kind":"text","value":"connecting"}
{"time":15000000000,"topic":"$wire/line","kind":"json","value":{"request":"563f","reply":"3233","failed":null}}
{"time":25000000000,"topic":"$wire/line","kind":"json","value":{"request":"563f","reply":"","failed":"timeout"}}
{"time":1000000000,"topic":"$wire/line","kind":"json","value":{"received":"00"}}"#;
    let replayed = replay(&mut kernel, "wire", text).unwrap();
    assert_eq!((replayed.events, replayed.exchanges), (1, 2));
    assert_eq!(
        replayed.refused,
        [(5, Error::rejected("1 octets of noise"))]
    );
    assert_eq!(said(&kernel), ["23", "no reply in time"]);
}

#[test]
fn a_recording_that_is_wrong_is_told_by_file_and_line() {
    for (text, told) in [
        (
            "{\"topic\":\"a\",\"value\":1}\n{\"topic\"",
            "fixtures/morning.jsonl:2: no JSON",
        ),
        (
            "\n{\"value\":1}",
            "fixtures/morning.jsonl:2: neither a `topic` nor a `connection`",
        ),
        (
            "{\"topic\":\"a\",\"kind\":\"integer\",\"value\":\"x\"}",
            "fixtures/morning.jsonl:1: `value`: \"x\" is no value of the kind integer",
        ),
        (
            "{\"connection\":\"line\",\"received\":\"0\"}",
            "fixtures/morning.jsonl:1: `received`: `0` are no octets",
        ),
        (
            "{\"time\":\"now\",\"topic\":\"a\"}",
            "fixtures/morning.jsonl:1: `time`",
        ),
    ] {
        let error = replay(&mut start(), "wrong", text).unwrap_err();
        assert!(error.starts_with(told), "{error}");
    }
    let error = start().replay("fixtures/none.jsonl").unwrap_err();
    assert!(
        error.to_string().starts_with("fixtures/none.jsonl: "),
        "{error}"
    );
}

#[test]
fn a_request_that_was_not_recorded_ends_the_replay() {
    let text = r#"{"time":1,"topic":"tank/level","value":1}
{"time":20000000000,"connection":"line","request":"00","reply":"01"}"#;
    let error = replay(&mut start(), "unknown", text).unwrap_err();
    let told = "fixtures/morning.jsonl:2: the plugin asks `563f` on connection `line`, which was not recorded: line 2 \
                has `00`";
    assert_eq!(error, told);
}

#[test]
fn submitted_requests_name_their_connection() {
    let mut kernel = start();
    kernel.call("ask", "{}").unwrap();
    let [
        Submitted {
            connection,
            request,
            ..
        },
    ] = &kernel.submitted()[..]
    else {
        panic!("one request");
    };
    assert_eq!(
        (connection.as_str(), request.bytes.as_slice()),
        ("line", &b"V?"[..])
    );
}

#[weihe_sdk::test]
fn the_attribute_starts_a_native_kernel(setup: Setup<Meter>) -> Result<(), Error> {
    let setup = setup
        .device("meter")
        .connection("line")
        .sql(|_| Ok(SqlAnswer::Changed(0)));
    let kernel = setup.start("{}")?;
    assert!(!kernel.is_sandbox());
    Ok(())
}

#[weihe_sdk::test]
#[should_panic(expected = "no way")]
fn a_test_that_returns_an_error_fails(_: Setup<Meter>) -> Result<(), Error> {
    Err(Error::fatal("no way"))
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever a file holds is a recording, or it is told why not.
    #[test]
    fn no_recording_ends_the_test_by_itself(
        text in "(\\PC|\n){0,80}",
        time in proptest::prelude::any::<u64>(),
        topic in "[a-z$/#+]{0,8}",
        bytes in "[0-9a-fg ]{0,6}",
    ) {
        let lines = [
            text,
            serde_json::json!({ "time": time % 1_000_000_000, "topic": topic, "value": 1 }).to_string(),
            serde_json::json!({ "connection": "line", "received": bytes }).to_string(),
        ];
        for line in &lines {
            if let Err(error) = replay(&mut start(), "property", line) {
                proptest::prop_assert!(error.starts_with("fixtures/morning.jsonl:"), "{}", error);
            }
        }
    }
}
