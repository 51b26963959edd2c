//! Talking on a line whose host has died: no runtime, no codec, no shared state.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use weihe_kernel::failsafe::guard::LineTiming;
use weihe_kernel::failsafe::limits::ATTEMPTS;

use super::message::Frame;

/// How long the guard waits for a line to fall silent. One that never does is used all the same.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the operating system may take to accept a frame.
const WRITE_TIME: Duration = Duration::from_secs(5);

/// Bytes of a reply that are looked at: the longest that a connection takes by default.
const LONGEST_REPLY: usize = 64 * 1024;

/// Bytes read at once.
const CHUNK: usize = 4 * 1024;

/// Why a frame was not confirmed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Nothing can be said on the line any more.
    #[error("the link is down: {0}")]
    Down(String),
    /// No reply that agrees, in time.
    #[error("no reply that agrees{0}")]
    Unconfirmed(String),
}

/// A line.
pub(super) struct Line<'fd> {
    descriptor: BorrowedFd<'fd>,
    timing: LineTiming,
    /// No byte before this.
    quiet_until: Instant,
}

impl<'fd> Line<'fd> {
    /// Waits until the line is silent: the host may have died in the middle of an exchange.
    pub(super) fn take(descriptor: BorrowedFd<'fd>, timing: LineTiming) -> Result<Self, Trouble> {
        let line = Self {
            descriptor,
            timing,
            quiet_until: Instant::now(),
        };
        let silence = nanoseconds(timing.gap.max(timing.silence));
        let give_up = Instant::now() + PATIENCE.max(silence);
        let mut silent_at = Instant::now() + silence;
        while Instant::now() < give_up && line.read_until(silent_at.min(give_up))?.is_some() {
            silent_at = Instant::now() + silence;
        }
        Ok(line)
    }

    /// Sends a frame until it is confirmed.
    pub(super) fn exchange(&mut self, frame: &Frame) -> Result<(), Trouble> {
        let mut last = Trouble::Unconfirmed(String::new());
        for _ in 0..ATTEMPTS {
            match self.attempt(frame) {
                Err(trouble @ Trouble::Unconfirmed(_)) => last = trouble,
                ended => return ended,
            }
        }
        Err(last)
    }

    fn attempt(&mut self, frame: &Frame) -> Result<(), Trouble> {
        // What comes before the request answers something else.
        let give_up = self.quiet_until + PATIENCE;
        while self.read_until(self.quiet_until)?.is_some() && Instant::now() < give_up {}
        let on_wire = Instant::now()
            + nanoseconds(
                self.timing
                    .byte_time
                    .saturating_mul(frame.bytes.len() as u64),
            );
        self.write(&frame.bytes, on_wire + WRITE_TIME)?;
        let on_wire = on_wire.max(Instant::now());
        let gap = nanoseconds(self.timing.gap);
        let turnaround = nanoseconds(frame.turnaround);
        if !frame.awaits_reply {
            self.quiet_until = on_wire + gap.max(turnaround);
            return Ok(());
        }
        let silence = nanoseconds(self.timing.silence);
        let late = on_wire + nanoseconds(frame.timeout);
        let mut reply: Vec<u8> = Vec::new();
        let mut wait = late;
        loop {
            match self.read_until(wait)? {
                Some(bytes) => {
                    reply.extend(bytes);
                    if agrees(&reply, frame) {
                        self.quiet_until = Instant::now() + gap;
                        return Ok(());
                    }
                    if reply.len() > LONGEST_REPLY {
                        break;
                    }
                    if frame.expects.is_empty() {
                        wait = late.min(Instant::now() + silence);
                    }
                }
                // Any reply will do, and it has ended.
                None if frame.expects.is_empty() && !reply.is_empty() => {
                    self.quiet_until = Instant::now() + gap;
                    return Ok(());
                }
                None => break,
            }
        }
        // What is late must not be taken for the reply to the next.
        self.quiet_until = Instant::now() + gap.max(turnaround);
        Err(Trouble::Unconfirmed(match reply.len() {
            0 => String::new(),
            length => format!(", but {length} other bytes"),
        }))
    }

    /// What arrives before `at`; none when nothing does.
    fn read_until(&self, at: Instant) -> Result<Option<Vec<u8>>, Trouble> {
        let down = |error: Errno| Trouble::Down(io::Error::from(error).to_string());
        loop {
            if !self.ready(PollFlags::IN, at)? {
                return Ok(None);
            }
            let mut chunk = vec![0; CHUNK];
            match rustix::io::read(self.descriptor, &mut chunk) {
                Ok(0) => return Err(Trouble::Down("closed by the other side".into())),
                Ok(length) => {
                    chunk.truncate(length);
                    return Ok(Some(chunk));
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(down(error)),
            }
        }
    }

    fn write(&self, mut bytes: &[u8], until: Instant) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            if !self.ready(PollFlags::OUT, until)? {
                return Err(Trouble::Down(
                    "the frame could not be written in time".into(),
                ));
            }
            match rustix::io::write(self.descriptor, bytes) {
                Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(Trouble::Down(io::Error::from(error).to_string())),
            }
        }
        Ok(())
    }

    /// Whether it is ready before `at`; looks at least once.
    fn ready(&self, what: PollFlags, at: Instant) -> Result<bool, Trouble> {
        loop {
            let left = at.saturating_duration_since(Instant::now());
            let left = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut polled = [PollFd::from_borrowed_fd(self.descriptor, what)];
            match poll(&mut polled, Some(&left)) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(error) => return Err(Trouble::Down(io::Error::from(error).to_string())),
            }
        }
    }
}

/// Whether what came holds the reply. It is searched for, because the reply to what the host had asked
/// last may come before it.
fn agrees(reply: &[u8], frame: &Frame) -> bool {
    let expects = &frame.expects;
    !expects.is_empty()
        && reply
            .windows(expects.len())
            .any(|window| window == expects.as_slice())
}

fn nanoseconds(span: u64) -> Duration {
    Duration::from_nanos(span)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    const MS: u64 = 1_000_000;

    const TIMING: LineTiming = LineTiming {
        gap: MS,
        silence: MS,
        byte_time: 0,
    };

    fn frame(bytes: &[u8], expects: &[u8]) -> Frame {
        Frame {
            label: "valve = false".into(),
            bytes: bytes.to_vec(),
            awaits_reply: true,
            expects: expects.to_vec(),
            timeout: 60_000 * MS,
            turnaround: 0,
        }
    }

    /// A unit that answers each request of two bytes with the next of `replies`.
    fn unit(
        replies: &'static [&'static [u8]],
    ) -> (UnixStream, std::thread::JoinHandle<(Vec<u8>, UnixStream)>) {
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let thread = std::thread::spawn(move || {
            let mut heard = Vec::new();
            for reply in replies {
                let mut request = [0; 2];
                far.read_exact(&mut request).unwrap();
                heard.extend(request);
                far.write_all(reply).unwrap();
            }
            // It stays there.
            (heard, far)
        });
        (near, thread)
    }

    #[test]
    fn a_reply_is_found_behind_the_one_to_what_the_host_had_asked() {
        let (near, unit) = unit(&[b"other", b"xxok"]);
        let mut line = Line::take(near.as_fd(), TIMING).unwrap();
        let impatient = Frame {
            timeout: 50 * MS,
            ..frame(b"a0", b"ok")
        };
        line.exchange(&impatient).unwrap();
        assert_eq!(unit.join().unwrap().0, b"a0a0");
    }

    #[test]
    fn any_reply_will_do_where_none_is_named_and_none_is_awaited_where_there_is_none() {
        let (near, unit) = unit(&[b"whatever", b""]);
        let mut line = Line::take(near.as_fd(), TIMING).unwrap();
        line.exchange(&frame(b"a0", b"")).unwrap();
        let broadcast = Frame {
            awaits_reply: false,
            ..frame(b"b0", b"")
        };
        line.exchange(&broadcast).unwrap();
        assert_eq!(unit.join().unwrap().0, b"a0b0");
    }

    #[test]
    fn a_refusal_is_tried_again_and_told() {
        let (near, unit) = unit(&[b"no", b"no", b"no"]);
        let mut line = Line::take(near.as_fd(), TIMING).unwrap();
        let refused = Frame {
            timeout: 50 * MS,
            ..frame(b"a0", b"ok")
        };
        let trouble = line.exchange(&refused).unwrap_err();
        assert_eq!(
            trouble.to_string(),
            "no reply that agrees, but 2 other bytes"
        );
        assert_eq!(unit.join().unwrap().0, b"a0a0a0");
    }

    #[test]
    fn a_line_that_never_falls_silent_is_used_all_the_same() {
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let mut babble = far.try_clone().unwrap();
        let babbling = std::thread::spawn(move || while babble.write_all(b"..").is_ok() {});
        let unit = std::thread::spawn(move || {
            let mut request = [0; 2];
            far.read_exact(&mut request).unwrap();
            far.write_all(b"ok").unwrap();
            far
        });
        let mut line = Line::take(near.as_fd(), TIMING).unwrap();
        line.exchange(&frame(b"a0", b"ok")).unwrap();
        drop((near, unit.join().unwrap()));
        babbling.join().unwrap();
    }

    #[test]
    fn a_line_whose_other_side_is_gone_is_given_up() {
        let (near, far) = UnixStream::pair().unwrap();
        drop(far);
        let Err(trouble) = Line::take(near.as_fd(), TIMING) else {
            panic!("it is gone");
        };
        assert!(matches!(trouble, Trouble::Down(_)), "{trouble}");
    }
}
