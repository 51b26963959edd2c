//! Serial ports, and whether this user may open them.

use std::os::unix::fs::MetadataExt as _;

use weihe_hal::Board;

use super::{Finding, Root};

/// What is at the machine's connectors.
pub fn devices(root: &Root) -> Vec<Finding> {
    const WHAT: &str = "serial ports";
    if let Err(error) = root.list("/sys/class/tty") {
        let advice = "is /sys mounted? Connections of type uart need a port by its path";
        let found = format!("cannot be listed: {error}");
        return vec![Finding::warn(WHAT, found, advice)];
    }
    let board = Board::detect(root);
    if board.uart.is_empty() {
        return vec![Finding::ok(WHAT, "none")];
    }
    let mut findings = Vec::new();
    for port in board.uart {
        let path = port.path.display().to_string();
        let driver = port.hardware.driver.as_deref();
        let about = driver.unwrap_or("no driver named").to_owned();
        let about = format!("{about}, {}", port.hardware);
        findings.push(access(root, &path, &about));
    }
    findings
}

/// Whether a device file can be opened for reading and writing, without opening it: that alone
/// raises DTR, which resets some boards.
fn access(root: &Root, path: &str, about: &str) -> Finding {
    let what = format!("serial port {path}");
    let metadata = match std::fs::metadata(root.path(path)) {
        Ok(metadata) => metadata,
        Err(error) => {
            let advice =
                "the kernel knows the port, but there is no device file: check udev or devtmpfs";
            return Finding::warn(&what, format!("{about}; {error}"), advice);
        }
    };
    // Where /proc does not say who this is, opening the port will tell.
    if Identity::of(root).is_none_or(|identity| identity.may_use(&metadata)) {
        return Finding::ok(&what, about);
    }
    let group = group_name(root, metadata.gid());
    let advice = if metadata.mode() & 0o060 == 0o060 {
        format!("add this user to the group: `sudo usermod -aG {group} $USER`, and log in again")
    } else {
        format!("let a group use it: a udev rule with GROUP=\"{group}\", MODE=\"0660\"")
    };
    let found = format!(
        "{about}; mode {:03o}, user {}, group {group}: this user may not use it",
        metadata.mode() & 0o777,
        metadata.uid()
    );
    Finding::warn(&what, found, advice)
}

/// Who this process is, as /proc says.
struct Identity {
    user: u32,
    groups: Vec<u32>,
}

impl Identity {
    fn of(root: &Root) -> Option<Self> {
        let status = root.read("/proc/self/status")?;
        let numbers = |key: &str| -> Option<Vec<u32>> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            Some(
                line.split_whitespace()
                    .filter_map(|word| word.parse().ok())
                    .collect(),
            )
        };
        // Real, effective, saved, file system.
        let user = *numbers("Uid:")?.get(1)?;
        let mut groups = numbers("Groups:")?;
        groups.push(*numbers("Gid:")?.get(1)?);
        Some(Self { user, groups })
    }

    fn may_use(&self, metadata: &std::fs::Metadata) -> bool {
        let both = |shift: u32| (metadata.mode() >> shift) & 0o6 == 0o6;
        self.user == 0
            || (metadata.uid() == self.user && both(6))
            || (self.groups.contains(&metadata.gid()) && both(3))
            || both(0)
    }
}

fn group_name(root: &Root, id: u32) -> String {
    let file = root.read("/etc/group").unwrap_or_default();
    let name = file.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == id).then_some(name)
    });
    name.map_or_else(|| id.to_string(), str::to_owned)
}
