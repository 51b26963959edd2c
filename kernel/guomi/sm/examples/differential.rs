//! Holds SM2, SM3 and SM4 against another implementation on random data:
//! `cargo run -p weihe-sm --example differential -- ROUNDS COMMAND [ARGUMENT ...]`, where the command answers lines as
//! `tests/peers/line.rs` says. `tests/peers/javascript/run` does so with npm's `sm-crypto`.
#![allow(missing_docs, clippy::expect_used)]

#[allow(dead_code)]
#[path = "../tests/peers/cases.rs"]
mod cases;
#[path = "../tests/peers/curve.rs"]
mod curve;
#[path = "../tests/peers/line.rs"]
mod line;

use std::process::{Command, ExitCode};

use cases::COMMON;
use curve::SM2;
use line::Peer;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether both agree in all rounds.
fn run() -> Result<bool, String> {
    let mut arguments = std::env::args().skip(1);
    let usage = "differential ROUNDS COMMAND [ARGUMENT ...]";
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
    let (rounds, program): (usize, _) = rounds.zip(arguments.next()).ok_or(usage)?;
    let mut command = Command::new(program);
    command.args(arguments);
    let mut peer = Peer::start(command)?;
    let mut good = true;
    println!("| | rounds | differ |\n|---|---|---|");
    for (name, round) in COMMON.into_iter().chain(SM2) {
        let (mut differ, mut first) = (0, None);
        for _ in 0..rounds {
            if let Err(error) = round(&mut peer) {
                differ += 1;
                first.get_or_insert(error);
            }
        }
        println!("| {name} | {rounds} | {differ} |");
        if let Some(error) = first {
            good = false;
            eprintln!("{name}: {error}");
        }
    }
    Ok(good)
}
