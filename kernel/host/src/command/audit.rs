//! `weihe audit`: who did what, from the files of the trail; no host has to run.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use weihe_kernel::audit::{Actor, Outcome as What};
use weihe_kernel::units::Span;
use weihe_kernel::{Clock as _, SystemClock};

use super::{Global, Result, directory, remote};
use crate::audit::{AUDIT, Filter, Line, Lines, Record, TrailFile, Verified, files, verify};
use crate::language::{Text, label, say};
use crate::output::{Failure, Outcome, Style, count, date_and_time, print, print_json};

/// How often the file is looked at for more.
const LOOK: Duration = Duration::from_millis(200);

/// Show who did what, or check that nobody altered it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe audit --since 1h\n  weihe audit --actor operator --follow\n  weihe audit --verify --head 4f1d…"
)]
pub(super) struct Audit {
    /// The system's directory, or a folder with the files of a trail
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Not before: so long ago (1h 30m), or a date and time (2026-11-26 14:03:07, UTC)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only this action: call, swap, denied, …
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done to this: device/soil, or soil
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Only what these did: operator, uid:1000, remote, certificate:panel, host, or a device
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// At most so many of the past
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
    /// Go on with what is recorded from now on
    #[arg(short, long)]
    follow: bool,
    /// Check the chain of hashes over all files
    #[arg(long, conflicts_with_all = ["since", "action", "target", "actor", "lines", "follow"])]
    verify: bool,
    /// Check that the record with this hash is in the chain
    #[arg(long, value_name = "HASH", requires = "verify")]
    head: Option<String>,
}

impl Audit {
    pub(super) fn run(self, global: &Global) -> Result {
        let folder = folder(self.directory.as_deref(), global)?;
        if self.verify {
            return check(&folder, self.head.as_deref(), global);
        }
        let filter = Filter {
            since: self.since.as_deref().map(since).transpose()?,
            action: self.action,
            target: self.target,
            actor: self.actor,
        };
        let mut tail = Tail::new(&folder);
        let mut kept = VecDeque::new();
        let most = self.lines.unwrap_or(usize::MAX);
        while let Some(line) = tail.next().map_err(|error| unreadable(&folder, &error))? {
            match shown(&filter, &line, global) {
                Some(text) if self.lines.is_some() => {
                    kept.push_back(text);
                    if kept.len() > most {
                        kept.pop_front();
                    }
                }
                Some(text) => print(&text),
                None => {}
            }
        }
        for text in kept {
            print(&text);
        }
        if !self.follow {
            return Ok(Outcome::Done);
        }
        loop {
            std::thread::sleep(LOOK);
            while let Some(line) = tail.next().map_err(|error| unreadable(&folder, &error))? {
                if let Some(text) = shown(&filter, &line, global) {
                    print(&text);
                }
            }
        }
    }
}

/// Where the files of a trail are.
fn folder(named: Option<&Path>, global: &Global) -> std::result::Result<PathBuf, Failure> {
    // A copy of a trail, on another machine.
    if let Some(folder) = named
        && files(folder).is_ok_and(|files| !files.is_empty())
    {
        return Ok(folder.to_owned());
    }
    let directory = directory::find(named, global)?;
    // A weihe.toml with faults does not hide a trail in its usual place.
    let usual = directory.join("data").join(AUDIT);
    let folder = match remote::data_directory(&directory) {
        Ok(data) => data.join(AUDIT),
        Err(_) if usual.is_dir() => usual,
        Err(failure) => return Err(failure),
    };
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(Failure::new(
        say::audit_none(folder.display()),
        say::audit_none_help(),
    ))
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        say::audit_unreadable(folder.display(), Text::told(error)),
        say::audit_unreadable_help(),
    )
}

fn since(text: &str) -> std::result::Result<u64, Failure> {
    if let Ok(span) = text.parse::<Span>() {
        return Ok(SystemClock::new().now().saturating_sub(span.nanoseconds()));
    }
    let time = humantime::parse_rfc3339_weak(text)
        .or_else(|_| humantime::parse_rfc3339_weak(&format!("{text} 00:00:00")));
    let since_1970 = time.ok().and_then(|time| {
        let span = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        u64::try_from(span.as_nanos()).ok()
    });
    since_1970
        .ok_or_else(|| Failure::usage(say::audit_bad_since(text), say::audit_bad_since_help()))
}

/// A line as it is printed, if it is.
fn shown(filter: &Filter, line: &Line, global: &Global) -> Option<String> {
    let style = Style::stdout();
    match &line.record {
        Ok(record) if !filter.shows(record) => None,
        Ok(record) if global.json => {
            let json = serde_json::to_string(record).unwrap_or_default();
            Some(format!("{json}\n"))
        }
        Ok(record) => Some(told(record, style)),
        Err(error) => {
            let text = say::audit_bad_line(line.number.to_string(), Text::told(error));
            eprintln!("{}", style.bad(text));
            None
        }
    }
}

/// A record for people, on one line.
fn told(record: &Record, style: Style) -> String {
    let actor = match &record.actor {
        Actor::Operator { uid, pid } => {
            let uid = uid.to_string();
            match pid {
                Some(pid) => say::audit_operator_process(uid, pid.to_string()),
                None => say::audit_operator(uid),
            }
        }
        Actor::Remote {
            certificate,
            address,
            ..
        } => say::audit_remote(certificate, address),
        Actor::Device { name } => say::audit_device(name),
        Actor::Host => say::audit_host(),
    };
    let outcome = match &record.outcome {
        What::Done => String::new(),
        What::Refused { reason } => {
            let why = say::audit_refused(Text::told(printable(reason)));
            format!("  {}", style.warn(why))
        }
        What::Abandoned => format!("  {}", style.warn(say::audit_abandoned())),
    };
    let details = match record.details.is_empty() {
        true => String::new(),
        false => {
            let text = serde_json::to_string(&record.details).unwrap_or_default();
            format!("  {}", style.dim(printable(&text)))
        }
    };
    format!(
        "{}  {:>6}  {}  {} {}{outcome}{details}\n",
        style.dim(date_and_time(record.time)),
        record.sequence,
        printable(&actor.to_string()),
        style.bold(printable(&record.action)),
        printable(&record.target),
    )
}

/// A text without what could steer a terminal: some of it comes from plugins.
fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => clean.extend(c.escape_default()),
            c => clean.push(c),
        }
    }
    clean
}

fn check(folder: &Path, head: Option<&str>, global: &Global) -> Result {
    let verified = verify(folder, head).map_err(|error| unreadable(folder, &error))?;
    if global.json {
        print_json(&serde_json::to_value(&verified).unwrap_or_default());
    } else {
        print(&summary(&verified, head, Style::stdout()));
    }
    let sound = verified.broken.is_none() && verified.noted != Some(false);
    Ok(if sound {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

fn summary(verified: &Verified, head: Option<&str>, style: Style) -> String {
    let mut text = String::new();
    if let Some(broken) = &verified.broken {
        let place = format!("{}:{}", broken.file, broken.line);
        let what = say::audit_broken(broken.sequence.to_string(), place);
        let line = label(style.bad(&what), &what, Text::told(&broken.reason));
        let before = say::audit_before(count(verified.records));
        text.push_str(&format!("{line}\n  {before}\n"));
    } else {
        let heading = say::audit_in_order();
        let extent = say::audit_extent(
            count(verified.records),
            verified.files.to_string(),
            verified.first.to_string(),
            verified.last.to_string(),
        );
        let line = label(style.good(&heading), &heading, extent);
        let head = say::audit_head(&verified.head);
        text.push_str(&format!("{line}\n{head}\n"));
    }
    for (number, what) in [
        (verified.lost, say::audit_lost()),
        (verified.torn, say::audit_torn()),
    ] {
        if number > 0 {
            text.push_str(&format!("{} {what}\n", style.warn(count(number))));
        }
    }
    if verified.unfinished {
        let line = say::audit_unfinished();
        text.push_str(&format!("{}\n", style.warn(line)));
    }
    match (verified.noted, head) {
        (Some(true), Some(head)) => text.push_str(&format!("{}\n", say::audit_in_chain(head))),
        (Some(false), Some(head)) => {
            let line = say::audit_not_in_chain(head);
            text.push_str(&format!("{}\n", style.bad(line)));
        }
        _ => {}
    }
    text
}

/// Reads a trail to its end, and on.
struct Tail<'a> {
    folder: &'a Path,
    open: Option<(TrailFile, Lines)>,
}

impl<'a> Tail<'a> {
    fn new(folder: &'a Path) -> Self {
        Self { folder, open: None }
    }

    /// The next line; none when there is none yet.
    fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            if let Some((_, lines)) = &mut self.open
                && let Some(line) = lines.read()?
            {
                if line.whole {
                    return Ok(Some(line));
                }
                lines.wait_for_rest(&line)?;
            }
            // A file is finished when there is a next one.
            let at = self.open.as_ref().map(|(file, _)| file.number);
            let mut files = files(self.folder)?.into_iter();
            let Some(next) = files.find(|file| Some(file.number) > at) else {
                return Ok(None);
            };
            let lines = Lines::open(&next)?;
            self.open = Some((next, lines));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use weihe_kernel::audit::Entry;

    #[test]
    fn a_record_takes_one_line_and_cannot_steer_the_terminal() {
        let entry = Entry::device("soil", "denied", "publish/a\u{1b}[2Jb")
            .refused("two\nlines")
            .detail("repeated", 7);
        let record = Record::of(entry, 1_793_000_000_000_000_000, 12, "");
        assert_eq!(
            told(&record, Style::PLAIN),
            "2026-10-26 07:33:20Z      12  device soil  denied publish/a\\u{1b}[2Jb  refused: two\\nlines  {\"repeated\":7}\n"
        );
    }

    #[test]
    fn times_are_spans_or_dates() {
        let day = since("2026-11-26").unwrap();
        assert_eq!(since("2026-11-26 00:00:00").unwrap(), day);
        assert_eq!(
            since("2026-11-26T01:00:00Z").unwrap(),
            day + 3_600_000_000_000
        );
        assert!(since("1h 30m").unwrap() < SystemClock::new().now());
        assert!(since("yesterday").unwrap_err().usage);
    }
}
