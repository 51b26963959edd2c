//! A codec that takes its time.

use std::hint::black_box;

use super::bindings::exports::weihe::plugin::codec;
use super::{Raw, spin};

/// How much a crawling codec computes for each byte: far less than an epoch, and far more than it
/// takes to hand the byte over.
const CRAWL: u32 = 300_000;

impl codec::Guest for Raw {
    fn decode(
        _: codec::Direction,
        _: codec::Context,
        _: Vec<u8>,
    ) -> Result<codec::Decoded, codec::DecodeError> {
        Err(codec::DecodeError::Options("it only frames".into()))
    }

    fn encode(_: String) -> Result<Vec<u8>, String> {
        Err("it only frames".into())
    }

    fn scan(
        _: codec::Direction,
        context: codec::Context,
        _: Vec<u8>,
        _: bool,
    ) -> codec::ScanResult {
        match context.options.as_str() {
            "crawl" => {
                for step in 0..CRAWL {
                    black_box(step);
                }
                codec::ScanResult {
                    skip: 1,
                    frame: None,
                }
            }
            _ => spin(),
        }
    }
}
