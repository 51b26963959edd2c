//! What a character looks like on a serial line, and the silences that follow from it.

use std::fmt;

use serial2_tokio::{CharSize, Parity, StopBits};

/// One second in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// Above this rate a gap of characters would be too short for a receiver's timer.
/// MODBUS over Serial Line V1.02, 2.5.1.1.
const FIXED_GAP_ABOVE: u32 = 19_200;

/// The gap above [`FIXED_GAP_ABOVE`]. MODBUS over Serial Line V1.02, 2.5.1.1.
const FIXED_GAP: u64 = 1_750_000;

/// Characters that a UART collects before it reports them. A reply comes in pieces of up to so
/// many, with the silence of as many between them, so a shorter silence does not end it.
const FIFO: u64 = 16;

/// Least silence that ends a reply: USB adapters hand over what they have every 16 ms, and this is
/// a little longer.
const LEAST_SILENCE: u64 = 20_000_000;

/// Rate and shape of the characters on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) baud: u32,
    pub(crate) data_bits: CharSize,
    pub(crate) parity: Parity,
    pub(crate) stop_bits: StopBits,
}

impl Frame {
    /// The same without what only a wire has: eight bits, no parity.
    pub(crate) fn unframed(self) -> Self {
        Self {
            data_bits: CharSize::Bits8,
            parity: Parity::None,
            ..self
        }
    }

    /// Bits of one character, start bit included.
    fn bits(self) -> u64 {
        let (data, stop) = (self.data_bits.as_u8(), self.stop_bits.as_u8());
        let parity = u64::from(self.parity != Parity::None);
        1 + u64::from(data) + parity + u64::from(stop)
    }

    /// Time of one character, in nanoseconds.
    pub(crate) fn character(self) -> u64 {
        (self.bits() * SECOND).div_ceil(u64::from(self.baud.max(1)))
    }

    /// Silence between frames, in nanoseconds: 3.5 characters, at high rates a fixed time.
    /// MODBUS over Serial Line V1.02, 2.5.1.1.
    pub(crate) fn gap(self) -> u64 {
        let characters = (self.bits() * SECOND * 7).div_ceil(2 * u64::from(self.baud.max(1)));
        if self.baud > FIXED_GAP_ABOVE {
            characters.max(FIXED_GAP)
        } else {
            characters
        }
    }

    /// Silence after which no more of a reply can come, in nanoseconds.
    pub(crate) fn silence(self) -> u64 {
        (self.gap() + FIFO * self.character()).max(LEAST_SILENCE)
    }
}

impl fmt::Display for Frame {
    /// Shows `9600 8N1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        let (data, stop) = (self.data_bits.as_u8(), self.stop_bits.as_u8());
        write!(f, "{} {data}{parity}{stop}", self.baud)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(baud: u32, parity: Parity, stop_bits: StopBits) -> Frame {
        Frame {
            baud,
            data_bits: CharSize::Bits8,
            parity,
            stop_bits,
        }
    }

    #[test]
    fn gaps_are_those_of_the_standard() {
        // The standard's character has 11 bits: 8E1 or 8N2.
        let at = |baud| frame(baud, Parity::Even, StopBits::One);
        assert_eq!(at(9_600).gap(), 4_010_417);
        assert_eq!(at(19_200).gap(), 2_005_209);
        assert_eq!(at(38_400).gap(), 1_750_000);
        assert_eq!(at(115_200).gap(), 1_750_000);
        assert_eq!(
            frame(9_600, Parity::None, StopBits::One).character(),
            1_041_667
        );
        assert_eq!(
            frame(9_600, Parity::None, StopBits::Two).to_string(),
            "9600 8N2"
        );
    }

    #[test]
    fn a_reply_in_pieces_of_a_fifo_is_one_reply() {
        let slow = frame(1_200, Parity::Even, StopBits::One);
        assert!(slow.silence() > 16 * slow.character());
        assert_eq!(
            frame(115_200, Parity::None, StopBits::One).silence(),
            LEAST_SILENCE
        );
    }

    proptest! {
        #[test]
        fn no_rate_overflows(baud in any::<u32>()) {
            let frame = frame(baud, Parity::Odd, StopBits::Two);
            prop_assert!(frame.silence() >= frame.gap());
            prop_assert!(frame.character() > 0);
        }
    }
}
