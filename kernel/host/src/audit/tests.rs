#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use weihe_kernel::SystemClock;
use weihe_kernel::audit::{Audit as _, Entry, action};

use super::folder::TrailFile;
use super::writer::{Medium, Open};
use super::*;

const PLAIN: TrailOptions = TrailOptions {
    file_size: 1 << 20,
    keep: None,
};

fn open(folder: &Path, options: TrailOptions) -> Trail {
    Trail::open(folder, options, Arc::new(SystemClock::new())).unwrap()
}

fn entry(number: usize) -> Entry {
    Entry::host("test", format!("number/{number}"))
}

/// A host that records so many entries and ends in order.
fn host(folder: &Path, options: TrailOptions, entries: usize) {
    let trail = open(folder, options);
    trail.record(Entry::host(action::HOST_STARTED, "host"));
    for number in 0..entries {
        trail.record(entry(number));
    }
    trail.record(Entry::host(action::HOST_STOPPED, "host"));
    trail.close();
}

fn records(folder: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    for file in files(folder).unwrap() {
        let mut lines = Lines::open(&file).unwrap();
        while let Some(line) = lines.read().unwrap() {
            records.push(line.record.unwrap());
        }
    }
    records
}

fn whole(folder: &Path) -> Verified {
    let verified = verify(folder, None).unwrap();
    assert_eq!(verified.broken, None);
    assert!(!verified.unfinished);
    verified
}

#[test]
fn a_chain_goes_on_over_files_and_starts() {
    let folder = tempfile::tempdir().unwrap();
    let small = TrailOptions {
        file_size: 2_000,
        keep: None,
    };
    for _ in 0..3 {
        host(folder.path(), small, 20);
    }
    let verified = whole(folder.path());
    assert_eq!((verified.first, verified.last), (1, 66));
    assert!(verified.files > 3, "{verified:?}");
    assert_eq!(open(folder.path(), small).last_end(), LastEnd::Orderly);
}

#[test]
fn the_first_altered_record_is_named_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let small = TrailOptions {
        file_size: 2_000,
        keep: None,
    };
    host(folder.path(), small, 20);
    let second = &files(folder.path()).unwrap()[1];
    let text = fs::read_to_string(&second.path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let first = Record::parse(lines[0].as_bytes()).unwrap().sequence;
    let rewrite = |lines: &[&str]| fs::write(&second.path, lines.join("\n") + "\n").unwrap();
    let broken = || verify(folder.path(), None).unwrap().broken.unwrap();

    // Altered.
    let altered = lines[1].replace("number", "nunber");
    rewrite(&[&[lines[0], &altered], &lines[2..]].concat());
    let found = broken();
    assert_eq!((found.file, found.line), (second.name(), 2));
    assert_eq!(found.sequence, first + 1);
    assert!(found.reason.contains("hash"), "{}", found.reason);
    // Removed.
    rewrite(&[&lines[..1], &lines[2..]].concat());
    let found = broken();
    assert_eq!((found.line, found.sequence), (2, first + 1));
    assert!(found.reason.contains("number"), "{}", found.reason);
    // Two exchanged.
    rewrite(&[&[lines[1], lines[0]], &lines[2..]].concat());
    assert_eq!(broken().line, 1);
    // A file removed.
    fs::remove_file(&second.path).unwrap();
    assert_eq!(broken().line, 1);
    // The beginning removed.
    fs::remove_file(&files(folder.path()).unwrap()[0].path).unwrap();
    assert!(broken().reason.contains("missing"));
}

#[test]
fn a_chain_that_was_written_anew_shows_against_a_head_that_was_noted() {
    let folder = tempfile::tempdir().unwrap();
    host(folder.path(), PLAIN, 5);
    let noted = whole(folder.path()).head;
    host(folder.path(), PLAIN, 5);
    let is_there = |folder: &Path| verify(folder, Some(&noted)).unwrap().noted;
    assert_eq!(is_there(folder.path()), Some(true));
    let other = tempfile::tempdir().unwrap();
    host(other.path(), PLAIN, 10);
    whole(other.path());
    assert_eq!(is_there(other.path()), Some(false));
}

#[test]
fn a_record_torn_by_a_power_cut_is_put_aside_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    host(folder.path(), PLAIN, 3);
    let file = &files(folder.path()).unwrap()[0];
    let before = fs::read(&file.path).unwrap();
    for torn in [&b"{\"sequence\":6,\"ti"[..], &[0; 512], b"{}\n\0\0\n"] {
        fs::write(&file.path, [&before, torn].concat()).unwrap();
        let _ = fs::remove_file(file.torn());
        let trail = open(folder.path(), PLAIN);
        assert_eq!(trail.last_end(), LastEnd::Orderly);
        trail.record(Entry::host(action::HOST_STARTED, "host"));
        trail.close();
        assert_eq!(fs::read(file.torn()).unwrap(), torn);
        let verified = whole(folder.path());
        assert_eq!((verified.torn, verified.last), (1, 7));
        let of_torn = &records(folder.path())[5];
        assert_eq!(of_torn.action, own::TORN);
        assert_eq!(of_torn.details["bytes"], torn.len());
    }
    // This one did not end in order.
    assert_eq!(open(folder.path(), PLAIN).last_end(), LastEnd::Cut);
}

#[test]
fn an_unfinished_last_line_is_said_and_does_not_break_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    host(folder.path(), PLAIN, 3);
    let file = &files(folder.path()).unwrap()[0];
    let mut text = fs::read(&file.path).unwrap();
    text.extend_from_slice(b"{\"sequence\":");
    fs::write(&file.path, text).unwrap();
    let verified = verify(folder.path(), None).unwrap();
    assert_eq!((verified.broken, verified.last), (None, 5));
    assert!(verified.unfinished);
}

#[test]
fn files_are_removed_only_when_it_is_asked_for_and_the_removal_is_on_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let few = TrailOptions {
        file_size: 2_000,
        keep: Some(3),
    };
    host(folder.path(), few, 10);
    for _ in 0..4 {
        host(folder.path(), few, 30);
    }
    let verified = whole(folder.path());
    assert_eq!(verified.files, 3);
    assert!(verified.first > 1);
    // The heads of removed files are still known.
    let pruned = records(folder.path());
    let pruned: Vec<_> = pruned
        .iter()
        .filter(|record| record.action == own::PRUNED)
        .collect();
    let head = pruned[0].details["head"].as_str();
    assert_eq!(verify(folder.path(), head).unwrap().noted, Some(true));
    // Whoever removes one more is found out.
    fs::remove_file(&files(folder.path()).unwrap()[0].path).unwrap();
    let broken = verify(folder.path(), None).unwrap().broken.unwrap();
    assert!(broken.reason.contains("missing"), "{broken:?}");
}

#[tokio::test]
async fn what_is_settled_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let trail = open(folder.path(), PLAIN);
    for number in 0..100 {
        trail.record(entry(number));
        assert!(trail.settled().await);
        assert_eq!(records(folder.path()).len(), number + 1);
    }
    let status = trail.status().unwrap();
    assert_eq!(status.sequence, 100);
    assert_eq!(status.head, whole(folder.path()).head);
}

#[tokio::test]
async fn a_flood_of_refusals_is_two_records_and_records_of_others_are_not_pushed_out() {
    let folder = tempfile::tempdir().unwrap();
    let trail = open(folder.path(), PLAIN);
    for number in 0..100_000 {
        let denied = Entry::device("soil", action::DENIED, format!("publish/{number}"));
        trail.record(denied.refused("no").often("publish"));
    }
    trail.record(entry(1));
    trail.close();
    let records = records(folder.path());
    assert_eq!(records.len(), 3, "{records:?}");
    assert_eq!(records[0].target, "publish/0");
    assert_eq!(records[1].action, "test");
    assert_eq!(records[2].details["repeated"], 99_999);
}

#[test]
fn a_host_that_ends_in_order_after_a_flood_is_not_taken_for_one_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let trail = open(folder.path(), PLAIN);
    for number in 0..3 {
        let denied = Entry::device("soil", action::DENIED, format!("publish/{number}"));
        trail.record(denied.refused("no").often("publish"));
    }
    trail.record(Entry::host(action::HOST_STOPPED, "host"));
    trail.close();
    assert_eq!(records(folder.path())[1].details["repeated"], 2);
    let again = open(folder.path(), PLAIN);
    assert_eq!(again.last_end(), LastEnd::Orderly);
    again.close();
}

/// A file on a disk that has room for so many bytes.
struct Limited {
    file: fs::File,
    room: Arc<AtomicUsize>,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room.load(Ordering::Relaxed);
        let part = &bytes[..bytes.len().min(room)];
        if part.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room.fetch_sub(part.len(), Ordering::Relaxed);
        self.file.write(part)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Medium for Limited {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[tokio::test]
async fn a_full_disk_stops_nothing_and_the_gap_is_on_the_record_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let room = Arc::new(AtomicUsize::new(1_000));
    let disk = room.clone();
    let open: Open = Box::new(move |file: &TrailFile| {
        let (file, room) = (file.append()?, disk.clone());
        Ok(Box::new(Limited { file, room }) as Box<dyn Medium>)
    });
    let clock = Arc::new(SystemClock::new());
    let trail = Trail::with(folder.path(), PLAIN, clock, open).unwrap();
    let mut settled = true;
    let mut count = 0;
    while settled {
        trail.record(entry(count));
        settled = trail.settled().await;
        count += 1;
    }
    let problem = trail.status().unwrap().problem;
    assert!(problem.is_some(), "{count} records found room");
    // Half a record is not left behind.
    let verified = verify(folder.path(), None).unwrap();
    assert_eq!((verified.broken, verified.unfinished), (None, false));
    // More than the queue holds.
    for number in 0..10_000 {
        trail.record(entry(number));
    }
    let lost = trail.status().unwrap().lost;
    assert!(lost > 0);
    room.store(100 << 20, Ordering::Relaxed);
    assert!(trail.settled().await, "there is room again");
    trail.record(entry(0));
    trail.close();
    assert_eq!(trail.status().unwrap().problem, None);
    let verified = whole(folder.path());
    assert_eq!(verified.lost, lost);
    // The numbers of records have no hole; what is missing is counted.
    assert_eq!(verified.last, count as u64 + 10_000 - lost + 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever a file is cut, what is before is kept and the chain goes on.
    #[test]
    fn a_file_that_is_cut_anywhere_goes_on(at in 0_usize..4_000, tail in proptest::collection::vec(0_u8..=255, 0..40)) {
        let folder = tempfile::tempdir().unwrap();
        host(folder.path(), PLAIN, 10);
        let file = &files(folder.path()).unwrap()[0];
        let mut text = fs::read(&file.path).unwrap();
        let at = at % text.len();
        let kept = text[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        text.truncate(at);
        text.extend_from_slice(&tail);
        fs::write(&file.path, text).unwrap();
        host(folder.path(), PLAIN, 1);
        let verified = whole(folder.path());
        let torn = verified.torn;
        prop_assert_eq!(verified.last, kept + torn + 3);
    }

    /// Whatever lies in the folder, looking at it ends.
    #[test]
    fn no_file_upsets_the_verification(text in proptest::collection::vec(0_u8..=255, 0..2_000)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(TrailFile::new(folder.path(), 1).path, &text).unwrap();
        let verified = verify(folder.path(), None).unwrap();
        prop_assert_eq!(verified.records, 0);
    }
}
