//! The memory limit of the control group that this process is in.

use super::Root;

/// What version 1 says when there is no limit is near 2^63, depending on the page size.
const UNLIMITED: u64 = 1 << 60;

/// A limit, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLimit {
    /// In bytes.
    pub bytes: u64,
    /// The file that says so.
    pub file: String,
}

/// A mounted hierarchy of control groups.
struct Hierarchy {
    /// Which group is at the mount point.
    root: String,
    point: String,
    files: &'static [&'static str],
}

/// Files of version 2. Beyond `memory.high` a group is slowed down until nothing works any more.
const TWO: &[&str] = &["memory.max", "memory.high"];

/// Files of version 1.
const ONE: &[&str] = &["memory.limit_in_bytes"];

/// The tightest limit of the group and of those that it is in; none when there is no limit.
pub fn group_limit(root: &Root) -> Option<GroupLimit> {
    let groups = root.read("/proc/self/cgroup").unwrap_or_default();
    let mounts = root.read("/proc/self/mountinfo");
    let mut limits = Vec::new();
    for hierarchy in hierarchies(mounts.as_deref()) {
        let own = groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let is_it = match hierarchy.files {
                TWO => line.starts_with("0::"),
                _ => controllers.split(',').any(|name| name == "memory"),
            };
            is_it.then_some(path)
        });
        let Some(own) = own else { continue };
        for group in upwards(own, &hierarchy.root) {
            for name in hierarchy.files {
                let file = format!("{}{group}/{name}", hierarchy.point);
                let text = root.read(&file).unwrap_or_default();
                let bytes = text.trim().parse::<u64>().ok();
                limits.extend(
                    bytes
                        .filter(|bytes| *bytes < UNLIMITED)
                        .map(|bytes| GroupLimit { bytes, file }),
                );
            }
        }
    }
    limits.into_iter().min_by_key(|limit| limit.bytes)
}

/// The groups from one up to the mount point, relative to that: `/a/b`, `/a`, and nothing. In a container
/// the name may be that of the machine outside; then only the mount point is there to look at.
fn upwards(group: &str, mounted: &str) -> Vec<String> {
    let mounted = mounted.trim_end_matches('/');
    let relative = group
        .trim_end_matches('/')
        .strip_prefix(mounted)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .unwrap_or("");
    let mut groups = Vec::new();
    if !relative.split('/').any(|part| part == "..") {
        let mut rest = relative;
        while !rest.is_empty() {
            groups.push(rest.to_owned());
            rest = rest.rfind('/').map_or("", |end| &rest[..end]);
        }
    }
    groups.push(String::new());
    groups
}

/// Where control groups for memory are mounted; in the usual places when that cannot be read.
fn hierarchies(mounts: Option<&str>) -> Vec<Hierarchy> {
    let Some(mounts) = mounts else {
        let usual = |point: &str, files| Hierarchy {
            root: "/".to_owned(),
            point: point.to_owned(),
            files,
        };
        return vec![
            usual("/sys/fs/cgroup", TWO),
            usual("/sys/fs/cgroup/memory", ONE),
        ];
    };
    mounts.lines().filter_map(hierarchy).collect()
}

/// A line of mountinfo (proc_pid_mountinfo(5)): `36 35 98:0 ROOT POINT options … - TYPE source options`.
fn hierarchy(line: &str) -> Option<Hierarchy> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut filesystem = filesystem.split(' ');
    let files = match filesystem.next()? {
        "cgroup2" => TWO,
        "cgroup" if filesystem.nth(1)?.split(',').any(|name| name == "memory") => ONE,
        _ => return None,
    };
    let mut mount = mount.split(' ').skip(3);
    Some(Hierarchy {
        root: unescaped(mount.next()?),
        point: unescaped(mount.next()?),
        files,
    })
}

/// Blanks and the like stand as three octal digits.
fn unescaped(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let code = rest
            .get(at + 1..at + 4)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                rest = &rest[at + 4..];
            }
            None => {
                plain.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::copy;
    use super::*;

    const MOUNT_TWO: &str =
        "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const MOUNT_ONE: &str = "25 24 0:20 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n\
        31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
        32 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        33 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    fn limit(files: &[(&str, &str)]) -> Option<(u64, String)> {
        let (_keep, root) = copy(files);
        group_limit(&root).map(|limit| (limit.bytes, limit.file))
    }

    #[test]
    fn the_tightest_limit_up_the_tree_counts() {
        let service = "/sys/fs/cgroup/system.slice/weihe.service";
        let found = limit(&[
            ("/proc/self/mountinfo", MOUNT_TWO),
            ("/proc/self/cgroup", "0::/system.slice/weihe.service\n"),
            (&format!("{service}/memory.max"), "max\n"),
            (&format!("{service}/memory.high"), "200000000\n"),
            ("/sys/fs/cgroup/system.slice/memory.max", "300000000\n"),
        ]);
        assert_eq!(found, Some((200_000_000, format!("{service}/memory.high"))));
        let found = limit(&[
            ("/proc/self/mountinfo", MOUNT_TWO),
            ("/proc/self/cgroup", "0::/system.slice/weihe.service\n"),
            (&format!("{service}/memory.max"), "500000000\n"),
            ("/sys/fs/cgroup/system.slice/memory.max", "300000000\n"),
        ]);
        assert_eq!(found.unwrap().0, 300_000_000);
    }

    #[test]
    fn version_one_is_found_beside_an_empty_version_two() {
        let groups = "5:cpu,cpuacct:/other\n4:memory:/docker/abc\n0::/docker/abc\n";
        let memory = "/sys/fs/cgroup/memory";
        let unlimited = "9223372036854771712\n";
        let found = limit(&[
            ("/proc/self/mountinfo", MOUNT_ONE),
            ("/proc/self/cgroup", groups),
            (
                &format!("{memory}/docker/abc/memory.limit_in_bytes"),
                "134217728\n",
            ),
            (&format!("{memory}/memory.limit_in_bytes"), unlimited),
        ]);
        assert_eq!(found.unwrap().0, 134_217_728);
        let found = limit(&[
            ("/proc/self/mountinfo", MOUNT_ONE),
            ("/proc/self/cgroup", groups),
            (&format!("{memory}/memory.limit_in_bytes"), unlimited),
        ]);
        assert_eq!(found, None);
    }

    #[test]
    fn a_container_that_sees_only_its_own_group_finds_its_limit() {
        // The name is that of the machine outside, and the container's group is at the mount point.
        let mounts = "40 39 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        for groups in [
            "4:memory:/docker/abc\n",
            "4:memory:/elsewhere\n",
            "4:memory:/../..\n",
        ] {
            let found = limit(&[
                ("/proc/self/mountinfo", mounts),
                ("/proc/self/cgroup", groups),
                ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "134217728\n"),
            ]);
            assert_eq!(found.unwrap().0, 134_217_728, "{groups}");
        }
    }

    #[test]
    fn where_nothing_is_said_there_is_no_limit() {
        assert_eq!(limit(&[]), None);
        assert_eq!(
            limit(&[
                ("/proc/self/mountinfo", "nonsense\n - cgroup2\n"),
                ("/proc/self/cgroup", "0\n::\n0::/a\n"),
            ]),
            None
        );
    }

    #[test]
    fn mount_points_may_hold_blanks() {
        assert_eq!(unescaped(r"/a\040b\x\134"), r"/a b\x\");
    }

    proptest::proptest! {
        #[test]
        fn no_files_upset_the_reader(mounts in "([a-z0-9/ :,\\\\-]|cgroup2| - |\n){0,60}", groups in "([a-z0-9/:,.]|memory|\n){0,40}") {
            let (_keep, root) = copy(&[("/proc/self/mountinfo", &mounts), ("/proc/self/cgroup", &groups)]);
            let _ = group_limit(&root);
        }
    }
}
