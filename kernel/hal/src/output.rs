//! A PWM channel that a device holds, with what it is set to at the end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weihe_kernel::failsafe::{GuardedLine, Outputs, SafeLine};

use crate::error::HalError;
use crate::lease::Claim;
use crate::line::described;
use crate::order::{Order, Orders};
use crate::pwm::PwmChannel;
use crate::shelf::Used;
use crate::worker::Worker;

/// A PWM channel that a device holds.
pub struct HeldChannel {
    name: String,
    channel: Arc<dyn PwmChannel>,
    /// Where operations that may take long are done.
    worker: Option<Arc<Worker>>,
    orders: Orders,
    /// Held while it is set, so that what was set last is known.
    state: Mutex<State>,
    /// Held until the last who may set it lets go of it.
    _claim: Claim,
}

struct State {
    /// Whether it was switched on or off by the device; none when it never was.
    on: Option<bool>,
    safe: Option<Promise>,
    /// Rises when another device of the same name takes the channel over.
    tenant: u64,
    /// What was done last.
    order: Order,
}

/// What a channel is set to at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// What the plugin calls the channel.
    pub alias: Arc<str>,
    /// The width of its pulses, in nanoseconds; none for off.
    pub width: Option<u64>,
}

/// How a channel was used, for the version that goes on when another was refused.
#[derive(Clone)]
pub struct ChannelUse {
    period: u64,
    width: u64,
    on: Option<bool>,
    safe: Option<Promise>,
}

impl HeldChannel {
    /// A channel that was opened.
    pub fn new(
        name: &str,
        channel: Arc<dyn PwmChannel>,
        claim: Claim,
        worker: Option<Arc<Worker>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            channel,
            worker,
            orders: Orders::default(),
            state: Mutex::new(State {
                on: None,
                safe: None,
                tenant: 0,
                order: Order::default(),
            }),
            _claim: claim,
        }
    }

    /// What the board calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another device of the same name has it now: what the one before has left to be set is not set.
    pub fn take_over(&self) {
        let mut state = self.state();
        state.order = self.orders.next();
        state.tenant += 1;
        state.safe = None;
    }

    /// Says what it is set to at the end; none when it stays as it is.
    pub fn promise(self: &Arc<Self>, safe: Option<Promise>, outputs: &Arc<Outputs>) {
        let tenant = {
            let mut state = self.state();
            state.safe.clone_from(&safe);
            state.tenant
        };
        match safe {
            Some(promise) => outputs.declare(Arc::new(SafeChannel {
                held: self.clone(),
                promise,
                tenant,
            })),
            None => outputs.release(&self.name),
        }
    }

    /// Sets period and width.
    pub async fn set(self: &Arc<Self>, period: u64, width: u64) -> Result<(), HalError> {
        let order = self.orders.next();
        let set = move |held: &Self| {
            let mut state = held.state();
            state.order.follow(order, &held.name)?;
            held.channel.set(period, width)
        };
        self.carry_out(set).await
    }

    /// Switches it on or off.
    pub async fn enable(self: &Arc<Self>, on: bool) -> Result<(), HalError> {
        let order = self.orders.next();
        let enable = move |held: &Self| {
            let mut state = held.state();
            state.order.follow(order, &held.name)?;
            held.switch(&mut state, on)
        };
        self.carry_out(enable).await
    }

    fn switch(&self, state: &mut State, on: bool) -> Result<(), HalError> {
        self.channel.enable(on)?;
        state.on = Some(on);
        Ok(())
    }

    /// The period as the hardware has it.
    pub async fn period(self: &Arc<Self>) -> Result<u64, HalError> {
        self.carry_out(|held| held.channel.period()).await
    }

    /// The width as the hardware has it.
    pub async fn width(self: &Arc<Self>) -> Result<u64, HalError> {
        self.carry_out(|held| held.channel.width()).await
    }

    /// Period and width as the hardware has them, for those who may wait for it.
    pub fn look(&self) -> Result<(u64, u64), HalError> {
        Ok((self.channel.period()?, self.channel.width()?))
    }

    /// Carries out what may take long on the thread for it.
    async fn carry_out<T: Send + 'static>(
        self: &Arc<Self>,
        operation: impl FnOnce(&Self) -> Result<T, HalError> + Send + 'static,
    ) -> Result<T, HalError> {
        match &self.worker {
            Some(worker) if self.channel.blocks() => {
                let own = self.clone();
                worker.run(move |_| operation(&own)).await?
            }
            _ => operation(self),
        }
    }

    /// Lets go of it. The kernel may have something to do for that.
    pub(crate) fn let_go(self: Arc<Self>) {
        if let Some(worker) = self.worker.clone().filter(|_| self.channel.blocks()) {
            worker.post(move || drop(self));
        }
    }

    fn change_back(&self, before: &ChannelUse) -> Result<(), HalError> {
        let mut state = self.state();
        state.order = self.orders.next();
        let is = self.look()?;
        if before.period > 0 && is != (before.period, before.width) {
            self.channel.set(before.period, before.width)?;
        }
        if state.on != before.on {
            // It came to no use before: off is what it was.
            self.switch(&mut state, before.on.unwrap_or(false))?;
        }
        Ok(())
    }
}

impl Used for HeldChannel {
    type Use = ChannelUse;

    fn in_use(&self) -> ChannelUse {
        let state = self.state();
        ChannelUse {
            period: self.channel.period().unwrap_or(0),
            width: self.channel.width().unwrap_or(0),
            on: state.on,
            safe: state.safe.clone(),
        }
    }

    fn resume(self: &Arc<Self>, before: &ChannelUse, outputs: &Arc<Outputs>) {
        let (own, before, outputs) = (self.clone(), before.clone(), outputs.clone());
        let resume = move || {
            if let Err(error) = own.change_back(&before) {
                tracing::error!(
                    "{} is not as the refused version found it: {error}",
                    own.name
                );
            }
            let is = own.state().safe.clone();
            if before.safe != is {
                own.promise(before.safe, &outputs);
            }
        };
        match &self.worker {
            // Before all that the version does that goes on.
            Some(worker) if self.channel.blocks() => worker.post(resume),
            _ => resume(),
        }
    }
}

/// A channel with its safe width, as the fail-safe holds it.
struct SafeChannel {
    held: Arc<HeldChannel>,
    promise: Promise,
    tenant: u64,
}

impl SafeLine for SafeChannel {
    fn name(&self) -> &str {
        &self.held.name
    }

    fn describe(&self) -> String {
        let value = match self.promise.width {
            Some(width) => format!("{width} ns"),
            None => "off".to_owned(),
        };
        described(&self.promise.alias, &self.held.name, &value)
    }

    fn apply(&self) -> Result<(), String> {
        let mut state = self.held.state();
        if state.tenant != self.tenant {
            // Another device of this name minds it now.
            return Ok(());
        }
        // What was asked for before comes too late.
        state.order = self.held.orders.next();
        let channel = &self.held.channel;
        let mut apply = || {
            let period = channel.period()?;
            match self.promise.width {
                // Without a period there never were pulses.
                Some(width) if period > 0 => {
                    channel.set(period, width)?;
                    self.held.switch(&mut state, true)
                }
                _ => self.held.switch(&mut state, false),
            }
        };
        apply().map_err(|error: HalError| error.to_string())
    }

    fn blocks(&self) -> bool {
        self.held.channel.blocks()
    }

    fn renewal(&self) -> u64 {
        self.held.channel.renewal()
    }

    fn guarded(&self) -> Option<GuardedLine> {
        self.held.channel.guarded(self.promise.width)
    }
}
