//! The board and what is on it, under logical names: what would not work, and why.

use std::path::Path;

use weihe_hal::board::{Board, Fact, GpioLine, Hardware, Trouble};

use super::access::access;
use super::{Finding, Root, Verdict};

/// What the machine is, and its parts.
pub fn board(board: &Board, root: &Root) -> Vec<Finding> {
    let mut findings = vec![identity(board)];
    findings.extend(maker(board));
    for trouble in &board.troubles {
        findings.push(of(trouble, "board"));
    }
    for note in &board.notes {
        findings.push(Finding::ok("note", note));
    }
    chips(board, root, &mut findings);
    for part in &board.uart {
        let label = part.hardware.driver.as_deref().unwrap_or_default();
        let place = place(&part.path, &part.hardware, label);
        push(
            board,
            root,
            &part.name,
            &part.path,
            place,
            &part.troubles,
            &mut findings,
        );
    }
    for part in &board.i2c {
        let place = place(&part.path, &part.hardware, &part.label);
        push(
            board,
            root,
            &part.name,
            &part.path,
            place,
            &part.troubles,
            &mut findings,
        );
    }
    for part in &board.spi {
        let place = place(&part.path, &part.hardware, "");
        push(
            board,
            root,
            &part.name,
            &part.path,
            place,
            &part.troubles,
            &mut findings,
        );
    }
    for part in &board.pwm {
        let path = part.chip.join(format!("pwm{}", part.channel));
        let place = place(&path, &part.hardware, "");
        findings.push(known(board, &part.name, place));
    }
    for part in &board.adc {
        let path = part.device.join(format!("{}_raw", part.channel));
        let place = place(&path, &part.hardware, "");
        findings.push(known(board, &part.name, place));
    }
    let parts = [
        ("GPIO lines", board.chips.is_empty()),
        ("serial ports", board.uart.is_empty()),
        ("I2C buses", board.i2c.is_empty()),
        ("SPI buses", board.spi.is_empty()),
        ("PWM outputs", board.pwm.is_empty()),
        ("analogue inputs", board.adc.is_empty()),
    ];
    for (what, none) in parts {
        if none {
            findings.push(Finding::ok(what, "none"));
        }
    }
    findings
}

fn identity(board: &Board) -> Finding {
    let machine = &board.machine;
    let file = board.file.as_ref().map(|file| file.name.as_str());
    let soc = machine.soc.as_deref();
    let (Some(file), Some(by)) = (file, machine.recognised_by.as_deref()) else {
        return match file {
            Some(file) => Finding::ok(
                "board",
                format!("not recognised, with the board file {file}"),
            ),
            None => Finding::ok("board", "not recognised"),
        };
    };
    let soc = soc.unwrap_or(file);
    let found = format!("{soc} (board file {file}), by its {by}");
    match board
        .facts
        .iter()
        .find(|fact| fact.of == by && !fact.verified)
    {
        Some(fact) => guess("board", &found, fact),
        None => Finding::ok("board", found),
    }
}

/// What its maker calls it.
fn maker(board: &Board) -> Option<Finding> {
    let machine = &board.machine;
    if let Some(model) = machine.tree.as_ref().and_then(|tree| tree.model.as_deref()) {
        return Some(Finding::ok("model", model));
    }
    let dmi = machine.dmi.as_ref()?;
    let names = [&dmi.vendor, &dmi.product, &dmi.board];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    Some(Finding::ok("model", names.join(" ")))
}

fn chips(board: &Board, root: &Root, findings: &mut Vec<Finding>) {
    for chip in &board.chips {
        let lines: Vec<&GpioLine> = board
            .gpio
            .iter()
            .filter(|line| line.chip == chip.path)
            .collect();
        let what = format!("gpio/{}", chip.label);
        if lines.is_empty() {
            let place = place(&chip.path, &chip.hardware, "");
            findings.push(Finding::ok(&what, place));
        }
        for run in lines.chunk_by(|one, next| group(one) == group(next)) {
            findings.push(run_of_lines(
                board,
                chip.path.as_path(),
                &chip.hardware,
                run,
            ));
        }
        for trouble in &chip.troubles {
            match trouble {
                // Said once, of the whole board.
                Trouble::NoGpioDevice => {}
                Trouble::NoEdges { lines } => findings.push(of(trouble, lines)),
                _ => findings.push(of(trouble, &what)),
            }
        }
        let missing = Trouble::NoGpioDevice;
        if root.exists(&chip.path) && !chip.troubles.contains(&missing) {
            findings.extend(access(root, &chip.path, &what));
        }
    }
}

/// What consecutive lines have in common that are shown as one.
fn group(line: &GpioLine) -> (&str, bool, bool) {
    let name = line.name.trim_end_matches(|c: char| c.is_ascii_digit());
    (name, line.edges, line.verified)
}

fn run_of_lines(board: &Board, path: &Path, hardware: &Hardware, run: &[&GpioLine]) -> Finding {
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return Finding::ok("GPIO lines", "none");
    };
    let (prefix, ..) = group(first);
    let number = |line: &GpioLine| line.name[prefix.len()..].to_owned();
    let range = format!(
        "{}…{}{}",
        first.name,
        prefix.rsplit('/').next().unwrap_or_default(),
        number(last)
    );
    let what = if run.len() == 1 {
        first.name.clone()
    } else {
        range
    };
    let lines = match run.len() {
        1 => first.offset.to_string(),
        _ => format!("{}…{}", first.offset, last.offset),
    };
    let found = format!("{}, lines {lines}: {hardware}", path.display());
    known(board, &what, found)
}

/// Where a part is, and what it is.
fn place(path: &Path, hardware: &Hardware, label: &str) -> String {
    let path = path.display();
    match label {
        "" => format!("{path}: {hardware}"),
        label => format!("{path}: {hardware}, {label}"),
    }
}

/// A part, and whether its name is a guess.
fn known(board: &Board, what: &str, found: String) -> Finding {
    let whole = what.split('/').take(2).collect::<Vec<_>>().join("/");
    let fact = board
        .facts
        .iter()
        .find(|fact| fact.of == what || fact.of == whole);
    match fact {
        Some(fact) if !fact.verified => guess(what, &found, fact),
        _ => Finding::ok(what, found),
    }
}

fn guess(what: &str, found: &str, fact: &Fact) -> Finding {
    Finding {
        advice: match &fact.source {
            Some(why) => format!("unverified: {why}"),
            None => "unverified: the board file names no source".to_owned(),
        },
        ..Finding::ok(what, found)
    }
}

fn push(
    board: &Board,
    root: &Root,
    what: &str,
    path: &Path,
    place: String,
    troubles: &[Trouble],
    findings: &mut Vec<Finding>,
) {
    findings.push(known(board, what, place));
    findings.extend(troubles.iter().map(|trouble| of(trouble, what)));
    if root.exists(path) {
        findings.extend(access(root, path, what));
    }
}

/// A trouble as a line.
fn of(trouble: &Trouble, what: &str) -> Finding {
    let verdict = match trouble {
        Trouble::OldWorld { .. } => Verdict::Fail,
        // Worth knowing; all works.
        Trouble::Phantoms { .. } | Trouble::LargePages { .. } => Verdict::Ok,
        _ => Verdict::Warn,
    };
    Finding {
        verdict,
        ..Finding::warn(what, trouble.to_string(), trouble.advice())
    }
}
