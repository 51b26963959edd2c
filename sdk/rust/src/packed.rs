//! The packed batch: how events and publications cross the sandbox's border in two primitive lists.
//!
//! The layout, version 1, is specified in `wit/plugin/events-batch.wit`. Everything read here is
//! checked: whatever the two lists hold, reading ends in a value or an error, never in a panic.
//!
//! ```
//! use weihe_sdk::Sample;
//! use weihe_sdk::packed::{NONE, Reader, Writer};
//!
//! let mut writer = Writer::default();
//! writer.publish(3, &Sample::new(21.5), NONE)?;
//! let batch = writer.batch();
//! let reader = Reader::new(&batch.head, &batch.bytes)?;
//! assert_eq!(reader.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::bindings::imports::weihe::plugin::types::Batch;
use crate::{Quality, Timestamp, Value};
use std::fmt;

/// The version of the layout that is written, and the only one that is read.
///
/// ```
/// # use weihe_sdk::packed::{Reader, Writer};
/// # use weihe_sdk::Sample;
/// # let mut writer = Writer::default();
/// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
/// let batch = writer.batch();
/// assert_eq!(batch.head[0] as u16, weihe_sdk::packed::VERSION);
/// ```
pub const VERSION: u16 = 1;
/// Words that one event takes in what is written. A reader steps by the stride that the header states.
///
/// ```
/// # use weihe_sdk::packed::{Reader, Writer};
/// # use weihe_sdk::Sample;
/// # let mut writer = Writer::default();
/// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
/// // A header, and the words of one event.
/// assert_eq!(writer.batch().head.len(), 1 + weihe_sdk::packed::WORDS);
/// ```
pub const WORDS: usize = 6;
/// Stands for "none" where the layout holds a 32-bit id or index.
///
/// ```
/// # use weihe_sdk::packed::{Reader, Writer};
/// # use weihe_sdk::Sample;
/// # let mut writer = Writer::default();
/// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
/// let batch = writer.batch();
/// let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
/// assert_eq!(reader.get(0).unwrap().unwrap().source, weihe_sdk::packed::NONE);
/// ```
pub const NONE: u32 = u32::MAX;

const NONE_KIND: u8 = 0;
const BOOLEAN: u8 = 1;
const INTEGER: u8 = 2;
const FLOAT: u8 = 3;
const TEXT: u8 = 4;
const BYTES: u8 = 5;
const JSON: u8 = 6;

/// Where two lists break the layout.
///
/// ```
/// # use weihe_sdk::packed::{LayoutError, Reader};
/// assert_eq!(Reader::new(&[], &[]).unwrap_err(), LayoutError::Empty);
/// assert_eq!(Reader::new(&[9], &[]).unwrap_err(), LayoutError::Version(9));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutError {
    /// There is no header word.
    Empty,
    /// The header states another version.
    Version(u16),
    /// The stated stride is too small to hold an event.
    Stride(u16),
    /// The stated number of events needs another number of words than there are.
    Length {
        /// Events that the header states.
        events: u32,
        /// Words after the header.
        words: usize,
    },
    /// The kind of an event's value is unknown.
    Kind(u8),
    /// The quality of an event is unknown.
    Quality(u8),
    /// A boolean is neither 0 nor 1.
    Boolean(u64),
    /// A text, document or octets lie outside the byte list.
    Range {
        /// First byte.
        offset: u32,
        /// Number of bytes.
        length: u32,
    },
    /// A text or document is not UTF-8.
    Utf8 {
        /// First byte of the text.
        offset: u32,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::Empty => write!(f, "packed batch: no header word"),
            LayoutError::Version(found) => {
                write!(
                    f,
                    "packed batch: layout version {found}, expected {VERSION}"
                )
            }
            LayoutError::Stride(found) => {
                write!(
                    f,
                    "packed batch: {found} words an event, expected at least {WORDS}"
                )
            }
            LayoutError::Length { events, words } => {
                write!(f, "packed batch: {events} events do not fit {words} words")
            }
            LayoutError::Kind(found) => write!(f, "packed event: unknown kind {found}"),
            LayoutError::Quality(found) => write!(f, "packed event: unknown quality {found}"),
            LayoutError::Boolean(found) => {
                write!(f, "packed event: boolean {found}, expected 0 or 1")
            }
            LayoutError::Range { offset, length } => {
                write!(
                    f,
                    "packed event: {length} bytes at {offset} lie outside the batch"
                )
            }
            LayoutError::Utf8 { offset } => {
                write!(f, "packed event: text at {offset} is not UTF-8")
            }
        }
    }
}

impl std::error::Error for LayoutError {}

/// One event as it lies in a batch: names are still ids.
///
/// ```
/// # use weihe_sdk::packed::{Reader, Writer};
/// # use weihe_sdk::Sample;
/// # let mut writer = Writer::default();
/// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
/// let batch = writer.batch();
/// let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
/// let record = reader.get(0).unwrap().unwrap();
/// assert_eq!((record.topic, record.value.as_f64()), (3, Some(21.5)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record<'a> {
    /// Topic id.
    pub topic: u32,
    /// When the sample was taken; in a publication zero stands for now.
    pub time: Timestamp,
    /// How far the value can be trusted.
    pub quality: Quality,
    /// Which delivery this is, from 1; 0 in a publication.
    pub attempt: u16,
    /// The sample, borrowed from the batch.
    pub value: Value<'a>,
    /// Place in the source's order; 0 in a publication.
    pub sequence: u64,
    /// Source id; in a publication the index of the causing event in the batch being handled,
    /// or [`NONE`].
    pub source: u32,
    /// Source id and sequence of the cause.
    pub cause: Option<(u32, u64)>,
}

/// A checked view of a packed batch.
///
/// ```
/// # use weihe_sdk::packed::{Reader, Writer};
/// # use weihe_sdk::Sample;
/// # let mut writer = Writer::default();
/// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
/// let batch = writer.batch();
/// let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
/// for record in reader.iter() {
///     assert_eq!(record.unwrap().topic, 3);
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    events: &'a [u64],
    bytes: &'a [u8],
    stride: usize,
    count: usize,
}

impl<'a> Reader<'a> {
    /// Checks the header and the number of words.
    ///
    /// ```
    /// # use weihe_sdk::packed::Reader;
    /// // Version 1, six words an event, and no event.
    /// let reader = Reader::new(&[6 << 16 | 1], &[]).unwrap();
    /// assert!(reader.is_empty());
    /// assert!(Reader::new(&[1 << 32 | 6 << 16 | 1], &[]).is_err());
    /// ```
    pub fn new(head: &'a [u64], bytes: &'a [u8]) -> Result<Self, LayoutError> {
        let (&header, events) = head.split_first().ok_or(LayoutError::Empty)?;
        let version = header as u16;
        let stride = (header >> 16) as u16;
        let count = (header >> 32) as u32;
        if version != VERSION {
            return Err(LayoutError::Version(version));
        }
        if usize::from(stride) < WORDS {
            return Err(LayoutError::Stride(stride));
        }
        // In 64 bits, because 2^32 events of 2^16 words overflow the word size of wasm32.
        if u64::from(count) * u64::from(stride) != events.len() as u64 {
            return Err(LayoutError::Length {
                events: count,
                words: events.len(),
            });
        }
        Ok(Reader {
            events,
            bytes,
            stride: usize::from(stride),
            count: count as usize,
        })
    }

    /// Number of events.
    ///
    /// ```
    /// # use weihe_sdk::packed::{Reader, Writer};
    /// # use weihe_sdk::Sample;
    /// # let mut writer = Writer::default();
    /// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
    /// let batch = writer.batch();
    /// let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
    /// assert_eq!(reader.len(), 1);
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    ///
    /// ```
    /// # use weihe_sdk::packed::{Reader, Writer};
    /// # use weihe_sdk::Sample;
    /// # let mut writer = Writer::default();
    /// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
    /// let batch = writer.batch();
    /// let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
    /// assert!(!reader.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The ids of event `index`: topic, source and, if there is one, the cause's source. `None`
    /// past the end.
    ///
    /// ```
    /// # use weihe_sdk::packed::{Reader, Writer};
    /// # use weihe_sdk::Sample;
    /// # let mut writer = Writer::default();
    /// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
    /// let batch = writer.batch();
    /// let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
    /// let (topic, _source, _cause) = reader.ids(0).unwrap();
    /// assert_eq!(topic, 3);
    /// ```
    #[inline]
    pub fn ids(&self, index: usize) -> Option<(u32, u32, Option<u32>)> {
        let words = self.words(index)?;
        let cause = (words[4] >> 32) as u32;
        Some((
            words[0] as u32,
            words[4] as u32,
            (cause != NONE).then_some(cause),
        ))
    }

    /// Event `index`, checked. `None` past the end.
    ///
    /// ```
    /// # use weihe_sdk::packed::{Reader, Writer};
    /// # use weihe_sdk::Sample;
    /// # let mut writer = Writer::default();
    /// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
    /// let batch = writer.batch();
    /// let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
    /// assert_eq!(reader.get(0).unwrap().unwrap().value.as_f64(), Some(21.5));
    /// assert!(reader.get(1).is_none());
    /// ```
    #[inline]
    pub fn get(&self, index: usize) -> Option<Result<Record<'a>, LayoutError>> {
        self.words(index).map(|words| self.record(words))
    }

    /// All events in order.
    ///
    /// ```
    /// # use weihe_sdk::packed::{Reader, Writer};
    /// # use weihe_sdk::Sample;
    /// # let mut writer = Writer::default();
    /// # writer.publish(3, &Sample::new(21.5), weihe_sdk::packed::NONE).unwrap();
    /// let batch = writer.batch();
    /// let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
    /// assert!(reader.iter().all(|record| record.is_ok()));
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Result<Record<'a>, LayoutError>> + 'a {
        let reader = *self;
        (0..reader.count).filter_map(move |index| reader.get(index))
    }

    #[inline]
    fn words(&self, index: usize) -> Option<&'a [u64; WORDS]> {
        let start = index.checked_mul(self.stride)?;
        self.events.get(start..)?.first_chunk()
    }

    #[inline]
    fn record(&self, words: &[u64; WORDS]) -> Result<Record<'a>, LayoutError> {
        let [first, time, scalar, sequence, ids, cause_sequence] = *words;
        let quality = match (first >> 40) as u8 {
            0 => Quality::Good,
            1 => Quality::Uncertain,
            2 => Quality::Bad,
            other => return Err(LayoutError::Quality(other)),
        };
        let value = match (first >> 32) as u8 {
            NONE_KIND => Value::None,
            BOOLEAN => match scalar {
                0 => Value::Boolean(false),
                1 => Value::Boolean(true),
                other => return Err(LayoutError::Boolean(other)),
            },
            INTEGER => Value::Integer(scalar as i64),
            FLOAT => Value::Float(f64::from_bits(scalar)),
            TEXT => Value::Text(self.text(scalar)?),
            BYTES => Value::Bytes(self.octets(scalar)?),
            JSON => Value::Json(self.text(scalar)?),
            other => return Err(LayoutError::Kind(other)),
        };
        let cause = (ids >> 32) as u32;
        Ok(Record {
            topic: first as u32,
            time: Timestamp::from_nanos(time),
            quality,
            attempt: (first >> 48) as u16,
            value,
            sequence,
            source: ids as u32,
            cause: (cause != NONE).then_some((cause, cause_sequence)),
        })
    }

    fn octets(&self, word: u64) -> Result<&'a [u8], LayoutError> {
        let (offset, length) = (word as u32, (word >> 32) as u32);
        (offset as usize)
            .checked_add(length as usize)
            .and_then(|end| self.bytes.get(offset as usize..end))
            .ok_or(LayoutError::Range { offset, length })
    }

    fn text(&self, word: u64) -> Result<&'a str, LayoutError> {
        std::str::from_utf8(self.octets(word)?).map_err(|_| LayoutError::Utf8 {
            offset: word as u32,
        })
    }
}

/// A batch being written. Its two lists are kept between uses, so that in steady state nothing is
/// allocated.
///
/// ```
/// # use weihe_sdk::packed::{NONE, Writer};
/// # use weihe_sdk::Sample;
/// let mut writer = Writer::default();
/// writer.publish(3, &Sample::new(21.5), NONE)?;
/// writer.publish(4, &Sample::new("manual"), NONE)?;
/// assert_eq!(writer.len(), 2);
/// # Ok::<(), weihe_sdk::packed::BatchFull>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    batch: Batch,
    count: u32,
}

/// A place in a [`Writer`] to go back to.
///
/// ```
/// # use weihe_sdk::packed::{NONE, Writer};
/// # use weihe_sdk::Sample;
/// let mut writer = Writer::default();
/// let before: weihe_sdk::packed::Mark = writer.mark();
/// writer.publish(3, &Sample::new(21.5), NONE)?;
/// writer.rewind(before);
/// assert!(writer.is_empty());
/// # Ok::<(), weihe_sdk::packed::BatchFull>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    count: u32,
    bytes: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Writer {
            batch: Batch {
                head: vec![0],
                bytes: Vec::new(),
            },
            count: 0,
        }
    }
}

/// The byte list of a batch cannot grow beyond what 32 bits address.
///
/// ```
/// # use weihe_sdk::packed::{NONE, Writer};
/// # use weihe_sdk::Sample;
/// fn publish(writer: &mut Writer, value: f64) -> Result<(), weihe_sdk::packed::BatchFull> {
///     writer.publish(3, &Sample::new(value), NONE)
/// }
/// # publish(&mut Writer::default(), 1.0).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchFull;

impl fmt::Display for BatchFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packed batch: more than 4 GiB of texts and octets")
    }
}

impl std::error::Error for BatchFull {}

impl Writer {
    /// Number of events written.
    ///
    /// ```
    /// # use weihe_sdk::packed::{NONE, Writer};
    /// # use weihe_sdk::Sample;
    /// let mut writer = Writer::default();
    /// writer.publish(3, &Sample::new(1), NONE)?;
    /// assert_eq!(writer.len(), 1);
    /// # Ok::<(), weihe_sdk::packed::BatchFull>(())
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    ///
    /// ```
    /// # use weihe_sdk::packed::{NONE, Writer};
    /// # use weihe_sdk::Sample;
    /// let mut writer = Writer::default();
    /// assert!(writer.is_empty());
    /// # writer.clear();
    /// # Ok::<(), weihe_sdk::packed::BatchFull>(())
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Empties the batch and keeps its memory.
    ///
    /// ```
    /// # use weihe_sdk::packed::{NONE, Writer};
    /// # use weihe_sdk::Sample;
    /// let mut writer = Writer::default();
    /// writer.publish(3, &Sample::new(1), NONE)?;
    /// writer.clear();
    /// assert!(writer.is_empty());
    /// # Ok::<(), weihe_sdk::packed::BatchFull>(())
    /// ```
    pub fn clear(&mut self) {
        self.rewind(Mark { count: 0, bytes: 0 });
    }

    /// Where the batch ends now.
    ///
    /// ```
    /// # use weihe_sdk::packed::{NONE, Writer};
    /// # use weihe_sdk::Sample;
    /// let mut writer = Writer::default();
    /// writer.publish(3, &Sample::new(1), NONE)?;
    /// let good = writer.mark();
    /// writer.publish(3, &Sample::new(2), NONE)?;
    /// writer.rewind(good);
    /// assert_eq!(writer.len(), 1);
    /// # Ok::<(), weihe_sdk::packed::BatchFull>(())
    /// ```
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark {
            count: self.count,
            bytes: self.batch.bytes.len(),
        }
    }

    /// Drops what was written after `mark`.
    ///
    /// ```
    /// # use weihe_sdk::packed::{NONE, Writer};
    /// # use weihe_sdk::Sample;
    /// let mut writer = Writer::default();
    /// let start = writer.mark();
    /// writer.publish(3, &Sample::new("what a failed handler said"), NONE)?;
    /// writer.rewind(start);
    /// assert!(writer.batch().bytes.is_empty());
    /// # Ok::<(), weihe_sdk::packed::BatchFull>(())
    /// ```
    pub fn rewind(&mut self, mark: Mark) {
        self.count = self.count.min(mark.count);
        self.batch.head.truncate(1 + self.count as usize * WORDS);
        self.batch.bytes.truncate(mark.bytes);
    }

    /// Appends one event. Nothing is written when it does not fit.
    ///
    /// ```
    /// # use weihe_sdk::packed::{NONE, Writer};
    /// # use weihe_sdk::Sample;
    /// use weihe_sdk::packed::Record;
    /// use weihe_sdk::{Quality, Timestamp, Value};
    ///
    /// let mut writer = Writer::default();
    /// writer.push(&Record {
    ///     topic: 3,
    ///     time: Timestamp::from_nanos(1),
    ///     quality: Quality::Good,
    ///     attempt: 1,
    ///     value: Value::Boolean(true),
    ///     sequence: 41,
    ///     source: 2,
    ///     cause: None,
    /// })?;
    /// # Ok::<(), weihe_sdk::packed::BatchFull>(())
    /// ```
    #[inline]
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), BatchFull> {
        let (kind, scalar) = self.value(record.value)?;
        let (cause, cause_sequence) = record.cause.unwrap_or((NONE, 0));
        self.words([
            first_word(record.topic, kind, record.quality) | u64::from(record.attempt) << 48,
            record.time.as_nanos(),
            scalar,
            record.sequence,
            u64::from(record.source) | u64::from(cause) << 32,
            cause_sequence,
        ]);
        Ok(())
    }

    /// Appends one publication: a sample on a topic, caused by the event with index `cause` in the
    /// batch being handled, or by none ([`NONE`]).
    ///
    /// ```
    /// # use weihe_sdk::packed::{NONE, Writer};
    /// # use weihe_sdk::Sample;
    /// let mut writer = Writer::default();
    /// // Caused by the first event of the batch that is being handled.
    /// writer.publish(3, &Sample::new(21.5), 0)?;
    /// # Ok::<(), weihe_sdk::packed::BatchFull>(())
    /// ```
    #[inline]
    pub fn publish(
        &mut self,
        topic: u32,
        sample: &crate::Sample<'_>,
        cause: u32,
    ) -> Result<(), BatchFull> {
        let (kind, scalar) = self.value(sample.value)?;
        let time = sample.time.map_or(0, Timestamp::as_nanos);
        let first = first_word(topic, kind, sample.quality);
        // A publication has zeros where an event names its attempt, its sequence and its cause.
        self.words([first, time, scalar, 0, u64::from(cause), 0]);
        Ok(())
    }

    /// The two lists.
    ///
    /// ```
    /// # use weihe_sdk::packed::{NONE, Writer};
    /// # use weihe_sdk::Sample;
    /// let mut writer = Writer::default();
    /// writer.publish(3, &Sample::new("on"), NONE)?;
    /// assert_eq!(writer.batch().bytes, b"on");
    /// # Ok::<(), weihe_sdk::packed::BatchFull>(())
    /// ```
    pub fn batch(&mut self) -> &Batch {
        let header = u64::from(VERSION) | (WORDS as u64) << 16 | u64::from(self.count) << 32;
        // The header's word is always there.
        if let Some(word) = self.batch.head.first_mut() {
            *word = header;
        }
        &self.batch
    }

    #[inline]
    fn words(&mut self, words: [u64; WORDS]) {
        self.batch.head.extend_from_slice(&words);
        self.count += 1;
    }

    /// The kind of a value and its scalar word; what has a payload is appended.
    #[inline]
    fn value(&mut self, value: Value<'_>) -> Result<(u8, u64), BatchFull> {
        Ok(match value {
            Value::None => (NONE_KIND, 0),
            Value::Boolean(value) => (BOOLEAN, u64::from(value)),
            Value::Integer(value) => (INTEGER, value as u64),
            Value::Float(value) => (FLOAT, value.to_bits()),
            Value::Text(text) => (TEXT, self.append(text.as_bytes())?),
            Value::Bytes(bytes) => (BYTES, self.append(bytes)?),
            Value::Json(text) => (JSON, self.append(text.as_bytes())?),
        })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<u64, BatchFull> {
        let offset = self.batch.bytes.len();
        let end = offset.checked_add(bytes.len()).ok_or(BatchFull)?;
        if u32::try_from(end).is_err() {
            return Err(BatchFull);
        }
        self.batch.bytes.extend_from_slice(bytes);
        Ok(offset as u64 | (bytes.len() as u64) << 32)
    }
}

#[inline]
fn first_word(topic: u32, kind: u8, quality: Quality) -> u64 {
    let quality = match quality {
        Quality::Good => 0_u64,
        Quality::Uncertain => 1,
        Quality::Bad => 2,
    };
    u64::from(topic) | u64::from(kind) << 32 | quality << 40
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
