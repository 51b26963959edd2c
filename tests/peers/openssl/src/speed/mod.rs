//! How fast the national algorithms are beside OpenSSL's, in one run: `tests/peers/speed`.
//!
//! Both sides are given the same keys and data, and have to come to the same before anything is measured. Then they
//! take turns: what others do to the machine changes from second to second, and the ratio of two turns that follow one
//! another hardly does. Processor time is counted on both sides, medians are shown.

mod rows;
mod theirs;
mod tls;
mod works;

use std::path::Path;
use std::time::Duration;

use rows::{Ours, Row, Unit};
use rustix::time::{ClockId, clock_gettime};
use theirs::Theirs;

use crate::stack::Stack;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// How much is measured.
pub struct Effort {
    /// Turns of each side with each work.
    pub rounds: usize,
    /// How long a turn takes, about.
    pub turn: Duration,
}

/// What a row came to.
struct Measured {
    ours: f64,
    theirs: f64,
    ratio: f64,
}

/// Measures, and gives the table.
pub fn run(stack: &Stack, folder: &Path, effort: &Effort) -> Result<String, String> {
    let mut theirs = Theirs::start(stack, folder)?;
    let mut rows = rows::all(&mut theirs)?;
    for row in &mut rows {
        agree(row, &mut theirs).map_err(|error| format!("{}, {}: {error}", row.what, row.on))?;
    }
    let turn = effort.turn.as_nanos() as f64;
    let mut counts = Vec::new();
    for row in &mut rows {
        counts.push(calibrate(row, &mut theirs, turn)?);
    }
    let before = load();
    let mut spans = vec![Vec::new(); rows.len()];
    for _ in 0..effort.rounds {
        for ((row, counts), spans) in rows.iter_mut().zip(&counts).zip(&mut spans) {
            if let Some((ours, other)) = counts {
                let mine = timed(row, *ours)? / *ours as f64;
                let yours = theirs.run(row.work, row.size, *other)? / *other as f64;
                spans.push((mine, yours));
            }
        }
    }
    let mut table = format!(
        "{}; load {before} before, {} after; {} rounds of {:?}\n\n\
         | | | ours | OpenSSL {} | ratio | goal |\n|---|---|---|---|---|---|\n",
        processor(),
        load(),
        effort.rounds,
        effort.turn,
        theirs.version
    );
    for (row, spans) in rows.iter().zip(&spans) {
        table += &line(row, spans);
    }
    Ok(table)
}

/// Whether both sides come to the same.
fn agree(row: &mut Row, theirs: &mut Theirs) -> Result<(), String> {
    let Ours::Ready(work) = &mut row.ours else {
        return Ok(());
    };
    work.once()?;
    let ours = work.result();
    let (expected, found) = match row.work {
        // Signatures and ciphertexts are others each time: the other side has to take ours, as ours took its.
        rows::SIGN => (
            works::data(rows::DIGEST),
            theirs.check(rows::VERIFY, row.size, &ours)?,
        ),
        rows::ENCRYPT => (
            works::data(rows::DIGEST),
            theirs.check(rows::DECRYPT, row.size, &ours)?,
        ),
        rows::VERIFY | rows::DECRYPT => (works::data(rows::DIGEST), ours),
        "TLS-bulk" => {
            theirs.check(row.work, row.size, &[])?;
            (works::data(row.size), ours)
        }
        _ => (theirs.check(row.work, row.size, &[])?, ours),
    };
    match expected == found {
        true => Ok(()),
        false => Err(format!(
            "the two sides disagree: {found:02x?}, not {expected:02x?}"
        )),
    }
}

/// How often each side does it in a turn.
fn calibrate(row: &mut Row, theirs: &mut Theirs, turn: f64) -> Result<Option<(u64, u64)>, String> {
    if matches!(row.ours, Ours::Skipped(_)) {
        return Ok(None);
    }
    let enough = |mut took: Box<dyn FnMut(u64) -> Result<f64, String> + '_>| {
        let mut count = 1;
        loop {
            let span = took(count)?;
            if span >= turn / 2.0 {
                return Ok::<_, String>(((count as f64 * turn / span) as u64).max(1));
            }
            count *= 2;
        }
    };
    let other = enough(Box::new(|count| theirs.run(row.work, row.size, count)))?;
    let ours = enough(Box::new(|count| timed(row, count)))?;
    Ok(Some((ours, other)))
}

/// Nanoseconds of the processor that so many of ours take.
fn timed(row: &mut Row, count: u64) -> Result<f64, String> {
    let Ours::Ready(work) = &mut row.ours else {
        return Ok(0.0);
    };
    let began = now();
    for _ in 0..count {
        work.once()?;
    }
    Ok(now() - began)
}

fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn line(row: &Row, spans: &[(f64, f64)]) -> String {
    let size = match (row.unit, row.size) {
        (Unit::Times, _) => String::new(),
        (Unit::Bytes, MIB) => ", 1 MiB".to_owned(),
        (Unit::Bytes, size) => format!(", {} KiB", size / KIB),
    };
    let what = format!("| {}{size} | {} |", row.what, row.on);
    if let Ours::Skipped(needs) = row.ours {
        return format!("{what} skipped: this processor lacks {needs} | | | |\n");
    }
    let of = |part: fn(&(f64, f64)) -> f64| median(spans.iter().map(part).collect());
    let measured = Measured {
        ours: of(|(ours, _)| *ours),
        theirs: of(|(_, theirs)| *theirs),
        ratio: of(|(ours, theirs)| theirs / ours),
    };
    let figure = |nanoseconds: f64| match row.unit {
        Unit::Bytes => format!("{:.0} MB/s", row.size as f64 * 1e3 / nanoseconds),
        Unit::Times => format!("{:.0} /s", 1e9 / nanoseconds),
    };
    let goal = match row.goal {
        Some(goal) if measured.ratio >= goal => format!("{goal:.1}: met"),
        Some(goal) => format!("{goal:.1}: **missed**"),
        None => String::new(),
    };
    let (ours, theirs) = (figure(measured.ours), figure(measured.theirs));
    format!(
        "{what} {ours} | {theirs} | {:.2} | {goal} |\n",
        measured.ratio
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What the processor calls itself.
fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map(|rest| rest.trim_start_matches([':', '\t', ' ']));
    model.unwrap_or(std::env::consts::ARCH).to_owned()
}

/// Of the last minute.
fn load() -> String {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split(' ').next().unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::stack;

    /// Where OpenSSL is built: some minutes, where it isn't yet.
    fn folder() -> PathBuf {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
        std::env::var_os("WEIHE_PEERS").map_or(here, PathBuf::from)
    }

    #[test]
    fn both_sides_come_to_the_same_and_each_row_has_its_figures_or_says_why_not() {
        let folder = folder();
        let stack = stack::openssl(&folder).unwrap();
        let effort = Effort {
            rounds: 1,
            turn: Duration::ZERO,
        };
        let table = run(&stack, &folder, &effort).unwrap();
        assert!(table.contains("OpenSSL 4.0.3"), "{table}");
        let rows: Vec<&str> = table.lines().skip(4).collect();
        for what in [
            "SM4-GCM, 16 KiB | portable",
            "SM4-CTR",
            "SM4-CBC",
            "SM4-CCM",
            "SM3, 16 KiB",
            "SM3, 1 MiB",
            "HMAC-SM3",
            "SM2, signing",
            "SM2, verifying",
            "SM2, encrypting",
            "SM2, decrypting",
            "TLS handshakes, the server proved",
            "TLS handshakes, both proved",
            "TLS records, both ends, 16 KiB",
        ] {
            let found = rows.iter().find(|row| row.contains(what));
            assert!(found.is_some(), "no {what}: {table}");
        }
        for row in rows {
            let figures = row.matches("/s |").count();
            let skipped = row.contains("skipped: this processor lacks");
            assert!(figures == 2 || skipped, "{row}");
        }
    }

    #[test]
    fn openssl_refuses_a_signature_of_something_else() {
        let folder = folder();
        let stack = stack::openssl(&folder).unwrap();
        let mut theirs = Theirs::start(&stack, &folder).unwrap();
        let key = works::pair().unwrap();
        let signature = key.sign_digest(&[0x5a; 32]).unwrap().to_der();
        assert!(
            theirs
                .check(rows::VERIFY, rows::DIGEST, &signature)
                .is_err()
        );
    }
}
