//! Versions of plugins, as an operator handles them at the command line.

use std::collections::HashMap;
use std::process::Output;

use serde_json::Value;
use weihe_tests::{DEADLINE, Host, Process, component, version};

const SYSTEM: &str = r#"
[device.meter]
plugin = "versions"

# Longer than any test takes.
[device.meter.limits]
probation = "1 h"

[plugin.versions]
"#;

fn host() -> Host {
    let mut host = Host::new(SYSTEM, &[]);
    std::fs::copy(version("1"), host.path("plugins/versions.wasm")).unwrap();
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    host
}

fn file(name: &str) -> String {
    version(name).display().to_string()
}

fn text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(error)
}

/// Runs a command; its text, and whether it was done.
fn run(host: &Host, arguments: &[&str]) -> (bool, String) {
    let output = host.run(arguments);
    (output.status.success(), text(&output))
}

/// Asks again until the answer has these words: nobody tells when a device goes back.
fn until(host: &Host, arguments: &[&str], words: &str) -> String {
    let began = std::time::Instant::now();
    loop {
        let (_, answer) = run(host, arguments);
        if answer.contains(words) {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE, "{answer}\n{}", host.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn an_operator_swaps_goes_back_unloads_and_loads() {
    let mut host = host();
    let swapped = run(&host, &["swap", "versions", &file("2")]);
    assert_eq!(swapped, (true, "meter  runs version 2.0.0\n".into()));
    let (_, ps) = run(&host, &["ps"]);
    assert!(ps.contains("running (probation)"), "{ps}");
    let (done, again) = run(&host, &["swap", "versions", &file("2")]);
    assert!(
        !done && again.contains("runs this version already"),
        "{again}"
    );

    let rule = component("weihe-plugin-rule-hysteresis");
    let (done, other) = run(&host, &["swap", "versions", &rule.display().to_string()]);
    assert!(
        !done && other.contains("is plugin `rule-hysteresis`, and no version of `versions`"),
        "{other}"
    );

    let back = run(&host, &["rollback", "versions"]);
    assert_eq!(back, (true, "meter  runs version 1.0.0\n".into()));
    let (done, refused) = run(&host, &["swap", "versions", &file("2")]);
    assert!(
        !done
            && refused.contains("is in quarantine: by the operator")
            && refused.contains("--lift"),
        "{refused}"
    );
    let (done, lifted) = run(&host, &["swap", "versions", &file("2"), "--lift"]);
    assert!(done, "{lifted}");
    let (_, history) = run(&host, &["ps", "--history"]);
    let changes = ["loaded", "swapped", "returned", "swapped"];
    let mut rest = history.as_str();
    for change in changes {
        let found = rest.find(change);
        rest = &rest[found.unwrap_or_else(|| panic!("{change}: {history}"))..][1..];
    }

    let unloaded = run(&host, &["unload", "versions"]);
    assert!(
        unloaded.0 && unloaded.1.starts_with("meter  stopped\n"),
        "{unloaded:?}"
    );
    let ps = host.ask(&["ps"]).unwrap();
    assert_eq!(
        (&ps["devices"], &ps["plugins"]),
        (&ps["failed"], &ps["failed"])
    );
    let loaded = run(&host, &["load", &file("2"), "--name", "versions"]);
    assert_eq!(loaded, (true, "meter  started\n".into()));
    // One without an entry runs as a device of its own name.
    let loaded = run(&host, &["load", &file("1"), "--name", "other"]);
    assert_eq!(loaded, (true, "other  started\n".into()));
    let (done, twice) = run(&host, &["load", &file("1"), "--name", "other"]);
    assert!(!done && twice.contains("weihe swap other FILE"), "{twice}");
    assert!(host.stop());
}

#[test]
fn a_bad_version_is_taken_back_and_stays_refused_after_a_restart() {
    let mut host = host();
    let (done, swapped) = run(&host, &["swap", "versions", &file("trapping")]);
    assert!(done, "{swapped}");
    for number in 0..20 {
        let number = number.to_string();
        assert!(run(&host, &["set", "plugin/meter/in", &number]).0);
    }
    let history = until(&host, &["ps", "--history"], "QUARANTINE");
    assert!(history.contains("returned"), "{history}");
    // The last of them was in the hands of the bad version, and the good one gets it.
    let last = until(&host, &["get", "plugin/meter/out"], "1.0.0 ");
    assert!(last.ends_with(" 19\n"), "{last}");
    let ps = host.ask(&["ps"]).unwrap();
    assert_eq!(ps["devices"][0]["version"], "1.0.0");
    assert!(host.stop());
    host.start();
    until(&host, &["ps"], "meter ");
    let (done, refused) = run(&host, &["swap", "versions", &file("trapping")]);
    assert!(
        !done && refused.contains("trapped on probation"),
        "{refused}"
    );
    assert!(host.stop());
}

/// Two devices that tick every millisecond, and one that passes their ticks on.
const STREAM: &str = r#"
[plugin.raw]
[plugin.versions]

[device.north]
plugin = "raw"
config.tick = 1_000_000

[device.south]
plugin = "raw"
config.tick = 1_000_000

[device.meter]
plugin = "versions"
config.input = "plugin/+/echo"

[device.meter.grants]
subscribe = ["plugin/+/echo"]
"#;

/// What came out of the meter, checked as it comes.
#[derive(Default)]
struct Stream {
    count: Option<u64>,
    sequences: HashMap<String, u64>,
}

impl Stream {
    /// The version that handled the next event.
    fn next(&mut self, events: &mut Process) -> String {
        let line = events.line();
        let event: Value = serde_json::from_str(&line).unwrap();
        let words = event["value"].as_str().unwrap_or_else(|| panic!("{line}"));
        let words: Vec<&str> = words.split(' ').collect();
        let count: u64 = words[1].parse().unwrap();
        if let Some(last) = self.count.replace(count) {
            assert_eq!(count, last + 1, "{line}");
        }
        let source = event["cause"][0].as_str().unwrap().to_owned();
        let sequence = event["cause"][1].as_u64().unwrap();
        if let Some(last) = self.sequences.insert(source, sequence) {
            assert_eq!(sequence, last + 1, "once, and in order: {line}");
        }
        words[0].to_owned()
    }
}

#[test]
fn a_hundred_swaps_in_a_row_lose_double_and_reorder_nothing() {
    let mut host = Host::new(STREAM, &[("raw", "weihe-guest-raw")]);
    std::fs::copy(version("1"), host.path("plugins/versions.wasm")).unwrap();
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    let mut events = host.follow("plugin/meter/out");
    let mut stream = Stream::default();
    assert_eq!(stream.next(&mut events), "1.0.0");
    for round in 0..100 {
        let next = if round % 2 == 0 { "2" } else { "1" };
        let (done, text) = run(&host, &["swap", "versions", &file(next)]);
        assert!(done, "swap {round}: {text}");
        // Until it has something to do.
        let wanted = format!("{next}.0.0");
        while stream.next(&mut events) != wanted {}
    }
    for _ in 0..100 {
        assert_eq!(stream.next(&mut events), "1.0.0");
    }
    assert_eq!(stream.sequences.len(), 2);
    let ps = host.ask(&["ps"]).unwrap();
    for device in ps["devices"].as_array().unwrap() {
        assert_eq!(
            (&device["dropped"], &device["traps"]),
            (&0.into(), &0.into())
        );
    }
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn an_operator_gives_a_device_a_new_start() {
    let mut host = host();
    assert!(run(&host, &["set", "plugin/meter/in", "1"]).0);
    until(&host, &["get", "plugin/meter/out"], "1.0.0 1 1");
    let restarted = run(&host, &["restart", "meter"]);
    assert_eq!(restarted, (true, "meter  started\n".into()));
    // In order: its state came along.
    assert!(run(&host, &["set", "plugin/meter/in", "2"]).0);
    until(&host, &["get", "plugin/meter/out"], "1.0.0 2 2");
    // Also one that was stopped with its plugin, once that is there again.
    let (done, unknown) = run(&host, &["restart", "metre"]);
    assert!(
        !done && unknown.contains("did you mean `meter`?"),
        "{unknown}"
    );
    assert!(run(&host, &["unload", "versions"]).0);
    let (done, refused) = run(&host, &["restart", "meter"]);
    assert!(!done && refused.contains("plugin `versions`"), "{refused}");
    assert!(host.stop());
}
