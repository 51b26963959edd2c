//! A fail-safe frame: a message that sets an output to its safe value without the plugin.

use std::sync::Arc;

use bytes::Bytes;

use crate::connection::{Failure, Priority, ReplyRule, Request};

use super::limits::{MAX_FRAME_BYTES, MAX_FRAMES, MAX_LABEL, MAX_TIMEOUT, TURN};

/// Bytes of a refused reply that an error shows: a header and a code, still one line.
const SHOWN_BYTES: usize = 16;

/// A message that sets outputs to their safe values. It may be sent several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeFrame {
    /// What it does, in words for people: `valve = false`.
    pub label: Arc<str>,
    /// The exchange: urgent, with a deadline of its own.
    pub request: Request,
    /// What the reply begins with when the other side agrees; empty when any reply will do.
    pub expects: Bytes,
}

impl SafeFrame {
    /// A frame whose reply is awaited for `timeout` nanoseconds.
    pub fn new(label: &str, bytes: Bytes, reply: ReplyRule, timeout: u64) -> Self {
        Self {
            label: label.into(),
            request: Request {
                bytes,
                reply,
                priority: Priority::Urgent,
                timeout,
                deadline: timeout.saturating_add(TURN),
                turnaround: 0,
                peer: None,
            },
            expects: Bytes::new(),
        }
    }

    /// What it takes in memory.
    pub fn size(&self) -> usize {
        let rule = match &self.request.reply {
            ReplyRule::Delimiter(delimiter) => delimiter.len(),
            ReplyRule::Codec(options) => options.len(),
            _ => 0,
        };
        self.label.len() + self.request.bytes.len() + self.expects.len() + rule
    }

    /// Whether a reply says that it was done; what it says otherwise.
    pub(super) fn judge(&self, reply: &[u8]) -> Result<(), String> {
        if reply.starts_with(&self.expects) {
            return Ok(());
        }
        let shown: Vec<String> = reply
            .iter()
            .take(SHOWN_BYTES)
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let more = if reply.len() > SHOWN_BYTES {
            " …"
        } else {
            ""
        };
        Err(format!("refused: the reply is {}{more}", shown.join(" ")))
    }
}

/// Whether a device may have these frames on one connection; the text names the culprit.
pub fn check(frames: &[SafeFrame]) -> Result<(), Failure> {
    let invalid = |text: String| Err(Failure::Invalid(text));
    if frames.len() > MAX_FRAMES {
        return invalid(format!(
            "frames: {} are more than the {MAX_FRAMES} of one device on one connection",
            frames.len()
        ));
    }
    let size: usize = frames.iter().map(SafeFrame::size).sum();
    if size > MAX_FRAME_BYTES {
        return invalid(format!(
            "frames: {size} bytes are more than the {MAX_FRAME_BYTES} of one device on one connection"
        ));
    }
    for frame in frames {
        let label = &frame.label;
        if label.is_empty() || label.len() > MAX_LABEL {
            return invalid(format!(
                "label: `{label}`; it has 1 to {MAX_LABEL} bytes, for people"
            ));
        }
        if frame.request.timeout > MAX_TIMEOUT {
            return invalid(format!(
                "timeout of `{label}`: more than {} s",
                MAX_TIMEOUT / 1_000_000_000
            ));
        }
        if frame.request.reply == ReplyRule::None && !frame.expects.is_empty() {
            return invalid(format!(
                "expects of `{label}`: the rule `none` brings no reply"
            ));
        }
    }
    Ok(())
}

impl SafeFrame {
    /// As the guard needs it.
    pub(super) fn guarded(&self) -> super::guard::GuardedFrame {
        super::guard::GuardedFrame {
            label: self.label.clone(),
            bytes: self.request.bytes.clone(),
            awaits_reply: self.request.reply != ReplyRule::None,
            expects: self.expects.clone(),
            timeout: self.request.timeout,
            turnaround: self.request.turnaround,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(label: &str, length: usize) -> SafeFrame {
        SafeFrame::new(label, vec![0; length].into(), ReplyRule::Length(8), 1)
    }

    fn refusal(frames: &[SafeFrame]) -> String {
        match check(frames) {
            Err(Failure::Invalid(text)) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn number_and_bytes_of_frames_are_bounded() {
        assert_eq!(check(&vec![frame("a", 1); MAX_FRAMES]), Ok(()));
        let many = refusal(&vec![frame("a", 1); MAX_FRAMES + 1]);
        assert!(many.contains("129 are more than the 128"), "{many}");
        assert_eq!(check(&[frame("a", MAX_FRAME_BYTES - 1)]), Ok(()));
        let mut large = frame("a", MAX_FRAME_BYTES - 1);
        large.expects = Bytes::from_static(b"1");
        let large = refusal(&[large]);
        assert!(large.contains("16385 bytes are more"), "{large}");
    }

    #[test]
    fn a_frame_has_a_name_a_limited_time_and_expects_only_what_can_come() {
        assert!(refusal(&[frame("", 1)]).starts_with("label"));
        assert!(refusal(&[frame(&"x".repeat(MAX_LABEL + 1), 1)]).starts_with("label"));
        let slow = SafeFrame::new("a", Bytes::new(), ReplyRule::Silence, MAX_TIMEOUT + 1);
        assert!(refusal(&[slow]).contains("more than 10 s"));
        let mut mute = SafeFrame::new("a", Bytes::from_static(b"a"), ReplyRule::None, 1);
        mute.expects = Bytes::from_static(b"b");
        assert!(refusal(&[mute]).contains("brings no reply"));
    }

    #[test]
    fn a_reply_agrees_when_it_begins_as_expected() {
        let mut off = frame("valve = false", 1);
        assert_eq!(off.judge(b"anything"), Ok(()));
        off.expects = Bytes::from_static(&[1, 5]);
        assert_eq!(off.judge(&[1, 5, 0]), Ok(()));
        let refused = off.judge(&[1, 0x85, 2]);
        assert_eq!(refused, Err("refused: the reply is 01 85 02".to_owned()));
    }
}
