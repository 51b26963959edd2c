//! `weihe:guomi/random@0.1.0`.

use super::bindings::weihe::guomi::random as wit;
use super::{Outcome, View};
use crate::error::within;
use crate::limits::RANDOM_BYTES;

impl wit::Host for View<'_> {
    async fn bytes(&mut self, length: u64) -> Outcome<Vec<u8>> {
        within("random bytes", length, RANDOM_BYTES)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        weihe_sm::random(&mut bytes)?;
        Ok(bytes)
    }
}
