//! The memory that a host keeps within.

use std::path::Path;

use weihe_kernel::units::Size;

use crate::config::HostEntry;
use crate::doctor::{Root, group_limit};

/// What `weihe.toml` says, else what the control group allows.
pub(super) fn limit(host: &HostEntry) -> Option<Size> {
    decide(host.memory, &Root::new(Path::new("/")))
}

fn decide(configured: Option<Size>, root: &Root) -> Option<Size> {
    let group = group_limit(root);
    match (configured, group) {
        (Some(configured), Some(group)) if configured.0 > group.bytes => {
            tracing::warn!(
                "`[host] memory` is {configured}, but {} allows {}: beyond that the kernel ends the host",
                group.file,
                Size(group.bytes)
            );
            Some(configured)
        }
        (Some(configured), _) => {
            tracing::info!("the host keeps within {configured} of memory (weihe.toml)");
            Some(configured)
        }
        (None, Some(group)) => {
            let limit = Size(group.bytes);
            tracing::info!("the host keeps within {limit} of memory ({})", group.file);
            Some(limit)
        }
        (None, None) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_file_overrides_the_control_group_and_without_both_there_is_no_limit() {
        let machine = tempfile::tempdir().unwrap();
        let root = Root::new(machine.path());
        let configured = Some(Size(100 << 20));
        assert_eq!(decide(None, &root), None);
        assert_eq!(decide(configured, &root), configured);
        let write = |name: &str, text: &str| {
            let file = machine.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write("proc/self/cgroup", "0::/\n");
        write("sys/fs/cgroup/memory.max", "73400320\n");
        assert_eq!(decide(None, &root), Some(Size(70 << 20)));
        assert_eq!(decide(configured, &root), configured);
    }
}
