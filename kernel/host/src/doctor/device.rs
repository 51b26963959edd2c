//! Serial ports, and whether this user may open them.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use weihe_hal::serial_ports;

use super::{Finding, Root, Verdict};

/// What is at the machine's connectors.
pub fn devices(root: &Root) -> Vec<Finding> {
    const WHAT: &str = "serial ports";
    let ports = match serial_ports(&root.path("/sys")) {
        Ok(ports) => ports,
        Err(error) => {
            let advice = "is /sys mounted? Connections of type uart need a port by its path";
            return vec![Finding::warn(WHAT, format!("cannot be listed: {error}"), advice)];
        }
    };
    if ports.is_empty() {
        return vec![Finding::ok(WHAT, "none")];
    }
    let mut findings = Vec::new();
    for port in ports {
        let path = port.path.display().to_string();
        let mut about = port.driver.clone().unwrap_or_else(|| "no driver named".to_owned());
        if let Some(location) = &port.location {
            about = format!("{about}, {location}");
        }
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
            let advice = "the kernel knows the port, but there is no device file: check udev or devtmpfs";
            return Finding::warn(&what, format!("{about}; {error}"), advice);
        }
    };
    if may_use(&metadata) {
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
    let mut finding = Finding::warn(&what, found, advice);
    if !metadata.file_type().is_char_device() && !metadata.is_file() {
        finding.verdict = Verdict::Warn;
    }
    finding
}

fn may_use(metadata: &std::fs::Metadata) -> bool {
    // SAFETY: these read numbers of this process and cannot fail.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let both = |shift: u32| (metadata.mode() >> shift) & 0o6 == 0o6;
    user == 0
        || (metadata.uid() == user && both(6))
        || ((metadata.gid() == group || groups().contains(&metadata.gid())) && both(3))
        || both(0)
}

/// The further groups of this process.
fn groups() -> Vec<libc::gid_t> {
    // SAFETY: with a size of 0, getgroups only returns their number.
    let number = unsafe { libc::getgroups(0, std::ptr::null_mut()) };
    let mut groups = vec![0; usize::try_from(number).unwrap_or(0)];
    // SAFETY: the buffer has room for as many as it is told.
    let written = unsafe { libc::getgroups(number.max(0), groups.as_mut_ptr()) };
    groups.truncate(usize::try_from(written).unwrap_or(0));
    groups
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
