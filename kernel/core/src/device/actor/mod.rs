//! The actor: takes what waits for its device, one thing at a time, and hands it to the instance.
//!
//! The order of a round is: a request to end, an order for another version, calls, notices of
//! connections, events that are delivered again, and (when there are none) one batch of ticks and
//! events. What a handler did stays in its outbox until the handler returned and its writes are
//! committed. A trap drops instance and outbox; the inputs go to a fresh instance one by one.

mod calls;
mod events;
mod kept;
mod life;
mod measure;
mod notices;
mod outgoing;
mod pace;
mod probation;
mod state;
mod swap;

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::connection::Notice;
use crate::event::Event;
use crate::schedule::{Tick, Timers};

use super::call::{CallError, CallId};
use super::checkpoint::Checkpoints;
use super::guest::{Checkpoint, GuestError, GuestFactory};
use super::order::Orders;
use super::shared::Device;
use super::supervision::Restarts;

pub use life::StartError;

use kept::Kept;
use pace::Pace;
use probation::Change;
use state::{UnderWay, ended};

/// Calls and notices taken in one round before events get their turn.
const ROUND: usize = 32;

/// Runs one device.
pub struct Actor<F: GuestFactory> {
    device: Arc<Device>,
    factory: F,
    checkpoints: Arc<dyn Checkpoints>,
    guest: Option<F::Guest>,
    /// Who waits for the first start.
    started: Option<oneshot::Sender<Result<(), StartError>>>,
    incarnation: u32,
    timers: Timers,
    ticks: Vec<Tick>,
    /// Ticks alone filled the last batch: events go first in the next.
    ticks_filled: bool,
    batch: Vec<Event>,
    /// Bytes of the batch, and since when its longest waiting event has waited.
    batch_room: (usize, Option<u64>),
    errors: Vec<(u32, GuestError)>,
    /// Runs of events that are delivered again, before any new ones.
    kept_events: Kept<Vec<Event>>,
    /// Notices that are delivered again, before any new ones.
    kept_notices: Kept<(Arc<str>, Notice)>,
    /// Not before this monotonic time: the next instance.
    begin_at: u64,
    /// Why calls are refused while there is no instance; none when they wait for one.
    refusal: Option<String>,
    /// Given up for good; only the operator can end it.
    failed: bool,
    /// Nothing is left to do.
    ended: bool,
    restarts: Restarts,
    start_attempts: u16,
    open_calls: HashMap<CallId, oneshot::Sender<Result<String, CallError>>>,
    /// Whether it is known what an earlier run of the host left.
    loaded: bool,
    checkpoint: Option<Checkpoint>,
    /// What is stored, to store only changes.
    stored: Option<Checkpoint>,
    /// The checkpoint that is being stored.
    under_way: Option<UnderWay>,
    /// When the next checkpoint is due; `None` while there is nothing new.
    checkpoint_at: Option<u64>,
    has_state: bool,
    /// Orders for another version.
    orders: Arc<Orders<F>>,
    /// The change of versions that is not confirmed yet.
    change: Change<F>,
    /// How fast it may publish.
    pace: Pace,
}

impl<F: GuestFactory> Actor<F> {
    /// An actor that tells `started` how its first start went.
    pub fn new(
        device: Arc<Device>,
        factory: F,
        checkpoints: Arc<dyn Checkpoints>,
        started: oneshot::Sender<Result<(), StartError>>,
    ) -> Self {
        let seed = device
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
            });
        let has_state = factory.has_state();
        let pace = Pace::new(&device.spec.limits);
        let orders = Orders::new(device.mailbox.wake().clone());
        Self {
            device,
            factory,
            checkpoints,
            guest: None,
            started: Some(started),
            incarnation: 0,
            timers: Timers::new(seed),
            ticks: Vec::new(),
            ticks_filled: false,
            batch: Vec::new(),
            batch_room: (0, None),
            errors: Vec::new(),
            kept_events: Kept::default(),
            kept_notices: Kept::default(),
            begin_at: 0,
            refusal: None,
            failed: false,
            ended: false,
            restarts: Restarts::default(),
            start_attempts: 0,
            open_calls: HashMap::new(),
            loaded: !has_state,
            checkpoint: None,
            stored: None,
            under_way: None,
            checkpoint_at: None,
            has_state,
            orders,
            change: Change::default(),
            pace,
        }
    }

    /// Where orders for another version are given.
    pub fn orders(&self) -> &Arc<Orders<F>> {
        &self.orders
    }

    /// Takes its orders for another version from here.
    pub fn ordered_by(mut self, orders: Arc<Orders<F>>) -> Self {
        self.orders = orders;
        self
    }

    /// Runs until the device is told to end, or its first start fails.
    pub async fn run(mut self) {
        let mut went_on = false;
        while !self.ended {
            if let Some(stop) = self.device.mailbox.take_stop() {
                self.end(stop).await;
                return;
            }
            self.confirm_when_due();
            self.tell_of_left_out();
            let busy = if self.take_order().await {
                true
            } else if self.guest.is_some() {
                self.round().await
            } else {
                self.idle().await
            };
            if !busy {
                self.wait().await;
            } else if went_on {
                // Others on this lane want to run too. Not after the first round: mostly the next
                // finds nothing, and looking is cheaper than having the lane poll its timers.
                tokio::task::yield_now().await;
            }
            went_on = busy;
        }
    }

    fn now(&self) -> u64 {
        self.device.clock.monotonic()
    }

    /// One round without an instance: makes one when it is time.
    async fn idle(&mut self) -> bool {
        if let Some(reason) = &self.refusal {
            self.refuse_calls(reason);
        }
        if self.failed || self.now() < self.begin_at {
            return false;
        }
        self.begin().await;
        true
    }

    /// One round with an instance; returns whether there was anything to do.
    async fn round(&mut self) -> bool {
        let mut busy = self.checkpoint_when_due().await;
        busy |= self.take_calls().await;
        busy |= self.take_notices().await;
        busy |= self.take_events().await;
        // Without an instance the next one is at hand.
        busy || self.guest.is_none()
    }

    /// Waits for something to do.
    async fn wait(&mut self) {
        let checkpoint = self.next_checkpoint();
        let until = if self.failed {
            None
        } else if self.guest.is_none() {
            Some(self.begin_at)
        } else {
            let events = self.kept_events.at();
            // Ticks wait behind events that are delivered again.
            let tick = if events.is_some() {
                None
            } else {
                self.timers.next()
            };
            let inputs = [events, self.kept_notices.at(), tick];
            let inputs = inputs.into_iter().flatten().min();
            let inputs = self.pace.after(inputs);
            [inputs, checkpoint].into_iter().flatten().min()
        };
        let tell = self.device.words.tell_at();
        let waits = [until, self.change.until(), tell];
        let until = waits.into_iter().flatten().min();
        let woken = self.device.mailbox.wake().woken();
        if until.is_none() && self.under_way.is_none() {
            return woken.await;
        }
        let due = async {
            match until {
                Some(until) => self.device.clock.sleep_until(until).await,
                None => pending().await,
            }
        };
        let saved = tokio::select! {
            () = woken => None,
            () = due => None,
            saved = ended(&mut self.under_way) => Some(saved),
        };
        if let Some(saved) = saved {
            self.saved(saved);
        }
    }
}
