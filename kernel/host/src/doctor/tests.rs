#![allow(clippy::unwrap_used)]

use weihe_hal::Board;

use super::*;

/// A board as it looks from its files.
pub(super) fn copy(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let root = Root::new(directory.path());
    (directory, root)
}

fn find<'a>(findings: &'a [Finding], what: &str) -> &'a Finding {
    findings
        .iter()
        .find(|finding| finding.what == what)
        .unwrap()
}

#[test]
fn a_healthy_board_is_in_order() {
    let (_keep, root) = copy(&[
        (
            "/proc/cpuinfo",
            "processor\t: 0\nmodel name\t: FT-2000/4\n\nprocessor\t: 1\n",
        ),
        ("/etc/os-release", "ID=kylin\nPRETTY_NAME=\"Kylin V10\"\n"),
        ("/proc/sys/kernel/osrelease", "5.10.0-9\n"),
        (
            "/proc/self/smaps",
            "00400000-00452000 r-xp\nKernelPageSize:       64 kB\n",
        ),
        (
            "/proc/meminfo",
            "MemTotal:  2048000 kB\nMemFree: 1 kB\nMemAvailable: 1024000 kB\n",
        ),
        ("/proc/self/cgroup", "0::/system.slice/weihe.service\n"),
        ("/sys/fs/cgroup/system.slice/memory.max", "268435456\n"),
        (
            "/sys/fs/cgroup/system.slice/weihe.service/memory.max",
            "max\n",
        ),
        (
            "/proc/self/limits",
            "Limit  Soft  Hard\nMax open files            4096   4096  files\n",
        ),
        ("/proc/sys/vm/max_map_count", "65530\n"),
    ]);
    let findings = machine(&Board::detect(&root), &root);
    assert!(
        findings
            .iter()
            .all(|finding| finding.verdict == Verdict::Ok),
        "{findings:#?}"
    );
    assert!(
        find(&findings, "processor")
            .found
            .starts_with("2 × FT-2000/4")
    );
    assert!(
        find(&findings, "system")
            .found
            .starts_with("Kylin Server: Kylin V10, Linux 5.10.0-9, pages of 64 kB")
    );
    assert_eq!(find(&findings, "memory limit").found, "256.0 MiB (cgroup)");
    assert!(
        find(&findings, "memory maps")
            .found
            .contains("9,361 devices")
    );
}

#[test]
fn what_is_tight_comes_with_what_to_do() {
    let (_keep, root) = copy(&[
        ("/proc/sys/kernel/osrelease", "3.10.0\n"),
        (
            "/proc/meminfo",
            "MemTotal: 60000 kB\nMemAvailable: 30000 kB\n",
        ),
        ("/proc/self/cgroup", "0::/\n"),
        ("/sys/fs/cgroup/memory.max", "33554432\n"),
        ("/proc/self/limits", "Max open files  256  256  files\n"),
        ("/proc/sys/vm/max_map_count", "1000\n"),
    ]);
    let findings = machine(&Board::detect(&root), &root);
    for what in [
        "system",
        "memory",
        "memory limit",
        "open files",
        "memory maps",
    ] {
        let finding = find(&findings, what);
        assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
        assert!(!finding.advice.is_empty());
    }
}

#[test]
fn a_machine_that_shows_nothing_upsets_nobody() {
    let (_keep, root) = copy(&[]);
    assert_eq!(machine(&Board::detect(&root), &root).len(), 6);
    let findings = board(&Board::detect(&root), &root);
    assert_eq!(find(&findings, "board").found, "not recognised");
    assert_eq!(find(&findings, "serial ports").found, "none");
    let note = find(&findings, "note");
    assert!(note.found.contains("/sys/class/tty"), "{note:?}");
}

#[test]
fn a_port_that_this_user_may_not_use_names_the_group_that_may() {
    let (keep, root) = copy(&[
        (
            "/proc/self/status",
            "Name:\tweihe\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t27 44\n",
        ),
        ("/etc/group", "root:x:0:\ndialout:x:DIALOUT:\n"),
        ("/sys/devices/uart/tty/ttyS1/type", "4"),
        ("/dev/ttyS1", ""),
    ]);
    let sys = keep.path().join("sys");
    std::fs::create_dir_all(sys.join("class/tty")).unwrap();
    let port = "/sys/devices/uart/tty/ttyS1";
    std::os::unix::fs::symlink(port, sys.join("class/tty/ttyS1")).unwrap();
    let device = sys.join("devices/uart/tty/ttyS1/device");
    std::os::unix::fs::symlink("/sys/devices/uart", device).unwrap();
    let file = keep.path().join("dev/ttyS1");
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o660)).unwrap();
    let gid = std::fs::metadata(&file).unwrap().gid().to_string();
    let groups = root
        .read("/etc/group")
        .unwrap()
        .replace("root:x:0:\n", "")
        .replace("DIALOUT", &gid);
    std::fs::write(keep.path().join("etc/group"), groups).unwrap();
    let findings = board(&Board::detect(&root), &root);
    assert!(
        findings.iter().any(|finding| finding.what == "uart/uart"
            && finding.verdict == Verdict::Warn
            && finding.found.contains("this user may not use it")
            && finding.advice.contains("usermod -aG dialout")),
        "{findings:?}"
    );
}

#[test]
fn a_machine_without_serial_ports_is_in_order() {
    let (keep, root) = copy(&[]);
    std::fs::create_dir_all(keep.path().join("sys/class/tty")).unwrap();
    let findings = board(&Board::detect(&root), &root);
    let ports = find(&findings, "serial ports");
    assert_eq!(*ports, Finding::ok("serial ports", "none"));
}

/// Files of which the report is made.
const FILES: [&str; 14] = [
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self/status",
    "/proc/self/smaps",
    "/proc/sys/kernel/osrelease",
    "/proc/device-tree/compatible",
    "/proc/device-tree/model",
    "/etc/os-release",
    "/sys/class/dmi/id/product_name",
    "/sys/class/gpio/gpiochip0/ngpio",
    "/sys/bus/gpio/devices/gpiochip0/label",
    "/sys/bus/i2c/devices/i2c-0/name",
    "/sys/class/tty/ttyS0/device/driver",
    "/dev/gpiochip0",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    #[test]
    fn no_files_leave_the_report_empty(
        files in proptest::collection::vec((0..FILES.len(), "[ -~\\x00\n:]{0,60}|[0-9]{1,30}"), 0..14),
        folder in proptest::option::of(0..FILES.len()),
    ) {
        let (keep, root) = copy(&[]);
        let at = |index: usize| keep.path().join(FILES[index].trim_start_matches('/'));
        if let Some(index) = folder {
            std::fs::create_dir_all(at(index)).unwrap();
        }
        for (index, text) in files {
            std::fs::create_dir_all(at(index).parent().unwrap()).unwrap();
            let _ = std::fs::write(at(index), text);
        }
        let found = Board::detect(&root);
        let mut findings = machine(&found, &root);
        findings.extend(board(&found, &root));
        proptest::prop_assert!(findings.len() > 8);
        for finding in findings {
            proptest::prop_assert!(!finding.what.is_empty() && !finding.found.is_empty(), "{finding:?}");
        }
    }
}
