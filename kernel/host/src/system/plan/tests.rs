#![allow(clippy::unwrap_used)]

use super::super::candidate::tests::candidate;
use super::super::in_force::{Attempt, RunningDevice, Taken};
use super::*;

const DIRECTORY: &str = "/s";

/// A system in memory, which takes its plans without fail.
#[derive(Default)]
struct Rig {
    text: String,
    files: BTreeMap<PathBuf, Candidate>,
    unbuilt: BTreeMap<String, Unbuilt>,
    kept: BTreeMap<String, Vec<Candidate>>,
    in_force: InForce,
    running: Running,
    quarantine: Vec<String>,
}

impl Rig {
    fn new(text: &str, files: &[(&str, &str)]) -> Self {
        let mut rig = Self::of(text);
        for (file, version) in files {
            rig.put(file, version);
        }
        rig.take();
        rig
    }

    fn of(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    fn put(&mut self, file: &str, version: &str) {
        let candidate = candidate(file, version);
        self.files.insert(candidate.file.clone(), candidate);
    }

    fn remove(&mut self, file: &str) {
        self.files
            .remove(&Path::new(DIRECTORY).join("plugins").join(file));
    }

    fn plan(&self) -> Plan {
        let files: Vec<PathBuf> = self.files.keys().cloned().collect();
        let config = Config::of(Path::new(DIRECTORY), Some(&self.text), &files).unwrap();
        Plan::make(&Situation {
            config: &config,
            files: &self.files,
            unbuilt: &self.unbuilt,
            kept: &self.kept,
            in_force: &self.in_force,
            running: &self.running,
            unwanted: &BTreeMap::new(),
            quarantined: &|version| {
                let known = self.quarantine.contains(&version.sha256);
                known.then(|| Quarantined {
                    sha256: version.sha256.clone(),
                    compiled: version.compiled.clone(),
                    plugin: String::new(),
                    version: String::new(),
                    time: 0,
                    reason: "it trapped".to_owned(),
                })
            },
            granted: &|_, _| Ok(()),
            claim: &|_| Ok(()),
        })
    }

    /// Does as an operator who loads a plugin from elsewhere, or swaps its version.
    fn load(&mut self, name: &str, version: &str) {
        let status = candidate(&format!("{name}.wasm"), version).found.unwrap();
        self.running.plugins.insert(name.to_owned(), status);
        let device = RunningDevice {
            spec: DeviceSpec::new(name, name),
            failed: false,
            order: 9,
        };
        let devices = &mut self.running.devices;
        if !devices.values().any(|device| device.spec.plugin == name) {
            devices.insert(name.to_owned(), device);
        }
    }

    /// Does what the plan says.
    fn take(&mut self) -> Vec<String> {
        let plan = self.plan();
        let config_files: Vec<PathBuf> = self.files.keys().cloned().collect();
        let config = Config::of(Path::new(DIRECTORY), Some(&self.text), &config_files).unwrap();
        self.in_force.take_over(&plan, &self.running);
        for step in &plan.steps {
            let name = step.name.clone();
            match step.act {
                Act::Stop => drop(self.running.devices.remove(&name)),
                Act::Unload => {
                    self.running.plugins.remove(&name);
                    self.in_force.plugins.remove(&name);
                    let attempts = self.in_force.devices.values_mut();
                    for attempt in attempts.filter(|attempt| attempt.spec.plugin == name) {
                        attempt.sha256.clear();
                    }
                }
                Act::Close => drop(self.in_force.connections.remove(&name)),
                Act::Open => {
                    let entry = config.connections.iter().find(|entry| entry.name == name);
                    let table = entry.unwrap().table.clone();
                    self.in_force.connections.insert(name, table);
                }
                Act::Load | Act::Swap => {
                    let status = &plan.chosen[&name].status;
                    let taken = Taken {
                        sha256: status.sha256.clone(),
                        refused: None,
                    };
                    self.in_force.plugins.insert(name.clone(), taken);
                    self.running.plugins.insert(name, status.clone());
                }
                Act::Start => {
                    let spec = plan.specs[&name].clone();
                    let running = RunningDevice {
                        spec: spec.clone(),
                        failed: false,
                        order: self.running.devices.len(),
                    };
                    let sha256 = self.running.sha256(&spec.plugin);
                    self.running.devices.insert(name.clone(), running);
                    self.in_force.devices.insert(name, Attempt { spec, sha256 });
                }
            }
        }
        self.in_force
            .devices
            .retain(|name, _| plan.specs.contains_key(name));
        self.in_force
            .plugins
            .retain(|name, _| config.plugin(name).is_some());
        told(&plan)
    }
}

fn told(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter();
    steps
        .map(|step| format!("{} {}: {}", step.act.as_str(), step.name, step.why))
        .collect()
}

fn failed(plan: &Plan) -> Vec<String> {
    let failed = plan.failed.iter();
    failed
        .map(|(part, name, problem)| format!("{} {name}: {problem}", part.as_str()))
        .collect()
}

const TEXT: &str = r#"
[connection.field]
type = "tcp"
address = "127.0.0.1:502"

[device.soil]
plugin = "modbus"
connection = "field"
config = { unit = 1 }

[device.watering]
plugin = "rule"
"#;

const FILES: [(&str, &str); 2] = [("modbus.wasm", "0.1.0"), ("rule.wasm", "0.1.0")];

#[test]
fn what_is_in_force_needs_no_steps() {
    let mut rig = Rig::of(TEXT);
    rig.put("modbus.wasm", "0.1.0");
    rig.put("rule.wasm", "0.1.0");
    assert_eq!(
        rig.take(),
        [
            "open field: tcp",
            "load modbus: 0.1.0 (plugins/modbus.wasm)",
            "load rule: 0.1.0 (plugins/rule.wasm)",
            "start soil: new",
            "start watering: new",
        ]
    );
    assert_eq!(rig.take(), [""; 0]);
}

#[test]
fn only_the_devices_whose_entries_changed_are_touched() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.text = TEXT.replace("unit = 1", "unit = 2") + "lane = \"fast\"\n";
    assert_eq!(
        rig.plan().steps.len(),
        4,
        "the entry before is the last one, which `lane` belongs to"
    );
    rig.text = TEXT.replace("unit = 1", "unit = 2");
    assert_eq!(
        rig.take(),
        ["stop soil: changed: config", "start soil: changed: config"]
    );
    rig.text = TEXT.to_owned() + "[device.more]\nplugin = \"rule\"\n";
    let text = rig.text.clone();
    assert_eq!(
        rig.take(),
        [
            "stop soil: changed: config",
            "start soil: changed: config",
            "start more: new"
        ]
    );
    rig.text = text.replace("[device.watering]\nplugin = \"rule\"\n", "");
    assert_eq!(rig.take(), ["stop watering: its entry is gone"]);
}

#[test]
fn devices_on_a_connection_that_changes_are_stopped_before_and_started_after() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.text = TEXT.replace(":502", ":503");
    assert_eq!(
        rig.take(),
        [
            "stop soil: connection field is closed",
            "close field: changed: address",
            "open field: tcp",
            "start soil: connection field is closed",
        ]
    );
}

#[test]
fn another_file_is_swapped_in_and_once_only() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.put("modbus.wasm", "0.2.0");
    let before = rig.running.plugins["modbus"].clone();
    assert_eq!(
        rig.take(),
        ["swap modbus: 0.1.0 → 0.2.0 (plugins/modbus.wasm)"]
    );
    // It was rolled back: what runs is what became of it, until there is another file.
    rig.running.plugins.insert("modbus".to_owned(), before);
    assert_eq!(rig.take(), [""; 0]);
    rig.quarantine.push("modbus 0.2.0".to_owned());
    assert_eq!(rig.take(), [""; 0]);
    assert!(failed(&rig.plan())[0].contains("in quarantine: it trapped"));
    rig.put("modbus.wasm", "0.3.0");
    assert_eq!(
        rig.take(),
        ["swap modbus: 0.1.0 → 0.3.0 (plugins/modbus.wasm)"]
    );
}

#[test]
fn a_device_that_had_failed_starts_again_with_another_version() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.running.devices.get_mut("soil").unwrap().failed = true;
    assert_eq!(rig.take(), [""; 0]);
    rig.put("modbus.wasm", "0.2.0");
    assert_eq!(
        rig.take(),
        [
            "stop soil: failed, and plugin modbus is swapped",
            "swap modbus: 0.1.0 → 0.2.0 (plugins/modbus.wasm)",
            "start soil: failed, and plugin modbus is swapped",
        ]
    );
}

#[test]
fn of_two_files_of_one_name_the_higher_version_runs() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.put("modbus-0.2.0.wasm", "0.2.0");
    let plan = rig.plan();
    assert_eq!(
        plan.notes,
        [
            "plugin modbus: plugins/modbus.wasm (0.1.0) lies idle, plugins/modbus-0.2.0.wasm (0.2.0) is higher"
        ]
    );
    assert_eq!(
        rig.take(),
        ["swap modbus: 0.1.0 → 0.2.0 (plugins/modbus-0.2.0.wasm)"]
    );
    rig.remove("modbus-0.2.0.wasm");
    assert_eq!(
        rig.take(),
        ["swap modbus: 0.2.0 → 0.1.0 (plugins/modbus.wasm)"]
    );
}

#[test]
fn a_file_that_is_removed_stops_its_devices_and_brings_them_back_when_it_returns() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.remove("rule.wasm");
    assert_eq!(
        rig.take(),
        [
            "stop watering: plugin rule is unloaded",
            "unload rule: its file was removed",
        ]
    );
    let failed = failed(&rig.plan());
    assert!(
        failed[0].starts_with("device watering: device `watering` names plugin `rule`"),
        "{failed:?}"
    );
    assert_eq!(rig.take(), [""; 0]);
    rig.put("rule.wasm", "0.1.0");
    assert_eq!(
        rig.take().last().unwrap(),
        "start watering: plugin rule is there again"
    );
}

#[test]
fn a_dropped_file_runs_as_a_device_of_its_own_name_until_an_entry_uses_it() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.put("counter.wasm", "1.0.0");
    assert_eq!(
        rig.take(),
        [
            "load counter: 1.0.0 (plugins/counter.wasm)",
            "start counter: new"
        ]
    );
    rig.text += "[device.pulses]\nplugin = \"counter\"\n";
    assert_eq!(
        rig.take(),
        ["stop counter: its entry is gone", "start pulses: new"]
    );
}

#[test]
fn what_an_operator_stopped_or_loaded_is_left_alone() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.running.plugins.remove("rule");
    rig.running.devices.remove("watering");
    rig.load("foreign", "1.0.0");
    assert_eq!(rig.take(), [""; 0]);
    let plan = rig.plan();
    assert!(
        plan.notes[0].starts_with("plugin rule was unloaded"),
        "{:?}",
        plan.notes
    );
    assert_eq!(failed(&plan), [""; 0]);
    // Its devices may be written about meanwhile.
    rig.text = TEXT.to_owned() + "lane = \"fast\"\n";
    assert_eq!(rig.take(), [""; 0]);
    assert_eq!(rig.plan().faults.len(), 0);
}

#[test]
fn where_no_file_is_sound_the_version_that_ran_before_runs_again() {
    let mut rig = Rig::of(TEXT);
    rig.put("modbus.wasm", "0.2.0");
    rig.put("rule.wasm", "0.1.0");
    rig.quarantine.push("modbus 0.2.0".to_owned());
    let copies = vec![
        candidate("modbus.wasm", "0.2.0"),
        candidate("modbus.wasm", "0.1.0"),
    ];
    rig.kept.insert("modbus".to_owned(), copies);
    let steps = rig.take();
    assert_eq!(steps[1], "load modbus: 0.1.0 (plugins/modbus.wasm)");
    assert_eq!(steps[3], "start soil: new");
    assert_eq!(failed(&rig.plan()).len(), 1, "and it is said");
}

#[test]
fn a_new_device_without_a_plugin_is_a_fault_of_the_file_and_one_whose_file_went_is_not() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.remove("rule.wasm");
    rig.take();
    assert!(rig.plan().faults.is_empty());
    rig.text += "[device.typo]\nplugin = \"modbsu\"\n";
    let faults = rig.plan().faults;
    assert_eq!(faults.len(), 1);
    assert_eq!(
        faults[0].fault().help.as_deref(),
        Some("did you mean `modbus`?")
    );
}

#[test]
fn a_dropped_file_that_turns_bad_leaves_its_device_alone() {
    let mut rig = Rig::new("", &[("counter.wasm", "1.0.0")]);
    rig.put("counter.wasm", "2.0.0");
    rig.quarantine.push("counter 2.0.0".to_owned());
    assert_eq!(rig.take(), [""; 0]);
    assert!(failed(&rig.plan())[0].ends_with("version 1.0.0 goes on"));
    assert!(rig.running.devices.contains_key("counter"));
    // Nor is it forgotten that it was started for the file.
    rig.remove("counter.wasm");
    assert_eq!(rig.take().len(), 2);
}

#[test]
fn what_an_operator_swapped_in_is_in_force_once_it_is_the_file() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.load("modbus", "0.2.0");
    assert_eq!(rig.take(), [""; 0]);
    rig.put("modbus.wasm", "0.2.0");
    assert_eq!(rig.take(), [""; 0]);
    rig.put("modbus.wasm", "0.1.0");
    assert_eq!(
        rig.take(),
        ["swap modbus: 0.2.0 → 0.1.0 (plugins/modbus.wasm)"]
    );
}

#[test]
fn what_an_operator_loaded_follows_its_entry_and_its_file_once_there_are_any() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.load("counter", "1.0.0");
    rig.put("counter.wasm", "1.0.0");
    assert_eq!(rig.take(), [""; 0]);
    rig.text += "[device.counter]\nplugin = \"counter\"\nlane = \"fast\"\n";
    assert_eq!(
        rig.take(),
        [
            "stop counter: changed: lane",
            "start counter: changed: lane"
        ]
    );
    rig.remove("counter.wasm");
    assert_eq!(
        rig.take(),
        [
            "stop counter: plugin counter is unloaded",
            "unload counter: its file was removed"
        ]
    );
}

#[test]
fn why_a_source_was_not_built_is_said_as_long_as_there_is_no_component() {
    let text = "[plugin.own]\nsource = \"own\"\n";
    let mut rig = Rig::of(text);
    let unbuilt = Unbuilt {
        message: "it does not compile".to_owned(),
        help: None,
    };
    rig.unbuilt.insert("own".to_owned(), unbuilt);
    for _ in 0..2 {
        rig.take();
        assert_eq!(failed(&rig.plan()), ["plugin own: it does not compile"]);
    }
    rig.put("own.wasm", "1.0.0");
    rig.take();
    assert_eq!(failed(&rig.plan()), [""; 0]);
}

#[test]
fn a_version_that_was_refused_is_tried_again_when_an_entry_of_its_devices_changes() {
    let mut rig = Rig::new(TEXT, &FILES);
    rig.put("modbus.wasm", "0.2.0");
    // As it is when the devices do not take it.
    let refused = Taken {
        sha256: rig.plan().chosen["modbus"].status.sha256.clone(),
        refused: Some("no grant".to_owned()),
    };
    rig.in_force.plugins.insert("modbus".to_owned(), refused);
    assert_eq!(told(&rig.plan()), [""; 0]);
    assert_eq!(failed(&rig.plan()).len(), 1);
    rig.text = TEXT.replace(
        "[device.watering]",
        "grants.publish = [\"a\"]\n[device.watering]",
    );
    assert_eq!(
        rig.take(),
        [
            "stop soil: changed: grants",
            "swap modbus: 0.1.0 → 0.2.0 (plugins/modbus.wasm)",
            "start soil: changed: grants",
        ]
    );
}
