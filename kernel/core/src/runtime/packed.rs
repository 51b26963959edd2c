//! The packed batch: how runs of events cross the sandbox's border. The layout is specified in
//! `wit/plugin/events-batch.wit`; both directions check what they read.

use std::sync::Arc;

use crate::event::{Event, Quality, SourceId, TopicId, Value};

/// The layout's version, in the header word.
pub const VERSION: u64 = 1;

/// Words an event takes.
pub const STRIDE: usize = 6;

/// Stands for "none" where a source id or an index is expected.
const NONE: u64 = u32::MAX as u64;

/// Why a batch from a plugin is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackedError {
    /// The header word is missing, or has another version.
    #[error("the batch has layout version {0}, not {VERSION}")]
    Version(u64),
    /// The stride is smaller than the fixed words.
    #[error("the batch has {0} words an event; at least {STRIDE} are needed")]
    Stride(u64),
    /// The number of words does not fit the header.
    #[error("the batch has {found} words; its header says {expected}")]
    Length {
        /// What the header implies.
        expected: u64,
        /// What is there.
        found: usize,
    },
    /// An event's words are wrong.
    #[error("event {index}: {reason}")]
    Event {
        /// Its index.
        index: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Packs events to the end of cleared buffers.
pub fn pack(events: &[Event], head: &mut Vec<u64>, bytes: &mut Vec<u8>) {
    head.clear();
    bytes.clear();
    head.reserve(1 + events.len() * STRIDE);
    head.push(VERSION | (STRIDE as u64) << 16 | (events.len() as u64) << 32);
    for event in events {
        let (kind, scalar) = match &event.value {
            Value::None => (0, 0),
            Value::Boolean(on) => (1, u64::from(*on)),
            Value::Integer(value) => (2, value.cast_unsigned()),
            Value::Float(value) => (3, value.to_bits()),
            Value::Text(text) => (4, put(bytes, text.as_bytes())),
            Value::Bytes(octets) => (5, put(bytes, octets)),
            Value::Json(text) => (6, put(bytes, text.as_bytes())),
        };
        let quality = match event.quality {
            Quality::Good => 0_u64,
            Quality::Uncertain => 1,
            Quality::Bad => 2,
        };
        let (cause_source, cause_sequence) = match event.cause {
            Some(cause) => (u64::from(cause.source.0), cause.sequence),
            None => (NONE, 0),
        };
        head.extend_from_slice(&[
            u64::from(event.topic.0) | kind << 32 | quality << 40 | u64::from(event.attempt) << 48,
            event.time,
            scalar,
            event.sequence,
            u64::from(event.source.0) | cause_source << 32,
            cause_sequence,
        ]);
    }
}

fn put(bytes: &mut Vec<u8>, payload: &[u8]) -> u64 {
    // Queues and outboxes are bounded far below 4 GiB.
    let offset = bytes.len() as u64 & NONE;
    bytes.extend_from_slice(payload);
    offset | (payload.len() as u64) << 32
}

/// Unpacks a plugin's publications: calls `publish` with each event and the index of its cause
/// (`u32::MAX` for none). `now` stands in for a time of 0; the source is the caller's business.
/// Nothing may be taken of a batch that fails.
pub fn unpack(
    head: &[u64],
    bytes: &[u8],
    now: u64,
    mut publish: impl FnMut(Event, u32) -> Result<(), String>,
) -> Result<(), PackedError> {
    let Some((header, words)) = head.split_first() else {
        return Err(PackedError::Version(0));
    };
    let version = header & 0xffff;
    if version != VERSION {
        return Err(PackedError::Version(version));
    }
    let stride = header >> 16 & 0xffff;
    if stride < STRIDE as u64 {
        return Err(PackedError::Stride(stride));
    }
    let count = header >> 32;
    let expected = count * stride;
    if expected != words.len() as u64 {
        return Err(PackedError::Length {
            expected: expected + 1,
            found: head.len(),
        });
    }
    for (index, words) in words.chunks_exact(stride as usize).enumerate() {
        let fail = |reason: String| PackedError::Event { index, reason };
        let &[first, time, scalar, _, cause, ..] = words else {
            return Err(PackedError::Stride(stride));
        };
        let value = match first >> 32 & 0xff {
            0 => Value::None,
            1 if scalar > 1 => return Err(fail(format!("a boolean of {scalar}"))),
            1 => Value::Boolean(scalar == 1),
            2 => Value::Integer(scalar.cast_signed()),
            3 => Value::Float(f64::from_bits(scalar)),
            4 => Value::Text(text(bytes, scalar).map_err(fail)?),
            5 => Value::Bytes(payload(bytes, scalar).map_err(fail)?.into()),
            6 => Value::Json(text(bytes, scalar).map_err(fail)?),
            kind => return Err(fail(format!("an unknown kind {kind}"))),
        };
        let quality = match first >> 40 & 0xff {
            0 => Quality::Good,
            1 => Quality::Uncertain,
            2 => Quality::Bad,
            quality => return Err(fail(format!("an unknown quality {quality}"))),
        };
        let event = Event {
            topic: TopicId((first & NONE) as u32),
            source: SourceId(0),
            time: if time == 0 { now } else { time },
            sequence: 0,
            cause: None,
            attempt: 1,
            quality,
            value,
        };
        publish(event, (cause & NONE) as u32).map_err(fail)?;
    }
    Ok(())
}

/// How many payload bytes a plugin's publications would copy out of `available` bytes. Payloads may
/// overlap, so that it can be far more than the batch itself holds; ask before [`unpack`].
pub fn declared(head: &[u64], available: usize) -> usize {
    let Some((header, words)) = head.split_first() else {
        return 0;
    };
    // What breaks the layout is for `unpack` to refuse; here it counts nothing.
    let stride = (header >> 16 & 0xffff) as usize;
    if available == 0 || stride < STRIDE {
        return 0;
    }
    let lengths = words.chunks_exact(stride).map(|words| match words {
        [first, _, scalar, ..] if matches!(first >> 32 & 0xff, 4..=6) => {
            usize::try_from(scalar >> 32).map_or(available, |length| length.min(available))
        }
        _ => 0,
    });
    lengths.fold(0, usize::saturating_add)
}

fn payload(bytes: &[u8], scalar: u64) -> Result<&[u8], String> {
    let (offset, length) = ((scalar & NONE) as usize, (scalar >> 32) as usize);
    offset
        .checked_add(length)
        .and_then(|end| bytes.get(offset..end))
        .ok_or_else(|| {
            format!(
                "a payload of {length} bytes at {offset} in {} bytes",
                bytes.len()
            )
        })
}

fn text(bytes: &[u8], scalar: u64) -> Result<Arc<str>, String> {
    std::str::from_utf8(payload(bytes, scalar)?)
        .map(Into::into)
        .map_err(|error| format!("a text that is not UTF-8: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Cause;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::None),
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>()
                .prop_filter("NaN != NaN", |f| !f.is_nan())
                .prop_map(Value::Float),
            ".{0,20}".prop_map(|text| Value::Text(text.into())),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Bytes(bytes.into())),
            ".{0,20}".prop_map(|text| Value::Json(text.into())),
        ]
    }

    fn event() -> impl Strategy<Value = Event> {
        (
            any::<u32>(),
            any::<u32>(),
            1..u64::MAX,
            any::<u64>(),
            value(),
            any::<bool>(),
        )
            .prop_map(|(topic, source, time, sequence, value, caused)| Event {
                topic: TopicId(topic),
                source: SourceId(source),
                time,
                sequence,
                cause: caused.then_some(Cause {
                    source: SourceId(1),
                    sequence: 2,
                }),
                attempt: 1,
                quality: Quality::Uncertain,
                value,
            })
    }

    proptest! {
        #[test]
        fn what_is_packed_can_be_unpacked(events in prop::collection::vec(event(), 0..20)) {
            let (mut head, mut bytes) = (Vec::new(), Vec::new());
            pack(&events, &mut head, &mut bytes);
            prop_assert_eq!(head.len(), 1 + events.len() * STRIDE);
            let mut unpacked = Vec::new();
            unpack(&head, &bytes, 0, |event, _| {
                unpacked.push((event.topic, event.time, event.quality, event.value));
                Ok(())
            }).unwrap();
            let expected: Vec<_> = events.into_iter().map(|e| (e.topic, e.time, e.quality, e.value)).collect();
            prop_assert_eq!(unpacked, expected);
        }

        #[test]
        fn any_words_are_refused_or_taken_without_panic(
            mut head in prop::collection::vec(any::<u64>(), 0..40),
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            plausible in any::<bool>(),
        ) {
            if plausible && let Some(first) = head.first_mut() {
                *first = VERSION | 6 << 16 | (*first % 7) << 32;
            }
            let _ = unpack(&head, &bytes, 0, |_, _| Ok(()));
        }
    }

    #[test]
    fn payloads_that_overlap_count_each_time() {
        let event = |kind: u64, length: u64| [kind << 32, 0, length << 32, 0, NONE, 0];
        let mut head = vec![VERSION | 6 << 16 | 5 << 32];
        head.extend([event(4, 8), event(5, 8), event(6, 3), event(2, 8)].concat());
        assert_eq!(declared(&head, 8), 19, "an integer has no payload");
        assert_eq!(declared(&head, 0), 0);
        let mut beyond = vec![VERSION | 6 << 16 | 1 << 32];
        beyond.extend(event(5, NONE));
        assert_eq!(declared(&beyond, 8), 8, "what points outside is not copied");
        assert_eq!(declared(&[], 8), 0);
        assert_eq!(declared(&[VERSION, 4 << 32, 0, 8 << 32], 8), 0);
    }

    proptest! {
        #[test]
        fn what_is_unpacked_is_never_more_than_was_declared(
            events in prop::collection::vec(event(), 0..20),
        ) {
            let (mut head, mut bytes) = (Vec::new(), Vec::new());
            pack(&events, &mut head, &mut bytes);
            let mut copied = 0;
            unpack(&head, &bytes, 0, |event, _| {
                copied += event.value.payload_len();
                Ok(())
            }).unwrap();
            prop_assert_eq!(copied, declared(&head, bytes.len()));
        }
    }

    #[test]
    fn a_later_layout_with_more_words_can_be_read() {
        let head = [
            VERSION | 8 << 16 | 1 << 32,
            2 << 32,
            5,
            7,
            0,
            NONE,
            0,
            99,
            99,
        ];
        let mut seen = Vec::new();
        unpack(&head, &[], 0, |event, cause| {
            seen.push((event.value, cause));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [(Value::Integer(7), u32::MAX)]);
    }

    #[test]
    fn wrong_batches_name_the_event_at_fault() {
        let head = [
            VERSION | 6 << 16 | 1 << 32,
            4 << 32,
            5,
            3 | 4 << 32,
            0,
            NONE,
            0,
        ];
        let error = unpack(&head, b"abc", 0, |_, _| Ok(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "event 0: a payload of 4 bytes at 3 in 3 bytes"
        );
        assert_eq!(
            unpack(&[2], &[], 0, |_, _| Ok(())),
            Err(PackedError::Version(2))
        );
        assert!(matches!(
            unpack(
                &[VERSION | 6 << 16 | u64::from(u32::MAX) << 32],
                &[],
                0,
                |_, _| Ok(())
            ),
            Err(PackedError::Length { .. })
        ));
    }
}
