//! Decides when a reply is complete: one [`Search`] for each exchange.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::framer::Framer;
use super::types::{ByteOrder, LengthField, ReplyRule};

/// A device's framer, shared between its seat, which may exchange it, and the exchange at hand.
pub(super) type SharedFramer = Arc<Mutex<Box<dyn Framer>>>;

/// What a look at the received bytes found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// More is needed.
    Incomplete,
    /// The first so many bytes are the reply.
    Complete(usize),
}

/// The search for one reply.
pub(super) struct Search<'a> {
    rule: &'a ReplyRule,
    request: &'a [u8],
    framer: Option<SharedFramer>,
    max_reply: usize,
    /// How far the delimiter has been looked for, so that no byte is looked at twice.
    looked: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        rule: &'a ReplyRule,
        request: &'a [u8],
        framer: Option<SharedFramer>,
        max_reply: usize,
    ) -> Self {
        Self {
            rule,
            request,
            framer,
            max_reply,
            looked: 0,
        }
    }

    /// Whether silence can complete the reply.
    pub(super) fn wants_idle(&self) -> bool {
        matches!(self.rule, ReplyRule::Silence | ReplyRule::Codec(_))
    }

    /// Looks at all bytes of the exchange so far; what belongs to no frame is taken off their front
    /// and counted in `skipped`.
    pub(super) fn look(
        &mut self,
        bytes: &mut Vec<u8>,
        idle: bool,
        skipped: &mut usize,
    ) -> Result<Look, String> {
        let found = match self.rule {
            ReplyRule::None => Some(0),
            ReplyRule::Length(length) => {
                let length = *length as usize;
                (bytes.len() >= length).then_some(length)
            }
            ReplyRule::Delimiter(delimiter) => self.find(bytes, delimiter),
            ReplyRule::LengthField(field) => self.stated(bytes, field)?,
            ReplyRule::Silence => (idle && !bytes.is_empty()).then_some(bytes.len()),
            ReplyRule::Codec(options) => self.scan(bytes, options, idle, skipped)?,
        };
        match found {
            Some(length) if length > self.max_reply => Err(self.too_long(length)),
            Some(length) => Ok(Look::Complete(length)),
            None if bytes.len() > self.max_reply => Err(self.too_long(bytes.len())),
            None => Ok(Look::Incomplete),
        }
    }

    fn too_long(&self, length: usize) -> String {
        format!(
            "{length} bytes are more than the connection's max-reply = {}",
            self.max_reply
        )
    }

    fn find(&mut self, bytes: &[u8], delimiter: &[u8]) -> Option<usize> {
        // The delimiter may have begun in what was looked at before.
        let from = self.looked.saturating_sub(delimiter.len() - 1);
        let rest = bytes.get(from..).unwrap_or_default();
        self.looked = bytes.len();
        rest.windows(delimiter.len())
            .position(|window| window == delimiter)
            .map(|at| from + at + delimiter.len())
    }

    fn stated(&self, bytes: &[u8], field: &LengthField) -> Result<Option<usize>, String> {
        let start = field.offset as usize;
        let end = start.saturating_add(field.size as usize);
        let Some(octets) = bytes.get(start..end) else {
            return Ok(None);
        };
        let join = |number: u64, octet: &u8| number << 8 | u64::from(*octet);
        let number = match field.order {
            ByteOrder::BigEndian => octets.iter().fold(0, join),
            ByteOrder::LittleEndian => octets.iter().rev().fold(0, join),
        };
        let length = i128::from(number) + i128::from(field.adjust);
        match usize::try_from(length) {
            Ok(length) if length > self.max_reply => Err(format!(
                "its header states {length} bytes, and the connection's max-reply is {}",
                self.max_reply
            )),
            Ok(length) if length >= end => Ok((bytes.len() >= length).then_some(length)),
            _ => Err(format!(
                "its header states {length} bytes, which ends before the length field does"
            )),
        }
    }

    fn scan(
        &self,
        bytes: &mut Vec<u8>,
        options: &str,
        idle: bool,
        skipped: &mut usize,
    ) -> Result<Option<usize>, String> {
        let Some(framer) = &self.framer else {
            return Err("the device has no codec".into());
        };
        let mut framer = framer.lock().unwrap_or_else(PoisonError::into_inner);
        framer.begin();
        let mut past = 0;
        let found = loop {
            let rest = bytes.get(past..).unwrap_or_default();
            // One device's codec must not take the line down with it.
            let scan = catch_unwind(AssertUnwindSafe(|| {
                framer.scan(options, self.request, rest, idle)
            }))
            .unwrap_or_else(|_| Err("the codec panicked; this is a bug of the host".into()))?;
            let ends = scan.skip.checked_add(scan.frame.unwrap_or(0));
            if ends.is_none_or(|end| end > rest.len()) || scan.frame == Some(0) {
                return Err(format!(
                    "the codec skips {} bytes and finds a frame of {:?} in {} bytes",
                    scan.skip,
                    scan.frame.unwrap_or(0),
                    rest.len()
                ));
            }
            past += scan.skip;
            // What is left may hold a frame that the codec did not look for behind what it skipped.
            if scan.frame.is_some() || scan.skip == 0 || past == bytes.len() {
                break scan.frame;
            }
        };
        // Once, at the end: a codec that skips byte by byte must not move all bytes each time.
        bytes.drain(..past);
        *skipped += past;
        Ok(found)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::framer::Scan;
    use super::*;

    fn look(rule: &ReplyRule, bytes: &[u8], idle: bool) -> Result<Look, String> {
        Search::new(rule, &[], None, 16).look(&mut bytes.to_vec(), idle, &mut 0)
    }

    #[test]
    fn a_length_a_delimiter_or_silence_ends_a_reply() {
        assert_eq!(
            look(&ReplyRule::Length(2), &[1], true),
            Ok(Look::Incomplete)
        );
        assert_eq!(
            look(&ReplyRule::Length(2), &[1, 2, 3], false),
            Ok(Look::Complete(2))
        );
        let line = ReplyRule::Delimiter(b"\r\n".to_vec());
        assert_eq!(look(&line, b"ok\r", false), Ok(Look::Incomplete));
        assert_eq!(look(&line, b"ok\r\nmore", false), Ok(Look::Complete(4)));
        assert_eq!(look(&ReplyRule::Silence, &[1], false), Ok(Look::Incomplete));
        assert_eq!(look(&ReplyRule::Silence, &[], true), Ok(Look::Incomplete));
        assert_eq!(look(&ReplyRule::Silence, &[1], true), Ok(Look::Complete(1)));
    }

    #[test]
    fn a_length_field_counts_the_whole_frame() {
        // Modbus TCP: the field at 4 counts what follows it (MODBUS Messaging on TCP/IP, 3.1.3).
        let mut field = LengthField {
            offset: 4,
            size: 2,
            order: ByteOrder::BigEndian,
            adjust: 6,
        };
        let rule = ReplyRule::LengthField(field);
        assert_eq!(look(&rule, &[0, 1, 0, 0, 0], false), Ok(Look::Incomplete));
        assert_eq!(
            look(&rule, &[0, 1, 0, 0, 0, 3, 1, 3], false),
            Ok(Look::Incomplete)
        );
        assert_eq!(
            look(&rule, &[0, 1, 0, 0, 0, 3, 1, 3, 0], false),
            Ok(Look::Complete(9))
        );
        let long = look(&rule, &[0, 1, 0, 0, 0xff, 0, 1], false).unwrap_err();
        assert!(long.contains("states 65286 bytes"), "{long}");
        field.adjust = -100;
        let short = look(&ReplyRule::LengthField(field), &[0, 1, 0, 0, 0, 3], false);
        assert!(short.unwrap_err().contains("ends before"));
        field.order = ByteOrder::LittleEndian;
        field.adjust = 6;
        let rule = ReplyRule::LengthField(field);
        assert_eq!(
            look(&rule, &[0, 0, 0, 0, 1, 0, 9], false),
            Ok(Look::Complete(7))
        );
    }

    #[test]
    fn a_reply_that_never_ends_is_refused() {
        let line = ReplyRule::Delimiter(vec![b'\n']);
        let text = look(&line, &[b'x'; 17], false).unwrap_err();
        assert!(text.contains("max-reply = 16"), "{text}");
    }

    struct Says(Scan);

    impl Framer for Says {
        fn scan(&mut self, _: &str, _: &[u8], bytes: &[u8], _: bool) -> Result<Scan, String> {
            if bytes == b"bad" {
                return Err("no such options".into());
            }
            Ok(std::mem::take(&mut self.0))
        }
    }

    fn codec(scan: Scan, bytes: &mut Vec<u8>, skipped: &mut usize) -> Result<Look, String> {
        let framer: SharedFramer = Arc::new(Mutex::new(Box::new(Says(scan))));
        let rule = ReplyRule::Codec("{}".into());
        Search::new(&rule, &[], Some(framer), 16).look(bytes, false, skipped)
    }

    #[test]
    fn a_codec_that_points_outside_fails_the_exchange() {
        let (mut bytes, mut skipped) = (vec![1, 2, 3], 0);
        for (skip, frame) in [(4, None), (2, Some(2)), (usize::MAX, Some(1)), (0, Some(0))] {
            let error = codec(Scan { skip, frame }, &mut bytes, &mut skipped).unwrap_err();
            assert!(error.contains("in 3 bytes"), "{error}");
        }
        assert_eq!(
            codec(Scan::default(), &mut b"bad".to_vec(), &mut 0),
            Err("no such options".into())
        );
        let good = Scan {
            skip: 1,
            frame: Some(2),
        };
        assert_eq!(codec(good, &mut bytes, &mut skipped), Ok(Look::Complete(2)));
        assert_eq!((bytes, skipped), (vec![2, 3], 1));
    }

    /// Skips one byte a scan, up to a `#`, and counts looks and scans.
    struct Crawls(Arc<Mutex<(u32, u32)>>);

    impl Framer for Crawls {
        fn begin(&mut self) {
            self.0.lock().unwrap().0 += 1;
        }

        fn scan(&mut self, _: &str, _: &[u8], bytes: &[u8], _: bool) -> Result<Scan, String> {
            self.0.lock().unwrap().1 += 1;
            let found = bytes.first() == Some(&b'#');
            Ok(Scan {
                skip: usize::from(!found),
                frame: found.then_some(1),
            })
        }
    }

    #[test]
    fn however_often_a_codec_skips_it_is_one_look() {
        let counts: Arc<Mutex<(u32, u32)>> = Arc::default();
        let framer: SharedFramer = Arc::new(Mutex::new(Box::new(Crawls(counts.clone()))));
        let rule = ReplyRule::Codec("{}".into());
        let mut search = Search::new(&rule, &[], Some(framer), 16);
        let (mut bytes, mut skipped) = (b"...#.".to_vec(), 0);
        let found = search.look(&mut bytes, false, &mut skipped);
        assert_eq!(found, Ok(Look::Complete(1)));
        assert_eq!((bytes, skipped), (b"#.".to_vec(), 3));
        assert_eq!(*counts.lock().unwrap(), (1, 4));
        let mut rest = b"..".to_vec();
        let found = search.look(&mut rest, true, &mut skipped);
        assert_eq!((found, rest.len()), (Ok(Look::Incomplete), 0));
        assert_eq!(counts.lock().unwrap().0, 2);
    }

    proptest! {
        #[test]
        fn however_the_bytes_arrive_the_delimiter_is_found_once(
            bytes in prop::collection::vec(0u8..3, 0..64),
            delimiter in prop::collection::vec(0u8..3, 1..4),
            pieces in prop::collection::vec(1usize..9, 64),
        ) {
            let expected = bytes
                .windows(delimiter.len())
                .position(|window| window == delimiter)
                .map(|at| at + delimiter.len());
            let rule = ReplyRule::Delimiter(delimiter);
            let mut search = Search::new(&rule, &[], None, 1000);
            let (mut arrived, mut rest, mut found) = (Vec::new(), bytes.as_slice(), None);
            for piece in pieces {
                let (now, later) = rest.split_at(piece.min(rest.len()));
                arrived.extend_from_slice(now);
                rest = later;
                if let Look::Complete(at) = search.look(&mut arrived, false, &mut 0).unwrap() {
                    found = Some(at);
                    break;
                }
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_header_makes_the_length_field_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..12),
            offset in any::<u32>(),
            size in prop::sample::select(vec![1u32, 2, 4]),
            adjust in any::<i32>(),
            big in any::<bool>(),
        ) {
            let order = if big { ByteOrder::BigEndian } else { ByteOrder::LittleEndian };
            let rule = ReplyRule::LengthField(LengthField { offset, size, order, adjust });
            if let Ok(Look::Complete(length)) = look(&rule, &bytes, false) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
