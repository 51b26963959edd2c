//! What is sent for a device that cannot any more.

use super::DEFAULT_TIMEOUT;
use crate::bindings::imports::weihe::connection::types as wit;
use crate::{Duration, ReplyRule};

/// A message that sets outputs to their safe values, which the host sends when the device cannot any
/// more.
///
/// ```
/// use weihe_sdk::{FailSafeFrame, ReplyRule};
///
/// // A coil is switched off; the unit repeats the request.
/// let off = [0x01, 0x05, 0x00, 0x00, 0x00, 0x00, 0xcd, 0xca];
/// let frame = FailSafeFrame::new("valve = false", off)
///     .reply(ReplyRule::Length(8))
///     .expects(off);
/// assert_eq!(frame.bytes, frame.expects);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FailSafeFrame {
    /// What it does, in words for people.
    pub label: String,
    /// What to send.
    pub bytes: Vec<u8>,
    /// When the reply is complete. Without a call of [`FailSafeFrame::reply`] none is awaited.
    pub reply: ReplyRule,
    /// What the reply begins with when the other side agrees; empty when any reply will do.
    pub expects: Vec<u8>,
    /// How long to wait for the complete reply, from the last byte sent.
    pub timeout: Duration,
    /// Silence to keep when it ends without a reply.
    pub turnaround: Duration,
}

impl FailSafeFrame {
    /// A frame that awaits no reply.
    ///
    /// ```
    /// # use weihe_sdk::FailSafeFrame;
    /// let off = FailSafeFrame::new("pump off", "PUMP 0\n");
    /// assert_eq!(off.label, "pump off");
    /// ```
    pub fn new(label: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        FailSafeFrame {
            label: label.into(),
            bytes: bytes.into(),
            reply: ReplyRule::None,
            expects: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            turnaround: Duration::ZERO,
        }
    }

    /// Says when the reply is complete.
    ///
    /// ```
    /// # use weihe_sdk::{FailSafeFrame, ReplyRule};
    /// let line = ReplyRule::Delimiter(b"\n".to_vec());
    /// let off = FailSafeFrame::new("pump off", "PUMP 0\n").reply(line);
    /// # assert_ne!(off.reply, ReplyRule::None);
    /// ```
    pub fn reply(mut self, rule: ReplyRule) -> Self {
        self.reply = rule;
        self
    }

    /// Says what a reply begins with that agrees. Name every byte that is certain: when the host has
    /// died, the reply is known by them alone.
    ///
    /// ```
    /// # use weihe_sdk::{FailSafeFrame, ReplyRule};
    /// let off = FailSafeFrame::new("pump off", "PUMP 0\n")
    ///     .reply(ReplyRule::Delimiter(b"\n".to_vec()))
    ///     .expects("OK PUMP 0");
    /// # assert_eq!(off.expects, b"OK PUMP 0");
    /// ```
    pub fn expects(mut self, beginning: impl Into<Vec<u8>>) -> Self {
        self.expects = beginning.into();
        self
    }

    /// Says how long to wait for the reply.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, FailSafeFrame};
    /// let off = FailSafeFrame::new("pump off", "PUMP 0\n").timeout(Duration::from_millis(300));
    /// # assert_eq!(off.timeout, Duration::from_millis(300));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Says how long the line keeps silent when there is no reply.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, FailSafeFrame};
    /// let off = FailSafeFrame::new("all off", [0x00, 0x0f]).turnaround(Duration::from_millis(150));
    /// # assert!(!off.turnaround.is_zero());
    /// ```
    pub fn turnaround(mut self, silence: Duration) -> Self {
        self.turnaround = silence;
        self
    }
}

impl From<FailSafeFrame> for wit::FailSafeFrame {
    fn from(frame: FailSafeFrame) -> Self {
        wit::FailSafeFrame {
            label: frame.label,
            bytes: frame.bytes,
            reply: frame.reply,
            expects: frame.expects,
            timeout: frame.timeout.as_nanos(),
            turnaround: frame.turnaround.as_nanos(),
        }
    }
}
