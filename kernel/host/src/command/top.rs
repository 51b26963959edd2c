//! `weihe top`: the running system, live.

mod columns;
mod frame;
mod reading;
pub(super) mod terminal;
#[cfg(test)]
mod tests;
mod view;

use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use weihe_kernel::units::Span;

use super::ps::understood;
use super::{Global, Result, remote};
use crate::control::Client;
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, Style, print, print_json};
use crate::system::Ps;

use frame::{Canvas, Trouble, draw};
use reading::Reading;
use terminal::Terminal;
use view::View;

/// The shortest interval: the host must not be busy with being looked at.
const SHORTEST: Duration = Duration::from_millis(100);

/// How long an answer is awaited before the host counts as gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// Columns of a frame that is not for a terminal: last errors have a column of their own.
const WIDTH: usize = 140;

/// Watch devices and connections of the running host
#[derive(Debug, Args)]
#[command(
    after_help = "Keys:\n  q quit   ↑ ↓ or j k select   Enter details and back   s sort   p pause\n\nExamples:\n  weihe top\n  weihe top --interval 5s\n  weihe top --once > frame.txt\n  weihe --json top"
)]
pub(super) struct Top {
    /// How often to look
    #[arg(short, long, value_name = "SPAN", default_value = "1s")]
    interval: Span,
    /// Print one frame as text, and end; with --json, one line
    #[arg(long)]
    once: bool,
}

impl Top {
    pub(super) fn run(self, global: &Global) -> Result {
        let every = Duration::from_nanos(self.interval.nanoseconds()).max(SHORTEST);
        remote::converse(async {
            match (global.json, self.once) {
                (true, once) => stream(global, every, once).await,
                (false, true) => once(global, every).await,
                (false, false) => live(global, every).await,
            }
        })
    }
}

async fn ask(client: &mut Client) -> std::result::Result<serde_json::Value, Failure> {
    let nothing = serde_json::Value::Null;
    Ok(client.request("ps", &nothing).await?)
}

fn beat(every: Duration) -> Interval {
    let mut beat = interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}

/// A line of JSON for each look.
async fn stream(global: &Global, every: Duration, once: bool) -> Result {
    let mut client = remote::client(global).await?;
    let mut beat = beat(every);
    loop {
        beat.tick().await;
        print_json(&ask(&mut client).await?);
        if once {
            return Ok(Outcome::Done);
        }
    }
}

/// One frame of two looks, so that there are rates.
async fn once(global: &Global, every: Duration) -> Result {
    let mut client = remote::client(global).await?;
    let reading = Reading::first(understood(ask(&mut client).await?)?);
    tokio::time::sleep(every).await;
    let reading = reading.next(understood(ask(&mut client).await?)?);
    let canvas = Canvas {
        width: terminal::size().map_or(WIDTH, |(width, _)| width),
        height: None,
        style: Style::stdout(),
    };
    let lines = draw(&reading, &View::default(), Trouble::None, &canvas);
    print(&(lines.join("\n") + "\n"));
    Ok(Outcome::Done)
}

/// The live view. The terminal is as it was whatever ends this.
async fn live(global: &Global, every: Duration) -> Result {
    // Whoever has no host or no terminal shall read about that on the screen there is.
    let mut client = remote::client(global).await?;
    let mut reading = Reading::first(understood(ask(&mut client).await?)?);
    let no_terminal = |error: std::io::Error| {
        let help = say::top_no_terminal_help();
        Failure::new(say::top_no_terminal(Text::told(error)), help)
    };
    let mut resized = signal(SignalKind::window_change()).map_err(no_terminal)?;
    let mut ended = signal(SignalKind::terminate()).map_err(no_terminal)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(no_terminal)?;
    let mut hung_up = signal(SignalKind::hangup()).map_err(no_terminal)?;
    let terminal = Terminal::take().map_err(no_terminal)?;
    let mut keys = terminal::keys().map_err(no_terminal)?;
    let mut looks = looks(global.clone(), client, every);
    let mut view = View::default();
    let mut gone = None;
    loop {
        let (width, height) = terminal::size().unwrap_or((80, 24));
        let canvas = Canvas {
            width,
            height: Some(height),
            style: Style::stdout(),
        };
        let trouble = gone.as_deref().map_or(Trouble::None, Trouble::Gone);
        terminal
            .show(&draw(&reading, &view, trouble, &canvas))
            .map_err(no_terminal)?;
        tokio::select! {
            key = keys.recv() => {
                let goes_on = key.is_some_and(|key| view.press(key, &reading, height / 2));
                if !goes_on {
                    return Ok(Outcome::Done);
                }
            }
            _ = resized.recv() => {}
            _ = ended.recv() => return Ok(Outcome::Done),
            _ = interrupted.recv() => return Ok(Outcome::Done),
            _ = hung_up.recv() => return Ok(Outcome::Done),
            look = looks.recv() => match look {
                Some(_) if view.paused => {}
                Some(Ok(ps)) => {
                    reading = reading.next(*ps);
                    gone = None;
                }
                Some(Err(reason)) => gone = Some(reason),
                None => return Ok(Outcome::Failed),
            },
        }
    }
}

/// What was seen, or why nothing was.
type Look = std::result::Result<Box<Ps>, String>;

/// Looks again and again, at another host when the last one is gone. Beside the keys, so that a host that does
/// not answer keeps nobody from leaving.
fn looks(global: Global, client: Client, every: Duration) -> mpsc::Receiver<Look> {
    let (sender, looks) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut client = Some(client);
        let mut beat = beat(every);
        // The first look has been.
        beat.tick().await;
        loop {
            beat.tick().await;
            let look = match timeout(PATIENCE, look(&global, &mut client)).await {
                Ok(Ok(ps)) => Ok(Box::new(ps)),
                Ok(Err(failure)) => Err(failure.message.to_string()),
                Err(_) => {
                    client = None;
                    Err(say::top_silent(format!("{PATIENCE:?}")).to_string())
                }
            };
            if sender.send(look).await.is_err() {
                return;
            }
        }
    });
    looks
}

/// Looks once more. A client that failed is not asked again.
async fn look(global: &Global, client: &mut Option<Client>) -> std::result::Result<Ps, Failure> {
    let mut asked = match client.take() {
        Some(client) => client,
        None => remote::client(global).await?,
    };
    let answer = ask(&mut asked).await?;
    *client = Some(asked);
    understood(answer)
}
