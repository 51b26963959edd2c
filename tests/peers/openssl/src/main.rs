//! Holds rustls-guomi against OpenSSL and Tongsuo, built from source: `tests/peers/run`.
//!
//! Everything is tried in both directions with both suites; what comes out is a table. Told `speed`, it measures beside
//! OpenSSL instead: `tests/peers/speed`.

mod cases;
mod ours;
mod speed;
mod stack;
mod theirs;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use cases::{CASES, SUITES};
use stack::Stack;

fn text(error: impl Display) -> String {
    error.to_string()
}

/// A file of the tests of rustls-guomi.
fn pki(name: &str) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../../kernel/guomi/rustls/tests/pki")
        .join(name)
        .display()
        .to_string()
}

/// Builds a stack below a folder, where it isn't yet.
type Build = fn(&Path) -> Result<Stack, String>;

/// Turns of each side where none are asked for.
const ROUNDS: usize = 31;

fn measure(folder: &Path, arguments: &[String]) -> Result<String, String> {
    let rounds = match arguments {
        [] => ROUNDS,
        [rounds] => rounds
            .parse()
            .map_err(|_| format!("{rounds:?} is no number of rounds"))?,
        _ => return Err("speed takes a number of rounds, and nothing else".to_owned()),
    };
    let effort = speed::Effort {
        rounds,
        turn: Duration::from_millis(10),
    };
    speed::run(&stack::openssl(folder)?, folder, &effort)
}

fn answer(result: Result<String, String>) -> ExitCode {
    match result {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, wanted)) = arguments.split_first() else {
        eprintln!(
            "where are the stacks to be built? weihe-tls-peers FOLDER [openssl] [tongsuo] | FOLDER speed [ROUNDS]"
        );
        return ExitCode::from(2);
    };
    if let Some(("speed", rest)) = wanted
        .split_first()
        .map(|(word, rest)| (word.as_str(), rest))
    {
        return answer(measure(Path::new(folder), rest));
    }
    let known: [(&str, Build); 2] = [("openssl", stack::openssl), ("tongsuo", stack::tongsuo)];
    if let Some(unknown) = wanted
        .iter()
        .find(|wanted| known.iter().all(|(name, _)| wanted != name))
    {
        eprintln!("there is no stack {unknown}: openssl and tongsuo are known");
        return ExitCode::from(2);
    }
    let stacks = known
        .into_iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name))
        .map(|(_, built)| built(Path::new(folder)))
        .collect::<Result<Vec<_>, _>>();
    let stacks = match stacks {
        Ok(stacks) => stacks,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let mut failures = Vec::new();
    let mut head = "| |".to_owned();
    let mut rule = "|---|".to_owned();
    for stack in &stacks {
        head += &format!(
            " {0} {1}, our client | {0} {1}, our server |",
            stack.name, stack.version
        );
        rule += "---|---|";
    }
    println!("{head}\n{rule}");
    for (name, suite) in SUITES {
        for case in &CASES {
            let mut row = format!("| {name}, {} |", case.name);
            for stack in &stacks {
                for (side, attempt) in [("client", case.client), ("server", case.server)] {
                    match attempt(stack, name, suite) {
                        Ok(()) => row += " agree |",
                        Err(error) => {
                            row += " **no** |";
                            failures.push(format!(
                                "{} with {name}, {}, our {side}: {error}",
                                stack.name, case.name
                            ));
                        }
                    }
                }
            }
            println!("{row}");
        }
    }
    for failure in &failures {
        eprintln!("\n{failure}");
    }
    match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
