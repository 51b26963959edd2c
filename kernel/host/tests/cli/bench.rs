//! `weihe bench`: that it measures what it says, not how fast this machine is.

use super::{json, run, text};

#[test]
fn swaps_drops_traps_and_lanes_are_measured_with_the_built_in_component() {
    let here = tempfile::tempdir().unwrap();
    let output = run(
        here.path(),
        &["bench", "swap", "--quick", "--rate", "2000", "--json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report = json(&output);
    assert_eq!(report["astray"]["missing"], 0);
    assert_eq!(report["astray"]["out_of_order"], 0);
    assert_eq!(report["built_in"], true);
    assert!(report["reached"].as_u64().unwrap() > 0);
    assert!(report["beside"].as_u64().unwrap() > 0);
    let rows = report["rows"].as_array().unwrap();
    let goals = rows.iter().filter(|row| row["goal"].is_u64()).count();
    assert_eq!((rows.len(), goals), (12, 5));
    for row in rows {
        let span = |which: &str| row[which].as_u64().unwrap();
        // At this rate no event may have been sent in so short a time.
        let may_lack = row["what"].as_str().unwrap().ends_with("sent meanwhile");
        assert!(
            may_lack || (span("samples") > 0 && span("max") > 0),
            "{row}"
        );
        assert!(
            span("p50") <= span("p99") && span("p99") <= span("max"),
            "{row}"
        );
    }
    let left = std::fs::read_dir(here.path()).unwrap().count();
    assert_eq!(left, 0, "it touches no folder but its own");
}

#[test]
fn what_cannot_be_measured_is_said() {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("no.wasm");
    std::fs::write(&file, b"no component").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, code, words) in [
        (&["bench"][..], 2, "swap"),
        (&["bench", "swap", "--config", "{}"], 2, "FILE"),
        (&["bench", "swap", file, "--config", "{"], 2, "is not JSON"),
        (&["bench", "swap", "nowhere.wasm"], 1, "nowhere.wasm"),
        (&["bench", "swap", file], 1, "is not a WebAssembly file"),
    ] {
        let output = run(here.path(), arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
