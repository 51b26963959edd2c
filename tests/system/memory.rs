//! The memory of the host as a whole: whoever asks for more than is left is refused, and nobody else.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use weihe_kernel::SwapError;
use weihe_kernel::audit::{Outcome, action};
use weihe_kernel::units::Size;
use weihe_tests::{Host, Rig, bomb, component};

const MIB: u64 = 1 << 20;

const PAIR: &str = r#"
    [plugin]
    raw = "weihe-guest-raw"

    [device.good]
    plugin = "raw"

    [device.bad]
    plugin = "raw"
    [device.bad.limits]
    memory = "64 MiB"
    attempts = 1
    cpu-time = "5 s"
"#;

fn used(rig: &Rig) -> u64 {
    rig.kernel().status().memory.used
}

#[tokio::test]
async fn a_device_that_grows_beyond_what_is_left_is_refused_and_its_neighbour_goes_on() {
    let rig = Rig::within(Size(8 * MIB));
    rig.add(PAIR).await;
    let mut dead = rig.watch("$dead/bad");
    let mut good = rig.watch("plugin/good/echo");
    // It is told in time, and copes.
    rig.order("bad", "hoard");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(error.contains("KiB"), "{error}");
    let kibibytes: u64 = {
        let words: Vec<&str> = error.split(' ').collect();
        let unit = words.iter().position(|word| word.starts_with("KiB"));
        words[unit.unwrap() - 1].parse().unwrap()
    };
    assert!((3 * 1024..8 * 1024).contains(&kibibytes), "{error}");
    assert!(used(&rig) <= 8 * MIB);
    let refused = rig.audited(action::MEMORY_REFUSED);
    assert_eq!(refused[0].target, "device/bad");
    let Outcome::Refused { reason } = &refused[0].outcome else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("short of the host's limit"), "{reason}");
    assert!(rig.kernel().status().memory.refused > 0);
    rig.order("good", "well");
    good.value("plugin/good/echo", "well 1").await;
    // It is told, and does not cope: its trap says why.
    rig.order("bad", "grow");
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(error.contains("memory in vain"), "{error}");
    rig.order("good", "well");
    good.value("plugin/good/echo", "well 1").await;
    let mut bad = rig.watch("plugin/bad/echo");
    rig.order("bad", "well");
    bad.value("plugin/bad/echo", "well 1").await;
    assert_eq!(rig.device("good").traps, 0);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_for_which_no_memory_is_left_is_refused_with_what_is_missing() {
    let rig = Rig::within(Size(4 * MIB));
    rig.add("[plugin]\nraw = \"weihe-guest-raw\"").await;
    let device = |number: u64| format!("[device.d{number}]\nplugin = \"raw\"");
    let mut fit = 0;
    let error = loop {
        match rig.try_add(&device(fit)).await {
            Ok(()) => fit += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!((1..4).contains(&fit), "{fit} devices of more than 1 MiB");
    let words = [
        &format!("device `d{fit}` cannot have an instance of plugin `raw` now"),
        "short of the host's limit of 28.0 MiB",
    ];
    assert!(words.iter().all(|word| error.contains(*word)), "{error}");
    assert_eq!(rig.audited(action::DEVICE_REFUSED).len(), 1);
    // What one gives back, another can have.
    rig.kernel()
        .remove_device("d0", "the test is over")
        .await
        .unwrap();
    rig.add(&device(fit)).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_version_for_which_no_memory_is_left_beside_the_old_one_changes_nothing() {
    let rig = Rig::within(Size(2 * MIB));
    rig.add("[plugin]\nraw = \"weihe-guest-raw\"\n[device.only]\nplugin = \"raw\"")
        .await;
    let before = used(&rig);
    let swapped = rig
        .kernel()
        .swap_plugin("raw", &component("weihe-guest-packed"))
        .await;
    let error = swapped.unwrap_err();
    assert!(
        matches!(error, SwapError::Device(_) | SwapError::Load(_)),
        "{error}"
    );
    assert!(
        error.to_string().contains("short of the host's limit"),
        "{error}"
    );
    assert_eq!(used(&rig), before);
    let mut echo = rig.watch("plugin/only/echo");
    rig.order("only", "well");
    echo.value("plugin/only/echo", "well 1").await;
    rig.shutdown().await;
}

#[tokio::test]
async fn what_instances_held_is_given_back_when_they_trap_or_end() {
    let rig = Rig::within(Size(64 * MIB));
    rig.add(PAIR).await;
    let before = used(&rig);
    assert!(before > 2 * MIB);
    let mut dead = rig.watch("$dead/bad");
    for _ in 0..3 {
        rig.order("bad", "grow");
        dead.next().await;
    }
    rig.until("the memory of the instances that trapped", |status| {
        status.memory.used <= before
    })
    .await;
    rig.kernel()
        .remove_device("bad", "the test is over")
        .await
        .unwrap();
    rig.kernel()
        .remove_device("good", "the test is over")
        .await
        .unwrap();
    assert_eq!(used(&rig), 0);
    rig.shutdown().await;
}

#[test]
fn what_finds_no_memory_at_the_start_is_listed_with_what_is_missing_and_the_others_run() {
    // 24 MiB are left of the least that a host may have.
    let devices: String = (0..40)
        .map(|number| format!("[device.d{number}]\nplugin = \"raw\"\n"))
        .collect();
    let config = format!("[host]\nmemory = \"48 MiB\"\n[plugin.raw]\n{devices}");
    let mut host = Host::new(&config, &[("raw", "weihe-guest-raw")]);
    host.start();
    let failed = host.failed();
    let ps = host.ask(&["ps"]).unwrap();
    let running = ps["devices"].as_array().unwrap().len();
    assert!((15..24).contains(&running), "{running} of more than 1 MiB");
    assert_eq!(running + failed.len(), 40);
    let part = &failed[0];
    let message = part["message"].as_str().unwrap();
    assert!(message.contains("host's limit of 48.0 MiB"), "{message}");
    assert!(ps["memory"]["used"].as_u64().unwrap() <= 24 * MIB);
    assert!(host.stop());
}

#[test]
fn a_compilation_bomb_ends_within_its_memory_and_the_host_goes_on() {
    let config = "[host]\nmemory = \"200 MiB\"\n[plugin.raw]\n[device.good]\nplugin = \"raw\"\n";
    let mut host = Host::new(config, &[("raw", "weihe-guest-raw")]);
    let file = host.path("bomb.wasm");
    fs::write(&file, bomb()).unwrap();
    host.start();
    assert!(host.failed().is_empty());
    let used = || host.ask(&["ps"]).unwrap()["memory"]["used"].as_u64();
    let before = used();
    let loaded = host.run(&["load", file.to_str().unwrap()]);
    assert_eq!(loaded.status.code(), Some(1));
    let said = String::from_utf8_lossy(&loaded.stderr).into_owned();
    assert!(
        said.contains("bomb.wasm") && said.contains("was stopped"),
        "{said}"
    );
    // Half of what is left beside the device.
    assert!(said.contains("of processor time and 87."), "{said}");
    assert_eq!(used(), before, "all is given back");
    host.ask(&["call", "good", "mend"])
        .expect("the host goes on");
    let shown = String::from_utf8(host.run(&["ps"]).stdout).unwrap();
    assert!(shown.contains("of 176.0 MiB"), "{shown}");
    assert!(host.stop());
}

#[test]
fn the_limit_of_a_real_control_group_is_found() {
    let scope = |program: &str| {
        let mut command = Command::new("systemd-run");
        command.args([
            "--user",
            "--scope",
            "--quiet",
            "-p",
            "MemoryMax=256M",
            program,
        ]);
        command
    };
    let can = scope("true").output().is_ok_and(|ran| ran.status.success());
    if !can {
        // Not by a macro: the harness keeps back what those print in a passing test.
        let reason = "no session of systemd here gives out control groups";
        let _ = writeln!(std::io::stderr(), "\nSKIPPED control group: {reason}\n");
        return;
    }
    let weihe = weihe_tests::weihe();
    let mut command = scope(&weihe.get_program().to_string_lossy());
    let output = command.args(["--json", "doctor"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("256.0 MiB (cgroup)"), "{said}");
}
