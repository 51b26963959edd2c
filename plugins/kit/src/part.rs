//! Hardware that may come and go.

use weihe_sdk::hal::HalError;
use weihe_sdk::{Context, Duration, Error, log};

use crate::{BackOff, State, Topics};

/// The timer that looks for absent hardware again: when it ticks, use it ([`Part::with`]) as it should be by then.
pub const RETRY: &str = "retry-hardware";

/// When absent hardware is looked for first.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// When it is looked for at the latest: who plugs an adapter in again does not want to wait longer.
const LAST_WAIT: Duration = Duration::from_secs(30);

type Open<H> = Box<dyn Fn(&mut Context) -> Result<H, HalError>>;

/// The hardware of a device, opened when it is there.
///
/// What is wrong with it is in the device's [`State`]. It is looked for again, after 1 s at first and 30 s at last.
pub struct Part<H> {
    open: Open<H>,
    held: Option<H>,
    state: State,
    back_off: BackOff,
}

impl<H> std::fmt::Debug for Part<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl<H> Part<H> {
    /// Opens it by the closure, now and whenever it has vanished. What cannot pass by itself (a name that nobody knows, a
    /// grant that is missing, a mode that the line does not have) is an error; an absent chip is none.
    pub fn begin(
        ctx: &mut Context,
        topics: &Topics,
        open: impl Fn(&mut Context) -> Result<H, HalError> + 'static,
    ) -> Result<Self, Error> {
        let mut part = Part {
            open: Box::new(open),
            held: None,
            state: State::new(ctx, topics)?,
            back_off: BackOff::new(FIRST_WAIT, LAST_WAIT),
        };
        match (part.open)(ctx) {
            Ok(held) => {
                part.held = Some(held);
                part.is_well(ctx);
            }
            Err(error) if error.is_transient() => part.is_amiss(ctx, &error),
            Err(error) => return Err(Error::fatal(error.text())),
        }
        Ok(part)
    }

    /// Does something with the hardware, which is opened for it where it was absent.
    pub fn with<R>(
        &mut self,
        ctx: &mut Context,
        work: impl FnOnce(&mut H) -> Result<R, HalError>,
    ) -> Result<R, HalError> {
        let opened = match self.held.take() {
            Some(held) => Ok(held),
            None => (self.open)(ctx),
        };
        let done = opened.and_then(|mut held| {
            let done = work(&mut held);
            // What has vanished is opened again; the rest is as good as before.
            if !matches!(done, Err(HalError::Gone(_))) {
                self.held = Some(held);
            }
            done
        });
        match &done {
            Ok(_) => self.is_well(ctx),
            Err(error) => self.is_amiss(ctx, error),
        }
        done
    }

    /// The hardware, while it is open.
    pub fn held(&self) -> Option<&H> {
        self.held.as_ref()
    }

    /// Whether it works, as far as is known.
    pub fn is_ready(&self) -> bool {
        self.state.is_ready()
    }

    /// Why it does not work.
    pub fn reason(&self) -> Option<&str> {
        self.state.reason()
    }

    fn is_well(&mut self, ctx: &mut Context) {
        if self.reason().is_some() {
            ctx.cancel(RETRY);
        }
        self.back_off.reset();
        self.state.ready(ctx);
    }

    fn is_amiss(&mut self, ctx: &mut Context, error: &HalError) {
        self.state.amiss(ctx, error.text());
        if let Err(refused) = ctx.after(RETRY, self.back_off.fail()) {
            log::error!("timer `{RETRY}`: {refused}");
        }
    }
}

#[cfg(test)]
#[path = "part_tests.rs"]
mod tests;
