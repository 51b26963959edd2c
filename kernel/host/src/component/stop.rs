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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn what_is_stopped_ends_with_all_that_it_has_started() {
        let stop = Stop::default();
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 600 & wait"])
            .process_group(0)
            .stdout(Stdio::piped());
        let mut child = stop.start(&mut command).unwrap().unwrap();
        let mut output = child.stdout.take().unwrap();
        stop.say();
        assert!(!stop.wait(&mut child).unwrap().success());
        // `sleep` has the other end of it: this returns when that is gone, too.
        assert_eq!(io::copy(&mut output, &mut io::sink()).unwrap(), 0);
        assert!(stop.is_said());
        assert!(stop.start(&mut command).unwrap().is_none());
    }

    #[test]
    fn what_has_ended_cannot_be_stopped() {
        let stop = Stop::default();
        let mut child = stop.start(&mut Command::new("true")).unwrap().unwrap();
        assert!(stop.wait(&mut child).unwrap().success());
        assert_eq!(stop.state().building, None);
        stop.say();
    }
}
