//! The hook for a pure parser of a protocol's frames.
//!
//! ```
//! # use weihe_sdk::codec::*;
//! // A component exports it beside its plugin: `weihe_sdk::plugin!(Driver: events, codec = Frames);`
//! struct Frames;
//!
//! impl Codec for Frames {
//!     fn decode(_: Direction, _: &Context, bytes: &[u8]) -> Result<Decoded, DecodeError> {
//!         Ok(Decoded { fields: vec![], readings: vec![], consumed: bytes.len() as u32 })
//!     }
//!
//!     fn encode(_: &str) -> Result<Vec<u8>, String> {
//!         Ok(vec![0x05])
//!     }
//!
//!     fn scan(_: Direction, _: &Context, bytes: &[u8], _idle: bool) -> Scan {
//!         Scan::found(0, bytes.len() as u32)
//!     }
//! }
//! ```

use crate::bindings::codec::exports::weihe::plugin::codec as wit;

/// The value of a reading.
///
/// ```
/// use weihe_sdk::codec::Value;
///
/// let level = Value::Float(21.5);
/// assert_ne!(level, Value::Integer(21));
/// ```
pub use crate::bindings::imports::weihe::plugin::types::Value;
/// What a codec is asked, and what it says.
///
/// ```
/// use weihe_sdk::Quality;
/// use weihe_sdk::codec::{DecodeError, Decoded, Field, Reading, Refusal, Value};
///
/// let field = Field { offset: 2, length: 2, name: "level".into(), meaning: "21.5 cm".into() };
/// let reading = Reading {
///     name: "level".into(),
///     value: Value::Float(21.5),
///     unit: "cm".into(),
///     quality: Quality::Good,
/// };
/// let decoded = Decoded { fields: vec![field], readings: vec![reading], consumed: 4 };
/// assert_eq!(decoded.readings[0].unit, "cm");
///
/// let refused = DecodeError::Refused(Refusal { offset: 0, reason: "expected AA, found 00".into() });
/// assert_ne!(refused, DecodeError::Incomplete(3));
/// ```
pub use wit::{
    Context, DecodeError, Decoded, Direction, Field, Reading, Refusal, ScanResult as Scan,
};

/// A pure parser. It runs in instances of its own, in which every import traps: nothing here may
/// log, publish or read a clock, and nothing is remembered between two calls.
///
/// ```
/// use weihe_sdk::codec::*;
///
/// /// Lines of text.
/// struct Lines;
///
/// impl Codec for Lines {
///     fn decode(_: Direction, _: &Context, bytes: &[u8]) -> Result<Decoded, DecodeError> {
///         let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
///             return Err(DecodeError::Incomplete(1));
///         };
///         Ok(Decoded { fields: vec![], readings: vec![], consumed: end as u32 + 1 })
///     }
///
///     fn encode(request: &str) -> Result<Vec<u8>, String> {
///         let line: String = weihe_sdk::json::read(request)?;
///         Ok(format!("{line}\n").into_bytes())
///     }
///
///     fn scan(_: Direction, _: &Context, bytes: &[u8], _idle: bool) -> Scan {
///         match bytes.iter().position(|byte| *byte == b'\n') {
///             Some(end) => Scan::found(0, end as u32 + 1),
///             None => Scan::INCOMPLETE,
///         }
///     }
/// }
///
/// assert_eq!(Lines::encode("\"T?\""), Ok(b"T?\n".to_vec()));
/// ```
pub trait Codec {
    /// Takes a frame apart.
    ///
    /// ```
    /// # use weihe_sdk::codec::*;
    /// # use weihe_sdk::Quality;
    /// fn decode(_: Direction, _: &Context, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    ///     let &[high, low] = bytes else {
    ///         return Err(DecodeError::Incomplete(2_u32.saturating_sub(bytes.len() as u32)));
    ///     };
    ///     let level = Reading {
    ///         name: "level".into(),
    ///         value: Value::Integer(u16::from_be_bytes([high, low]).into()),
    ///         unit: "mm".into(),
    ///         quality: Quality::Good,
    ///     };
    ///     Ok(Decoded { fields: vec![], readings: vec![level], consumed: 2 })
    /// }
    /// # assert!(decode(Direction::Reply, &Context::new("{}"), &[1, 2]).is_ok());
    /// ```
    fn decode(
        direction: Direction,
        context: &Context,
        bytes: &[u8],
    ) -> Result<Decoded, DecodeError>;

    /// Builds a request from a JSON object. The error names the culprit.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Read {
    ///     register: u8,
    /// }
    ///
    /// fn encode(request: &str) -> Result<Vec<u8>, String> {
    ///     let read: Read = weihe_sdk::json::read(request)?;
    ///     Ok(vec![0x03, read.register])
    /// }
    ///
    /// assert_eq!(encode(r#"{ "register": 7 }"#), Ok(vec![3, 7]));
    /// ```
    fn encode(request: &str) -> Result<Vec<u8>, String>;

    /// Is there a complete frame in `bytes`? Asked by a connection whose reply rule is
    /// [`ReplyRule::Codec`](crate::ReplyRule::Codec), each time bytes arrive and once when the line
    /// falls silent for the inter-frame gap (`idle`).
    ///
    /// ```
    /// # use weihe_sdk::codec::*;
    /// fn scan(_: Direction, _: &Context, bytes: &[u8], idle: bool) -> Scan {
    ///     match (bytes.len() as u32, idle) {
    ///         (5.., _) => Scan::found(0, 5),
    ///         // The rest will not come any more.
    ///         (part, true) => Scan::dropped(part),
    ///         (_, false) => Scan::INCOMPLETE,
    ///     }
    /// }
    /// # assert_eq!(scan(Direction::Reply, &Context::new("{}"), &[0; 5], false), Scan::found(0, 5));
    /// ```
    fn scan(direction: Direction, context: &Context, bytes: &[u8], idle: bool) -> Scan;
}

impl Context {
    /// A context with options and no request.
    ///
    /// ```
    /// # use weihe_sdk::codec::Context;
    /// let context = Context::new(r#"{ "unit": 17 }"#);
    /// assert!(context.request.is_empty());
    /// ```
    pub fn new(options: impl Into<String>) -> Self {
        Context {
            request: Vec::new(),
            options: options.into(),
        }
    }

    /// Sets the request that a reply answers.
    ///
    /// ```
    /// # use weihe_sdk::codec::Context;
    /// // A Modbus reply says what was read, not from where: that is in the request.
    /// let context = Context::new("{}").request([0x11, 0x03, 0x00, 0x6b, 0x00, 0x03]);
    /// assert_eq!(context.request[1], 0x03);
    /// ```
    pub fn request(mut self, request: impl Into<Vec<u8>>) -> Self {
        self.request = request.into();
        self
    }
}

impl Scan {
    /// Nothing to drop, and no complete frame yet.
    ///
    /// ```
    /// # use weihe_sdk::codec::Scan;
    /// let scan = Scan::INCOMPLETE;
    /// assert_eq!((scan.skip, scan.frame), (0, None));
    /// ```
    pub const INCOMPLETE: Scan = Scan {
        skip: 0,
        frame: None,
    };

    /// `skip` bytes to drop, then a frame of `length` bytes.
    ///
    /// ```
    /// # use weihe_sdk::codec::Scan;
    /// // Two bytes of noise before a frame of seven.
    /// assert_eq!(Scan::found(2, 7).frame, Some(7));
    /// ```
    pub fn found(skip: u32, length: u32) -> Self {
        Scan {
            skip,
            frame: Some(length),
        }
    }

    /// `skip` bytes to drop, and no complete frame behind them yet.
    ///
    /// ```
    /// # use weihe_sdk::codec::Scan;
    /// // All three bytes are noise.
    /// assert_eq!(Scan::dropped(3).skip, 3);
    /// ```
    pub fn dropped(skip: u32) -> Self {
        Scan { skip, frame: None }
    }
}
