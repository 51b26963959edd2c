//! A line that a device holds: what backends offer, with what the device made of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weihe_kernel::device::{Feed, Sample};
use weihe_kernel::event::Value;
use weihe_kernel::failsafe::{GuardedLine, Outputs, SafeLine};

use crate::error::HalError;
use crate::gpio::{Edge, EdgeSink, Line, LineConfig, Mode};
use crate::hardware::Hardware;
use crate::lease::Claim;
use crate::order::{Order, Orders};
use crate::shelf::Used;
use crate::worker::Worker;

/// A line that a device holds.
pub struct HeldLine {
    name: String,
    line: Arc<dyn Line>,
    /// Where operations that may take long are done.
    worker: Option<Arc<Worker>>,
    orders: Orders,
    /// Held while an output is set, so that what was set last is known.
    state: Mutex<State>,
    ear: Arc<Ear>,
    /// Held until the last who may set it lets go of it.
    _claim: Claim,
}

/// How a line is used now.
struct State {
    config: LineConfig,
    /// What an output was set to last.
    value: bool,
    safe: Option<Promise>,
    /// Rises when another device of the same name takes the line over.
    tenant: u64,
    /// What was done last.
    order: Order,
}

/// The safe value of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// What the plugin calls the line.
    pub alias: Arc<str>,
    /// The value.
    pub value: bool,
}

/// How a line was used, for the version that goes on when another was refused.
#[derive(Clone)]
pub struct LineUse {
    config: LineConfig,
    value: bool,
    safe: Option<Promise>,
    feed: Option<Feed>,
}

/// Where edges of a line are brought. What an edge goes to may change while it is open.
#[derive(Default)]
struct Ear {
    feed: Mutex<Option<Feed>>,
    missed: AtomicU64,
}

impl Ear {
    fn feed(&self) -> MutexGuard<'_, Option<Feed>> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, edges: &[Edge]) {
        let missed = edges.iter().map(|edge| edge.missed).sum();
        self.missed.fetch_add(missed, Ordering::Relaxed);
        if let Some(feed) = &*self.feed() {
            feed.publish(edges.iter().map(|edge| Sample {
                time: edge.time,
                value: Value::Boolean(edge.active),
                missed: edge.missed,
            }));
        }
    }
}

impl HeldLine {
    /// Opens a line for the device that has the claim.
    pub fn open(
        hardware: &dyn Hardware,
        name: &str,
        config: &LineConfig,
        feed: Option<Feed>,
        claim: Claim,
        worker: Option<Arc<Worker>>,
    ) -> Result<Self, HalError> {
        let ear = Arc::new(Ear {
            feed: Mutex::new(feed),
            missed: AtomicU64::new(0),
        });
        let sink: EdgeSink = {
            let ear = ear.clone();
            Arc::new(move |edges| ear.hear(edges))
        };
        let line = hardware.line(name, config, sink)?;
        let value = match config.mode {
            Mode::Output {
                initial: Some(value),
                ..
            } => value,
            // A line that was an output already shows what it is.
            Mode::Output { .. } => line.read().unwrap_or(false),
            Mode::Input { .. } => false,
        };
        Ok(Self {
            name: name.to_owned(),
            line,
            worker,
            orders: Orders::default(),
            state: Mutex::new(State {
                config: *config,
                value,
                safe: None,
                tenant: 0,
                order: Order::default(),
            }),
            ear,
            _claim: claim,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opened again by the device that holds it: nothing happens on the line unless it is used in
    /// another way now.
    pub fn reopen(&self, config: &LineConfig, feed: Option<Feed>) -> Result<(), HalError> {
        self.reuse(&mut self.state(), config, feed)
    }

    /// Opened by another device of the same name: once it has it, what the one before has left to be set is
    /// not set. When it cannot be had, that stays due.
    pub fn take_over(&self, config: &LineConfig, feed: Option<Feed>) -> Result<(), HalError> {
        let mut state = self.state();
        self.reuse(&mut state, config, feed)?;
        state.tenant += 1;
        state.safe = None;
        Ok(())
    }

    fn reuse(
        &self,
        state: &mut State,
        config: &LineConfig,
        feed: Option<Feed>,
    ) -> Result<(), HalError> {
        state.order = self.orders.next();
        self.line.revive()?;
        if !state.config.is_kept_by(config) {
            self.line.configure(config)?;
            state.config = *config;
            if let Mode::Output { initial, .. } = config.mode {
                let value = initial.or_else(|| self.line.read().ok());
                state.value = value.unwrap_or(false);
            }
        }
        *self.ear.feed() = feed;
        Ok(())
    }

    /// Says what an output is set to at the end; none for an input, and for one that stays as it is.
    pub fn promise(self: &Arc<Self>, safe: Option<Promise>, outputs: &Arc<Outputs>) {
        let tenant = {
            let mut state = self.state();
            state.safe.clone_from(&safe);
            state.tenant
        };
        match safe {
            Some(promise) => outputs.declare(Arc::new(SafeOutput {
                line: self.clone(),
                promise,
                tenant,
            })),
            None => outputs.release(&self.name),
        }
    }

    /// What the board calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is used as an output.
    pub fn is_output(&self) -> bool {
        matches!(self.state().config.mode, Mode::Output { .. })
    }

    /// Whether the lower voltage is active.
    pub fn is_active_low(&self) -> bool {
        self.state().config.active_low
    }

    /// Whether its operations may take long.
    pub fn blocks(&self) -> bool {
        self.line.blocks()
    }

    /// Whether it is active, for those who may wait for it.
    pub fn look(&self) -> Result<bool, HalError> {
        self.line.read()
    }

    /// Whether it is active.
    pub async fn read(self: &Arc<Self>) -> Result<bool, HalError> {
        self.carry_out(|line| line.line.read()).await
    }

    /// Sets an output.
    pub async fn write(self: &Arc<Self>, value: bool) -> Result<(), HalError> {
        let order = self.orders.next();
        let write = move |line: &Self| {
            let mut state = line.state();
            state.order.follow(order, &line.name)?;
            line.set(&mut state, value)
        };
        self.carry_out(write).await
    }

    /// Sets an output to what it was not.
    pub async fn toggle(self: &Arc<Self>) -> Result<bool, HalError> {
        let order = self.orders.next();
        let toggle = move |line: &Self| {
            let mut state = line.state();
            state.order.follow(order, &line.name)?;
            let value = !state.value;
            line.set(&mut state, value)?;
            Ok(value)
        };
        self.carry_out(toggle).await
    }

    /// Carries out what may take long on the thread for it; most lines answer at once.
    async fn carry_out<T: Send + 'static>(
        self: &Arc<Self>,
        operation: impl FnOnce(&Self) -> Result<T, HalError> + Send + 'static,
    ) -> Result<T, HalError> {
        match &self.worker {
            Some(worker) if self.blocks() => {
                let own = self.clone();
                worker.run(move |_| operation(&own)).await?
            }
            _ => operation(self),
        }
    }

    /// Lets go of it. The kernel may have something to do for that.
    pub(crate) fn let_go(self: Arc<Self>) {
        if let Some(worker) = self.worker.clone().filter(|_| self.blocks()) {
            worker.post(move || drop(self));
        }
    }

    fn set(&self, state: &mut State, value: bool) -> Result<(), HalError> {
        self.line.write(value)?;
        state.value = value;
        Ok(())
    }

    /// How many edges were missed since it was opened.
    pub fn missed(&self) -> u64 {
        self.ear.missed.load(Ordering::Relaxed)
    }
}

impl Used for HeldLine {
    type Use = LineUse;

    fn in_use(&self) -> LineUse {
        let state = self.state();
        LineUse {
            config: state.config,
            value: state.value,
            safe: state.safe.clone(),
            feed: self.ear.feed().clone(),
        }
    }

    fn resume(self: &Arc<Self>, before: &LineUse, outputs: &Arc<Outputs>) {
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
            Some(worker) if self.blocks() => worker.post(resume),
            _ => resume(),
        }
    }
}

impl HeldLine {
    fn change_back(&self, before: &LineUse) -> Result<(), HalError> {
        self.ear.feed().clone_from(&before.feed);
        let mut state = self.state();
        state.order = self.orders.next();
        let mut config = before.config;
        if let Mode::Output { initial, .. } = &mut config.mode {
            *initial = Some(before.value);
        }
        if !state.config.is_kept_by(&config) {
            self.line.configure(&config)?;
            state.config = before.config;
            state.value = before.value;
        } else if matches!(config.mode, Mode::Output { .. }) && state.value != before.value {
            self.set(&mut state, before.value)?;
        }
        Ok(())
    }
}

/// A line with its safe value, as the fail-safe holds it.
struct SafeOutput {
    line: Arc<HeldLine>,
    promise: Promise,
    tenant: u64,
}

impl SafeLine for SafeOutput {
    fn name(&self) -> &str {
        self.line.name()
    }

    fn describe(&self) -> String {
        let value = match self.promise.value {
            true => "active",
            false => "inactive",
        };
        described(&self.promise.alias, self.line.name(), value)
    }

    fn apply(&self) -> Result<(), String> {
        let mut state = self.line.state();
        if state.tenant != self.tenant {
            // Another device of this name minds it now.
            return Ok(());
        }
        // What was asked for before comes too late.
        state.order = self.line.orders.next();
        let done = self.line.set(&mut state, self.promise.value);
        done.map_err(|error| error.to_string())
    }

    fn blocks(&self) -> bool {
        self.line.blocks()
    }

    fn renewal(&self) -> u64 {
        self.line.line.renewal()
    }

    fn guarded(&self) -> Option<GuardedLine> {
        self.line.line.guarded(self.promise.value)
    }
}

/// What goes to what, where the board's name is shown anyway.
pub(crate) fn described(alias: &str, name: &str, value: &str) -> String {
    match alias == name {
        true => value.to_owned(),
        false => format!("{alias} = {value}"),
    }
}
