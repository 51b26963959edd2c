//! Boots: shared ones, which checks use one after the other, and those of a check alone.

use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Command;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::board::{Board, Processor};
use crate::guest::Guest;
use crate::{PC, PC_NEWEST, VIRT};

/// The boots of a board that are shared; they last as long as the tests.
#[derive(Debug)]
struct Boots {
    state: Mutex<State>,
    returned: Condvar,
    /// How many there are at the most.
    most: usize,
}

#[derive(Debug)]
struct State {
    free: Vec<Guest>,
    /// Those that are used and those that are free.
    booted: usize,
    /// All that there ever were.
    numbered: usize,
}

impl Boots {
    const fn new(most: usize) -> Self {
        Self {
            state: Mutex::new(State {
                free: Vec::new(),
                booted: 0,
                numbered: 0,
            }),
            returned: Condvar::new(),
            most,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is free, or the number of one that is to be booted.
    fn take(&self) -> Result<Guest, usize> {
        let mut state = self.state();
        loop {
            if let Some(guest) = state.free.pop() {
                return Ok(guest);
            }
            if state.booted < self.most {
                state.booted += 1;
                state.numbered += 1;
                return Err(state.numbered);
            }
            let waited = self.returned.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives one back; none where it has come to its end.
    fn give_back(&self, guest: Option<Guest>) {
        let mut state = self.state();
        match guest {
            Some(guest) => state.free.push(guest),
            None => state.booted -= 1,
        }
        self.returned.notify_one();
    }
}

/// A board for one check. Afterwards its systems are stopped; after a failure another boot takes its place.
#[derive(Debug)]
pub struct Use {
    guest: Option<Guest>,
    boots: &'static Boots,
}

/// A boot that checks on a board share. None where something for it is missing, which is said; where `CI` is set, the
/// check fails.
pub fn shared(board: &Board) -> Option<Use> {
    // Two thirds of the checks are on the PC: with a second boot of it both cores of a small machine have something to do.
    static BOOTS: [Boots; 3] = [Boots::new(2), Boots::new(1), Boots::new(1)];
    let all = [&PC, &PC_NEWEST, &VIRT];
    let place = all.iter().position(|known| known.name == board.name);
    let boots = &BOOTS[place.expect("one of the shared boards")];
    let number = match boots.take() {
        Ok(guest) => {
            return Some(Use {
                guest: Some(guest),
                boots,
            });
        }
        Err(number) => number,
    };
    // Whatever happens in the boot, its place is given back.
    let mut place = Use { guest: None, boots };
    place.guest = match number {
        1 => boot(board),
        number => boot(&board.named(&format!("{}-{number}", board.name))),
    };
    place.guest.is_some().then_some(place)
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
        self.guest.as_ref().expect("a guest")
    }
}

impl DerefMut for Use {
    fn deref_mut(&mut self) -> &mut Guest {
        self.guest.as_mut().expect("a guest")
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut guest = self.guest.take();
        if std::thread::panicking() {
            // Nobody knows in what state it is.
            if let Some(guest) = guest.take() {
                eprintln!("{}", guest.last_words());
            }
        } else if let Some(some) = &mut guest {
            let cleaned = catch_unwind(AssertUnwindSafe(|| some.clean_up()));
            if let Err(panic) = cleaned {
                // Others wait for its place.
                self.boots.give_back(None);
                resume_unwind(panic);
            }
        }
        self.boots.give_back(guest);
    }
}
