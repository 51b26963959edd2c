//! `weihe bench`: what this machine makes of it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tracing_subscriber::prelude::*;

use super::{Global, Result, remote};
use crate::bench::{
    Astray, BUILT_IN_INPUT, BenchError, Options, Report, Takeovers, measure, table,
};
use crate::output::{Failure, Outcome, print, print_json};

/// Measure this machine, with a kernel in a temporary directory
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  weihe bench swap")]
pub(super) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Swap(Swap),
}

/// Changes of versions under a stream of events, drops, restarts, and what other lanes notice
#[derive(Debug, Args)]
#[command(
    after_help = "Takes about a minute. Compare figures of one run; a busy machine, or a host that is built without\noptimisation, shows nothing.\n\nExamples:\n  weihe bench swap\n  weihe bench swap relay.wasm --config '{\"input\":\"bench/in\",\"above\":0}'"
)]
struct Swap {
    /// A component that publishes when it gets an event [default: a small one that is built in]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The configuration of its devices
    #[arg(long, value_name = "JSON", requires = "file", default_value = "{}")]
    config: String,
    /// The topic on which its devices are sent integers
    #[arg(long, value_name = "TOPIC", requires = "file", default_value = BUILT_IN_INPUT)]
    input: String,
    /// Events a second while versions change
    #[arg(long, value_name = "EVENTS", default_value_t = 100_000)]
    rate: u64,
    /// Few samples: whether it works, not how fast
    #[arg(long)]
    quick: bool,
}

impl Bench {
    pub(super) fn run(self, global: &Global) -> Result {
        let What::Swap(swap) = self.what;
        swap.run(global)
    }
}

impl Swap {
    fn run(self, global: &Global) -> Result {
        let config = serde_json::from_str(&self.config).map_err(|error| {
            Failure::usage(
                format!("`{}` is not JSON: {error}", self.config),
                "write an object, like `--config '{\"input\":\"bench/in\"}'`",
            )
        })?;
        let component = match &self.file {
            Some(file) => Some(std::fs::read(file).map_err(|error| {
                Failure::plain(format!("cannot read `{}`: {error}", file.display()))
            })?),
            None => None,
        };
        let options = Options {
            component,
            config,
            input: self.input,
            rate: self.rate.max(1),
            quick: self.quick,
        };
        let json = global.json;
        let report = remote::converse(async {
            let listen = |clock| {
                let takeovers = Takeovers::new(clock);
                let subscriber = tracing_subscriber::registry().with(takeovers.clone());
                // There is no other in this process.
                let _ = tracing::subscriber::set_global_default(subscriber);
                takeovers
            };
            let progress = |what: &str| {
                if !json {
                    eprintln!("measuring {what} …");
                }
            };
            Ok(measure(options, listen, progress).await?)
        })?;
        if json {
            print_json(&serde_json::to_value(&report).unwrap_or_default());
        } else {
            print(&render(&report));
        }
        let lost = report.astray.is_some_and(|astray| !astray.none());
        Ok(if lost { Outcome::Failed } else { Outcome::Done })
    }
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        let help = match error {
            BenchError::Silent => Some("`--input` and `--config` say what it hears"),
            BenchError::Device(_) => Some("`--config` is the configuration of its devices"),
            _ => None,
        };
        let mut failure = Self::plain(error.to_string());
        failure.help = help.map(str::to_owned);
        failure
    }
}

fn render(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    let which = if report.built_in {
        "built-in component"
    } else {
        "component"
    };
    line(format!(
        "{which} of {} KB, {} cores, {}",
        report.bytes.div_ceil(1_000),
        report.cores,
        report.machine
    ));
    if !report.optimised {
        line("This host is built without optimisation: its figures mean nothing.".into());
    }
    line(format!(
        "swaps at {} events a second ({} wanted); {}",
        report.reached,
        report.rate,
        match report.astray {
            Some(astray) if astray.none() => "each came out once and in order".into(),
            Some(Astray {
                missing,
                out_of_order: 0,
                dropped,
            }) if missing <= dropped => format!(
                "{missing} were dropped by the device's full queue: the machine stood still for too long"
            ),
            Some(astray) => format!(
                "{} did not come out, {} not in order",
                astray.missing, astray.out_of_order
            ),
            None => "whether each came out was not looked at".to_owned(),
        }
    ));
    line(String::new());
    line(table(&report.rows));
    line(format!(
        "The other lane compiled and swapped {} times; p99 was {:.2} times that without.",
        report.beside, report.lane_ratio
    ));
    line("From a file to its first event: loading, one device, its start; no folder is watched here.".into());
    text
}
