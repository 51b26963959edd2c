//! The guard's own life.

use std::collections::BTreeMap;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::apply::{Entrusted, apply, say};
use super::message::{Message, receive};

/// What a terminal or a service manager sends to all of a group. The host is asked by it to stop in
/// order; the guard ends when the host has.
const UNHEEDED: [SignalKind; 4] = [
    SignalKind::interrupt(),
    SignalKind::terminate(),
    SignalKind::hangup(),
    SignalKind::quit(),
];

/// Watches over the host that is at the other end of standard input.
pub fn run() -> ExitCode {
    // A session of its own: no terminal, and no signal meant for the host's group. It leads none yet,
    // so this cannot fail; if it did, the signals below are not heeded anyway.
    let _ = rustix::process::setsid();
    // A file system that the host works on can be unmounted when it has ended.
    let _ = std::env::set_current_dir("/");
    let _unheeded = match unheeded() {
        Ok(unheeded) => unheeded,
        Err(error) => {
            say(&format!("signals cannot be held off: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let mut entrusted: BTreeMap<u64, Entrusted> = BTreeMap::new();
    let mut coming: Vec<(u64, Option<Entrusted>)> = Vec::new();
    loop {
        match receive(std::io::stdin()) {
            Ok(Some((Message::Charge(id, order), Some(descriptor)))) => {
                coming.push((id, Some((order, descriptor))));
            }
            Ok(Some((Message::Charge(id, order), None))) => {
                say(&format!("{} came without its descriptor", order.on));
                coming.push((id, None));
            }
            Ok(Some((Message::Forget(id), _))) => coming.push((id, None)),
            Ok(Some((Message::Commit, _))) => {
                for (id, change) in coming.drain(..) {
                    match change {
                        Some(entry) => drop(entrusted.insert(id, entry)),
                        None => drop(entrusted.remove(&id)),
                    }
                }
            }
            Ok(Some((Message::Done, _))) => return ExitCode::SUCCESS,
            Ok(None) => break,
            Err(error) => {
                // Better to be started anew than to misunderstand.
                say(&format!("the host is not understood: {error}"));
                return ExitCode::FAILURE;
            }
        }
    }
    drop(coming);
    if entrusted.is_empty() {
        return ExitCode::SUCCESS;
    }
    say("the host has died: its outputs go to their safe values");
    match apply(entrusted.into_values().collect()) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Signals that have a handler do not end the process, as long as this lives.
fn unheeded() -> std::io::Result<impl Sized> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let signals = {
        let _inside = runtime.enter();
        UNHEEDED.map(signal)
    };
    let signals: Vec<_> = signals.into_iter().collect::<Result<_, _>>()?;
    Ok((runtime, signals))
}
