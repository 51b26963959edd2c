//! What is read from a line, as edges: with the time of day, and what was missed.

use rustix::time::{ClockId, clock_gettime};

use crate::gpio::Edge;
use crate::linux::uapi::{gpio_v1, gpio_v2};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Both clocks of the kernel, at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    /// Since 1970.
    pub(super) real: u64,
    /// Since the start of the machine.
    pub(super) monotonic: u64,
}

impl Now {
    pub(super) fn read() -> Self {
        let read = |clock| {
            let time = clock_gettime(clock);
            let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
            let rest = u64::try_from(time.tv_nsec).unwrap_or_default();
            seconds.saturating_mul(SECOND).saturating_add(rest)
        };
        Self {
            real: read(ClockId::Realtime),
            monotonic: read(ClockId::Monotonic),
        }
    }
}

/// How much the two clocks may seem to have moved against each other before the time of day is taken to have been set:
/// they are read one after the other, with something else in between at times, and one of them is slewed by NTP.
const TOLERANCE: u64 = 1_000_000;

/// Makes times of day of the stamps of one line, so that the spans between them are those of the stamps.
#[derive(Debug, Default)]
pub(super) struct Wall {
    /// When the monotonic clock began, in the time of day.
    start: Option<u64>,
}

impl Wall {
    /// The time of day of a stamp of the monotonic clock.
    fn of_monotonic(&mut self, stamp: u64, now: Now) -> u64 {
        let measured = now.real.saturating_sub(now.monotonic);
        let known = self
            .start
            .filter(|start| start.abs_diff(measured) <= TOLERANCE);
        let start = *self.start.insert(known.unwrap_or(measured));
        start.saturating_add(stamp)
    }

    /// The time of day of a stamp of either clock: which one the kernel takes in the first generation changed with
    /// Linux 5.7, and vendors have carried that change into older ones. It is the one that is nearer.
    fn of_either(&mut self, stamp: u64, now: Now) -> u64 {
        if stamp.abs_diff(now.real) <= stamp.abs_diff(now.monotonic) {
            stamp
        } else {
            self.of_monotonic(stamp, now)
        }
    }
}

/// Makes edges of what is read from the descriptor of a line.
#[derive(Debug)]
pub(super) enum Decoder {
    /// First generation.
    V1 {
        /// Both directions are reported: two edges in the same one have lost one between them.
        both: bool,
        /// What the line became last.
        last: Option<bool>,
    },
    /// Second generation.
    V2 {
        /// The sequence of the next edge, where one was seen or the line was taken just now.
        next: Option<u32>,
    },
}

impl Decoder {
    /// The most bytes that are read at once: the 16 edges that the kernel keeps by itself.
    pub(super) const BYTES: usize = 16 * gpio_v2::Event::SIZE;

    /// Adds the edges that were read.
    pub(super) fn decode(
        &mut self,
        bytes: &[u8],
        wall: &mut Wall,
        now: Now,
        edges: &mut Vec<Edge>,
    ) {
        match self {
            Self::V1 { both, last } => {
                let events = bytes.chunks_exact(gpio_v1::Event::SIZE);
                for event in events.filter_map(gpio_v1::Event::read) {
                    let same = last.replace(event.rising) == Some(event.rising);
                    edges.push(Edge {
                        time: wall.of_either(event.time, now),
                        active: event.rising,
                        missed: u64::from(*both && same),
                    });
                }
            }
            Self::V2 { next } => {
                let events = bytes.chunks_exact(gpio_v2::Event::SIZE);
                for event in events.filter_map(gpio_v2::Event::read) {
                    let missed = next.map_or(0, |next| event.sequence.wrapping_sub(next));
                    *next = Some(event.sequence.wrapping_add(1));
                    edges.push(Edge {
                        time: wall.of_monotonic(event.time, now),
                        active: event.rising,
                        missed: missed.into(),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now {
        real: 1_800_000_000 * SECOND,
        monotonic: 5_000 * SECOND,
    };

    fn v1(time: u64, rising: bool) -> Vec<u8> {
        let mut bytes = time.to_ne_bytes().to_vec();
        bytes.extend(if rising { 1_u32 } else { 2 }.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes
    }

    fn v2(time: u64, rising: bool, sequence: u32) -> Vec<u8> {
        let mut bytes = v1(time, rising);
        bytes.truncate(12);
        bytes.extend([0; 8]);
        bytes.extend(sequence.to_ne_bytes());
        bytes.resize(gpio_v2::Event::SIZE, 0);
        bytes
    }

    fn decode(decoder: &mut Decoder, bytes: &[Vec<u8>]) -> Vec<(u64, bool, u64)> {
        let mut edges = Vec::new();
        decoder.decode(&bytes.concat(), &mut Wall::default(), NOW, &mut edges);
        let shown = |edge: Edge| (edge.time, edge.active, edge.missed);
        edges.into_iter().map(shown).collect()
    }

    #[test]
    fn the_time_of_day_is_found_whichever_clock_the_kernel_takes() {
        let mut decoder = Decoder::V1 {
            both: true,
            last: None,
        };
        let before = NOW.real - 3 * SECOND;
        let stamps = [v1(before, true), v1(NOW.monotonic - 3 * SECOND, false)];
        assert_eq!(
            decode(&mut decoder, &stamps),
            [(before, true, 0), (before, false, 0)]
        );
        let mut decoder = Decoder::V2 { next: Some(1) };
        let stamps = [v2(NOW.monotonic - 3 * SECOND, true, 1)];
        assert_eq!(decode(&mut decoder, &stamps), [(before, true, 0)]);
    }

    #[test]
    fn spans_between_edges_are_those_of_the_kernel_until_the_clock_is_set() {
        let mut wall = Wall::default();
        let first = wall.of_monotonic(NOW.monotonic, NOW);
        // The next look at the clocks was interrupted between them.
        let later = Now {
            real: NOW.real + 5_000,
            monotonic: NOW.monotonic + 900_000,
        };
        assert_eq!(wall.of_monotonic(NOW.monotonic + 7, later), first + 7);
        let set = Now {
            real: NOW.real - 3_600 * SECOND,
            ..NOW
        };
        assert_eq!(
            wall.of_monotonic(NOW.monotonic, set),
            first - 3_600 * SECOND
        );
    }

    #[test]
    fn what_the_queue_of_the_kernel_lost_is_counted_by_the_sequence() {
        let mut decoder = Decoder::V2 { next: Some(1) };
        let read = [v2(1, true, 4), v2(2, false, 5)];
        let missed: Vec<u64> = decode(&mut decoder, &read).iter().map(|e| e.2).collect();
        assert_eq!(missed, [3, 0]);
        // And in the next read, over the end of the numbers.
        let mut decoder = Decoder::V2 {
            next: Some(u32::MAX),
        };
        let missed = decode(&mut decoder, &[v2(3, true, 2)]);
        assert_eq!(missed[0].2, 3);
        // A line that was used in another way before begins to count with its first edge.
        let mut decoder = Decoder::V2 { next: None };
        assert_eq!(decode(&mut decoder, &[v2(3, true, 9)])[0].2, 0);
    }

    #[test]
    fn the_first_generation_shows_a_loss_only_by_two_edges_in_one_direction() {
        let mut decoder = Decoder::V1 {
            both: true,
            last: None,
        };
        let read = [v1(1, true), v1(2, true), v1(3, false)];
        let missed: Vec<u64> = decode(&mut decoder, &read).iter().map(|e| e.2).collect();
        assert_eq!(missed, [0, 1, 0]);
        let mut decoder = Decoder::V1 {
            both: false,
            last: None,
        };
        let missed = decode(&mut decoder, &[v1(1, true), v1(2, true)]);
        assert_eq!(missed[1].2, 0, "only one direction was asked for");
    }
}
