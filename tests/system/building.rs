//! `weihe build`, and what `weihe run` builds by itself.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use weihe_tests::{Host, component, target, weihe, workspace};

/// How long a plugin may take to build on the slowest shared machine.
const BUILDING: Duration = Duration::from_secs(900);

/// A plugin's crate, with the versions of dependencies that this workspace has. What is built has
/// one folder for all tests, so each needs a name of its own.
fn write_crate(directory: &Path, name: &str, start: &str) {
    let root = workspace().canonicalize().unwrap();
    fs::create_dir_all(directory.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"weihe-plugin-{name}\"\nversion = \"0.3.0\"\nedition = \"2024\"\n\
         [lib]\ncrate-type = [\"cdylib\"]\n\
         [dependencies]\nweihe-sdk = {{ path = {:?} }}\n[workspace]\n",
        root.join("sdk/rust")
    );
    fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    for file in ["Cargo.lock", "rust-toolchain.toml"] {
        fs::copy(root.join(file), directory.join(file)).unwrap();
    }
    write_source(directory, name, "the first", start);
}

fn write_source(directory: &Path, name: &str, summary: &str, start: &str) {
    let source = format!(
        r#"use weihe_sdk::prelude::*;

        // The environment of who compiles it is open to a source: what opens keys is not in there.
        const _: () = assert!(option_env!("WEIHE_KEY_PASSPHRASE").is_none());

        pub struct Small;

        impl Plugin for Small {{
            type Config = NoConfig;
            type Command = NoCommand;
            type State = NoState;

            fn describe() -> Description {{
                Description::new({name:?}, env!("CARGO_PKG_VERSION"), {summary:?}).standalone()
            }}

            fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {{
                {start}
                Ok(Small)
            }}
        }}

        weihe_sdk::plugin!(Small: events);
        "#
    );
    fs::write(directory.join("src/lib.rs"), source).unwrap();
}

/// What a plugin does that only starts.
const NOTHING: &str = "let _ = ctx;";

fn said(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(said).unwrap()
}

/// What the running host's plugin says of itself, when it runs.
fn summary(host: &mut Host) -> String {
    let began = Instant::now();
    while began.elapsed() < BUILDING && !host.has_ended() {
        let ps = host.ask(&["ps"]);
        let plugin = ps.as_ref().map(|ps| &ps["plugins"][0]);
        // It loads its plugins after it has begun to answer.
        if let Some(summary) = plugin.and_then(|plugin| plugin["description"]["summary"].as_str()) {
            return summary.to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no plugin was loaded: {}", host.log());
}

#[test]
fn a_plugin_is_built_from_its_crate_and_built_again_when_its_source_is_newer() {
    // Their dependencies are the same, so the crate's are built along.
    component("weihe-plugin-modbus");
    let mut host = Host::new("[plugin.fresh]\nsource = \"fresh\"\n", &[]);
    let source = host.path("fresh");
    write_crate(&source, "fresh", NOTHING);

    // A crate by itself, into a folder.
    let folder = host.path("out/");
    let build = |path: &Path| {
        let mut command = weihe();
        command.arg("build").arg(path).arg("-o").arg(&folder);
        command.env("WEIHE_KEY_PASSPHRASE", "correct horse");
        command.output().unwrap()
    };
    let built = build(&source);
    let shown = said(&built);
    assert_eq!(built.status.code(), Some(0), "{shown}");
    assert!(shown.contains(": built ("), "{shown}");
    assert!(shown.contains("hooks    lifecycle, events"), "{shown}");
    assert!(
        folder.join("fresh.wasm").is_file(),
        "named without the prefix: {shown}"
    );
    let again = said(&build(&source));
    assert!(again.contains("up to date"), "{again}");

    // All plugins of a system.
    assert!(!host.path("plugins/fresh.wasm").exists());
    let built = host.run(&["build"]);
    assert_eq!(built.status.code(), Some(0), "{}", said(&built));
    assert!(host.path("plugins/fresh.wasm").is_file());
    let inspected = host.ask(&["inspect", "fresh"]).unwrap();
    assert_eq!(inspected["description"]["version"], "0.3.0");

    // A host builds what is newer than its component.
    write_source(&source, "fresh", "the second", NOTHING);
    host.start_building();
    assert_eq!(summary(&mut host), "the second");
    assert!(
        host.log().contains("building fresh: built"),
        "{}",
        host.log()
    );
    assert!(host.stop(), "{}", host.log());
    assert!(target().join("weihe-components").is_dir());

    // A source that does not compile is said, with the compiler's words; the last component runs.
    fs::write(source.join("src/lib.rs"), "fn broken( {}").unwrap();
    let built = host.run(&["build"]);
    assert_eq!(built.status.code(), Some(1));
    let shown = said(&built);
    assert!(
        shown.contains("does not compile") && shown.contains("src/lib.rs:1"),
        "{shown}"
    );
    host.start_building();
    assert_eq!(summary(&mut host), "the second");
    assert!(
        host.log().contains("because its source cannot be built"),
        "{}",
        host.log()
    );
    assert!(host.stop(), "{}", host.log());

    // Without one the compiler is why there is none, also when it is looked for once more.
    fs::remove_file(host.path("plugins/fresh.wasm")).unwrap();
    host.start_building();
    let began = Instant::now();
    let failed = |host: &Host| {
        let ps = host.ask(&["ps"]).unwrap_or_default();
        ps["failed"].to_string()
    };
    while !failed(&host).contains("does not compile") {
        assert!(began.elapsed() < BUILDING, "{}", host.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(host.run(&["reload"]).status.code(), Some(1));
    let failed = failed(&host);
    assert!(failed.contains("does not compile"), "{failed}");
    assert!(!failed.contains("there is no file"), "{failed}");
    assert!(host.stop(), "{}", host.log());
}

#[test]
fn the_grants_of_the_device_that_a_dropped_plugin_stands_for_are_checked() {
    component("weihe-plugin-historian");
    let mut host = Host::new("", &[]);
    let source = host.path("keeper");
    let start = "ctx.database(\"main\").map_err(|error| Error::fatal(error.to_string()))?;";
    write_crate(&source, "keeper", start);
    let built = weihe()
        .arg("build")
        .arg(&source)
        .arg("-o")
        .arg(host.path("plugins"))
        .output()
        .unwrap();
    assert_eq!(built.status.code(), Some(0), "{}", said(&built));

    let answer = host.ask(&["check"]).unwrap();
    assert_eq!(answer["ok"], false);
    let problem = &answer["problems"][0];
    let message = problem["message"].as_str().unwrap();
    assert!(
        message.contains("imports `weihe:store/sql@0.1.0`"),
        "{problem}"
    );
    let help = problem["help"].as_str().unwrap();
    assert!(help.contains("`[plugin.keeper.grants]`"), "{problem}");
    // A host says the same.
    host.start();
    let failed = host.failed();
    let failed = &failed[0];
    assert_eq!(
        (&failed["message"], &failed["help"]),
        (&problem["message"], &problem["help"])
    );
    assert!(host.stop(), "{}", host.log());

    // What the help says to do.
    let grants = "[plugin.keeper.grants.store]\ntables = [\"a\"]\n";
    fs::write(host.path("weihe.toml"), grants).unwrap();
    let answer = host.ask(&["check"]).unwrap();
    assert_eq!(answer["problems"], serde_json::json!([]));
}
