//! One component in the real kernel, for tests of plugins: what `weihe sandbox` runs.
//!
//! The kernel, its limits and grants, the connections' turns and time-outs and the database are those of a
//! running host. Three things are not: the clock stands still until it is told to advance, the far ends of
//! connections and the commands of other devices are played by the test, and everything runs on one thread, so
//! that it is known when nothing is left to do ([`Rest`]).
//!
//! The test speaks with it in lines of JSON ([`Request`], [`Answer`]): a request, and one answer to it when the kernel is
//! at rest, with all that was seen meanwhile.

mod field;
mod protocol;
mod rest;
mod seen;
mod session;
mod value;
mod wire;

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

pub use protocol::{Answer, Request};
pub use rest::Rest;
pub use session::{SandboxError, Session};

use crate::record::Ring;

/// What a sandbox is started with.
#[derive(Debug)]
pub struct Options {
    /// The component.
    pub file: PathBuf,
    /// Its name as a plugin.
    pub plugin: String,
    /// Where compiled components are kept; none: with the user's other caches.
    pub cache: Option<PathBuf>,
}

/// Why a conversation ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// There is no sandbox.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The other side cannot be heard or told.
    #[error("the test is gone: {0}")]
    Gone(#[from] std::io::Error),
}

/// Answers requests until there are no more. `logs` is where this process's log goes.
pub fn converse(
    options: &Options,
    logs: Arc<Ring>,
    requests: &mut dyn BufRead,
    answers: &mut dyn Write,
) -> Result<(), ConversationError> {
    let rest = Arc::new(Rest::default());
    let parked = rest.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(move || parked.reached())
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let mut session = Session::start(options, logs, rest).await?;
        say(answers, &session.hello())?;
        let mut line = String::new();
        loop {
            line.clear();
            // Nothing moves meanwhile: the kernel is at rest, and its clock stands still.
            if requests.read_line(&mut line)? == 0 {
                break;
            }
            if line.trim().is_empty() {
                continue;
            }
            let answer = match serde_json::from_str::<Request>(&line) {
                Ok(request) => session.answer(request).await,
                Err(error) => Answer::refused(format!("no request: {error}")),
            };
            say(answers, &answer)?;
        }
        session.end().await;
        Ok(())
    })
}

fn say(answers: &mut dyn Write, answer: &Answer) -> std::io::Result<()> {
    serde_json::to_writer(&mut *answers, answer)?;
    answers.write_all(b"\n")?;
    answers.flush()
}
