//! What the kernel is asked for, in either generation.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use super::chip::{Generation, Refusal};
use crate::gpio::{Bias, Drive, Edges, LineConfig, Mode};
use crate::linux::uapi::{gpio_v1, gpio_v2};

/// Nanoseconds of a microsecond, in which the kernel counts debouncing.
const MICROSECOND: u64 = 1_000;

/// What the kernel is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asks {
    V1 { flags: u32, edges: u32, value: bool },
    V2(gpio_v2::Use),
}

impl Asks {
    pub(super) fn new(
        generation: Generation,
        config: &LineConfig,
        polled: bool,
    ) -> Result<Self, Refusal> {
        match generation {
            Generation::V1 => Self::v1(config, polled),
            Generation::V2 => Self::v2(config, polled),
        }
    }

    fn v1(config: &LineConfig, polled: bool) -> Result<Self, Refusal> {
        use gpio_v1::{edge, flag};
        let mut flags = if config.active_low {
            flag::ACTIVE_LOW
        } else {
            0
        };
        let (mut edges, mut value) = (0, false);
        match config.mode {
            Mode::Input {
                bias,
                edges: wanted,
                debounce,
            } => {
                if debounce > 0 && !polled {
                    return Err(Refusal::NoDebounce);
                }
                flags |= flag::INPUT;
                flags |= match bias {
                    Bias::AsIs => 0,
                    Bias::Disabled => flag::NO_BIAS,
                    Bias::PullUp => flag::PULL_UP,
                    Bias::PullDown => flag::PULL_DOWN,
                };
                if !polled {
                    edges = match wanted {
                        Edges::None => 0,
                        Edges::Rising => edge::RISING,
                        Edges::Falling => edge::FALLING,
                        Edges::Both => edge::RISING | edge::FALLING,
                    };
                }
            }
            Mode::Output { drive, initial } => {
                flags |= flag::OUTPUT;
                flags |= match drive {
                    Drive::PushPull => 0,
                    Drive::OpenDrain => flag::OPEN_DRAIN,
                    Drive::OpenSource => flag::OPEN_SOURCE,
                };
                value = initial.unwrap_or(false);
            }
        }
        Ok(Self::V1 {
            flags,
            edges,
            value,
        })
    }

    fn v2(config: &LineConfig, polled: bool) -> Result<Self, Refusal> {
        use gpio_v2::flag;
        let mut usage = gpio_v2::Use {
            flags: if config.active_low {
                flag::ACTIVE_LOW
            } else {
                0
            },
            debounce: 0,
            value: false,
        };
        match config.mode {
            Mode::Input {
                bias,
                edges,
                debounce,
            } => {
                usage.flags |= flag::INPUT;
                usage.flags |= match bias {
                    Bias::AsIs => 0,
                    Bias::Disabled => flag::NO_BIAS,
                    Bias::PullUp => flag::PULL_UP,
                    Bias::PullDown => flag::PULL_DOWN,
                };
                if !polled {
                    usage.debounce = u32::try_from(debounce.div_ceil(MICROSECOND))
                        .map_err(|_| Refusal::LongDebounce)?;
                    usage.flags |= match edges {
                        Edges::None => 0,
                        Edges::Rising => flag::RISING,
                        Edges::Falling => flag::FALLING,
                        Edges::Both => flag::RISING | flag::FALLING,
                    };
                }
            }
            Mode::Output { drive, initial } => {
                usage.flags |= flag::OUTPUT;
                usage.flags |= match drive {
                    Drive::PushPull => 0,
                    Drive::OpenDrain => flag::OPEN_DRAIN,
                    Drive::OpenSource => flag::OPEN_SOURCE,
                };
                usage.value = initial.unwrap_or(false);
            }
        }
        Ok(Self::V2(usage))
    }

    /// The same line, whatever it is.
    pub(super) fn as_it_is(&self) -> Self {
        match self {
            Self::V1 { flags, .. } => Self::V1 {
                flags: flags & gpio_v1::flag::ACTIVE_LOW,
                edges: 0,
                value: false,
            },
            Self::V2(usage) => Self::V2(gpio_v2::Use {
                flags: usage.flags & gpio_v2::flag::ACTIVE_LOW,
                debounce: 0,
                value: false,
            }),
        }
    }

    pub(super) fn with_value(&self, value: bool) -> Self {
        match self {
            Self::V1 { flags, edges, .. } => Self::V1 {
                flags: *flags,
                edges: *edges,
                value,
            },
            Self::V2(usage) => Self::V2(gpio_v2::Use { value, ..*usage }),
        }
    }
}

/// Takes a line.
pub(super) fn take(chip: &File, offset: u32, asks: &Asks) -> io::Result<OwnedFd> {
    match asks {
        Asks::V1 {
            flags,
            edges: 0,
            value,
        } => gpio_v1::take(chip, offset, *flags, *value),
        Asks::V1 { flags, edges, .. } => gpio_v1::take_edges(chip, offset, *flags, *edges),
        Asks::V2(usage) => gpio_v2::take(chip, offset, *usage),
    }
}

/// Changes how a line is used that was taken.
pub(super) fn configure(line: &OwnedFd, asks: &Asks) -> io::Result<()> {
    match asks {
        Asks::V1 { flags, value, .. } => gpio_v1::configure(line, *flags, *value),
        Asks::V2(usage) => gpio_v2::configure(line, *usage),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn input(bias: Bias, edges: Edges, debounce: u64) -> LineConfig {
        LineConfig {
            active_low: true,
            mode: Mode::Input {
                bias,
                edges,
                debounce,
            },
        }
    }

    #[test]
    fn the_first_generation_has_no_debouncing_and_says_so_before_anything_is_done() {
        let config = input(Bias::AsIs, Edges::Both, 1);
        let refused = Asks::new(Generation::V1, &config, false);
        assert!(matches!(refused, Err(Refusal::NoDebounce)));
        // Where edges are found by looking, so is steadiness.
        assert!(Asks::new(Generation::V1, &config, true).is_ok());
    }

    #[test]
    fn a_debounce_is_rounded_up_to_microseconds_and_must_fit() {
        let asked = |debounce| {
            let asks = Asks::new(
                Generation::V2,
                &input(Bias::AsIs, Edges::None, debounce),
                false,
            );
            match asks {
                Ok(Asks::V2(usage)) => Some(usage.debounce),
                _ => None,
            }
        };
        assert_eq!(asked(0), Some(0));
        assert_eq!(asked(1), Some(1));
        assert_eq!(asked(5_000_001), Some(5_001));
        assert_eq!(asked(u64::MAX), None);
    }

    #[test]
    fn a_line_that_is_polled_asks_for_no_edges() {
        let config = input(Bias::PullUp, Edges::Both, 1_000_000);
        for generation in [Generation::V1, Generation::V2] {
            let asked = Asks::new(generation, &config, true).unwrap();
            let plain = Asks::new(generation, &input(Bias::PullUp, Edges::None, 0), false);
            assert_eq!(asked, plain.unwrap());
        }
    }
}
