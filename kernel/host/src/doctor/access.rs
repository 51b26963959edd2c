//! Whether this user may open a device file.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Finding, Root};

/// What is wrong when a device file cannot be opened for reading and writing by this user. It is not opened: that
/// alone raises DTR of a serial port, which resets some boards.
pub(super) fn access(root: &Root, path: &Path, what: &str) -> Option<Finding> {
    let metadata = std::fs::metadata(root.path(path)).ok()?;
    // Where /proc does not say who this is, opening it will tell.
    if Identity::of(root).is_none_or(|identity| identity.may_use(&metadata)) {
        return None;
    }
    let group = group_name(root, metadata.gid());
    let advice = if metadata.mode() & 0o060 == 0o060 {
        format!("add this user to the group: `sudo usermod -aG {group} $USER`, and log in again")
    } else {
        format!("let a group use it: a udev rule with GROUP=\"{group}\", MODE=\"0660\"")
    };
    let found = format!(
        "{}; mode {:03o}, user {}, group {group}: this user may not use it",
        path.display(),
        metadata.mode() & 0o777,
        metadata.uid()
    );
    Some(Finding::warn(what, found, advice))
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
