//! The hook for a pure parser of a protocol's frames.

use crate::bindings::codec::exports::weihe::plugin::codec as wit;

pub use crate::bindings::imports::weihe::plugin::types::Value;
pub use wit::{
    Context, DecodeError, Decoded, Direction, Field, Reading, Refusal, ScanResult as Scan,
};

/// A pure parser. It runs in instances of its own, in which every import traps: nothing here may
/// log, publish or read a clock, and nothing is remembered between two calls.
pub trait Codec {
    /// Takes a frame apart.
    fn decode(
        direction: Direction,
        context: &Context,
        bytes: &[u8],
    ) -> Result<Decoded, DecodeError>;

    /// Builds a request from a JSON object. The error names the culprit.
    fn encode(request: &str) -> Result<Vec<u8>, String>;

    /// Is there a complete frame in `bytes`? Asked by a connection whose reply rule is
    /// [`ReplyRule::Codec`](crate::ReplyRule::Codec), each time bytes arrive and once when the line
    /// falls silent for the inter-frame gap (`idle`).
    fn scan(direction: Direction, context: &Context, bytes: &[u8], idle: bool) -> Scan;
}

impl Context {
    /// A context with options and no request.
    pub fn new(options: impl Into<String>) -> Self {
        Context {
            request: Vec::new(),
            options: options.into(),
        }
    }

    /// Sets the request that a reply answers.
    pub fn request(mut self, request: impl Into<Vec<u8>>) -> Self {
        self.request = request.into();
        self
    }
}

impl Scan {
    /// Nothing to drop, and no complete frame yet.
    pub const INCOMPLETE: Scan = Scan {
        skip: 0,
        frame: None,
    };

    /// `skip` bytes to drop, then a frame of `length` bytes.
    pub fn found(skip: u32, length: u32) -> Self {
        Scan {
            skip,
            frame: Some(length),
        }
    }

    /// `skip` bytes to drop, and no complete frame behind them yet.
    pub fn dropped(skip: u32) -> Self {
        Scan { skip, frame: None }
    }
}
