//! Why a line of a character device cannot be had, in words for people.

use std::path::Path;

use super::super::trouble;
use super::chip::{Generation, Refusal};
use crate::error::HalError;
use crate::gpio::{Bias, Drive, LineConfig, Mode};

/// What is said of a refusal.
pub(super) fn refused(name: &str, chip: &Path, config: &LineConfig, refusal: Refusal) -> HalError {
    match refusal {
        Refusal::Taken(consumer) => HalError::Taken {
            name: name.to_owned(),
            holder: match &*consumer {
                "" => "a program or driver that gives no name".to_owned(),
                "sysfs" => "a program that has exported it through /sys/class/gpio".to_owned(),
                consumer => format!("`{consumer}`, as the kernel calls that program or driver"),
            },
        },
        Refusal::NoDebounce => HalError::Unsupported(format!(
            "{name}: this kernel's GPIO interface (v1) knows no debouncing, which came with Linux 5.10: open it without, and debounce in the plugin"
        )),
        Refusal::LongDebounce => HalError::Invalid(format!(
            "{name}: a line cannot be debounced for more than 4294 s"
        )),
        Refusal::Refused(None, error) => HalError::Unsupported(format!(
            "{name}: {} is no GPIO chip that programs can use ({error}): `weihe doctor` shows what is there",
            chip.display()
        )),
        Refusal::Refused(Some(generation), error) => {
            let generation = match generation {
                Generation::V1 => "v1",
                Generation::V2 => "v2",
            };
            let (wanted, instead) = wanted(config);
            HalError::Unsupported(format!(
                "{name}: the kernel or the chip's driver refuses {wanted} (GPIO interface {generation}: {error}): {instead}"
            ))
        }
        Refusal::Failed(error) => {
            trouble::cannot_open(name, chip, "the driver of its chip", &error)
        }
    }
}

/// What was asked for, and what to do when it cannot be had.
fn wanted(config: &LineConfig) -> (&'static str, &'static str) {
    match config.mode {
        Mode::Input { bias, .. } => match bias {
            Bias::AsIs => ("this line as an input", "use another line"),
            Bias::Disabled => (
                "to take the resistor away",
                "open it with the bias as it is",
            ),
            Bias::PullUp => (
                "a pull-up resistor",
                "open it with the bias as it is, and put a resistor on the board",
            ),
            Bias::PullDown => (
                "a pull-down resistor",
                "open it with the bias as it is, and put a resistor on the board",
            ),
        },
        Mode::Output { drive, .. } => match drive {
            Drive::PushPull => ("this line as an output", "use another line"),
            Drive::OpenDrain => (
                "an open drain",
                "open it as push-pull, with a transistor behind it",
            ),
            Drive::OpenSource => (
                "an open source",
                "open it as push-pull, with a transistor behind it",
            ),
        },
    }
}
