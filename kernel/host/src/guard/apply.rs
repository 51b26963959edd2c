//! What the guard does when the host has died.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use weihe_hal::HAL;

use super::line::{Line, Trouble};
use super::message::{Deed, Frame, Order};

/// How long the guard goes on on one connection, after which it begins with no further frame. A host that
/// is started again in the meantime could have moved an output on purpose.
const GUARD_TIME: Duration = Duration::from_secs(20);

/// An order, and the descriptor that it is about.
pub(super) type Entrusted = (Order, OwnedFd);

/// Sets all outputs to their safe values: lines at once, then each connection on a thread of its own.
/// Returns how many could not be set.
pub(super) fn apply(entrusted: Vec<Entrusted>) -> usize {
    let mut failed = 0;
    let mut talking = Vec::new();
    for (order, descriptor) in entrusted {
        if let Deed::Order { by, bytes, what } = &order.action {
            let done = carry_out(by, &descriptor, bytes);
            failed += usize::from(!tell(&order, what, done));
            // And is free at once for a host that is started again, while frames may still take a while.
            drop(descriptor);
        } else {
            talking.push((order, descriptor));
        }
    }
    let mut connections: BTreeMap<&str, Vec<&Entrusted>> = BTreeMap::new();
    for entry in &talking {
        connections.entry(&entry.0.on).or_default().push(entry);
    }
    std::thread::scope(|scope| {
        let talks: Vec<_> = connections
            .into_values()
            .map(|entries| scope.spawn(move || talk(&entries)))
            .collect();
        // One that panicked has told nothing.
        let failures = talks.into_iter().map(|talk| talk.join().unwrap_or(1));
        failed + failures.sum::<usize>()
    })
}

/// Has a capability set a line of its own.
fn carry_out(by: &str, descriptor: &OwnedFd, order: &[u8]) -> Result<(), String> {
    match by {
        HAL => weihe_hal::guarded::apply(descriptor, order).map_err(|error| error.to_string()),
        other => Err(format!("this program knows no capability `{other}`")),
    }
}

/// Sends the frames of all devices on one connection, in order.
fn talk(entries: &[&Entrusted]) -> usize {
    let mut failed = 0;
    let give_up = Instant::now() + GUARD_TIME;
    // All of them have duplicates of one descriptor.
    let mut line = None;
    let mut down: Option<String> = None;
    for (order, descriptor) in entries {
        let Deed::Exchange {
            line: timing,
            frames,
        } = &order.action
        else {
            continue;
        };
        for frame in frames {
            if down.is_none() && Instant::now() >= give_up {
                down = Some("given up: others on this line took too long".to_owned());
            }
            let outcome = match (&down, &mut line) {
                (Some(reason), _) => Err(reason.clone()),
                (None, Some(line)) => exchange(line, frame, &mut down),
                (None, none) => match Line::take(descriptor.as_fd(), *timing) {
                    Ok(taken) => exchange(none.insert(taken), frame, &mut down),
                    Err(trouble) => {
                        down = Some(trouble.to_string());
                        Err(trouble.to_string())
                    }
                },
            };
            failed += usize::from(!tell(order, &frame.label, outcome));
        }
    }
    failed
}

fn exchange(line: &mut Line<'_>, frame: &Frame, down: &mut Option<String>) -> Result<(), String> {
    line.exchange(frame).map_err(|trouble| {
        if let Trouble::Down(_) = trouble {
            *down = Some(trouble.to_string());
        }
        trouble.to_string()
    })
}

/// Says what became of an output; returns whether it is safe.
fn tell(order: &Order, what: &str, outcome: Result<(), String>) -> bool {
    let Order { device, on, .. } = order;
    match &outcome {
        Ok(()) => say(&format!("safe: {what} of device {device} on {on}")),
        Err(error) => say(&format!(
            "NOT safe: {what} of device {device} on {on}: {error}"
        )),
    }
    outcome.is_ok()
}

/// Where the host's log went. Nobody may be left to read it.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "weihe guard: {text}");
}
