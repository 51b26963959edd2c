//! What a line offers beyond the life of a device: a place for its fail-safe frames, and the
//! descriptor for the process that sends them when the host has died.

use std::collections::HashSet;
use std::future::{Future, ready};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;

use crate::failsafe::guard::LineTiming;

use super::hub::{Hub, SeatState};
use super::observer::{Notice, Observer};
use super::outlet::Outlet;
use super::queue::SeatId;
use super::seat::Seat;
use super::stats::Tally;
use super::types::{Failure, LinkState, Request};

/// Hears nothing: there is no device any more that could be told.
struct Deaf;

impl Observer for Deaf {
    fn notify(&self, _: &Arc<str>, _: Notice) -> Result<(), Notice> {
        Ok(())
    }

    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }
}

impl Hub {
    /// A place that takes over from a device's, with its framer; what the device had queued is
    /// withdrawn in the same moment. None when the connection is closed.
    fn succeed(&self, id: SeatId, name: &str) -> Option<SeatId> {
        let heir = {
            let mut state = self.lock();
            if state.closed {
                return None;
            }
            let framer = state.seats.get(&id).and_then(|seat| seat.framer.clone());
            let heir = state.id();
            let seat = SeatState {
                device: Arc::from(name),
                outlet: Outlet::new(
                    Arc::clone(&self.name),
                    Arc::new(Deaf),
                    self.handle().clone(),
                ),
                framer,
                tickets: HashSet::new(),
                tally: Tally::default(),
            };
            state.seats.insert(heir, seat);
            heir
        };
        self.detach(id);
        Some(heir)
    }

    /// The open channel's descriptor, or none from now on.
    pub(super) fn set_descriptor(&self, descriptor: Option<OwnedFd>) {
        let former = {
            let mut state = self.lock();
            std::mem::replace(&mut state.descriptor, descriptor.map(Arc::new))
        };
        if let Some(former) = former {
            // The last to close a serial port waits until the driver's buffer is empty.
            self.handle().spawn_blocking(move || drop(former));
        }
    }
}

impl Seat {
    /// Whether the request could be sent if the link were up. A listener has nobody to send it to.
    pub fn check_unattended(&self, request: &Request) -> Result<(), Failure> {
        if self.hub.is_listener() {
            return Err(Failure::Invalid(format!(
                "frames: connection `{}` is a listener, whose peers come and go",
                self.hub.name
            )));
        }
        self.hub.check_request(self.id, request)
    }

    /// Whether both are handles of one place.
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        self.id == other.id && Arc::ptr_eq(&self.hub, &other.hub)
    }

    /// Gives the device's place up for one that hears nothing and keeps its framer. None when the
    /// connection is closed.
    pub(crate) fn succeed(&self, device: &str) -> Option<Self> {
        // No device can have this name.
        let id = self.hub.succeed(self.id, &format!("$safe/{device}"))?;
        Some(Self {
            hub: Arc::clone(&self.hub),
            id,
        })
    }

    /// Runs a task beside the connection.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.hub.handle().spawn(task);
    }

    /// Why nothing can be said now, in words.
    pub(crate) fn reason(&self) -> String {
        match self.hub.link() {
            (LinkState::Connecting, _) => "the link is being opened".to_owned(),
            (_, reason) => format!("the link is down: {reason}"),
        }
    }

    /// Waits until the link is up, or the connection is closed.
    pub(crate) async fn up(&self) {
        loop {
            let mut progress = std::pin::pin!(self.hub.progress.notified());
            progress.as_mut().enable();
            if self.is_closed() || self.state() == LinkState::Up {
                return;
            }
            progress.await;
        }
    }

    /// What another process needs to speak on the line while it is up.
    pub(crate) fn descriptor(&self) -> Option<(Arc<OwnedFd>, LineTiming)> {
        let descriptor = self.hub.lock().descriptor.clone()?;
        let settings = &self.hub.settings;
        let timing = LineTiming {
            gap: settings.gap,
            silence: settings.silence,
            byte_time: settings.byte_time,
        };
        Some((descriptor, timing))
    }
}
