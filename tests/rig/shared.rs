//! Boots: shared ones, which checks use one after the other, and those of a check alone.

use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::board::{Board, Processor};
use crate::guest::Guest;
use crate::{PC, PC_NEWEST, VIRT};

/// A board for one check. Afterwards its systems are stopped; after a failure another boot takes its place.
#[derive(Debug)]
pub struct Use(MutexGuard<'static, Option<Guest>>);

/// The boot that all checks on a board share; it lasts as long as the tests. None where something for it is missing, which
/// is said; where `CI` is set, the check fails.
pub fn shared(board: &Board) -> Option<Use> {
    static GUESTS: [Mutex<Option<Guest>>; 3] = [const { Mutex::new(None) }; 3];
    let all = [&PC, &PC_NEWEST, &VIRT];
    let place = all.iter().position(|known| known.name == board.name);
    let place = &GUESTS[place.expect("one of the shared boards")];
    let mut guest = place.lock().unwrap_or_else(PoisonError::into_inner);
    if guest.is_none() {
        *guest = Some(boot(board)?);
    }
    Some(Use(guest))
}

/// A boot for one check alone, with the same words about what is missing.
pub fn boot(board: &Board) -> Option<Guest> {
    let booted = emulator(board.processor).and_then(|()| Guest::boot(board));
    match booted {
        Ok(guest) => Some(guest),
        Err(reason) if std::env::var_os("CI").is_some() => panic!("{reason}"),
        Err(reason) => {
            let thread = std::thread::current();
            let check = thread.name().unwrap_or("a check");
            // Not by a macro: the harness keeps back what those print in a passing test.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED {check}: {reason}\n");
            None
        }
    }
}

/// Whether the emulator is there.
fn emulator(processor: Processor) -> Result<(), String> {
    static FOUND: [OnceLock<Result<(), String>>; 2] = [const { OnceLock::new() }; 2];
    let (place, program, package) = match processor {
        Processor::X86 => (0, "qemu-system-x86_64", "qemu-system-x86"),
        Processor::Arm => (1, "qemu-system-aarch64", "qemu-system-arm"),
    };
    let look = || match Command::new(program).arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(format!("no `{program}` (on Debian: apt install {package})")),
    };
    FOUND[place].get_or_init(look).clone()
}

impl Deref for Use {
    type Target = Guest;

    fn deref(&self) -> &Guest {
        self.0.as_ref().expect("a guest")
    }
}

impl DerefMut for Use {
    fn deref_mut(&mut self) -> &mut Guest {
        self.0.as_mut().expect("a guest")
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.clean_up();
        } else if let Some(guest) = self.0.take() {
            // Nobody knows in what state it is.
            eprintln!("{}", guest.last_words());
        }
    }
}
