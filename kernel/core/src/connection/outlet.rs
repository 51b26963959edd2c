//! The way of notices to one device. What its mailbox has no room for waits here, in order, so that
//! neither the line nor another device waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::limits::UNASKED_BACKLOG;
use super::observer::{Notice, Observer};

/// The way of notices to one device.
pub(super) struct Outlet {
    connection: Arc<str>,
    handle: Handle,
    inner: Mutex<Inner>,
    /// Told when the backlog is empty again.
    cleared: Notify,
    /// Told when the observer was exchanged or the outlet closed.
    changed: Notify,
}

struct Inner {
    observer: Arc<dyn Observer>,
    backlog: VecDeque<Notice>,
    replies: usize,
    unasked: usize,
    /// Whether a task is carrying the backlog over. It lives only as long as there is one.
    pumping: bool,
    closed: bool,
}

impl Inner {
    fn push_back(&mut self, notice: Notice) {
        self.count(&notice, 1);
        self.backlog.push_back(notice);
    }

    /// Hands over as much as the observer takes.
    fn offer(&mut self, connection: &Arc<str>) {
        while let Some(notice) = self.backlog.pop_front() {
            self.count(&notice, -1);
            if let Err(notice) = self.observer.notify(connection, notice) {
                self.count(&notice, 1);
                self.backlog.push_front(notice);
                return;
            }
        }
    }

    fn count(&mut self, notice: &Notice, change: isize) {
        match notice {
            Notice::Replied { .. } => self.replies = self.replies.saturating_add_signed(change),
            Notice::Received { .. } => self.unasked = self.unasked.saturating_add_signed(change),
            Notice::Link { .. } | Notice::Peer { .. } => {}
        }
    }
}

impl Outlet {
    pub(super) fn new(
        connection: Arc<str>,
        observer: Arc<dyn Observer>,
        handle: Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            connection,
            handle,
            inner: Mutex::new(Inner {
                observer,
                backlog: VecDeque::new(),
                replies: 0,
                unasked: 0,
                pumping: false,
                closed: false,
            }),
            cleared: Notify::new(),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a notice over, now or as soon as there is room. The caller bounds how many may wait.
    pub(super) fn post(self: &Arc<Self>, notice: Notice) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        if let (Notice::Link { .. }, Some(last @ Notice::Link { .. })) =
            (&notice, inner.backlog.back_mut())
        {
            // Only the newest state counts while the device is not looking.
            *last = notice;
            return;
        }
        inner.push_back(notice);
        if !inner.pumping {
            inner.offer(&self.connection);
            if !inner.backlog.is_empty() {
                inner.pumping = true;
                self.handle.spawn(Arc::clone(self).pump());
            }
        }
    }

    /// As [`Outlet::post`] for unasked bytes of a shared line; false when too many wait already.
    #[must_use]
    pub(super) fn post_unasked(self: &Arc<Self>, notice: Notice) -> bool {
        let room = self.lock().unasked < UNASKED_BACKLOG;
        if room {
            self.post(notice);
        }
        room
    }

    async fn pump(self: Arc<Self>) {
        loop {
            let observer = {
                let mut inner = self.lock();
                inner.offer(&self.connection);
                if inner.backlog.is_empty() {
                    inner.pumping = false;
                    drop(inner);
                    self.cleared.notify_waiters();
                    return;
                }
                Arc::clone(&inner.observer)
            };
            tokio::select! {
                () = observer.room() => {}
                () = self.changed.notified() => {}
            }
            // Another connection may have taken the room: let others run before trying again.
            tokio::task::yield_now().await;
        }
    }

    /// Outcomes that wait for the device.
    pub(super) fn replies(&self) -> usize {
        self.lock().replies
    }

    /// All notices that wait for the device.
    pub(super) fn waiting(&self) -> usize {
        self.lock().backlog.len()
    }

    /// Whether the device keeps up.
    pub(super) fn is_clear(&self) -> bool {
        self.lock().backlog.is_empty()
    }

    /// Ends when the device has caught up.
    pub(super) async fn cleared(&self) {
        loop {
            let mut cleared = std::pin::pin!(self.cleared.notified());
            cleared.as_mut().enable();
            if self.is_clear() {
                return;
            }
            cleared.await;
        }
    }

    /// Sends what comes from now on, and what waits, to another observer of the same device.
    pub(super) fn exchange(&self, observer: Arc<dyn Observer>) {
        self.lock().observer = observer;
        self.changed.notify_one();
    }

    /// The device leaves: it is offered what waits once more, and the rest is dropped.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.offer(&self.connection);
        inner.closed = true;
        inner.backlog.clear();
        drop(inner);
        self.changed.notify_one();
        self.cleared.notify_waiters();
    }
}
