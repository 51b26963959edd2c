//! Is the link dead, or only one unit behind it? A gateway whose serial side hangs has to be opened
//! anew; a unit without power must not take the gateway from its neighbours.
//!
//! Counting time-outs over the whole link cannot tell the two apart: a slow poller beside a dead unit
//! is not asked while that times out. To wait until two devices are silent would leave a dead link as
//! it is while only one device asks. So a device that was served a short while ago vouches for the
//! link, until it is silent itself or its last reply is too old to tell.

use std::collections::{HashMap, HashSet};

use super::limits::NEIGHBOUR_SILENCE;
use super::queue::SeatId;

/// Who got replies over one channel, and who did not. Times are monotonic nanoseconds.
#[derive(Default)]
pub(super) struct Liveness {
    /// Requests in a row that got no reply, whoever sent them.
    unanswered: u32,
    /// The devices that sent them.
    silent: HashSet<SeatId>,
    /// When each device got its last reply.
    replies: HashMap<SeatId, u64>,
}

impl Liveness {
    /// A device got a reply.
    pub(super) fn replied(&mut self, device: SeatId, now: u64) {
        self.unanswered = 0;
        self.silent.clear();
        self.replies.insert(device, now);
    }

    /// A device got none in time.
    pub(super) fn timed_out(&mut self, device: SeatId) {
        self.unanswered = self.unanswered.saturating_add(1);
        self.silent.insert(device);
    }

    /// Whether a reply ever came.
    pub(super) fn has_replied(&self) -> bool {
        !self.replies.is_empty()
    }

    /// How many requests in a row got no reply, when the link counts as dead: at least `most` of
    /// them, and no device beside those that sent them got a reply lately.
    pub(super) fn dead(&self, most: u32, now: u64) -> Option<u32> {
        let lately = |at: &u64| now.saturating_sub(*at) < NEIGHBOUR_SILENCE;
        let served = |(device, at): (&SeatId, &u64)| lately(at) && !self.silent.contains(device);
        let dead = self.unanswered >= most && !self.replies.iter().any(served);
        dead.then_some(self.unanswered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_alone_is_the_link() {
        let mut liveness = Liveness::default();
        liveness.replied(1, 0);
        for _ in 0..3 {
            assert_eq!(liveness.dead(3, 1), None);
            liveness.timed_out(1);
        }
        assert_eq!(liveness.dead(3, 1), Some(3));
        liveness.replied(1, 2);
        assert_eq!(liveness.dead(3, 2), None);
    }

    #[test]
    fn a_neighbour_with_a_fresh_reply_vouches_for_the_link_until_it_is_silent_too() {
        let mut liveness = Liveness::default();
        liveness.replied(2, 0);
        for _ in 0..9 {
            liveness.timed_out(1);
        }
        assert_eq!(liveness.dead(3, NEIGHBOUR_SILENCE - 1), None);
        assert_eq!(liveness.dead(3, NEIGHBOUR_SILENCE), Some(9), "long ago");
        liveness.timed_out(2);
        assert_eq!(liveness.dead(3, 1), Some(10));
    }

    #[test]
    fn where_nobody_ever_got_a_reply_nobody_vouches() {
        let mut liveness = Liveness::default();
        liveness.timed_out(1);
        assert!(!liveness.has_replied());
        assert_eq!(liveness.dead(1, 0), Some(1));
    }
}
