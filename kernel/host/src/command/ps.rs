//! `weihe ps`: what runs.

mod device;

use std::fmt::Write as _;

use clap::Args;
use weihe_kernel::audit::AuditStatus;
use weihe_kernel::connection::{ConnectionStats, LinkState};
use weihe_kernel::failsafe::{FailSafeStatus, GuardState, OutputStatus, SafeState};
use weihe_kernel::runtime::MemoryStatus;
use weihe_kernel::{PluginStatus, VersionChange};

use super::{Global, Result, remote};
use crate::language::{Text, Word as _, label, say};
use crate::output::{
    Failure, Outcome, Style, Table, bytes, count, date_and_time, duration, one_line, print,
    print_json,
};
use crate::system::Ps as Answer;

/// Outputs that are named on one line; the others are counted.
const SHOWN_OUTPUTS: usize = 4;
pub(super) use device::{details, rate, state};

/// Show plugins, connections and devices of the running host
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe -C examples/greenhouse ps\n  weihe ps soil\n  weihe ps --history"
)]
pub(super) struct Ps {
    /// Show this device in full: what it uses of its limits, latencies, its last error
    #[arg(value_name = "DEVICE", conflicts_with = "history")]
    device: Option<String>,
    /// Show what became of the versions of each plugin, and why
    #[arg(long)]
    history: bool,
}

impl Ps {
    pub(super) fn run(self, global: &Global) -> Result {
        let json = remote::converse(async {
            let mut client = remote::client(global).await?;
            Ok(client
                .request::<serde_json::Value>("ps", &serde_json::Value::Null)
                .await?)
        })?;
        if global.json && self.device.is_none() {
            print_json(&json);
            return Ok(Outcome::Done);
        }
        let answer = understood(json)?;
        if let Some(name) = &self.device {
            return show_device(&answer, name, global.json);
        }
        let style = Style::stdout();
        print(&if self.history {
            history(&answer, style)
        } else {
            render(&answer, style)
        });
        Ok(Outcome::Done)
    }
}

/// The answer to `ps`, typed.
pub(super) fn understood(json: serde_json::Value) -> std::result::Result<Answer, Failure> {
    serde_json::from_value(json).map_err(|error| {
        Failure::new(
            say::answer_unclear(Text::told(error)),
            say::answer_unclear_help(),
        )
    })
}

fn show_device(answer: &Answer, name: &str, json: bool) -> Result {
    let status = &answer.status;
    let Some(device) = status.devices.iter().find(|device| device.name == name) else {
        let names: Vec<&str> = status.devices.iter().map(|device| &*device.name).collect();
        let known = match names.is_empty() {
            true => say::ps_no_devices(),
            false => say::ps_devices(names.join(", ")),
        };
        return Err(Failure::new(say::ps_no_device(name), known));
    };
    if json {
        let own = status.subscriptions.iter();
        let own: Vec<_> = own.filter(|queue| queue.owner == *name).collect();
        let mut shown = serde_json::json!(device);
        shown["subscriptions"] = serde_json::json!(own);
        print_json(&shown);
    } else {
        print(&details(device, &status.subscriptions, Style::stdout()));
    }
    Ok(Outcome::Done)
}

fn render(answer: &Answer, style: Style) -> String {
    let now = weihe_kernel::Clock::now(&weihe_kernel::SystemClock::new());
    let (host, status) = (&answer.host, &answer.status);
    let title = say::ps_title(
        style.bold(&host.name),
        &host.version,
        host.pid,
        host.boot,
        duration(status.uptime),
        status.topics,
    );
    let mut text = format!("{title}\n");
    let mut devices = Table::new([
        say::ps_column_device(),
        say::ps_column_plugin(),
        say::ps_column_connection(),
        say::ps_column_state(),
        say::ps_column_events(),
        say::ps_column_published(),
        say::ps_column_dropped(),
        say::ps_column_restarts(),
        say::ps_column_last_error(),
    ]);
    for device in &status.devices {
        let error = device.last_error.as_ref().map(|fault| {
            // What is long past is seen to be.
            let ago = duration(now.saturating_sub(fault.time));
            say::ps_error_ago(ago, Text::told(first_line(&fault.message))).to_string()
        });
        devices.row([
            device.name.clone(),
            device.plugin.clone(),
            device.connection.clone().unwrap_or_else(|| "-".to_owned()),
            state(device, style),
            count(device.events),
            count(device.published),
            count(device.dropped),
            count(device.restarts()),
            error.unwrap_or_default(),
        ]);
    }
    let mut connections = Table::new([
        say::ps_column_connection(),
        say::ps_column_to(),
        say::ps_column_link(),
        say::ps_column_replies(),
        say::ps_column_per_second(),
        say::ps_column_timeouts(),
        say::ps_column_bytes_in(),
        say::ps_column_bytes_out(),
        Text::same("P50"),
        say::ps_column_reason(),
    ]);
    for connection in &status.connections {
        connections.row(connection_row(connection, status.uptime, style));
    }
    let plugins = plugins(&status.plugins);
    let outputs = outputs(&status.fail_safe, style);
    for table in [devices, connections, outputs, plugins] {
        if !table.is_empty() {
            let _ = write!(text, "\n{table}");
        }
    }
    for plugin in &status.plugins {
        let warning = plugin.origin.as_ref().and_then(|one| one.warning.as_ref());
        if let Some(warning) = warning {
            let heading = say::check_warning();
            let what = say::ps_unsigned(&plugin.name, Text::told(warning));
            let _ = write!(text, "\n{}", label(style.bad(&heading), &heading, what));
        }
    }
    if !answer.notes.is_empty() {
        text.push('\n');
        for note in &answer.notes {
            let heading = say::label_note();
            let note = Text::told(note);
            let _ = writeln!(text, "{}", label(style.dim(&heading), &heading, note));
        }
    }
    text.push_str(&unguarded(&status.fail_safe, style));
    text.push_str(&memory_line(&status.memory, style));
    if let Some(audit) = &status.audit {
        text.push_str(&audit_lines(audit, style));
    }
    if !answer.failed.is_empty() {
        text.push('\n');
        for failed in &answer.failed {
            let what = say::ps_part_failed(failed.part.word(), &failed.name);
            let message = Text::told(first_line(&failed.message));
            let told = format!("{}: {message}", failed.place);
            let _ = writeln!(text, "{}", label(style.bad(&what), &what, told));
            if let Some(help) = &failed.help {
                let heading = say::label_help();
                let help = label(style.code(&heading), &heading, Text::told(help));
                let _ = writeln!(text, "  {help}");
            }
        }
    }
    text
}

/// Outputs with safe values: one line for those of a device on one connection that are alike.
fn outputs(safe: &FailSafeStatus, style: Style) -> Table {
    let mut table = Table::new([
        say::ps_column_safe(),
        say::ps_column_on(),
        say::ps_column_state(),
        say::ps_column_since(),
        say::ps_column_outputs(),
        say::ps_column_cause(),
        say::ps_column_reason(),
    ]);
    for device in &safe.devices {
        let alike = |one: &OutputStatus, two: &OutputStatus| {
            (&one.on, one.state, one.held, &one.error) == (&two.on, two.state, two.held, &two.error)
        };
        for group in device.outputs.chunk_by(alike) {
            let Some(first) = group.first() else { continue };
            let mut state = first.state.word().to_string();
            if first.held && first.state != SafeState::Armed {
                state = say::ps_held(state).to_string();
            }
            let mut what: Vec<&str> = group.iter().map(|output| &*output.what).collect();
            let others = what.len().saturating_sub(SHOWN_OUTPUTS);
            what.truncate(SHOWN_OUTPUTS);
            let what = match others {
                0 => what.join(", "),
                others => say::ps_outputs_more(what.join(", "), others).to_string(),
            };
            table.row([
                device.device.clone(),
                first.on.clone(),
                match first.state {
                    SafeState::Armed | SafeState::Applied => style.good(state),
                    SafeState::Applying => style.warn(state),
                    SafeState::Pending | SafeState::Failed => style.bad(state),
                },
                date_and_time(first.since),
                what,
                Text::told(first_line(&device.cause)).to_string(),
                Text::told(first_line(&first.error)).to_string(),
            ]);
        }
    }
    table
}

/// A line that says so when a host that dies leaves outputs as they are.
fn unguarded(safe: &FailSafeStatus, style: Style) -> String {
    match &safe.guard {
        Some(guard) if guard.state == GuardState::Failed => {
            let heading = say::ps_unguarded();
            let why = Text::told(first_line(&guard.error));
            format!("\n{}\n", label(style.bad(&heading), &heading, why))
        }
        _ => String::new(),
    }
}

/// How much of its memory the host uses, where it has a limit.
fn memory_line(memory: &MemoryStatus, style: Style) -> String {
    let Some(limit) = memory.limit else {
        return String::new();
    };
    let used = say::ps_memory(
        bytes(memory.used),
        bytes(limit.saturating_sub(memory.reserve)),
        bytes(memory.reserve),
    );
    let mut text = format!("\n{used}");
    if memory.refused > 0 {
        let refused = say::ps_memory_refused(count(memory.refused));
        text.push_str(&style.bad(refused));
    }
    text.push('\n');
    text
}

/// What is wrong with the audit trail; nothing while it is in order.
fn audit_lines(audit: &AuditStatus, style: Style) -> String {
    let mut text = String::new();
    if let Some(problem) = &audit.problem {
        let line = say::ps_audit_problem(Text::told(problem));
        text.push('\n');
        text.push_str(&style.bad(line));
        text.push('\n');
    }
    if audit.lost > 0 {
        let line = say::ps_audit_lost(count(audit.lost));
        text.push_str(&style.warn(line));
        text.push('\n');
    }
    text
}

/// The versions of plugins, and those that are refused.
fn history(answer: &Answer, style: Style) -> String {
    let mut versions = Table::new([
        say::ps_column_plugin(),
        say::ps_column_time(),
        say::ps_column_version(),
        Text::same("SHA256"),
        Text::same(""),
        say::ps_column_reason(),
    ]);
    for plugin in &answer.status.plugins {
        for record in &plugin.history {
            let change = record.change.word();
            versions.row([
                plugin.name.clone(),
                date_and_time(record.time),
                one_line(&record.version),
                short(&record.sha256),
                match record.change {
                    VersionChange::Loaded | VersionChange::Swapped | VersionChange::Confirmed => {
                        style.good(change)
                    }
                    VersionChange::Returned => style.warn(change),
                    VersionChange::Refused => style.bad(change),
                },
                Text::told(first_line(&record.reason)).to_string(),
            ]);
        }
    }
    let mut quarantine = Table::new([
        say::ps_column_quarantine(),
        say::ps_column_since(),
        say::ps_column_version(),
        Text::same("SHA256"),
        say::ps_column_reason(),
    ]);
    for entry in &answer.status.quarantined {
        quarantine.row([
            entry.plugin.clone(),
            date_and_time(entry.time),
            entry.version.clone(),
            short(&entry.sha256),
            Text::told(first_line(&entry.reason)).to_string(),
        ]);
    }
    let mut text = versions.to_string();
    if !quarantine.is_empty() {
        let _ = write!(text, "\n{quarantine}");
    }
    text
}

/// As much of a hash as tells files apart for people.
fn short(sha256: &str) -> String {
    sha256.chars().take(12).collect()
}

fn connection_row(connection: &ConnectionStats, uptime: u64, style: Style) -> [String; 10] {
    let seconds = uptime as f64 / 1e9;
    let rate = connection.counters.replies as f64 / seconds.max(1e-9);
    let state = connection.state.word();
    [
        connection.connection.clone(),
        connection.endpoint.clone(),
        match connection.state {
            LinkState::Up => style.good(state),
            LinkState::Connecting => style.warn(state),
            LinkState::Down => style.bad(state),
        },
        count(connection.counters.replies),
        format!("{rate:.1}"),
        count(connection.counters.timeouts),
        bytes(connection.bytes_in),
        bytes(connection.bytes_out),
        match connection.round_trip.count {
            0 => "-".to_owned(),
            _ => duration(connection.round_trip.p50),
        },
        Text::told(first_line(&connection.reason)).to_string(),
    ]
}

pub(super) fn first_line(text: &str) -> String {
    one_line(text.lines().next().unwrap_or_default())
}
/// The plugins; with their signers where any is signed and that is looked at.
fn plugins(plugins: &[PluginStatus]) -> Table {
    let signer = |plugin: &PluginStatus| plugin.origin.as_ref().and_then(|one| one.signer.clone());
    let is_looked_at = plugins.iter().any(|plugin| signer(plugin).is_some());
    let row = |plugin: &PluginStatus| {
        [
            plugin.name.clone(),
            one_line(&plugin.description.version),
            bytes(plugin.size),
        ]
    };
    let header = [
        say::ps_column_plugin(),
        say::ps_column_version(),
        say::ps_column_size(),
    ];
    let summary = |plugin: &PluginStatus| first_line(&plugin.description.summary);
    let [name, version, size] = header;
    if !is_looked_at {
        let mut table = Table::new([name, version, size, say::ps_column_summary()]);
        for plugin in plugins {
            let [name, version, size] = row(plugin);
            table.row([name, version, size, summary(plugin)]);
        }
        return table;
    }
    let mut table = Table::new([
        name,
        version,
        size,
        say::ps_column_signer(),
        say::ps_column_summary(),
    ]);
    for plugin in plugins {
        let [name, version, size] = row(plugin);
        let signer = signer(plugin).map_or_else(|| "-".to_owned(), |signer| one_line(&signer));
        table.row([name, version, size, signer, summary(plugin)]);
    }
    table
}
