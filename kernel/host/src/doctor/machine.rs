//! Processor, operating system, memory and limits.

use super::{Finding, Root, group_limit};
use crate::output::{bytes, count};

/// Memory below which a host with a few plugins and SQLite is tight.
const TIGHT_MEMORY: u64 = 64 << 20;

/// File descriptors that a system with a hundred connections and its database needs.
const ENOUGH_FILES: u64 = 1_024;

/// Memory mappings an instance takes, as measured with on-demand allocation.
const MAPS_PER_DEVICE: u64 = 7;

/// Devices that every board should have maps for.
const ENOUGH_DEVICES: u64 = 1_000;

/// What the machine is and what it allows.
pub fn machine(root: &Root) -> Vec<Finding> {
    vec![
        processor(root),
        system(root),
        memory(root),
        cgroup(root),
        files(root),
        maps(root),
    ]
}

fn processor(root: &Root) -> Finding {
    let info = root.read("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        info.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(key))
            .map(|(_, value)| value.trim().to_owned())
    };
    let count = info
        .lines()
        .filter(|line| {
            line.split(':')
                .next()
                .is_some_and(|name| name.trim() == "processor")
        })
        .count();
    let model = value("model name").or_else(|| value("hardware"));
    let model = model.unwrap_or_else(|| "an unnamed model".to_owned());
    let found = format!("{} × {model}, {}", count.max(1), std::env::consts::ARCH);
    match std::env::consts::ARCH {
        "x86_64" | "aarch64" => Finding::ok("processor", found),
        other => Finding::warn(
            "processor",
            found,
            format!("plugins are interpreted on {other}: slower by five to twenty times"),
        ),
    }
}

fn system(root: &Root) -> Finding {
    let release = root.read("/etc/os-release").unwrap_or_default();
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let name = name.map_or("an unnamed system", |name| name.trim_matches('"'));
    let kernel = root.read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let smaps = root.read("/proc/self/smaps").unwrap_or_default();
    let page = smaps
        .lines()
        .find_map(|line| line.strip_prefix("KernelPageSize:"));
    let page = page.map_or("unknown size", str::trim);
    let found = format!("{name}, Linux {}, pages of {page}", kernel.trim());
    let version = kernel
        .split('.')
        .take(2)
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let version: Vec<u32> = version.collect();
    if version.as_slice() >= [4, 18].as_slice() || kernel.trim().is_empty() {
        Finding::ok("system", found)
    } else {
        Finding::warn("system", found, "kernels before 4.18 are not tested")
    }
}

fn memory(root: &Root) -> Finding {
    let info = root.read("/proc/meminfo").unwrap_or_default();
    let kilobytes = |key: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
            .and_then(|value| value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
            .map(|kilobytes| kilobytes.saturating_mul(1_024))
    };
    let (Some(total), Some(free)) = (kilobytes("MemTotal"), kilobytes("MemAvailable")) else {
        return Finding::warn("memory", "unknown", "/proc/meminfo cannot be read");
    };
    let found = format!("{} of {} available", bytes(free), bytes(total));
    if free < TIGHT_MEMORY {
        let advice = format!("a host with its database wants {}", bytes(TIGHT_MEMORY));
        return Finding::warn("memory", found, advice);
    }
    Finding::ok("memory", found)
}

fn cgroup(root: &Root) -> Finding {
    const WHAT: &str = "memory limit";
    match group_limit(root) {
        None => Finding::ok(WHAT, "none (cgroup)"),
        Some(limit) if limit.bytes < TIGHT_MEMORY => {
            let advice = format!(
                "raise the service's limit (MemoryMax=) to {}",
                bytes(TIGHT_MEMORY)
            );
            Finding::warn(WHAT, format!("{} (cgroup)", bytes(limit.bytes)), advice)
        }
        Some(limit) => Finding::ok(WHAT, format!("{} (cgroup)", bytes(limit.bytes))),
    }
}

fn files(root: &Root) -> Finding {
    let limits = root.read("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    match soft.map(|soft| (soft, soft.parse::<u64>())) {
        None => Finding::warn("open files", "unknown", "/proc/self/limits cannot be read"),
        Some((_, Ok(limit))) if limit < ENOUGH_FILES => Finding::warn(
            "open files",
            count(limit),
            format!("raise the limit: `ulimit -n {ENOUGH_FILES}`, or LimitNOFILE= of the service"),
        ),
        Some((_, Ok(limit))) => Finding::ok("open files", count(limit)),
        Some((soft, Err(_))) => Finding::ok("open files", soft),
    }
}

fn maps(root: &Root) -> Finding {
    let limit = root
        .read("/proc/sys/vm/max_map_count")
        .and_then(|text| text.trim().parse::<u64>().ok());
    let Some(limit) = limit else {
        return Finding::warn(
            "memory maps",
            "unknown",
            "/proc/sys/vm/max_map_count cannot be read",
        );
    };
    let devices = limit / MAPS_PER_DEVICE;
    let found = format!("{}, enough for {} devices", count(limit), count(devices));
    if devices < ENOUGH_DEVICES {
        return Finding::warn("memory maps", found, "`sysctl -w vm.max_map_count=65530`");
    }
    Finding::ok("memory maps", found)
}
