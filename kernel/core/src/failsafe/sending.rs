//! The frames of one device on one connection are sent until each is confirmed.

use std::sync::Arc;

use crate::connection::{Failure, LinkState, Seat};

use super::frame::SafeFrame;
use super::limits::{ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE};
use super::outputs::Outputs;
use super::status::SafeState;

/// Sends frames, in order, until all are confirmed or `run` is called off, and gives the place up.
pub(super) async fn send(
    outputs: Arc<Outputs>,
    run: u64,
    seat: Seat,
    frames: Vec<(u64, Arc<SafeFrame>)>,
) {
    let mut called_off = outputs.run();
    tokio::select! {
        biased;
        _ = called_off.wait_for(|now| now.number != run) => {}
        () = confirm(&outputs, run, &seat, frames) => {}
    }
    seat.detach();
}

async fn confirm(outputs: &Outputs, run: u64, seat: &Seat, mut frames: Vec<(u64, Arc<SafeFrame>)>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut left = Vec::new();
        let mut down = (seat.state() != LinkState::Up).then(|| seat.reason());
        for (id, frame) in frames {
            let outcome = match &down {
                Some(reason) => Err(reason.clone()),
                None => match unhindered(outputs, seat, &frame).await {
                    Ok(()) => Ok(()),
                    Err(Trouble::Down(reason)) => {
                        down = Some(reason.clone());
                        Err(reason)
                    }
                    Err(Trouble::Unconfirmed(reason)) => Err(reason),
                },
            };
            if outcome.is_err() {
                left.push((id, frame));
            }
            let otherwise = match seat.is_closed() {
                true => SafeState::Failed,
                false => SafeState::Pending,
            };
            outputs.note(run, id, outcome, otherwise);
        }
        outputs.tell();
        if left.is_empty() || seat.is_closed() {
            return;
        }
        frames = left;
        if seat.state() == LinkState::Up {
            outputs.clock.sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        } else {
            seat.up().await;
            pause = FIRST_PAUSE;
        }
    }
}

/// Why a frame is not confirmed.
enum Trouble {
    /// Nothing can be said on the link.
    Down(String),
    /// It got no reply, or one that refuses.
    Unconfirmed(String),
}

/// Sends a frame when nothing holds it back. What was not sent yet when that begins is taken back.
async fn unhindered(outputs: &Outputs, seat: &Seat, frame: &SafeFrame) -> Result<(), Trouble> {
    let mut gate = outputs.run();
    loop {
        // An error would mean that the outputs are gone.
        let _ = gate.wait_for(|run| !run.held_back).await;
        tokio::select! {
            biased;
            Ok(_) = gate.wait_for(|run| run.held_back) => {}
            outcome = exchange(seat, frame) => return outcome,
        }
    }
}

async fn exchange(seat: &Seat, frame: &SafeFrame) -> Result<(), Trouble> {
    let mut trouble = String::new();
    for _ in 0..ATTEMPTS {
        trouble = match seat.transact(frame.request.clone()).await {
            Ok(reply) => match frame.judge(&reply.bytes) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            },
            Err(failure @ Failure::LinkDown(_)) => {
                return Err(Trouble::Down(failure.to_string()));
            }
            Err(failure) => failure.to_string(),
        };
    }
    Err(Trouble::Unconfirmed(trouble))
}
