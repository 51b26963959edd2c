//! Orders to a running device that exchange its version.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::bus::Wake;

use super::guest::Trap;

/// Why a device did not take another version. What it ran before runs on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapRefused {
    /// The new version does not take the old one's state.
    #[error(
        "the new version does not take the state (version {version}, {bytes} bytes): {message}"
    )]
    State {
        /// The version of its packing.
        version: u32,
        /// Its size.
        bytes: usize,
        /// The plugin's words.
        message: String,
    },
    /// The new version refuses to start.
    #[error("the new version refuses to start: {0}")]
    Start(String),
    /// The new version trapped.
    #[error("the new version trapped {when}: {trap}")]
    Trapped {
        /// While it was doing what.
        when: &'static str,
        /// What happened.
        trap: Trap,
    },
    /// What the new version wrote in its start cannot be committed.
    #[error("what the new version wrote in its start cannot be stored: {0}")]
    Commit(String),
    /// The device's stored state cannot be read or kept.
    #[error("{0}")]
    Stored(String),
    /// The device has ended.
    #[error("the device has ended")]
    Ended,
}

/// How another version comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// On probation: when it traps, the version before comes back.
    Trial,
    /// It ran here before, and is trusted; where it cannot read the newest state, the state of the
    /// swap serves.
    Return,
    /// As [`Manner::Return`]; and when it is refused, it comes nevertheless and is restarted as
    /// after a trap. All devices of a plugin run one version.
    ForcedReturn,
}

/// An order to run another version.
pub struct Order<F> {
    /// Makes its instances.
    pub factory: F,
    /// How it comes.
    pub manner: Manner,
    /// Told how it went.
    pub done: oneshot::Sender<Result<(), SwapRefused>>,
}

/// The orders that wait for one device.
pub struct Orders<F> {
    waiting: Mutex<Waiting<F>>,
    /// Whether any may wait; read without the lock.
    some: AtomicBool,
    wake: Arc<Wake>,
}

struct Waiting<F> {
    orders: VecDeque<Order<F>>,
    closed: bool,
}

impl<F> Orders<F> {
    /// Orders for whom `wake` wakes.
    pub fn new(wake: Arc<Wake>) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::new(Waiting {
                orders: VecDeque::new(),
                closed: false,
            }),
            some: AtomicBool::new(false),
            wake,
        })
    }

    /// Gives an order; what is returned tells how it went. It is carried out at the next boundary
    /// between two batches.
    pub fn give(&self, factory: F, manner: Manner) -> oneshot::Receiver<Result<(), SwapRefused>> {
        let (done, outcome) = oneshot::channel();
        let order = Order {
            factory,
            manner,
            done,
        };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            drop(waiting);
            let _ = order.done.send(Err(SwapRefused::Ended));
            return outcome;
        }
        waiting.orders.push_back(order);
        self.some.store(true, Ordering::Release);
        drop(waiting);
        self.wake.wake();
        outcome
    }

    /// Takes the first.
    pub(super) fn take(&self) -> Option<Order<F>> {
        if !self.some.load(Ordering::Acquire) {
            return None;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let order = waiting.orders.pop_front();
        self.some
            .store(!waiting.orders.is_empty(), Ordering::Release);
        order
    }

    /// Refuses what waits, and what comes from now on.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.closed = true;
        let orders = std::mem::take(&mut waiting.orders);
        drop(waiting);
        for order in orders {
            let _ = order.done.send(Err(SwapRefused::Ended));
        }
    }
}
