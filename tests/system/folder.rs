//! The plugins folder and `weihe.toml`, changed under a running host as an operator changes them: with
//! `cp`, `mv`, `rm` and an editor.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use weihe_tests::{DEADLINE, Host, version};

const SYSTEM: &str = r#"
[device.meter]
plugin = "versions"

# Longer than any test takes.
[device.meter.limits]
probation = "1 h"

[plugin.versions]
"#;

fn host(system: &str) -> Host {
    let mut host = Host::new(system, &[]);
    put("1", &host.path("plugins/versions.wasm"));
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    host
}

/// Copies a version to a file, as `cp` does.
fn put(name: &str, file: &Path) {
    let bytes = fs::read(version(name)).unwrap();
    fs::write(file, bytes).unwrap();
}

/// Asks again until the answer is as wanted.
fn until(host: &Host, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let answer = host.ask(arguments);
        if let Some(answer) = answer.as_ref().filter(|answer| wanted(answer)) {
            return answer.clone();
        }
        assert!(began.elapsed() < DEADLINE, "{answer:#?}\n{}", host.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn device<'a>(ps: &'a Value, name: &str) -> Option<&'a Value> {
    let devices = ps["devices"].as_array()?;
    devices.iter().find(|device| device["name"] == name)
}

fn runs(name: &'static str, version: &'static str) -> impl Fn(&Value) -> bool {
    move |ps| {
        device(ps, name)
            .is_some_and(|device| device["version"] == version && device["state"] == "running")
    }
}

fn failure(ps: &Value, words: &str) -> bool {
    let failed = ps["failed"].as_array().into_iter().flatten();
    let mut messages = failed.filter_map(|failed| failed["message"].as_str());
    messages.any(|message| message.contains(words))
}

fn set(host: &Host, topic: &str, number: u32) {
    let output = host.run(&["set", topic, &number.to_string()]);
    assert!(output.status.success(), "{}", host.log());
}

/// What the device passed on last: the version, the count over all versions, the number.
fn last(host: &Host, topic: &str, number: u32) -> String {
    let ends = format!(" {number}");
    let answer = until(host, &["get", topic], |answer| {
        answer["value"]
            .as_str()
            .is_some_and(|text| text.ends_with(&ends))
    });
    answer["value"].as_str().unwrap().to_owned()
}

#[test]
fn a_file_that_is_copied_over_the_old_one_is_swapped_in_with_its_state() {
    let mut host = host(SYSTEM);
    for number in 1..=5 {
        set(&host, "plugin/meter/in", number);
    }
    assert_eq!(last(&host, "plugin/meter/out", 5), "1.0.0 5 5");
    put("2", &host.path("plugins/versions.wasm"));
    until(&host, &["ps"], runs("meter", "2.0.0"));
    set(&host, "plugin/meter/in", 6);
    assert_eq!(last(&host, "plugin/meter/out", 6), "2.0.0 6 6");
    // It is there after a restart, too.
    assert!(host.stop());
    host.start();
    until(&host, &["ps"], runs("meter", "2.0.0"));
    assert!(host.stop());
}

#[test]
fn a_bad_file_disturbs_nothing_and_a_good_one_after_it_is_taken() {
    let mut host = host(SYSTEM);
    let file = host.path("plugins/versions.wasm");
    fs::write(&file, "no component").unwrap();
    let ps = until(&host, &["ps"], |ps| failure(ps, "versions.wasm"));
    assert!(runs("meter", "1.0.0")(&ps), "{ps:#}");
    // Broken when the host starts: what ran before runs again.
    assert!(host.stop());
    host.start();
    let ps = until(&host, &["ps"], runs("meter", "1.0.0"));
    assert!(failure(&ps, "versions.wasm"), "{ps:#}");
    put("2", &file);
    until(&host, &["ps"], |ps| {
        runs("meter", "2.0.0")(ps) && ps["failed"].as_array().unwrap().is_empty()
    });
    assert!(host.stop());
}

#[test]
fn a_version_that_was_taken_back_runs_no_more_after_a_restart() {
    let mut host = host(SYSTEM);
    put("trapping", &host.path("plugins/versions.wasm"));
    until(&host, &["ps"], |ps| {
        device(ps, "meter").is_some_and(|device| device["probation"] == true)
    });
    for number in 0..20 {
        set(&host, "plugin/meter/in", number);
    }
    until(&host, &["ps"], runs("meter", "1.0.0"));
    assert!(last(&host, "plugin/meter/out", 19).starts_with("1.0.0 "));
    // Its file is known to be bad without anybody looking.
    until(&host, &["ps"], |ps| failure(ps, "in quarantine"));
    assert!(host.stop());
    host.start();
    let ps = until(&host, &["ps"], runs("meter", "1.0.0"));
    assert!(failure(&ps, "in quarantine"), "{ps:#}");
    assert!(host.stop());
}

#[test]
fn however_many_bad_versions_came_the_good_one_runs_after_a_restart() {
    let mut host = host(SYSTEM);
    let file = host.path("plugins/versions.wasm");
    for bad in 0..3_u8 {
        // Each is another file: they differ in a custom section.
        let mut bytes = fs::read(version("trapping")).unwrap();
        bytes.extend([0, 3, 1, b'n', bad]);
        fs::write(&file, bytes).unwrap();
        until(&host, &["ps"], |ps| {
            device(ps, "meter").is_some_and(|device| device["probation"] == true)
        });
        for number in 0..20 {
            set(&host, "plugin/meter/in", number);
        }
        until(&host, &["ps"], |ps| {
            runs("meter", "1.0.0")(ps) && failure(ps, "in quarantine")
        });
    }
    assert!(host.stop());
    host.start();
    until(&host, &["ps"], runs("meter", "1.0.0"));
    assert!(host.stop());
}

#[test]
fn of_two_files_of_one_name_the_higher_version_runs_and_both_are_listed() {
    let mut host = host(SYSTEM);
    let higher = host.path("plugins/versions-2.0.0.wasm");
    let aside = host.path("aside");
    put("2", &aside);
    fs::rename(&aside, &higher).unwrap();
    until(&host, &["ps"], runs("meter", "2.0.0"));
    let plan = host.ask(&["plan"]).unwrap();
    let notes = plan["notes"].to_string();
    assert!(
        notes.contains("plugins/versions.wasm (1.0.0) lies idle"),
        "{plan:#}"
    );
    assert!(plan["steps"].as_array().unwrap().is_empty(), "{plan:#}");
    let ps = String::from_utf8(host.run(&["ps"]).stdout).unwrap();
    assert!(
        ps.contains("plugins/versions.wasm (1.0.0) lies idle"),
        "{ps}"
    );
    fs::remove_file(&higher).unwrap();
    until(&host, &["ps"], runs("meter", "1.0.0"));
    assert!(host.stop());
}

#[test]
fn a_dropped_file_runs_at_once_and_its_removal_stops_it() {
    let mut host = host(SYSTEM);
    let dropped = host.path("plugins/dropped.wasm");
    put("2", &dropped);
    until(&host, &["ps"], runs("dropped", "2.0.0"));
    fs::remove_file(&dropped).unwrap();
    let ps = until(&host, &["ps"], |ps| device(ps, "dropped").is_none());
    assert!(runs("meter", "1.0.0")(&ps));
    let stopped = host.ask(&["get", "plugin/dropped/stopped"]).unwrap();
    assert_eq!(stopped["value"], "2.0.0", "it was stopped in order");
    // The file of an entry: its device stops, and comes back with the file, also at a start.
    let file = host.path("plugins/versions.wasm");
    fs::remove_file(&file).unwrap();
    until(&host, &["ps"], |ps| device(ps, "meter").is_none());
    assert!(host.stop());
    host.start();
    until(&host, &["ps"], |ps| failure(ps, "there is no file"));
    put("1", &file);
    until(&host, &["ps"], |ps| {
        runs("meter", "1.0.0")(ps) && ps["failed"].as_array().unwrap().is_empty()
    });
    assert!(host.stop());
}

#[test]
fn an_edited_configuration_touches_only_what_changed() {
    let more = format!("{SYSTEM}\n[device.other]\nplugin = \"versions\"\n");
    let mut host = host(&more);
    let file = host.path("weihe.toml");
    let started = |host: &Host, name: &str| {
        let topic = format!("plugin/{name}/started");
        host.ask(&["get", &topic]).unwrap()["sequence"].clone()
    };
    let before = started(&host, "meter");
    let edited = more.replace(
        "[device.other]\n",
        "[device.third]\nplugin = \"versions\"\n[device.other]\nlane = \"fast\"\n",
    );
    fs::write(&file, &edited).unwrap();
    let ps = until(&host, &["ps"], |ps| {
        runs("third", "1.0.0")(ps)
            && device(ps, "other").is_some_and(|device| device["lane"] == "fast")
    });
    assert!(runs("meter", "1.0.0")(&ps));
    assert_eq!(started(&host, "meter"), before, "it was not started again");
    fs::write(&file, SYSTEM).unwrap();
    until(&host, &["ps"], |ps| {
        ps["devices"].as_array().unwrap().len() == 1
    });
    assert_eq!(started(&host, "meter"), before);
    assert!(host.stop());
}

#[test]
fn a_configuration_with_faults_changes_nothing_and_says_why() {
    let mut host = host(SYSTEM);
    let file = host.path("weihe.toml");
    let faulty = format!("{SYSTEM}\n[device.new]\nplugin = \"versoins\"\n");
    let next = host.path("next.toml");
    fs::write(&next, &faulty).unwrap();
    let foreseen = host.run(&["plan", &next.display().to_string()]);
    let text = String::from_utf8_lossy(&foreseen.stderr).into_owned();
    assert!(
        !foreseen.status.success() && text.contains("did you mean `versions`?"),
        "{text}"
    );
    fs::write(&file, &faulty).unwrap();
    let ps = until(&host, &["ps"], |ps| failure(ps, "`versoins`"));
    assert!(runs("meter", "1.0.0")(&ps) && device(&ps, "new").is_none());
    // A file that is gone is no empty one.
    fs::remove_file(&file).unwrap();
    let ps = until(&host, &["ps"], |ps| failure(ps, "it is gone"));
    assert!(runs("meter", "1.0.0")(&ps));
    // A component that comes meanwhile is taken, and the file is missing all the same.
    put("2", &host.path("plugins/dropped.wasm"));
    until(&host, &["ps"], runs("dropped", "2.0.0"));
    assert!(!host.run(&["plan"]).status.success(), "there is no file");
    let ps = host.ask(&["ps"]).unwrap();
    assert!(failure(&ps, "it is gone"), "{ps:#}");
    fs::write(&file, faulty.replace("versoins", "versions")).unwrap();
    until(&host, &["ps"], |ps| {
        runs("new", "1.0.0")(ps) && ps["failed"].as_array().unwrap().is_empty()
    });
    assert!(host.stop());
}

#[test]
fn a_plan_is_shown_and_taken_when_the_operator_wants_it() {
    let system = format!("[host]\nwatch = \"off\"\n{SYSTEM}");
    let mut host = host(&system);
    fs::write(
        host.path("weihe.toml"),
        format!("{system}\n[device.second]\nplugin = \"versions\"\n"),
    )
    .unwrap();
    put("2", &host.path("plugins/versions.wasm"));
    let plan = String::from_utf8(host.run(&["plan"]).stdout).unwrap();
    assert!(
        plan.contains("1.0.0 → 2.0.0 (plugins/versions.wasm)"),
        "{plan}"
    );
    assert!(plan.contains("start  device  second"), "{plan}");
    let ps = host.ask(&["ps"]).unwrap();
    assert!(runs("meter", "1.0.0")(&ps) && device(&ps, "second").is_none());
    let done = host.run(&["reload"]);
    assert!(done.status.success());
    assert_eq!(String::from_utf8(done.stdout).unwrap(), plan);
    let ps = host.ask(&["ps"]).unwrap();
    assert!(
        runs("meter", "2.0.0")(&ps) && runs("second", "2.0.0")(&ps),
        "{ps:#}"
    );
    let nothing = String::from_utf8(host.run(&["reload"]).stdout).unwrap();
    assert_eq!(nothing, "nothing has changed\n");
    assert!(host.stop());
}

#[test]
fn a_device_that_refuses_its_new_entry_goes_on_with_the_one_before() {
    let rule = |on: u32| {
        format!(
            "{SYSTEM}[device.watering]\nplugin = \"rule\"\n[device.watering.config]\n\
             input = \"plugin/watering/soil\"\non-below = {on}\noff-above = 30\n"
        )
    };
    let mut host = Host::new(&rule(20), &[("rule", "weihe-plugin-rule-hysteresis")]);
    put("1", &host.path("plugins/versions.wasm"));
    host.start();
    assert!(host.failed().is_empty(), "{}", host.log());
    // The plugin alone knows that this makes no sense.
    fs::write(host.path("weihe.toml"), rule(50)).unwrap();
    let goes_on = |ps: &Value| {
        failure(ps, "it goes on with its entry from before") && runs("watering", "0.1.0")(ps)
    };
    until(&host, &["ps"], goes_on);
    // Nor does the next attempt. The way back is what runs, not what was tried before.
    fs::write(host.path("weihe.toml"), rule(60)).unwrap();
    until(&host, &["ps"], |ps| goes_on(ps) && failure(ps, "60"));
    // A new start tries it once more, and hides nothing.
    let restarted = host.run(&["restart", "watering"]);
    let text = String::from_utf8_lossy(&restarted.stderr).into_owned();
    assert!(
        !restarted.status.success() && text.contains("`on-below`"),
        "{text}"
    );
    assert!(goes_on(&host.ask(&["ps"]).unwrap()));
    fs::write(host.path("weihe.toml"), rule(25)).unwrap();
    until(&host, &["ps"], |ps| {
        runs("watering", "0.1.0")(ps) && ps["failed"].as_array().unwrap().is_empty()
    });
    assert!(host.stop());
}

#[test]
fn a_file_whose_name_is_none_is_listed_with_a_better_one() {
    let mut host = host(SYSTEM);
    put("2", &host.path("plugins/Modbus2.wasm"));
    until(&host, &["ps"], |ps| {
        let notes = ps["notes"].to_string();
        notes.contains("Modbus2.wasm is ignored") && notes.contains("modbus2.wasm")
    });
    assert!(host.stop());
}

#[test]
fn a_version_that_ran_through_its_probation_is_confirmed() {
    let mut host = host(&SYSTEM.replace("1 h", "200 ms"));
    put("2", &host.path("plugins/versions.wasm"));
    let confirmed = |ps: &Value| {
        let history = ps["plugins"][0]["history"].as_array();
        history
            .and_then(|history| history.last())
            .is_some_and(|last| last["change"] == "confirmed" && last["version"] == "2.0.0")
    };
    until(&host, &["ps"], confirmed);
    assert!(host.stop());
}

#[test]
fn what_waits_for_the_next_start_is_said_until_then() {
    let mut host = host(SYSTEM);
    let text = format!("[host]\nmemory = \"256 MiB\"\n{SYSTEM}");
    fs::write(host.path("weihe.toml"), text).unwrap();
    let waits = |ps: &Value| ps["notes"].to_string().contains("`memory` of `[host]`");
    until(&host, &["ps"], waits);
    // Also after something else has changed.
    put("2", &host.path("plugins/versions.wasm"));
    let ps = until(&host, &["ps"], runs("meter", "2.0.0"));
    assert!(waits(&ps), "{ps:#}");
    assert!(host.stop());
    host.start();
    let ps = until(&host, &["ps"], runs("meter", "2.0.0"));
    assert!(!waits(&ps), "{ps:#}");
    assert!(host.stop());
}

#[test]
fn a_dropped_file_that_turns_bad_leaves_the_device_that_it_brought_running() {
    let mut host = host(SYSTEM);
    let dropped = host.path("plugins/dropped.wasm");
    put("2", &dropped);
    until(&host, &["ps"], runs("dropped", "2.0.0"));
    fs::write(&dropped, "no component").unwrap();
    until(&host, &["ps"], |ps| failure(ps, "dropped.wasm"));
    // It waits until all is done, and looks once more.
    let output = host.run(&["reload"]);
    assert!(!output.status.success(), "a part has failed");
    let ps = host.ask(&["ps"]).unwrap();
    assert!(runs("dropped", "2.0.0")(&ps), "{ps:#}");
    assert!(host.stop());
}

#[test]
fn what_an_operator_unloaded_waits_and_its_entries_may_change_meanwhile() {
    let mut host = host(SYSTEM);
    assert!(host.run(&["unload", "versions"]).status.success());
    let edited = SYSTEM.replace("[device.meter]\n", "[device.meter]\nlane = \"fast\"\n");
    fs::write(host.path("weihe.toml"), edited).unwrap();
    let ps = until(&host, &["ps"], |ps| {
        ps["notes"].to_string().contains("versions was unloaded")
    });
    assert!(device(&ps, "meter").is_none(), "{ps:#}");
    assert_eq!(ps["failed"], serde_json::json!([]));
    let file = host.path("plugins/versions.wasm").display().to_string();
    assert!(host.run(&["load", &file]).status.success());
    let ps = host.ask(&["ps"]).unwrap();
    assert!(runs("meter", "1.0.0")(&ps), "{ps:#}");
    assert_eq!(device(&ps, "meter").unwrap()["lane"], "fast");
    assert!(host.stop());
}

#[test]
fn a_file_that_becomes_what_an_operator_swapped_in_and_goes_back_is_followed() {
    let mut host = host(SYSTEM);
    let (file, elsewhere) = (host.path("plugins/versions.wasm"), host.path("2.wasm"));
    put("2", &elsewhere);
    let swap = ["swap", "versions", &elsewhere.display().to_string()];
    assert!(host.run(&swap).status.success());
    put("2", &file);
    let output = host.run(&["reload"]);
    assert!(output.status.success(), "{}", host.log());
    put("1", &file);
    until(&host, &["ps"], runs("meter", "1.0.0"));
    assert!(host.stop());
}
