//! A plugin in C, from the source in `examples/c-flow-meter` to a running, swapped one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weihe_tests::{Host, build_c, weihe, workspace};

/// How long anything is awaited here: processes are started for each look.
const PATIENCE: Duration = Duration::from_secs(120);

const SYSTEM: &str = r#"
[plugin.flow-meter]
source = "."
[device.water]
plugin = "flow-meter"
config = { pulses-per-litre = 450 }
# What was counted is kept at once, not within a second.
limits.checkpoint = "1 ms"
[device.steam]
plugin = "flow-meter"
config = { pulses-per-litre = 10, input = "plugin/steam/wheel" }
"#;

/// A mistake as C is famous for: a table that is indexed by what comes from outside.
const MISTAKE: (&str, &str) = (
    "        count.pulses += pulses;\n",
    "        static volatile uint8_t seen[64];\n        seen[pulses] = 1;\n        count.pulses += pulses;\n",
);

/// A pulse count that is far beyond the memory of the plugin.
const POISON: &str = "200000000";

fn copy(source: &Path, destination: &Path) {
    fs::create_dir_all(destination).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), destination.join(entry.file_name())).unwrap();
    }
}

/// Copies the example's source, with a change.
fn write_source(directory: &Path, changes: &[(&str, &str)]) {
    let example = workspace().join("examples/c-flow-meter");
    for folder in ["src", "wit"] {
        copy(&example.join(folder), &directory.join(folder));
    }
    let file = directory.join("src/flow_meter.c");
    let mut text = fs::read_to_string(&file).unwrap();
    for (before, after) in changes {
        assert!(
            text.contains(before),
            "the example has no `{before}` any more"
        );
        text = text.replace(before, after);
    }
    fs::write(file, text).unwrap();
}

/// What a command of `weihe` answers, when it is what is wanted.
fn answer(host: &mut Host, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let answer = host.ask(arguments).unwrap_or_default();
        if wanted(&answer) {
            return answer;
        }
        assert!(
            began.elapsed() < PATIENCE && !host.has_ended(),
            "{arguments:?} never became what it should: {answer}\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn version(ps: &Value) -> &Value {
    &ps["plugins"][0]["description"]["version"]
}

fn device<'a>(ps: &'a Value, name: &str) -> &'a Value {
    let devices = ps["devices"].as_array().map_or(&[][..], Vec::as_slice);
    let found = devices.iter().find(|device| device["name"] == name);
    found.unwrap_or(&Value::Null)
}

fn reading(host: &mut Host, name: &str, pulses: u64) -> Value {
    answer(host, &["call", name, "reading"], |answer| {
        answer["pulses"] == pulses
    })
}

#[test]
fn a_plugin_in_c_counts_traps_alone_and_is_swapped_with_its_state() {
    let mut host = Host::new(SYSTEM, &[]);
    let source = host.path("");
    write_source(&source, &[MISTAKE]);
    let component = host.path("plugins/flow-meter.wasm");
    let Some(built) = build_c(&source, &component) else {
        return;
    };
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let said = String::from_utf8(built.stdout).unwrap();
    assert!(
        said.contains("lifecycle, events, commands, state"),
        "{said}"
    );
    assert!(said.contains("weihe:plugin/bus@0.1.0"), "{said}");

    // `weihe dev` finds the source, too, and what it builds is the same.
    host.start_developing();
    answer(&mut host, &["ps"], |ps| {
        ["water", "steam"]
            .iter()
            .all(|name| device(ps, name)["state"] == "running")
    });
    host.ask(&["set", "plugin/water/pulses", "40"]).unwrap();
    host.ask(&["set", "plugin/water/pulses", "true"]).unwrap();
    host.ask(&["set", "plugin/water/pulses", "null"]).unwrap();
    host.ask(&["set", "plugin/steam/wheel", "30"]).unwrap();
    assert_eq!(reading(&mut host, "water", 42)["litres"], 0.093);
    assert_eq!(reading(&mut host, "steam", 30)["litres"], 3.0);
    answer(&mut host, &["get", "plugin/steam/total"], |event| {
        event["value"] == 3.0
    });
    answer(&mut host, &["get", "plugin/steam/rate"], |event| {
        event["quality"] == "good"
    });
    // What is no count is refused with the author's words, and kept for the operator.
    host.ask(&["set", "plugin/water/pulses", "many"]).unwrap();
    answer(&mut host, &["dead", "list", "water"], |dead| {
        dead.to_string().contains("pulses are a number")
    });

    // Out of bounds: the event that does it is put aside, what was counted stays, the neighbour,
    // made of the same file, does not notice.
    host.until_saved("water", |bytes| bytes.starts_with(&42_u64.to_le_bytes()));
    host.ask(&["set", "plugin/water/pulses", POISON]).unwrap();
    let dead = answer(&mut host, &["dead", "list", "water"], |dead| {
        dead.as_array().is_some_and(|dead| dead.len() == 2)
    });
    assert!(dead.to_string().contains("out of bounds"), "{dead}");
    assert_eq!(reading(&mut host, "water", 42)["litres"], 0.093);
    let ps = host.ask(&["ps"]).unwrap();
    assert_eq!(device(&ps, "steam")["traps"], 0, "{ps}");
    assert_ne!(device(&ps, "water")["traps"], 0, "{ps}");
    reading(&mut host, "steam", 30);
    assert!(
        host.log().contains("exports_weihe_plugin_events_handle"),
        "the log names the function: {}",
        host.log()
    );

    // What is saved is built, and goes on where the version before was. It prints, as programs in C do.
    write_source(
        &source,
        &[
            ("\"0.1.0\"", "\"0.2.0\""),
            (
                "    publish(total_topic, litres());\n    return true;",
                "    publish(total_topic, litres());\n    printf(\"mended at %d pulses\\n\", (int)count.pulses);\n    fflush(stdout);\n    return true;",
            ),
        ],
    );
    answer(&mut host, &["ps"], |ps| version(ps) == "0.2.0");
    assert_eq!(reading(&mut host, "water", 42)["litres"], 0.093);
    let began = Instant::now();
    while !host.log().contains("mended at 42 pulses") {
        assert!(began.elapsed() < PATIENCE, "{}", host.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    host.ask(&["set", "plugin/water/pulses", "8"]).unwrap();
    reading(&mut host, "water", 50);
    let last = host.ask(&["call", "water", "reset"]).unwrap();
    assert_eq!(last["pulses"], 50);
    assert_eq!(reading(&mut host, "water", 0)["litres"], 0.0);
    assert!(host.stop());
}

/// What a build system of one's own leaves: a core module whose C library imports WASI preview 1.
#[test]
fn a_core_module_of_another_build_becomes_the_same_component() {
    let directory = tempfile::tempdir().unwrap();
    write_source(directory.path(), &[]);
    let component = directory.path().join("built.wasm");
    let Some(output) = build_c(directory.path(), &component) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let module = directory.path().join("target/weihe-components/_core.wasm");
    let bytes = fs::read(&module).unwrap();
    let of_before = b"wasi_snapshot_preview1";
    assert!(bytes.windows(of_before.len()).any(|name| name == of_before));
    let wrapped = directory.path().join("wrapped.wasm");
    let output = weihe()
        .arg("build")
        .arg(&module)
        .arg("-o")
        .arg(&wrapped)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(fs::read(wrapped).unwrap() == fs::read(component).unwrap());
}

#[test]
fn c_that_does_not_compile_is_told_where_and_a_hook_that_is_missing_by_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let component = directory.path().join("out.wasm");
    let build = |changes: &[(&str, &str)]| {
        write_source(directory.path(), changes);
        build_c(directory.path(), &component).map(|output| {
            (
                output.status.success(),
                String::from_utf8(output.stderr).unwrap(),
            )
        })
    };
    let Some((built, _)) = build(&[]) else {
        return;
    };
    assert!(built);
    let (built, said) =
        build(&[("static struct count count;", "static struct cuont count;")]).unwrap();
    assert!(
        !built && said.contains("flow-meter does not compile"),
        "{said}"
    );
    assert!(
        said.contains("flow_meter.c:") && said.contains("cuont"),
        "{said}"
    );
    let (built, said) = build(&[(
        "void exports_weihe_plugin_state_export_state(",
        "void not_a_hook(",
    )])
    .unwrap();
    assert!(
        !built && said.contains("exports_weihe_plugin_state_export_state"),
        "{said}"
    );
    assert!(
        said.contains("every function that its world exports"),
        "{said}"
    );
    // A world that names what no host has.
    let world = directory.path().join("wit/flow-meter.wit");
    let text = fs::read_to_string(&world).unwrap();
    write_source(directory.path(), &[]);
    fs::write(&world, text.replace("plugin/state@", "plugin/stat@")).unwrap();
    let output = build_c(directory.path(), &component).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains("flow-meter.wit:12") && said.contains("plugin/stat@"),
        "{said}"
    );
    assert!(said.contains("`weihe wit`"), "{said}");
}

#[test]
fn a_header_beside_the_source_is_watched_like_it() {
    let mut host = Host::new(SYSTEM, &[]);
    let source = host.path("");
    write_source(
        &source,
        &[
            (
                "#include \"flow_meter.h\"",
                "#include \"../shared words/version.h\"\n#include \"flow_meter.h\"",
            ),
            ("\"0.1.0\"", "VERSION"),
        ],
    );
    let header = host.path("shared words/version.h");
    fs::create_dir(header.parent().unwrap()).unwrap();
    fs::write(&header, "#define VERSION \"0.1.0\"\n").unwrap();
    // Where the machine has no compiler.
    if build_c(&source, &host.path("plugins/flow-meter.wasm")).is_none() {
        return;
    }
    host.start_developing();
    answer(&mut host, &["ps"], |ps| version(ps) == "0.1.0");
    fs::write(&header, "#define VERSION \"0.2.0\"\n").unwrap();
    answer(&mut host, &["ps"], |ps| version(ps) == "0.2.0");
    assert!(host.log().contains("version.h saved"), "{}", host.log());
    assert!(host.stop());
}

#[test]
fn a_world_that_is_renamed_leaves_nothing_of_its_old_name() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let component = directory.join("out.wasm");
    let made = directory.join("target/weihe-components");
    let there = |name: &str| made.join(name).exists();
    write_source(directory, &[]);
    fs::write(
        directory.join("src/more.c"),
        "#include \"flow_meter.h\"\nint more;\n",
    )
    .unwrap();
    let Some(built) = build_c(directory, &component) else {
        return;
    };
    assert!(built.status.success(), "{built:?}");
    fs::write(made.join("mine.h"), "").unwrap();
    let world = directory.join("wit/flow-meter.wit");
    let text = fs::read_to_string(&world).unwrap();
    fs::write(&world, text.replace("world flow-meter", "world gauge")).unwrap();
    let output = build_c(directory, &component).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    // The header would declare functions that nobody defines. Each file with the fault is shown.
    assert!(!output.status.success(), "{said}");
    for file in ["flow_meter.c:", "more.c:"] {
        assert!(said.contains(file), "{said}");
    }
    assert!(said.contains("'flow_meter.h' file not found"), "{said}");
    for file in [
        "flow_meter.h",
        "flow_meter.c",
        "flow_meter_component_type.o",
        "flow-meter.wasm",
    ] {
        assert!(!there(file), "{file} is still there");
    }
    assert!(there("gauge.h") && there("mine.h"));

    write_source(directory, &[("flow_meter", "gauge")]);
    fs::write(&world, text.replace("world flow-meter", "world gauge")).unwrap();
    fs::remove_file(directory.join("src/more.c")).unwrap();
    let output = build_c(directory, &component).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(there("gauge.wasm"));
}

#[test]
fn a_variable_for_the_sdk_that_is_set_to_nothing_names_none() {
    // With a path of nothing the compiler would be looked for here.
    let directory = tempfile::tempdir().unwrap();
    write_source(directory.path(), &[]);
    let trap = directory.path().join("bin/clang");
    fs::create_dir(trap.parent().unwrap()).unwrap();
    fs::write(&trap, "#!/bin/sh\necho trapped >&2; exit 1\n").unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    let output = weihe()
        .args(["build", "."])
        .current_dir(directory.path())
        .env("WASI_SDK_PATH", "")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("trapped"), "{said}");
    assert!(!said.contains("bin/clang"), "{said}");
}

#[test]
fn a_machine_without_a_compiler_for_c_is_told_what_to_install() {
    let output = weihe()
        .arg("build")
        .arg(workspace().join("examples/c-flow-meter"))
        .env("WASI_SDK_PATH", "/nowhere")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("/nowhere/bin/clang") && said.contains("apt-get install clang"),
        "{said}"
    );
}

#[test]
fn a_folder_gets_the_contracts_as_other_generators_want_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut command: Command = weihe();
    let output = command
        .args(["--json", "wit"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["directory"], json!("wit/deps"));
    // A world beside them resolves without anything of Weihe's.
    fs::write(
        directory.path().join("wit/world.wit"),
        "package example:mine; world mine { include weihe:plugin/plugin@0.1.0; include weihe:store/imports@0.1.0; }",
    )
    .unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(directory.path().join("wit")).unwrap();
    assert!(resolve.select_world(&[package], Some("mine")).is_ok());
}
