//! `weihe:hal/delay@0.1.0`.

use wasmtime::Result;

use super::View;
use super::bindings::weihe::hal::delay as wit;
use crate::limits::{LONGEST_WAIT, SPIN};

impl wit::Host for View<'_> {
    async fn wait(&mut self, nanoseconds: u64) -> Result<()> {
        let clock = self.0.clock();
        if nanoseconds < SPIN && clock.spin(nanoseconds) {
            return Ok(());
        }
        // A longer wait ends with the limit `call-time`.
        clock.sleep(nanoseconds.min(LONGEST_WAIT)).await;
        Ok(())
    }
}
