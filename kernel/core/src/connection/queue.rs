//! Requests that wait for one wire: by priority, and within a priority the devices take turns, so
//! that a flood of one device does not keep the others out.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::types::{Failure, Priority, Reply, Request, Ticket};

/// Names a place at a connection; never used twice.
pub(super) type SeatId = u64;

/// Who waits for the outcome.
pub(super) enum Answer {
    /// The device, by a notice.
    Ticket(Ticket),
    /// A caller that awaits it.
    Waiting(oneshot::Sender<Result<Reply, Failure>>),
    /// Nobody: bytes sent without awaiting a reply.
    Sent,
    /// Nobody any more: the device left while the exchange was under way, and has been told.
    Withdrawn,
}

/// A request on its way. It is never copied, so it has one outcome.
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) seat: SeatId,
    pub(super) request: Arc<Request>,
    pub(super) answer: Answer,
    /// Monotonic, nanoseconds.
    pub(super) submitted: u64,
    /// Monotonic, nanoseconds.
    pub(super) expires: u64,
}

/// Devices with requests of one priority.
#[derive(Default)]
struct Rank {
    /// Whose turn is next; each device with waiting requests stands here once.
    turns: VecDeque<SeatId>,
    waiting: HashMap<SeatId, VecDeque<Entry>>,
}

/// The requests that wait for one wire.
#[derive(Default)]
pub(super) struct Queue {
    ranks: [Rank; Priority::ALL.len()],
    expiries: BTreeSet<(u64, u64)>,
    bytes: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.expiries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.expiries.is_empty()
    }

    /// Bytes of all waiting requests.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Waiting requests of a device.
    pub(super) fn count(&self, seat: SeatId) -> usize {
        let of = |rank: &Rank| rank.waiting.get(&seat).map_or(0, VecDeque::len);
        self.ranks.iter().map(of).sum()
    }

    /// Whether `wanted` names any of them.
    pub(super) fn any(&self, wanted: impl Fn(&Entry) -> bool) -> bool {
        let waiting = self.ranks.iter().flat_map(|rank| rank.waiting.values());
        waiting.flatten().any(wanted)
    }

    /// When the first of them expires.
    pub(super) fn next_expiry(&self) -> Option<u64> {
        self.expiries.first().map(|(at, _)| *at)
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += entry.request.bytes.len();
        self.expiries.insert((entry.expires, entry.id));
        if let Some(rank) = self.ranks.get_mut(entry.request.priority.rank()) {
            let waiting = rank.waiting.entry(entry.seat).or_default();
            if waiting.is_empty() {
                rank.turns.push_back(entry.seat);
            }
            waiting.push_back(entry);
        }
    }

    /// Takes the request whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.ranks.iter_mut().find_map(|rank| {
            let seat = rank.turns.pop_front()?;
            let waiting = rank.waiting.get_mut(&seat)?;
            let entry = waiting.pop_front();
            if waiting.is_empty() {
                rank.waiting.remove(&seat);
            } else {
                rank.turns.push_back(seat);
            }
            entry
        })?;
        self.forget(&entry);
        Some(entry)
    }

    /// Takes out all requests that `wanted` names, in the order of their priorities and devices.
    pub(super) fn take(&mut self, mut wanted: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let mut taken = Vec::new();
        for rank in &mut self.ranks {
            for seat in std::mem::take(&mut rank.turns) {
                let Some(waiting) = rank.waiting.remove(&seat) else {
                    continue;
                };
                let (out, kept): (VecDeque<_>, VecDeque<_>) =
                    waiting.into_iter().partition(&mut wanted);
                taken.extend(out);
                if !kept.is_empty() {
                    rank.turns.push_back(seat);
                    rank.waiting.insert(seat, kept);
                }
            }
        }
        for entry in &taken {
            self.forget(entry);
        }
        taken
    }

    /// Takes out what has expired at `now`.
    pub(super) fn take_expired(&mut self, now: u64) -> Vec<Entry> {
        if self.next_expiry().is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.take(|entry| entry.expires <= now)
    }

    fn forget(&mut self, entry: &Entry) {
        self.bytes -= entry.request.bytes.len();
        self.expiries.remove(&(entry.expires, entry.id));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::types::ReplyRule;
    use super::*;

    fn entry(id: u64, seat: SeatId, priority: Priority) -> Entry {
        Entry {
            id,
            seat,
            request: Arc::new(Request {
                bytes: Bytes::from_static(b"ab"),
                reply: ReplyRule::None,
                priority,
                timeout: 1,
                deadline: 1,
                turnaround: 0,
                peer: None,
            }),
            answer: Answer::Ticket(id),
            submitted: 0,
            expires: 100 + id,
        }
    }

    fn ids(queue: &mut Queue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop().map(|entry| entry.id)).collect()
    }

    #[test]
    fn urgent_goes_before_commands_before_polls() {
        let mut queue = Queue::default();
        queue.push(entry(1, 1, Priority::Poll));
        queue.push(entry(2, 1, Priority::Command));
        queue.push(entry(3, 1, Priority::Urgent));
        queue.push(entry(4, 2, Priority::Command));
        assert_eq!(ids(&mut queue), [3, 2, 4, 1]);
        assert!(queue.is_empty());
        assert_eq!((queue.len(), queue.bytes()), (0, 0));
    }

    #[test]
    fn a_flood_of_one_device_does_not_keep_the_others_out() {
        let mut queue = Queue::default();
        for id in 0..5 {
            queue.push(entry(id, 1, Priority::Poll));
        }
        queue.push(entry(10, 2, Priority::Poll));
        queue.push(entry(11, 2, Priority::Poll));
        queue.push(entry(20, 3, Priority::Poll));
        assert_eq!(queue.count(1), 5);
        assert_eq!(ids(&mut queue), [0, 10, 20, 1, 11, 2, 3, 4]);
    }

    #[test]
    fn what_expires_or_is_cancelled_leaves_and_the_rest_keeps_its_order() {
        let mut queue = Queue::default();
        for id in 0..4 {
            queue.push(entry(id, id % 2, Priority::Poll));
        }
        assert_eq!(queue.next_expiry(), Some(100));
        assert!(queue.take_expired(99).is_empty());
        let expired: Vec<u64> = queue
            .take_expired(101)
            .iter()
            .map(|entry| entry.id)
            .collect();
        assert_eq!(expired, [0, 1]);
        assert_eq!(queue.take(|entry| entry.id == 2).len(), 1);
        assert_eq!((queue.len(), queue.bytes(), queue.count(0)), (1, 2, 0));
        assert_eq!(ids(&mut queue), [3]);
    }
}
