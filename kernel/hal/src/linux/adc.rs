//! Analogue inputs: channels of IIO, and thermal zones.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::file::number;
use super::place::Places;
use super::trouble;
use crate::adc::{AdcChannel, Quantity};
use crate::board::AdcChannel as ChannelPart;
use crate::error::HalError;
use crate::hardware::Kind;

/// An open channel.
pub(super) struct LinuxAdc {
    name: String,
    places: Arc<Places>,
    quantity: Quantity,
    /// What makes the kernel's unit that of the quantity.
    factor: f64,
    files: Mutex<Option<Files>>,
}

/// The files of a channel: where it is measured, and how that becomes a value.
#[derive(Debug, Clone, PartialEq)]
enum Files {
    /// Counts, with what is added to them and what they are multiplied by.
    Counts {
        raw: PathBuf,
        offset: Option<PathBuf>,
        scale: Option<PathBuf>,
    },
    /// A value as it is.
    Value(PathBuf),
}

impl LinuxAdc {
    pub(super) fn open(places: Arc<Places>, name: &str) -> Result<Self, HalError> {
        let part = places.find(Kind::Adc, |board| board.adc(name))?;
        let folder = places.root().path(&part.device);
        let files = Files::find(&folder, &part.channel).ok_or_else(|| {
            HalError::Unsupported(format!(
                "{}: {} has neither {channel}_raw nor {channel}_input: its driver offers no single measurements",
                part.name,
                part.device.display(),
                channel = part.channel
            ))
        })?;
        let (quantity, factor) = quantity(&part.channel);
        Ok(Self {
            name: part.name,
            places,
            quantity,
            factor,
            files: Mutex::new(Some(files)),
        })
    }

    fn with<T>(
        &self,
        measure: impl FnOnce(&Files) -> io::Result<Result<T, HalError>>,
    ) -> Result<T, HalError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match &*files {
            Some(known) => known,
            None => {
                let gone = || trouble::gone(&self.name, &io::ErrorKind::NotFound.into());
                let part: ChannelPart = self
                    .places
                    .find_again(Kind::Adc, |board| board.adc(&self.name))
                    .map_err(|_| gone())?;
                let folder = self.places.root().path(&part.device);
                files.insert(Files::find(&folder, &part.channel).ok_or_else(gone)?)
            }
        };
        match measure(known) {
            Ok(value) => value,
            Err(error) => {
                let told = match error.kind() {
                    io::ErrorKind::ResourceBusy => HalError::Taken {
                        name: self.name.clone(),
                        holder: "a program that has the buffer of its converter running".to_owned(),
                    },
                    io::ErrorKind::TimedOut => HalError::Timeout(format!(
                        "{}: the converter gives no value in time: check its wiring and its supply",
                        self.name
                    )),
                    _ => trouble::failed(&self.name, &error),
                };
                if matches!(told, HalError::Gone(_)) {
                    *files = None;
                }
                Err(told)
            }
        }
    }
}

impl Files {
    fn find(folder: &Path, channel: &str) -> Option<Self> {
        let there = |name: String| Some(folder.join(name)).filter(|path| path.exists());
        // Scale and offset may be those of all channels of a kind: in_voltage_scale.
        let kind = channel.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        let pair = channel
            .split_once('-')
            .map(|(first, _)| first.trim_end_matches(|c: char| c.is_ascii_digit()));
        let shared = |what: &str| {
            there(format!("{channel}_{what}"))
                .or_else(|| {
                    // in_voltage0-voltage1: in_voltage-voltage_scale
                    let first = pair?;
                    let word = first.strip_prefix("in_")?;
                    there(format!("{first}-{word}_{what}"))
                        .or_else(|| there(format!("{first}_{what}")))
                })
                .or_else(|| there(format!("{kind}_{what}")))
        };
        if let Some(raw) = there(format!("{channel}_raw")) {
            return Some(Self::Counts {
                raw,
                offset: shared("offset"),
                scale: shared("scale"),
            });
        }
        // A thermal zone has one file alone: temp.
        there(format!("{channel}_input"))
            .or_else(|| there(channel.to_owned()).filter(|path| path.is_file()))
            .map(Self::Value)
    }

    fn value(&self) -> io::Result<f64> {
        match self {
            Self::Counts { raw, offset, scale } => {
                let one = |path: &Option<PathBuf>, without| match path {
                    Some(path) => number::<f64>(path),
                    None => Ok(without),
                };
                let raw: f64 = number(raw)?;
                Ok((raw + one(offset, 0.0)?) * one(scale, 1.0)?)
            }
            Self::Value(path) => number(path),
        }
    }
}

/// What a channel measures, and what makes the kernel's unit (Linux' Documentation/ABI/testing/sysfs-bus-iio) that of
/// the quantity.
fn quantity(channel: &str) -> (Quantity, f64) {
    const MILLI: f64 = 1e-3;
    let word = channel.strip_prefix("in_").unwrap_or(channel);
    let end = word.find(|c: char| !c.is_ascii_alphabetic());
    match word.get(..end.unwrap_or(word.len())).unwrap_or_default() {
        "voltage" => (Quantity::Voltage, MILLI),
        "current" => (Quantity::Current, MILLI),
        "temp" => (Quantity::Temperature, MILLI),
        "resistance" => (Quantity::Resistance, 1.0),
        "humidityrelative" => (Quantity::Humidity, MILLI),
        "pressure" => (Quantity::Pressure, 1.0),
        "illuminance" => (Quantity::Illuminance, 1.0),
        _ => (Quantity::Other, 1.0),
    }
}

impl AdcChannel for LinuxAdc {
    fn quantity(&self) -> Quantity {
        self.quantity
    }

    fn read(&self) -> Result<f64, HalError> {
        self.with(|files| Ok(Ok(files.value()? * self.factor)))
    }

    /// Converters take their time, as do firmware that is asked for a temperature and buses.
    fn blocks(&self) -> bool {
        true
    }

    fn read_raw(&self) -> Result<i64, HalError> {
        self.with(|files| match files {
            Files::Counts { raw, .. } => Ok(Ok(number(raw)?)),
            Files::Value(_) => Ok(Err(HalError::Unsupported(format!(
                "{}: its driver gives values alone, and no counts of the converter: read the value",
                self.name
            )))),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::super::fixture::Fixture;
    use super::*;

    const DEVICE: &str = "/sys/bus/iio/devices/iio:device0";

    fn fixture() -> Fixture {
        let fixture = Fixture::new();
        fixture.link(DEVICE, "/sys/devices/platform/f3.adc/iio:device0");
        for (file, value) in [
            ("name", "ads1015"),
            ("in_voltage0_raw", "-512"),
            ("in_voltage0_scale", "2.0"),
            ("in_voltage1_raw", "1000"),
            ("in_voltage_scale", "0.5"),
            ("in_voltage_offset", "24"),
            ("in_voltage0-voltage1_raw", "100"),
            ("in_voltage-voltage_scale", "3"),
            ("in_current0_raw", "many"),
        ] {
            fixture.file(&format!("{DEVICE}/{file}"), &format!("{value}\n"));
        }
        fixture
    }

    fn channel(fixture: &Fixture, name: &str) -> LinuxAdc {
        LinuxAdc::open(fixture.places(), name).unwrap()
    }

    #[test]
    fn counts_become_volts_by_the_scale_of_their_own_or_of_their_kind() {
        let fixture = fixture();
        let own = channel(&fixture, "adc/ads1015/0");
        assert_eq!(own.quantity(), Quantity::Voltage);
        assert_eq!(own.read_raw(), Ok(-512));
        assert_eq!(own.read(), Ok((-512.0 + 24.0) * 2.0 * 1e-3));
        let shared = channel(&fixture, "adc/ads1015/1");
        assert_eq!(shared.read(), Ok(0.512));
        let difference = Files::find(&fixture.root().path(DEVICE), "in_voltage0-voltage1").unwrap();
        assert_eq!(difference.value().unwrap(), (100.0 + 24.0) * 3.0);
    }

    #[test]
    fn processed_values_and_thermal_zones_are_values() {
        let fixture = Fixture::new();
        fixture.file("/sys/bus/iio/devices/iio:device1/in_temp_input", "21500\n");
        fixture.file("/sys/class/thermal/thermal_zone0/temp", "48250\n");
        let folder = |path: &str| fixture.root().path(path);
        let processed = Files::find(&folder("/sys/bus/iio/devices/iio:device1"), "in_temp");
        assert_eq!(processed.unwrap().value().unwrap(), 21_500.0);
        let zone = Files::find(&folder("/sys/class/thermal/thermal_zone0"), "temp").unwrap();
        assert_eq!(zone.value().unwrap(), 48_250.0);
        assert_eq!(quantity("temp"), (Quantity::Temperature, 1e-3));
        assert_eq!(quantity("in_humidityrelative"), (Quantity::Humidity, 1e-3));
        assert_eq!(quantity("in_accel_x"), (Quantity::Other, 1.0));
    }

    #[test]
    fn nonsense_is_an_error_that_names_the_channel_and_an_unplugged_converter_comes_back() {
        let fixture = fixture();
        let odd = channel(&fixture, "adc/ads1015/in_current0");
        let text = odd.read().unwrap_err().to_string();
        assert!(
            text.contains("adc/ads1015/in_current0") && text.contains("`many`"),
            "{text}"
        );
        let sensor = channel(&fixture, "adc/ads1015/1");
        let device = fixture.at("/sys/devices/platform/f3.adc/iio:device0");
        let away = fixture.at("/away");
        fs::rename(&device, &away).unwrap();
        assert!(matches!(sensor.read(), Err(HalError::Gone(_))));
        fs::rename(&away, &device).unwrap();
        assert_eq!(sensor.read(), Ok(0.512));
    }
}
