//! `weihe sandbox`: one component in the real kernel, for the tests of its author.

use std::path::PathBuf;

use clap::Args;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use super::Result;
use crate::output::{Failure, Outcome};
use crate::record::{RecordLayer, Ring};
use crate::sandbox::{ConversationError, Options, converse};

/// What is logged: of the kernel what went wrong, of plugins everything.
const FILTER: &str = "warn,weihe_kernel=trace";

/// Run one component for a test, which speaks with it in lines of JSON
#[derive(Debug, Args)]
#[command(
    long_about = "Run one component for a test, which speaks with it in lines of JSON on standard input and output.\n\nThe kernel, its limits, grants and database are those of a running host; the clock stands still until the test moves it, and connections lead to the test. Tests in Rust use it through `#[weihe_sdk::test(sandbox)]`; docs/testing.md describes the lines.",
    after_help = "Example:\n  echo '{\"do\":\"start\",\"device\":\"alarm\",\"config\":{},\"now\":0}' | weihe sandbox plugins/rule.wasm"
)]
pub(super) struct Sandbox {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where compiled components are kept [default: with the user's other caches]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

impl Sandbox {
    pub(super) fn run(self) -> Result {
        let ring = Ring::new();
        let subscriber = tracing_subscriber::registry()
            .with(EnvFilter::new(FILTER))
            .with(RecordLayer::new(ring.clone()));
        // Fails when one is set already, which then logs.
        let _ = tracing::subscriber::set_global_default(subscriber);
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let options = Options {
            plugin: stem.into_owned(),
            file: self.file,
            cache: self.cache,
        };
        let (mut requests, mut answers) = (std::io::stdin().lock(), std::io::stdout().lock());
        match converse(&options, ring, &mut requests, &mut answers) {
            Ok(()) => Ok(Outcome::Done),
            // It ended without a word of farewell, which is its business.
            Err(ConversationError::Gone(error))
                if error.kind() == std::io::ErrorKind::BrokenPipe =>
            {
                Ok(Outcome::Done)
            }
            Err(error) => Err(Failure::plain(error.to_string())),
        }
    }
}
