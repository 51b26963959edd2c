//! What can be wrong with a board.

use std::fmt;
use std::str::FromStr;

/// What is wrong with a part of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// I2C device: it does not acknowledge its address.
    Nack,
    /// I2C device: it does not acknowledge this byte of what is written, the first being 1.
    NackAt(u32),
    /// I2C bus or device: nothing comes in time.
    Timeout,
    /// I2C bus: data is held low, until so many clock pulses have been given; none for until it is mended.
    Stuck(Option<u32>),
    /// I2C bus: another master wins.
    Arbitration,
    /// Device on I2C or SPI, analogue input or PWM channel: it is not there.
    Unplugged,
    /// Line: it is connected to the supply.
    StuckHigh,
    /// Line: it is connected to ground.
    StuckLow,
    /// Line: the wire between the pin and what is connected to it is broken.
    Broken,
    /// Line: each change comes as this many more.
    Bouncing(u32),
    /// Chip: it is gone, with all of its lines.
    Vanished,
    /// Serial port: it is gone.
    Closed,
    /// Serial port: some of what is received is wrong.
    Noise,
}

/// The clock pulses with which Linux's I2C core frees a bus after a failed transaction
/// (`i2c_generic_scl_recovery`; NXP UM10204, 3.1.16).
pub const RECOVERY_CLOCKS: u32 = 9;

/// More edges of one change when nothing else is said.
const BOUNCES: u32 = 4;

/// The most of them.
const MOST_BOUNCES: u32 = 1_000;

impl Fault {
    /// How faults are written.
    pub const KINDS: [&str; 13] = [
        "nack",
        "nack-at=N",
        "timeout",
        "stuck",
        "arbitration",
        "unplugged",
        "stuck-high",
        "stuck-low",
        "broken",
        "bouncing",
        "vanished",
        "closed",
        "noise",
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nack => f.write_str("nack"),
            Self::NackAt(byte) => write!(f, "nack-at={byte}"),
            Self::Timeout => f.write_str("timeout"),
            Self::Stuck(None) => f.write_str("stuck"),
            Self::Stuck(Some(clocks)) => write!(f, "stuck={clocks}"),
            Self::Arbitration => f.write_str("arbitration"),
            Self::Unplugged => f.write_str("unplugged"),
            Self::StuckHigh => f.write_str("stuck-high"),
            Self::StuckLow => f.write_str("stuck-low"),
            Self::Broken => f.write_str("broken"),
            Self::Bouncing(more) => write!(f, "bouncing={more}"),
            Self::Vanished => f.write_str("vanished"),
            Self::Closed => f.write_str("closed"),
            Self::Noise => f.write_str("noise"),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, number) = match text.split_once('=') {
            Some((kind, number)) => {
                let number: u32 = number.trim().parse().map_err(|_| {
                    format!("`{}` in the fault `{text}` is no number", number.trim())
                })?;
                (kind.trim(), Some(number))
            }
            None => (text.trim(), None),
        };
        Ok(match (kind, number) {
            ("nack", None) => Self::Nack,
            ("nack-at", Some(byte @ 1..)) => Self::NackAt(byte),
            ("timeout", None) => Self::Timeout,
            ("stuck", clocks) => Self::Stuck(clocks),
            ("arbitration", None) => Self::Arbitration,
            ("unplugged", None) => Self::Unplugged,
            ("stuck-high", None) => Self::StuckHigh,
            ("stuck-low", None) => Self::StuckLow,
            ("broken", None) => Self::Broken,
            ("bouncing", more) => Self::Bouncing(more.unwrap_or(BOUNCES).clamp(1, MOST_BOUNCES)),
            ("vanished", None) => Self::Vanished,
            ("closed", None) => Self::Closed,
            ("noise", None) => Self::Noise,
            _ => {
                let kinds = Self::KINDS.join(", ");
                return Err(format!("there is no fault `{text}`; there are {kinds}"));
            }
        })
    }
}

/// A fault in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Force {
    /// What is wrong.
    pub fault: Fault,
    /// How often it will still show; none for always.
    pub left: Option<u32>,
}

/// The faults in force of one part.
#[derive(Debug, Clone, Default)]
pub struct Forces(Vec<Force>);

impl Forces {
    /// Puts one in force; one of its kind that was there is no longer.
    pub fn put(&mut self, force: Force) {
        let kind = std::mem::discriminant(&force.fault);
        self.0
            .retain(|known| std::mem::discriminant(&known.fault) != kind);
        self.0.push(force);
    }

    /// Mends everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Force> {
        self.0.iter().copied()
    }

    /// Whether one is in force, without its showing.
    pub fn find<T>(&self, pick: impl Fn(Fault) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|force| pick(force.fault))
    }

    /// Has the first that is picked show: one that shows for the last time is over.
    pub fn show<T>(&mut self, pick: impl Fn(Fault) -> Option<T>) -> Option<T> {
        let (index, picked) = self
            .0
            .iter()
            .enumerate()
            .find_map(|(index, force)| Some((index, pick(force.fault)?)))?;
        if let Some(Force {
            left: Some(left), ..
        }) = self.0.get_mut(index)
        {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.0.remove(index);
            }
        }
        Some(picked)
    }

    /// One more failed transaction on a bus whose data is held low: the clocks that follow may free it.
    pub fn clock(&mut self) {
        for force in &mut self.0 {
            if let Fault::Stuck(Some(clocks)) = &mut force.fault {
                *clocks = clocks.saturating_sub(RECOVERY_CLOCKS);
            }
        }
        self.0
            .retain(|force| force.fault != Fault::Stuck(Some(0)) && force.left != Some(0));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_written_and_read_alike() {
        let all = [
            Fault::Nack,
            Fault::NackAt(3),
            Fault::Timeout,
            Fault::Stuck(None),
            Fault::Stuck(Some(18)),
            Fault::Arbitration,
            Fault::Unplugged,
            Fault::StuckHigh,
            Fault::StuckLow,
            Fault::Broken,
            Fault::Bouncing(7),
            Fault::Vanished,
            Fault::Closed,
            Fault::Noise,
        ];
        for fault in all {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
        let text = "nak".parse::<Fault>().unwrap_err();
        assert!(
            text.contains("`nak`") && text.contains("nack-at=N"),
            "{text}"
        );
        assert!("nack-at=0".parse::<Fault>().is_err());
        assert!("nack-at=x".parse::<Fault>().unwrap_err().contains("`x`"));
    }

    #[test]
    fn a_fault_that_shows_twice_shows_twice() {
        let mut forces = Forces::default();
        forces.put(Force {
            fault: Fault::Nack,
            left: Some(2),
        });
        let nack = |fault| (fault == Fault::Nack).then_some(());
        let shown: Vec<bool> = (0..3).map(|_| forces.show(nack).is_some()).collect();
        assert_eq!(shown, [true, true, false]);
        assert_eq!(forces.iter().count(), 0);
    }
}
