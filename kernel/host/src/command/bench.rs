//! `weihe bench`: what this machine makes of it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tracing_subscriber::prelude::*;

use super::{Global, Result, remote};
use crate::bench::{
    Astray, BUILT_IN_INPUT, BenchError, Options, Report, Takeovers, measure, table,
};
use crate::language::{Text, say};
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
                say::bench_no_json(&self.config, Text::told(error)),
                say::bench_no_json_help(),
            )
        })?;
        let component = match &self.file {
            Some(file) => Some(std::fs::read(file).map_err(|error| {
                Failure::plain(say::bench_unreadable(file.display(), Text::told(error)))
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
                    eprintln!("{}", say::bench_measuring(Text::told(what)));
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
            BenchError::Silent => Some(say::bench_silent_help()),
            BenchError::Device(_) => Some(say::bench_device_help()),
            _ => None,
        };
        let mut failure = Self::plain(error.to_string());
        failure.help = help;
        failure
    }
}

fn render(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |words: Text| text.push_str(&format!("{words}\n"));
    let size = report.bytes.div_ceil(1_000).to_string();
    let cores = report.cores.to_string();
    line(match report.built_in {
        true => say::bench_built_in(size, cores, report.machine),
        false => say::bench_component(size, cores, report.machine),
    });
    if !report.optimised {
        line(say::bench_unoptimised());
    }
    line(say::bench_swaps(
        report.reached.to_string(),
        report.rate.to_string(),
        match report.astray {
            Some(astray) if astray.none() => say::bench_in_order(),
            Some(Astray {
                missing,
                out_of_order: 0,
                dropped,
            }) if missing <= dropped => say::bench_dropped(missing.to_string()),
            Some(astray) => {
                say::bench_astray(astray.missing.to_string(), astray.out_of_order.to_string())
            }
            None => say::bench_not_looked(),
        },
    ));
    line(Text::same(""));
    line(Text::same(&table(&report.rows)));
    line(say::bench_lane(
        report.beside.to_string(),
        format!("{:.2}", report.lane_ratio),
    ));
    line(say::bench_folder());
    text
}
