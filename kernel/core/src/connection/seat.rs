//! A device's place at a connection.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::hub::Hub;
use super::limits::{SEND_DEADLINE, SEND_TIMEOUT};
use super::queue::{Answer, SeatId};
use super::types::{Failure, LinkState, PeerId, Priority, Reply, ReplyRule, Request, Ticket};

/// A device's place at a connection. Clones name the same place. It belongs to the device, not to
/// this handle: dropping the handle keeps it, [`Seat::detach`] gives it up.
#[derive(Clone)]
pub struct Seat {
    pub(super) hub: Arc<Hub>,
    pub(super) id: SeatId,
}

impl Seat {
    /// The connection's name.
    pub fn connection(&self) -> &Arc<str> {
        &self.hub.name
    }

    /// Whether a request can be accepted now. What it says of the queue can change before
    /// [`Seat::submit`]; what it finds wrong with the request itself stays wrong.
    pub fn check(&self, request: &Request) -> Result<(), Failure> {
        self.hub.check(self.id, request)
    }

    /// Queues a request. When accepted, one [`Notice::Replied`](super::Notice::Replied) with this
    /// ticket follows, whatever happens; when refused, none does.
    ///
    /// While an attempt to open has failed and the next is awaited, requests are refused with
    /// [`Failure::LinkDown`]; after a link that worked broke, and while it is being opened, they
    /// wait for their deadline.
    pub fn submit(&self, ticket: Ticket, request: Request) -> Result<(), Failure> {
        self.hub
            .submit(self.id, request, Answer::Ticket(ticket))
            .map(|_| ())
    }

    /// Sends a request and waits for its outcome. Dropping the future withdraws the request, or
    /// drops its reply when it has been sent.
    pub async fn transact(&self, request: Request) -> Result<Reply, Failure> {
        let (sender, receiver) = oneshot::channel();
        let id = self.hub.submit(self.id, request, Answer::Waiting(sender))?;
        let _withdraw = Withdraw { seat: self, id };
        receiver.await.unwrap_or(Err(Failure::Cancelled))
    }

    /// Sends bytes without awaiting a reply: down a line, to one peer of a listener, or (none) to
    /// all of them. What fails later shows in the statistics.
    pub fn send(&self, peer: Option<PeerId>, bytes: Bytes) -> Result<(), Failure> {
        let send = |peer| {
            let request = unanswered(peer, bytes.clone());
            self.hub.submit(self.id, request, Answer::Sent)
        };
        match (peer, self.hub.is_listener()) {
            (None, true) => {
                // A peer that is full or going must not keep the bytes from the others.
                let outcomes = self.hub.peers().into_iter().map(|peer| send(Some(peer)));
                let failures: Vec<_> = outcomes.filter_map(Result::err).collect();
                failures.into_iter().next().map_or(Ok(()), Err)
            }
            (peer, _) => send(peer).map(|_| ()),
        }
    }

    /// Whether [`Seat::send`] would accept the bytes now. To all peers of a listener it would, as
    /// long as the bytes themselves are in order: what keeps them from a single one shows later.
    pub fn check_send(&self, peer: Option<PeerId>, bytes: &Bytes) -> Result<(), Failure> {
        let request = unanswered(peer, bytes.clone());
        if peer.is_none() && self.hub.is_listener() {
            self.hub.check_all(self.id, &request)
        } else {
            self.hub.check(self.id, &request)
        }
    }

    /// Withdraws a submitted request that has not been sent; its outcome is
    /// [`Failure::Cancelled`]. Anything else is ignored.
    pub fn cancel(&self, ticket: Ticket) {
        self.hub.cancel(
            self.id,
            |answer| matches!(answer, Answer::Ticket(known) if *known == ticket),
        );
    }

    /// Closes a peer of a listener when what was queued for it has been sent. Unknown peers are
    /// ignored.
    pub fn disconnect(&self, peer: PeerId) {
        self.hub.disconnect(self.id, peer);
    }

    /// Exchanges that were submitted here and are not finished.
    pub fn open_tickets(&self) -> usize {
        self.hub.open_tickets(self.id)
    }

    /// Whether the connection has ended for good: nothing will ever be said here.
    pub fn is_closed(&self) -> bool {
        self.hub.is_closed()
    }

    /// Whether anything can be said now.
    pub fn state(&self) -> LinkState {
        self.hub.link().0
    }

    /// Waits until what was sent without awaiting a reply is written and the peers that were closed
    /// are gone, until `at` (monotonic, nanoseconds) at the latest; not at all while a line is down.
    /// For a device that is about to give its place up.
    pub async fn written(&self, at: u64) {
        self.hub.written(self.id, at).await;
    }

    /// Gives the place up. What is outstanding ends as [`Failure::Cancelled`], the peers of a
    /// listener are closed, and nothing is told the observer afterwards. Other handles of this
    /// place get [`Failure::Cancelled`] from then on.
    pub fn detach(&self) {
        self.hub.detach(self.id);
    }
}

/// Bytes as a request that awaits no reply.
fn unanswered(peer: Option<PeerId>, bytes: Bytes) -> Request {
    Request {
        bytes,
        reply: ReplyRule::None,
        priority: Priority::Command,
        timeout: SEND_TIMEOUT,
        deadline: SEND_DEADLINE,
        turnaround: 0,
        peer,
    }
}

struct Withdraw<'a> {
    seat: &'a Seat,
    id: u64,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        self.seat.hub.withdraw(self.seat.id, self.id);
    }
}
