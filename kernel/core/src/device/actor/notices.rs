//! Notices of connections: new ones in their order, and those that are delivered again.

use std::sync::Arc;

use crate::connection::Notice;
use crate::device::guest::{Guest, GuestError, GuestFactory, Trap};
use crate::device::letter::Letter;
use crate::device::status::DeviceCounters;
use crate::device::supervision::{Blame, Origin};
use crate::device::witness::Seen;
use crate::event::hex;

use super::kept::Past;
use super::pace::Next;
use super::{Actor, ROUND};

/// How many instances may end with one notice in hand: the first, and a fresh one. Exchanges go on
/// meanwhile, so a notice is soon of the past.
const NOTICE_DELIVERIES: u16 = 2;

impl<F: GuestFactory> Actor<F> {
    /// Handles one kept notice, or when there are none some new ones. They do not wait for events
    /// that are kept: what those wait for is often told by a connection.
    pub(super) async fn take_notices(&mut self) -> bool {
        if self.guest.is_none() || self.is_held(Next::Input) {
            return false;
        }
        if let Some(((connection, notice), past)) = self.kept_notices.take_due(&*self.device.clock)
        {
            self.notice(connection, notice, past).await;
            self.running_again();
            return true;
        }
        let mut busy = false;
        for _ in 0..ROUND {
            // Order: nothing new before what is kept.
            if self.guest.is_none() || !self.kept_notices.is_empty() || self.is_held(Next::Input) {
                break;
            }
            let Some((connection, notice)) = self.device.mailbox.take_notice() else {
                break;
            };
            self.notice(connection, notice, Past::default()).await;
            busy = true;
        }
        busy
    }

    async fn notice(&mut self, connection: Arc<str>, notice: Notice, past: Past) {
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let began = self.device.clock.monotonic();
        self.device.show(Seen::Enters);
        let result = guest.notice(&connection, &notice).await;
        self.returned(began, None, None);
        DeviceCounters::add(&self.device.live.counters.notices, 1);
        if let Ok(said) = &result {
            self.device.show(Seen::Noticed {
                connection: &connection,
                notice: &notice,
                error: said.as_ref().err(),
            });
        }
        let trap = match result {
            Ok(Ok(())) => {
                match self.settle(&[], &[]).await {
                    Ok(()) => {
                        self.notice_handled(&connection, &notice);
                        self.touched();
                    }
                    Err(message) => self.postpone_notice(connection, notice, past, &message),
                }
                return;
            }
            Ok(Err(error)) => {
                self.discard().await;
                match error {
                    GuestError::Retry(text) => {
                        self.postpone_notice(connection, notice, past, &text);
                        return;
                    }
                    GuestError::Rejected(_) => {
                        self.bury_notice(&connection, &notice, &error.to_string());
                        return;
                    }
                    GuestError::Fatal(text) => Trap::fatal(&text),
                }
            }
            Err(trap) => trap,
        };
        let on_probation = self.is_on_probation();
        let past = if on_probation { past } else { past.trapped() };
        let blame = if !on_probation && past.traps >= NOTICE_DELIVERIES {
            self.bury_notice(&connection, &notice, &trap.message);
            Blame::Poison(Origin::Connection(connection))
        } else {
            self.keep_notice(connection, notice, past, 0);
            Blame::Search
        };
        self.trapped(&trap, blame);
    }

    fn notice_handled(&mut self, connection: &Arc<str>, notice: &Notice) {
        // Of links and peers each instance is told anew, so they prove nothing.
        if matches!(notice, Notice::Replied { .. } | Notice::Received { .. })
            && self.restarts.found_poison()
        {
            self.restarts
                .handled(Origin::Connection(connection.clone()));
        }
    }

    fn keep_notice(&mut self, connection: Arc<str>, notice: Notice, past: Past, at: u64) {
        DeviceCounters::add(&self.device.live.counters.retries, 1);
        let notice = std::iter::once((connection, notice));
        self.kept_notices.put_back(notice, past, at);
    }

    fn postpone_notice(&mut self, connection: Arc<str>, notice: Notice, past: Past, reason: &str) {
        let past = past.postponed();
        let at = self.now().saturating_add(past.pause());
        self.keep_notice(connection, notice, past, at);
        self.postponed(reason);
    }

    pub(super) fn bury_notice(&self, connection: &str, notice: &Notice, reason: &str) {
        let device = &self.device;
        DeviceCounters::add(&device.live.counters.dead, 1);
        let dead = format!(
            "a notice of connection `{connection}` went to $dead/{}: {reason}",
            device.name
        );
        device.fault(&dead, "");
        let bytes = match notice {
            Notice::Replied {
                outcome: Ok(reply), ..
            } => Some(&reply.bytes),
            Notice::Received { bytes, .. } => Some(bytes),
            _ => None,
        };
        let kind = match notice {
            Notice::Replied { .. } => "replied",
            Notice::Received { .. } => "received",
            Notice::Link { .. } => "link-changed",
            Notice::Peer { .. } => "peer-changed",
        };
        let letter = Letter::of_notice(connection, kind, bytes, reason, device.clock.now());
        let bytes = bytes.map(|bytes| hex(bytes));
        let input = serde_json::json!({ "connection": connection, "notice": kind, "bytes": bytes });
        device.bury(&input, reason, letter);
    }
}
