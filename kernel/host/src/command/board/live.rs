//! The live view. The terminal is as it was whatever ends this.

use std::time::Duration;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, timeout};
use weihe_hal::virtual_board::{Act, BoardView};

use super::super::top::terminal::{self, Terminal};
use super::super::{Global, Result, remote};
use super::frame::{Canvas, draw};
use super::look;
use super::rows::rows;
use super::view::{Key, Next, View, read_keys};
use crate::control::Client;
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, Style};

/// How long an answer is awaited before the host counts as gone.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(global: &Global, every: Duration) -> Result {
    // Whoever has no host or no terminal shall read about that on the screen there is.
    let mut client = Some(remote::client(global).await?);
    let mut board = ask(global, &mut client).await?;
    let no_terminal = |error: std::io::Error| {
        let help = say::board_no_terminal_help();
        Failure::new(say::top_no_terminal(Text::told(error)), help)
    };
    let mut resized = signal(SignalKind::window_change()).map_err(no_terminal)?;
    let mut ended = signal(SignalKind::terminate()).map_err(no_terminal)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(no_terminal)?;
    let mut hung_up = signal(SignalKind::hangup()).map_err(no_terminal)?;
    let screen = Terminal::take().map_err(no_terminal)?;
    let mut keys = terminal::typed(read_keys, Key::Quit).map_err(no_terminal)?;
    let mut beat = interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut view = View::default();
    let mut trouble = None;
    loop {
        let (width, height) = terminal::size().unwrap_or((80, 24));
        let canvas = Canvas {
            width,
            height: Some(height),
            style: Style::stdout(),
        };
        let told = foot(&board, &view, trouble.as_ref());
        screen
            .show(&draw(&board, &view, &told, &canvas))
            .map_err(no_terminal)?;
        tokio::select! {
            key = keys.recv() => match key.map(|key| view.press(key, &rows(&board))) {
                None | Some(Next::End) => return Ok(Outcome::Done),
                Some(Next::Draw) => continue,
                Some(Next::Do(act)) => {
                    trouble = apply(global, &mut client, &act).await.err();
                }
            },
            _ = resized.recv() => continue,
            _ = ended.recv() => return Ok(Outcome::Done),
            _ = interrupted.recv() => return Ok(Outcome::Done),
            _ = hung_up.recv() => return Ok(Outcome::Done),
            _ = beat.tick() => {}
        }
        match ask(global, &mut client).await {
            Ok(seen) => board = seen,
            Err(failure) => trouble = Some(failure),
        }
    }
}

fn foot(board: &BoardView, view: &View, trouble: Option<&Failure>) -> String {
    match (&view.typed, trouble, board.is_virtual) {
        (Some(typed), ..) => say::board_typing(typed).to_string(),
        (None, Some(failure), _) => failure.message.to_string(),
        (None, None, true) => say::board_keys().to_string(),
        (None, None, false) => say::board_keys_real().to_string(),
    }
}

/// Looks once more, at another host when the last one is gone.
async fn ask(
    global: &Global,
    client: &mut Option<Client>,
) -> std::result::Result<BoardView, Failure> {
    let asked = async {
        let mut asked = match client.take() {
            Some(client) => client,
            None => remote::client(global).await?,
        };
        let board = look(&mut asked).await?;
        *client = Some(asked);
        Ok(board)
    };
    patient(asked).await
}

async fn apply(
    global: &Global,
    client: &mut Option<Client>,
    act: &Act,
) -> std::result::Result<(), Failure> {
    let done = async {
        let mut asked = match client.take() {
            Some(client) => client,
            None => remote::client(global).await?,
        };
        let done = asked.request::<Value>("board-do", act).await;
        *client = Some(asked);
        done?;
        Ok(())
    };
    patient(done).await
}

async fn patient<T>(
    work: impl Future<Output = std::result::Result<T, Failure>>,
) -> std::result::Result<T, Failure> {
    match timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::plain(say::top_silent(format!("{PATIENCE:?}")))),
    }
}
