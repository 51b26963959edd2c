//! The greenhouse as Modbus tables. README.md shows this map to people.

use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_modbus::{Bank, DataType, Exception, Format, Object, Order, Scaling, Table};

use crate::greenhouse::Greenhouse;

/// Coils: valve, fan, lamp.
const COILS: u16 = 3;

/// Discrete inputs: tank low, soil dry, daylight, frost, water flows.
const DISCRETE_INPUTS: u16 = 5;

/// Input registers.
const INPUTS: u16 = 22;

/// Holding registers.
const HOLDINGS: u16 = 11;

/// Registers of the label.
const LABEL: u16 = 4;

/// Below this temperature of the air there is a frost warning, in °C.
const FROST: f64 = 2.0;

/// The greenhouse and its label: all that the tables show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Registers {
    /// What is measured and switched.
    pub greenhouse: Greenhouse,
    /// A name of up to eight ASCII characters.
    pub label: String,
}

impl Registers {
    /// The tables of a greenhouse.
    pub fn new(greenhouse: Greenhouse) -> Registers {
        Registers {
            greenhouse,
            label: "bed 1".to_owned(),
        }
    }

    fn coils(&self) -> [bool; COILS as usize] {
        let house = &self.greenhouse;
        [house.valve, house.fan, house.lamp]
    }

    fn discrete_inputs(&self) -> [bool; DISCRETE_INPUTS as usize] {
        let house = &self.greenhouse;
        [
            house.is_tank_low(),
            house.is_dry(),
            house.is_day(),
            house.air < FROST,
            house.flows(),
        ]
    }

    fn inputs(&self) -> Vec<u16> {
        let house = &self.greenhouse;
        let mut registers = Vec::with_capacity(usize::from(INPUTS));
        registers.extend(float(house.moisture)); // 0, 1
        registers.extend(tenths(DataType::S16, house.air)); // 2
        registers.extend(tenths(DataType::U16, house.humidity())); // 3
        registers.extend(whole(DataType::U16, house.light())); // 4
        let little = Format {
            word_order: Order::Little,
            ..Format::plain(DataType::F32)
        };
        registers.extend(put(little, house.tank)); // 5, 6
        registers.extend(whole(DataType::U32, house.used * 1000.0)); // 7, 8
        registers.extend(whole(DataType::U32, f64::from(house.openings))); // 9, 10
        registers.push(self.status()); // 11
        registers.extend(whole(DataType::U64, house.seconds)); // 12 to 15
        let milli = Format {
            word_order: Order::Little,
            scaling: scale(0.001),
            ..Format::plain(DataType::S32)
        };
        registers.extend(put(milli, house.soil)); // 16, 17
        registers.extend(text("GREENHSE")); // 18 to 21
        registers
    }

    fn status(&self) -> u16 {
        let house = &self.greenhouse;
        let flags = [
            house.valve,
            house.fan,
            house.lamp,
            house.is_tank_low(),
            house.is_dry(),
        ];
        let low = flags
            .iter()
            .enumerate()
            .fold(0, |bits, (index, flag)| bits | (u16::from(*flag) << index));
        low | ((house.hour() as u16) << 8)
    }

    fn holdings(&self) -> Vec<u16> {
        let settings = &self.greenhouse.settings;
        let mut registers = Vec::with_capacity(usize::from(HOLDINGS));
        registers.extend(tenths(DataType::U16, settings.moisture_low)); // 0
        registers.extend(tenths(DataType::U16, settings.moisture_high)); // 1
        registers.extend(tenths(DataType::S16, settings.mean_temperature)); // 2
        registers.extend(tenths(DataType::S16, settings.temperature_swing)); // 3
        registers.extend(float(settings.drying)); // 4, 5
        registers.push(
            u16::from(settings.automatic)
                | (u16::from(settings.refill) << 1)
                | (u16::from(settings.stage) << 4),
        ); // 6
        registers.extend(text(&self.label)); // 7 to 10
        registers
    }

    /// Takes over what the holding registers say. Nothing is changed when one of them is wrong.
    fn set_holdings(&mut self, registers: &[u16]) -> Result<(), Exception> {
        let mut settings = self.greenhouse.settings.clone();
        settings.moisture_low = within(tenth(DataType::U16, registers, 0)?, 0.0, 100.0)?;
        settings.moisture_high = within(tenth(DataType::U16, registers, 1)?, 0.0, 100.0)?;
        settings.mean_temperature = within(tenth(DataType::S16, registers, 2)?, -40.0, 60.0)?;
        settings.temperature_swing = within(tenth(DataType::S16, registers, 3)?, 0.0, 30.0)?;
        settings.drying = within(get(Format::plain(DataType::F32), registers, 4)?, 0.0, 10.0)?;
        let mode = registers.get(6).copied().unwrap_or(0);
        if mode & !0b0111_0011 != 0 {
            return Err(Exception::ILLEGAL_DATA_VALUE);
        }
        settings.automatic = mode & 1 != 0;
        settings.refill = mode & 2 != 0;
        settings.stage = (mode >> 4) as u8 & 7;
        let label = label_format().decode(registers.get(7..).unwrap_or(&[]));
        let Ok(weihe_modbus::PointValue::Text(label)) = label else {
            return Err(Exception::ILLEGAL_DATA_VALUE);
        };
        self.greenhouse.settings = settings;
        self.label = label;
        Ok(())
    }
}

impl Bank for Registers {
    fn bits(&self, table: Table, address: u16, quantity: u16) -> Result<Vec<bool>, Exception> {
        match table {
            Table::Coil => part(&self.coils(), address, usize::from(quantity)),
            _ => part(&self.discrete_inputs(), address, usize::from(quantity)),
        }
    }

    fn registers(&self, table: Table, address: u16, quantity: u16) -> Result<Vec<u16>, Exception> {
        match table {
            Table::Input => part(&self.inputs(), address, usize::from(quantity)),
            _ => part(&self.holdings(), address, usize::from(quantity)),
        }
    }

    fn write_coils(&mut self, address: u16, values: &[bool]) -> Result<(), Exception> {
        let mut coils = self.coils();
        replace(&mut coils, address, values)?;
        let [valve, fan, lamp] = coils;
        self.greenhouse.set_valve(valve);
        self.greenhouse.fan = fan;
        self.greenhouse.lamp = lamp;
        Ok(())
    }

    fn write_registers(&mut self, address: u16, values: &[u16]) -> Result<(), Exception> {
        let mut registers = self.holdings();
        replace(&mut registers, address, values)?;
        self.set_holdings(&registers)
    }

    /// What it is: vendor, product and revision, the application that it simulates.
    fn identification(&self) -> Vec<Object> {
        vec![
            Object::new(0, "Weihe"),
            Object::new(1, "greenhouse-slave"),
            Object::new(2, env!("CARGO_PKG_VERSION")),
            Object::new(6, "A greenhouse that is not there"),
        ]
    }
}

/// Some items of a table; exception 2 when it does not have all of them.
fn part<T: Clone>(table: &[T], address: u16, quantity: usize) -> Result<Vec<T>, Exception> {
    let from = usize::from(address);
    table
        .get(from..from + quantity)
        .map(<[T]>::to_vec)
        .ok_or(Exception::ILLEGAL_DATA_ADDRESS)
}

fn replace<T: Copy>(table: &mut [T], address: u16, values: &[T]) -> Result<(), Exception> {
    let from = usize::from(address);
    table
        .get_mut(from..from + values.len())
        .map(|items| items.copy_from_slice(values))
        .ok_or(Exception::ILLEGAL_DATA_ADDRESS)
}

fn within(value: f64, low: f64, high: f64) -> Result<f64, Exception> {
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(Exception::ILLEGAL_DATA_VALUE)
    }
}

fn scale(scale: f64) -> Option<Scaling> {
    Some(Scaling { scale, offset: 0.0 })
}

fn label_format() -> Format {
    Format {
        registers: LABEL,
        ..Format::plain(DataType::Text)
    }
}

/// A number in registers; zeros where it does not fit, which the physics never lets happen.
fn put(format: Format, value: f64) -> Vec<u16> {
    let zeros = || vec![0; usize::from(format.registers)];
    format
        .encode(&json!(value), &[])
        .unwrap_or_else(|_| zeros())
}

fn float(value: f64) -> Vec<u16> {
    put(Format::plain(DataType::F32), value)
}

fn tenths(data_type: DataType, value: f64) -> Vec<u16> {
    let format = Format {
        scaling: scale(0.1),
        ..Format::plain(data_type)
    };
    put(format, value)
}

fn whole(data_type: DataType, value: f64) -> Vec<u16> {
    let format = Format {
        scaling: scale(1.0),
        ..Format::plain(data_type)
    };
    put(format, value.floor())
}

fn text(text: &str) -> Vec<u16> {
    let zeros = || vec![0; usize::from(LABEL)];
    let encoded = label_format().encode(&json!(text), &[]);
    encoded.unwrap_or_else(|_| zeros())
}

fn get(format: Format, registers: &[u16], at: usize) -> Result<f64, Exception> {
    registers
        .get(at..at + usize::from(format.registers))
        .and_then(|registers| format.decode(registers).ok())
        .and_then(|value| value.as_f64())
        .ok_or(Exception::ILLEGAL_DATA_VALUE)
}

fn tenth(data_type: DataType, registers: &[u16], at: usize) -> Result<f64, Exception> {
    let format = Format {
        scaling: scale(0.1),
        ..Format::plain(data_type)
    };
    get(format, registers, at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use weihe_modbus::answer;

    fn ask(registers: &mut Registers, pdu: &[u8]) -> Vec<u8> {
        answer(registers, pdu).unwrap()
    }

    #[test]
    fn the_tables_have_the_lengths_of_the_map() {
        let registers = Registers::new(Greenhouse::new(8.0));
        assert_eq!(registers.inputs().len(), usize::from(INPUTS));
        assert_eq!(registers.holdings().len(), usize::from(HOLDINGS));
    }

    #[test]
    fn every_function_is_served() {
        let mut registers = Registers::new(Greenhouse::new(8.0));
        assert_eq!(ask(&mut registers, &[5, 0, 0, 0xFF, 0]), [5, 0, 0, 0xFF, 0]);
        assert_eq!(ask(&mut registers, &[1, 0, 0, 0, 3]), [1, 1, 0b001]);
        assert_eq!(ask(&mut registers, &[2, 0, 0, 0, 5]), [2, 1, 0b10100]);
        assert_eq!(
            ask(&mut registers, &[15, 0, 0, 0, 3, 1, 0b110]),
            [15, 0, 0, 0, 3]
        );
        assert_eq!(registers.coils(), [false, true, true]);
        assert_eq!(registers.greenhouse.openings, 1);
        assert_eq!(
            ask(&mut registers, &[4, 0, 0, 0, 2]),
            [4, 4, 0x42, 0x34, 0, 0]
        );
        assert_eq!(
            ask(&mut registers, &[6, 0, 0, 0x01, 0x90]),
            [6, 0, 0, 0x01, 0x90]
        );
        assert_eq!(registers.greenhouse.settings.moisture_low, 40.0);
        assert_eq!(
            ask(&mut registers, &[16, 0, 4, 0, 2, 4, 0x40, 0x20, 0, 0]),
            [16, 0, 4, 0, 2]
        );
        assert_eq!(registers.greenhouse.settings.drying, 2.5);
        assert_eq!(ask(&mut registers, &[3, 0, 6, 0, 1]), [3, 2, 0, 0x22]);
    }

    #[test]
    fn what_is_not_there_is_refused_and_changes_nothing() {
        let mut registers = Registers::new(Greenhouse::new(8.0));
        let before = registers.clone();
        for (pdu, exception) in [
            (&[1, 0, 0, 0, 4][..], 2),
            (&[2, 0, 5, 0, 1], 2),
            (&[3, 0, 0, 0, 12], 2),
            (&[4, 0, 21, 0, 2], 2),
            (&[4, 0xFF, 0xFF, 0, 1], 2),
            (&[5, 0, 3, 0xFF, 0], 2),
            (&[5, 0, 0, 0x12, 0x34], 3),
            (&[6, 0, 11, 0, 0], 2),
            (&[6, 0, 0, 0x03, 0xE9], 3),
            (&[6, 0, 6, 0x01, 0], 3),
            (&[16, 0, 4, 0, 2, 4, 0x7F, 0xC0, 0, 0], 3),
            (&[16, 0, 10, 0, 2, 4, 0, 0, 0, 0], 2),
            (&[16, 0, 7, 0, 1, 2, 0xFF, 0xFF], 3),
            (&[15, 0, 2, 0, 2, 1, 3], 2),
            (&[3, 0, 0, 0, 126], 3),
            (&[22, 0, 12, 0, 0, 0, 0], 2),
            (&[22, 0, 6, 0, 0, 1, 0], 3),
            (&[23, 0, 12, 0, 1, 0, 0, 0, 1, 2, 0, 0], 2),
            (&[43, 14, 4, 5], 2),
            (&[7], 1),
        ] {
            assert_eq!(
                ask(&mut registers, pdu),
                [pdu[0] | 0x80, exception],
                "{pdu:?}"
            );
        }
        assert_eq!(registers, before);
    }

    #[test]
    fn label_and_identity_are_text() {
        let mut registers = Registers::new(Greenhouse::new(8.0));
        let mut pdu = vec![16, 0, 7, 0, 4, 8];
        pdu.extend(b"tomatoes");
        ask(&mut registers, &pdu);
        assert_eq!(registers.label, "tomatoes");
        assert_eq!(ask(&mut registers, &[4, 0, 18, 0, 4])[2..], *b"GREENHSE");
        assert_eq!(ask(&mut registers, &[43, 14, 4, 0])[9..], *b"Weihe");
    }
}
