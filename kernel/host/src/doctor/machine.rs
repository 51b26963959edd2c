//! Processor, operating system, memory and limits.

use weihe_hal::Board;

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
pub fn machine(board: &Board, root: &Root) -> Vec<Finding> {
    vec![
        processor(board),
        system(board),
        memory(root),
        cgroup(root),
        files(root),
        maps(root),
    ]
}

fn processor(board: &Board) -> Finding {
    let cpu = &board.machine.cpu;
    let model = cpu.model.clone().unwrap_or_else(|| match cpu.implementer {
        Some(implementer) => {
            let parts = cpu.parts.iter().map(|part| format!("/{part:#x}"));
            format!("ARM {implementer:#x}{}", parts.collect::<String>())
        }
        None => "an unnamed model".to_owned(),
    });
    let found = format!("{} × {model}, {}", cpu.count, cpu.arch);
    match cpu.arch.as_str() {
        "x86_64" | "aarch64" => Finding::ok("processor", found),
        other => Finding::warn(
            "processor",
            found,
            format!("plugins are interpreted on {other}: slower by five to twenty times"),
        ),
    }
}

fn system(board: &Board) -> Finding {
    let os = &board.os;
    let name = os.name.as_deref().unwrap_or("an unnamed system");
    let name = match os.family {
        Some(family) if !name.contains(&family.to_string()) => format!("{family}: {name}"),
        _ => name.to_owned(),
    };
    let kernel = os.kernel.as_deref().unwrap_or_default();
    let page = board.machine.page;
    let page = page.map_or("unknown size".to_owned(), |page| {
        format!("{} kB", page >> 10)
    });
    let linux = if kernel.is_empty() {
        "of an unknown version"
    } else {
        kernel
    };
    let found = format!("{name}, Linux {linux}, pages of {page}");
    let version = kernel
        .split('.')
        .take(2)
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let version: Vec<u32> = version.collect();
    if version.as_slice() >= [4, 18].as_slice() || kernel.is_empty() {
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
