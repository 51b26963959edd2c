//! Tests of plugins in the sandbox: what an author's test finds there, and what it is told when something is wrong.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value as Json, json};
use weihe_sdk::prelude::*;
use weihe_sdk::testing::{Fault, Sandbox, run};
use weihe_testing::Process;
use weihe_tests::{Rig, component, weihe, workspace, wrong};

/// Stands for whatever plugin is in the sandbox: none of its code runs here.
struct Any;

impl Plugin for Any {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new("any", "0.1.0", "Stands for others")
    }

    fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        Err(Error::fatal("this does not run natively"))
    }
}

fn program() -> PathBuf {
    PathBuf::from(weihe().get_program())
}

fn sandbox(package: &str) -> Process {
    Process::start(&program(), &component(package)).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a test of the component of a package.
fn test(package: &str, body: impl FnOnce(Setup<Any>)) {
    run::sandboxed(Box::new(sandbox(package)), &[], body);
}

/// What a test of the component of a package fails with.
fn failure(package: &str, budgets: &[(&str, &str)], body: impl FnOnce(Setup<Any>)) -> String {
    let sandbox: Box<dyn Sandbox> = Box::new(sandbox(package));
    let run = AssertUnwindSafe(|| run::sandboxed(sandbox, budgets, body));
    let panic = catch_unwind(run).expect_err("the test fails");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

const RAW: &str = "weihe-guest-raw";

/// A text for the guest that does what it is told.
fn order(kernel: &mut TestKernel<Any>, order: &str) -> Result<(), Error> {
    kernel.event("plugin/raw/in", order)
}

fn raw(setup: Setup<Any>) -> TestKernel<Any> {
    setup.device("raw").start("{}").unwrap()
}

#[test]
fn a_trap_is_told_and_the_device_goes_on_with_a_fresh_instance() {
    test(RAW, |setup| {
        let mut kernel = raw(setup);
        let error = order(&mut kernel, "trap").unwrap_err();
        assert!(error.text().starts_with("the plugin trapped"), "{error}");
        // Until it is restarted, events wait for it.
        let waits = order(&mut kernel, "hello").unwrap_err();
        assert!(waits.text().contains("let time pass"), "{waits}");
        while kernel.advance(Duration::from_secs(60)).is_err() {}
        order(&mut kernel, "hello").unwrap();
        assert!(kernel.used().unwrap().traps >= 1);
    });
}

#[test]
fn a_plugin_that_hears_itself_is_told_to_the_test_which_ends() {
    // It sums its input and publishes the sum, here on its very input, with rows and keys written each time.
    let config = r#"{ "input": "plugin/kept/sum", "period": "1 h" }"#;
    let kept = workspace().join("tests/compat/0.1.0/sdk.wasm");
    let sandbox = Process::start(&program(), &kept).unwrap_or_else(|error| panic!("{error}"));
    run::sandboxed(Box::new(sandbox), &[], |setup: Setup<Any>| {
        let setup = setup.device("kept").connection("line");
        let grants = r##"{ "publish": ["#"], "subscribe": ["#"], "connections": ["line"],
            "store": { "keys": true, "tables": ["kept"] } }"##;
        let mut kernel = setup.grants(grants).start(config).unwrap();
        let error = kernel.event("plugin/kept/sum", 0).unwrap_err();
        for told in [
            "device `kept` does not come to rest",
            "`plugin/kept/sum`",
            "published itself",
        ] {
            assert!(error.text().contains(told), "{error}");
        }
        // What is asked after that ends at once, in the same words.
        assert_eq!(kernel.advance(Duration::from_secs(1)).unwrap_err(), error);
    });
}

#[test]
fn a_state_that_the_plugin_does_not_take_fails_the_start_as_it_does_natively() {
    test(RAW, |setup| {
        let start = setup.device("raw").state(9, "7").start("{}");
        let refused = Error::rejected("its state has another length");
        assert_eq!(start.err(), Some(refused));
    });
    test(RAW, |setup| {
        let start = setup.device("raw").state(1, "poison").start("{}");
        let error = start.err().unwrap();
        assert!(
            error.text().contains("told to trap on its state"),
            "{error}"
        );
    });
    test(RAW, |setup| {
        setup
            .device("raw")
            .state(1, "12345678")
            .start("{}")
            .unwrap();
    });
}

#[test]
fn what_is_asked_for_again_comes_again_as_time_passes() {
    test(RAW, |setup| {
        let mut kernel = raw(setup);
        let error = order(&mut kernel, "retry").unwrap_err();
        assert_eq!(error, Error::retry("told to ask again"));
        // The second delivery is refused, too; the third is not.
        let again = kernel.advance(Duration::from_secs(60)).unwrap_err();
        assert_eq!(again, Error::retry("told to ask again"));
        kernel.advance(Duration::from_secs(60)).unwrap();
    });
}

#[test]
fn an_exchange_that_is_awaited_in_a_handler_is_answered_by_the_test() {
    let line = |setup: Setup<Any>| setup.device("raw").connection("line");
    test(RAW, |setup| {
        let setup = line(setup).transact(|connection, request| {
            assert_eq!((connection, request.bytes.is_empty()), ("line", false));
            Ok(vec![7])
        });
        let mut kernel = setup.start("{}").unwrap();
        order(&mut kernel, "transact").unwrap();
        // Its handler is told, and so is whoever feeds it, wherever it waited before.
        kernel.inject(Fault::exchange(Failure::Timeout(Vec::new())).times(1));
        let error = order(&mut kernel, "transact").unwrap_err();
        assert!(!error.text().contains("let time pass"), "{error}");
        assert!(kernel.now() > Timestamp::from_nanos(1_767_225_600_000_000_000));
    });
    test(RAW, |setup| {
        // Nobody answers, and the line is said to be down.
        let mut kernel = line(setup).start("{}").unwrap();
        assert!(order(&mut kernel, "transact").is_err());
    });
}

#[test]
fn everything_of_a_long_run_is_handled_when_the_kernel_is_at_rest() {
    test("weihe-plugin-rule-hysteresis", |setup| {
        let config = r#"{ "input": "soil", "on-below": 20, "off-above": 30 }"#;
        let limits = r#"{ "queue": 20000, "publish-rate": 100000 }"#;
        let setup = setup.device("watering").limits(limits);
        let mut kernel = setup.start(config).unwrap();
        kernel.take_published();
        let values: Vec<(&str, Value<'_>)> = (0..5_000)
            .map(|index| {
                (
                    "soil",
                    Value::Float(if index % 2 == 0 { 10.0 } else { 40.0 }),
                )
            })
            .collect();
        assert_eq!(kernel.events(&values), []);
        // An output and a mode each time it switches; the mode stays.
        let published = kernel.take_published();
        let outputs = published
            .iter()
            .filter(|sample| sample.topic == "plugin/watering/output");
        assert_eq!(outputs.count(), 5_000);
    });
}

#[test]
fn the_database_is_a_real_one_and_needs_its_grant() {
    let config = r#"{ "topics": ["tank/#"] }"#;
    test("weihe-plugin-historian", |setup| {
        let grants = r#"{ "subscribe": ["tank/#"], "store": { "tables": ["readings"] } }"#;
        let mut kernel = setup.device("h").grants(grants).start(config).unwrap();
        kernel.event("tank/level", 81.5).unwrap();
        let answer = kernel.call("query", "{}").unwrap().unwrap();
        assert!(answer.contains("81.5"), "{answer}");
        // Rows outlive the instance.
        kernel.restart(config).unwrap();
        let answer = kernel.call("query", "{}").unwrap().unwrap();
        assert!(answer.contains("81.5"), "{answer}");
    });
    test("weihe-plugin-historian", |setup| {
        let error = setup.device("h").start(config).err().unwrap();
        assert!(error.text().contains("readings"), "{error}");
    });
}

/// A request for one input register of unit 1, as Modbus TCP.
const READ: [u8; 12] = [0, 7, 0, 0, 0, 6, 1, 4, 0, 0, 0, 1];

#[test]
fn peers_come_to_a_listener_are_answered_by_their_number_and_leave() {
    test("greenhouse-slave", |setup| {
        let mut kernel = setup.device("slave").listener("door").start("{}").unwrap();
        for (peer, address) in [(40, "10.0.0.1:5000"), (41, "10.0.0.2:5000")] {
            kernel.peer("door", peer, address, true).unwrap();
        }
        kernel.received("door", Some(41), &READ).unwrap();
        let sent = kernel.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(sent[0].peer, Some(41));
        assert_eq!(sent[0].bytes[..2], READ[..2], "the transaction is repeated");
        kernel.peer("door", 41, "10.0.0.2:5000", false).unwrap();
        let error = kernel.received("door", Some(41), &READ).unwrap_err();
        assert!(error.text().contains("no peer 41"), "{error}");
    });
}

#[test]
fn a_listener_that_is_down_has_no_peers_and_lets_none_in() {
    test("greenhouse-slave", |setup| {
        let mut kernel = setup.device("slave").listener("door").start("{}").unwrap();
        kernel.peer("door", 40, "10.0.0.1:5000", true).unwrap();
        kernel.received("door", Some(40), &READ).unwrap();
        kernel
            .link("door", LinkState::Down, "the cable is pulled")
            .unwrap();
        let error = kernel.received("door", Some(40), &READ).unwrap_err();
        assert!(error.text().contains("no peer 40"), "{error}");
        let error = kernel.peer("door", 41, "10.0.0.2:5000", true).unwrap_err();
        assert!(error.text().contains("the cable is pulled"), "{error}");
        kernel.link("door", LinkState::Up, "").unwrap();
        kernel.peer("door", 42, "10.0.0.3:5000", true).unwrap();
        kernel.received("door", Some(42), &READ).unwrap();
        let answered = kernel.sent().into_iter().map(|sent| sent.peer);
        assert_eq!(answered.collect::<Vec<_>>(), [Some(40), Some(42)]);
    });
}

#[test]
fn more_than_a_budget_fails_the_test_and_says_how_much() {
    let error = failure(RAW, &[("memory", "64 KiB")], |setup| {
        order(&mut raw(setup), "hello").unwrap();
    });
    assert!(error.starts_with("memory: "), "{error}");
    assert!(
        error.ends_with("were used, and 64 KiB are allowed"),
        "{error}"
    );
    let error = failure(RAW, &[("memori", "1 MiB")], |setup| drop(raw(setup)));
    assert!(error.starts_with("there is no limit `memori`"), "{error}");
    test(RAW, |setup| {
        let kernel = setup
            .device("raw")
            .limits(r#"{ "memory": "64 KiB" }"#)
            .start("{}");
        let error = kernel.err().unwrap();
        assert!(error.text().contains("memory"), "{error}");
    });
}

#[test]
fn what_only_works_natively_says_what_to_use_instead() {
    test(RAW, |setup| {
        let error = setup
            .device("raw")
            .deny("plant/#")
            .start("{}")
            .err()
            .unwrap();
        assert!(error.text().contains("`Setup::grants`"), "{error}");
    });
    test(RAW, |setup| {
        let error = raw(setup).tick("look", 1).unwrap_err();
        assert!(error.text().contains("`advance`"), "{error}");
    });
    let full = Refused::Limit("outbox".to_owned());
    let error = failure(RAW, &[], |setup| raw(setup).inject(Fault::publish(full)));
    assert!(error.contains("`Setup::limits`"), "{error}");
    test(RAW, |setup| {
        let error = raw(setup).event("elsewhere", 1).unwrap_err();
        let told = "`elsewhere` did not reach device `raw`: it subscribes `plugin/raw/in`";
        assert_eq!(error.text(), told);
    });
}

#[tokio::test]
async fn what_passes_on_a_connection_of_a_running_host_is_recorded_and_replayed() {
    let rig = Rig::start(
        r#"
        [plugin]
        slave = "greenhouse-slave"
        modbus = "weihe-plugin-modbus"

        [connection.door]
        type = "tcp-listen"
        address = "127.0.0.1:0"

        [device.slave]
        plugin = "slave"
        connection = "door"
        "#,
    )
    .await;
    let port = rig.port("door").await;
    let mut wire = rig.watch("$wire/line");
    rig.add(&format!(
        r#"
        [connection.line]
        type = "tcp"
        address = "127.0.0.1:{port}"

        [device.meter]
        plugin = "modbus"
        connection = "line"

        [device.meter.config]
        mode = "tcp"
        period = "50 ms"
        points = [{{ name = "first", table = "input", address = 0 }}]
        "#
    ))
    .await;
    let mut recording = String::new();
    for _ in 0..3 {
        let frame = wire.topic("$wire/line").await;
        assert!(frame.value["reply"].is_string(), "{frame:?}");
        recording.push_str(&serde_json::to_string(&frame).unwrap());
        recording.push('\n');
    }
    let reading = rig
        .kernel()
        .bus()
        .last("plugin/meter/first")
        .expect("a reading");
    rig.shutdown().await;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("line.jsonl");
    std::fs::write(&file, recording).unwrap();
    let replayed = tokio::task::spawn_blocking(move || {
        test("weihe-plugin-modbus", move |setup| {
            let config = r#"{ "mode": "tcp", "period": "50 ms", "points": [
                { "name": "first", "table": "input", "address": 0 }] }"#;
            let setup = setup.device("meter").connection("line");
            let mut kernel = setup.start(config).unwrap();
            let replayed = kernel
                .replay(&file)
                .unwrap_or_else(|error| panic!("{error}"));
            // The last poll may have come a little earlier then than it does now.
            assert!(replayed.exchanges >= 2, "{replayed:?}");
            assert!(replayed.refused.is_empty(), "{replayed:?}");
            let found = kernel.last("plugin/meter/first");
            assert!(
                matches!(found, Some(ValueBuf::Integer(_))),
                "{found:?}, then {reading:?}"
            );
        });
    });
    replayed.await.unwrap();
}

/// What the command prints for these lines.
fn converse(file: &std::path::Path, lines: &[Json]) -> Output {
    let mut child = weihe()
        .arg("sandbox")
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = child.stdin.take().unwrap();
    for line in lines {
        writeln!(requests, "{line}").unwrap();
    }
    drop(requests);
    child.wait_with_output().unwrap()
}

#[test]
fn lines_that_are_no_requests_are_answered_and_the_next_are_too() {
    let output = converse(
        &component(RAW),
        &[
            json!({ "do": "fly" }),
            json!({ "do": "advance", "nanoseconds": 1, "speed": 2 }),
            json!({ "do": "call", "command": "count", "arguments": "{}" }),
            json!({ "do": "start", "device": "raw", "now": 5 }),
            json!({ "do": "publish", "events": [{ "topic": "a/#" }] }),
            json!({ "do": "publish", "events": [{ "topic": "a", "value": { "float": "x" } }] }),
            json!({ "do": "say", "connection": "line", "bytes": "0" }),
            json!({ "do": "advance", "nanoseconds": 7 }),
        ],
    );
    assert!(output.status.success(), "{output:?}");
    let answers: Vec<Json> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 9);
    assert_eq!(answers[0]["ok"]["protocol"], 1);
    let told = |index: usize| answers[index]["error"]["text"].as_str().unwrap_or_default();
    assert!(told(1).contains("unknown variant `fly`"), "{}", told(1));
    assert!(told(2).contains("unknown field `speed`"), "{}", told(2));
    assert_eq!(told(3), "the device was not started");
    assert_eq!(answers[4]["error"], Json::Null);
    assert!(told(5).contains("wildcard"), "{}", told(5));
    assert!(told(6).contains("is no value"), "{}", told(6));
    assert!(told(7).contains("hexadecimal"), "{}", told(7));
    assert_eq!(
        (&answers[8]["now"], &answers[8]["elapsed"]),
        (&json!(12), &json!(7))
    );
}

#[test]
fn a_component_that_is_no_plugin_is_refused_with_the_reason() {
    let file = wrong("unknown-import");
    let output = converse(&file, &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = Process::start(&program(), &file).unwrap_err().to_string();
    assert!(error.starts_with("the sandbox does not start"), "{error}");
    assert!(error.contains("test:fortune/teller"), "{error}");
    // Something else that is called weihe.
    let error = Process::start("/bin/cat".as_ref(), "/dev/null".as_ref()).unwrap_err();
    assert!(error.to_string().contains("does not start"), "{error}");
}

#[test]
fn without_a_host_tests_are_skipped_visibly_and_fail_in_ci() {
    // This very test binary runs the test below, with an environment of its own.
    let run = |ci: bool| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "sandbox::helper_that_needs_a_host"])
            .env("WEIHE", "/no/such/weihe")
            .env("WEIHE_TESTS_HELPER", "1")
            .env_remove("CI");
        if ci {
            command.env("CI", "true");
        }
        command.output().unwrap()
    };
    let skipped = run(false);
    assert!(skipped.status.success(), "{skipped:?}");
    let told = String::from_utf8(skipped.stderr).unwrap();
    assert!(
        told.contains("SKIPPED sandbox::helper_that_needs_a_host") && told.contains("WEIHE"),
        "{told}"
    );
    assert!(!run(true).status.success());
}

/// Does nothing but in the test above.
#[test]
fn helper_that_needs_a_host() {
    if std::env::var_os("WEIHE_TESTS_HELPER").is_some() {
        weihe_testing::run(env!("CARGO_MANIFEST_DIR"), &[], |_: Setup<Any>| ());
    }
}
