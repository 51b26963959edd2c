//! A build that can be stopped.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Says stop to a build, from another thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    said: bool,
    /// The leader of the group that is building, which has not been waited for: its number is nobody
    /// else's.
    building: Option<Pid>,
}

impl Stop {
    /// Ends the build that is under way, and those that would begin.
    pub fn say(&self) {
        let mut state = self.state();
        state.said = true;
        if let Some(group) = state.building {
            // Cargo alone would leave its compilers behind. It has nothing to put in order.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Whether it has been said.
    pub fn is_said(&self) -> bool {
        self.state().said
    }

    /// Starts a program, the leader of a process group; none when stop has been said.
    pub(super) fn start(&self, command: &mut Command) -> io::Result<Option<Child>> {
        let mut state = self.state();
        if state.said {
            return Ok(None);
        }
        let child = command.spawn()?;
        state.building = Some(Pid::from_child(&child));
        Ok(Some(child))
    }

    /// Waits for the end of what was started.
    pub(super) fn wait(&self, child: &mut Child) -> io::Result<ExitStatus> {
        // Without taking it off the list of processes, so that its number stays its own as long as
        // somebody may say stop.
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let pid = WaitId::Pid(Pid::from_child(child));
        rustix::io::retry_on_intr(|| waitid(pid.clone(), ended))?;
        let mut state = self.state();
        state.building = None;
        child.wait()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
