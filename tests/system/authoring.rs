//! From `weihe new` to a version that is swapped in by `weihe dev`, for each template. Dependencies
//! come from what this workspace has: nothing here goes to a network.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weihe_tests::{Host, component, target, weihe, workspace};

/// How long a plugin may take to build on the slowest shared machine.
const BUILDING: Duration = Duration::from_secs(900);

/// How large the component of a template may be, without the sections that only name things (see
/// docs/decisions/0036). Whoever adds to the SDK what all plugins carry finds out here.
const LARGEST: u64 = 120_000;

/// A crate that was made outside the clone.
fn outside(plugin: &str, template: &str) -> Host {
    made(tempfile::tempdir().unwrap(), plugin, template)
}

/// What is built has one folder for all tests, so each plugin needs a name of its own.
fn made(parent: tempfile::TempDir, plugin: &str, template: &str) -> Host {
    // Dependencies are built along with the components under test.
    component("weihe-plugin-modbus");
    let host = Host::made_new(parent, plugin, template);
    // It is tidy, its own tests pass, and it is a component.
    cargo(&host, &["fmt", "--check"]);
    let tested = cargo(&host, &["test"]);
    assert!(tested.contains("test tests::"), "{tested}");
    assert!(!tested.contains("::sandbox"), "{tested}");
    // The same bodies run in the sandbox of the host that made the crate.
    let tested = cargo(&host, &["test", "--features", "sandbox"]);
    assert!(!tested.contains("SKIPPED"), "{tested}");
    assert!(tested.contains("::native ... ok"), "{tested}");
    assert!(tested.contains("::sandbox ... ok"), "{tested}");
    let built = host.run(&["build", "--json"]);
    assert_eq!(built.status.code(), Some(0), "{}", said(&built));
    let built: Value = serde_json::from_slice(&built.stdout).unwrap();
    let sections = built["sections"].as_array().unwrap();
    let names: u64 = sections
        .iter()
        .filter_map(|section| section["size"].as_u64())
        .sum();
    let stripped = built["size"].as_u64().unwrap() - names;
    println!("{template}: {stripped} bytes, and {names} bytes of names");
    assert!(stripped <= LARGEST, "{template}: {stripped} bytes");
    // It lies where the system beside it takes it from.
    let file = format!("plugins/{plugin}.wasm");
    assert!(built["file"].as_str().unwrap().ends_with(&file), "{built}");
    let checked = host.ask(&["check"]).unwrap();
    assert_eq!(checked["ok"], true, "{checked}");
    assert_eq!(checked["warnings"], json!([]), "{checked}");
    host
}

fn cargo(host: &Host, arguments: &[&str]) -> String {
    let output = Command::new("cargo")
        .current_dir(host.path("."))
        .args(arguments)
        // Of this crate, its own `rust-toolchain.toml` speaks.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", target().join("weihe-components"))
        .env("WEIHE", weihe().get_program())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// Waits until something holds.
fn until(host: &mut Host, what: &str, holds: impl Fn(&Host) -> bool) {
    let began = Instant::now();
    while !holds(host) {
        assert!(!host.has_ended(), "{what}: it ended: {}", host.log());
        assert!(began.elapsed() < BUILDING, "{what}: {}", host.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn until_logged(host: &mut Host, what: &str, times: usize) {
    until(host, what, |host| host.log().matches(what).count() >= times);
}

/// What a command of `weihe` prints on standard output.
fn printed(host: &Host, arguments: &[&str]) -> String {
    let printed = String::from_utf8(host.run(arguments).stdout).unwrap();
    printed.trim().to_owned()
}

/// What a command of `weihe` prints, errors included.
fn answer(host: &Host, arguments: &[&str]) -> String {
    said(&host.run(arguments))
}

/// Saves a source with another text in one place, as editors do: a new file in place of the old.
fn edit(host: &Host, from: &str, to: &str) {
    let file = host.path("src/lib.rs");
    let source = fs::read_to_string(&file).unwrap();
    assert_eq!(source.matches(from).count(), 1, "`{from}` in {source}");
    save(&file, &source.replace(from, to));
}

fn save(file: &Path, text: &str) {
    let new = file.with_extension("tmp");
    fs::write(&new, text).unwrap();
    fs::rename(&new, file).unwrap();
}

/// The controller of the template `driver`: 21.5 °C, and it agrees to all set points.
fn controller() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut replies = stream.try_clone().unwrap();
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let reply = match line.as_str() {
                    "T?" => "21.5\n",
                    "SP 23.5" => "OK\n",
                    _ => "?\n",
                };
                if replies.write_all(reply.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    port
}

#[test]
fn a_driver_polls_takes_commands_and_is_swapped_when_it_is_saved() {
    let mut host = outside("tried-driver", "driver");
    let config = fs::read_to_string(host.path("weihe.toml")).unwrap();
    assert!(config.contains("127.0.0.1:4001"), "{config}");
    let here = format!("127.0.0.1:{}", controller());
    fs::write(
        host.path("weihe.toml"),
        config.replace("127.0.0.1:4001", &here),
    )
    .unwrap();
    host.start_developing();
    let reading = |value: &'static str| {
        move |host: &Host| printed(host, &["get", "plugin/trial/temperature"]) == value
    };
    until(&mut host, "a reading", reading("21.5"));
    let set = host.run(&["call", "trial", "set-point", "value=23.5"]);
    assert_eq!(set.status.code(), Some(0), "{}", said(&set));
    let refused = answer(&host, &["call", "trial", "set-point", "value=99"]);
    assert!(refused.contains("the controller answered"), "{refused}");
    let commands = printed(&host, &["call", "trial"]);
    assert!(commands.contains("set-point  value=…"), "{commands}");
    let nobody = answer(&host, &["call", "trail"]);
    assert!(nobody.contains("there is no device `trail`"), "{nobody}");
    let near = answer(&host, &["get", "plugin/trial/temprature"]);
    assert!(
        near.contains("did you mean `plugin/trial/temperature`?"),
        "{near}"
    );

    edit(
        &host,
        "ctx.publish_on(self.temperature, temperature)",
        "ctx.publish_on(self.temperature, temperature + 100.0)",
    );
    until(&mut host, "the new version's reading", reading("121.5"));
    until_logged(&mut host, "tried-driver: swapped", 1);
    assert!(
        host.log().contains("src/lib.rs saved: built ("),
        "{}",
        host.log()
    );
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn a_rule_in_the_clone_keeps_its_state_over_a_swap_and_runs_on_when_its_source_is_broken() {
    let parent = tempfile::Builder::new()
        .prefix(".made-")
        .tempdir_in(workspace().join("tests"))
        .unwrap();
    let mut host = made(parent, "tried-rule", "rule");
    let manifest = fs::read_to_string(host.path("Cargo.toml")).unwrap();
    assert!(
        manifest.contains("path = \"../../../sdk/rust\""),
        "{manifest}"
    );
    host.start_developing();
    let alarm = |value: &'static str| {
        move |host: &Host| printed(host, &["get", "plugin/trial/alarm"]) == value
    };
    until_logged(&mut host, "Ctrl-C stops it", 1);
    host.run(&["set", "tank/level", "81.0"]);
    until(&mut host, "an alarm", alarm("true"));

    // Broken: said once, and nothing changes.
    let sound = fs::read_to_string(host.path("src/lib.rs")).unwrap();
    save(
        &host.path("src/lib.rs"),
        &format!("{sound}\nfn broken( {{\n"),
    );
    until_logged(&mut host, "what ran before goes on running", 1);
    host.run(&["set", "tank/level", "10.0"]);
    until(&mut host, "the end of the alarm", alarm("false"));
    host.run(&["set", "tank/level", "82.0"]);
    until(&mut host, "another alarm", alarm("true"));

    // Mended, and other than before: the alarm is known to the new version.
    let mended = sound.replace(
        "Sample::new(alarm)",
        "Sample::new(if alarm { 82.0 } else { 10.0 })",
    );
    save(&host.path("src/lib.rs"), &mended);
    until_logged(&mut host, "src/lib.rs saved: built", 1);
    // Saved once more before it is taken up, perhaps: it is told all the same what became of it.
    save(&host.path("src/lib.rs"), &format!("{mended}\n// Mended.\n"));
    until_logged(&mut host, "tried-rule: the component is the same", 1);
    until_logged(&mut host, "tried-rule: swapped", 1);
    host.run(&["set", "tank/level", "10.0"]);
    until(
        &mut host,
        "the end of the alarm, by the new version",
        alarm("10.0"),
    );
    let log = host.log();
    assert_eq!(log.matches("does not compile").count(), 1, "{log}");
    assert_eq!(log.matches("tried-rule: swapped").count(), 1, "{log}");
    assert!(log.contains("--> src/lib.rs:"), "{log}");
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn a_sink_stores_rows_and_one_more_file_of_its_source_is_noticed() {
    let mut host = outside("tried-sink", "sink");
    // What the compiler includes is watched, wherever it is.
    fs::write(host.path("count.sql"), "SELECT count(*) FROM samples").unwrap();
    edit(
        &host,
        "\"SELECT count(*) FROM samples\"",
        "include_str!(\"../count.sql\")",
    );
    host.start_developing();
    let count = |value: &'static str| {
        move |host: &Host| printed(host, &["call", "trial", "count"]) == value
    };
    until_logged(&mut host, "Ctrl-C stops it", 1);
    host.run(&["set", "tank/level", "81.0"]);
    until(&mut host, "a row", count("1"));
    save(
        &host.path("count.sql"),
        "SELECT count(*) * 100 FROM samples",
    );
    until(&mut host, "the new version's count", count("100"));
    host.run(&["set", "tank/level", "82.0"]);
    until(&mut host, "two rows", count("200"));
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn a_sensor_measures_on_its_virtual_board_and_says_when_its_chip_is_pulled() {
    let mut host = outside("tried-sensor", "sensor");
    host.start_developing();
    let reading = |value: &'static str| {
        move |host: &Host| printed(host, &["get", "plugin/trial/temperature"]) == value
    };
    until(&mut host, "a reading", reading("21.5"));
    let warmer = host.run(&["board", "set", "temperature", "30"]);
    assert_eq!(warmer.status.code(), Some(0), "{}", said(&warmer));
    until(&mut host, "the warmer room", reading("30.0"));
    assert_eq!(printed(&host, &["call", "trial", "read"]), "30.0");

    host.run(&["board", "fault", "i2c/1@0x48", "unplugged"]);
    until_logged(&mut host, "no temperature", 1);
    let refused = host.run(&["call", "trial", "read"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("0x48"), "{}", said(&refused));
    host.run(&["board", "mend"]);
    until_logged(&mut host, "the sensor is back", 1);

    edit(
        &host,
        "ctx.publish_on(self.temperature, f64::from(*temperature))",
        "ctx.publish_on(self.temperature, f64::from(*temperature) + 100.0)",
    );
    until(&mut host, "the new version's reading", reading("130.0"));
    until_logged(&mut host, "tried-sensor: swapped", 1);
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn a_codec_takes_frames_apart_as_it_was_saved_last() {
    let mut host = outside("tried-codec", "codec");
    host.start_developing();
    until_logged(&mut host, "Ctrl-C stops it", 1);
    let decode = ["decode", "tried-codec", "--reply", "AA 04 10 00 D7 2D 18"];
    let shown = answer(&host, &decode);
    assert!(shown.contains("21.5 °C"), "{shown}");
    let encoded = answer(&host, &["encode", "tried-codec", "function=read"]);
    assert_eq!(encoded.trim(), "aa 01 10 11");
    edit(&host, "{} °C", "{} degrees");
    until(&mut host, "the new version", |host| {
        answer(host, &decode).contains("21.5 degrees")
    });
    until_logged(&mut host, "tried-codec: swapped", 1);

    // One that does not start is refused, and the version before goes on.
    edit(&host, "Ok(Frames)", "Err(Error::fatal(\"too cold\"))");
    until_logged(&mut host, "tried-codec: not taken", 1);
    assert!(host.log().contains("too cold"), "{}", host.log());
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn a_panic_is_in_the_log_with_its_file_and_line() {
    let mut host = outside("tried-panic", "rule");
    let check = "assert!(value < 90.0, \"too full: {}\", value as u64);";
    edit(
        &host,
        "        let alarm = if self.alarm {",
        &format!("        {check}\n        let alarm = if self.alarm {{"),
    );
    let source = fs::read_to_string(host.path("src/lib.rs")).unwrap();
    let before = source.split(check).next().unwrap();
    let (line, column) = (
        before.lines().count(),
        before.lines().last().unwrap().len() + 1,
    );
    host.start_developing();
    until_logged(&mut host, "Ctrl-C stops it", 1);
    host.run(&["set", "tank/level", "95.0"]);
    until_logged(
        &mut host,
        &format!("src/lib.rs:{line}:{column}: too full: 95"),
        1,
    );
    // Which function it was in is there too.
    until_logged(&mut host, "on_event", 1);
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn it_stops_in_order_in_the_middle_of_a_build_which_ends_with_it() {
    let mut host = outside("tried-stop", "rule");
    host.start_developing();
    until_logged(&mut host, "Ctrl-C stops it", 1);
    let marker = host.path("marker");
    let endless = format!(
        "fn main() {{\n    std::fs::write({marker:?}, std::process::id().to_string()).unwrap();\n    \
         loop {{\n        std::thread::park();\n    }}\n}}\n"
    );
    save(&host.path("build.rs"), &endless);
    until(&mut host, "a build that goes on", |host| {
        fs::read_to_string(host.path("marker")).is_ok_and(|id| !id.is_empty())
    });
    let builder = fs::read_to_string(&marker).unwrap();
    assert!(host.stop(), "{}", host.log());
    assert!(host.log().contains("stopped"), "{}", host.log());
    let began = Instant::now();
    while Path::new("/proc").join(&builder).exists() {
        assert!(began.elapsed() < BUILDING, "{builder} goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}
