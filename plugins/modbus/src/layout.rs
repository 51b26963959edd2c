//! What a point's registers mean, out of its configuration.

use weihe_modbus::{BitRange, DataType, Format, MAX_EXCHANGED_REGISTERS, Order, Scaling, Table};

use crate::config::{Config, PointConfig};

/// What the registers of a point mean. The error does not name the point.
pub fn read_format(config: &Config, point: &PointConfig) -> Result<Format, String> {
    let bits = match (point.bit, point.bits) {
        (Some(_), Some(_)) => return Err("`bit` and `bits` exclude each other".into()),
        (Some(bit), None) => Some(BitRange {
            low: bit,
            high: bit,
        }),
        (None, Some([low, high])) if low > high => {
            return Err(format!(
                "`bits` is [{low}, {high}], expected the lowest bit first"
            ));
        }
        (None, Some([low, high])) => Some(BitRange { low, high }),
        (None, None) => None,
    };
    if point.table.is_bits() {
        return read_bit_format(point, bits);
    }
    let data_type = point.data_type.unwrap_or(match bits {
        Some(bits) if bits.low == bits.high => DataType::Bool,
        _ => DataType::U16,
    });
    let registers = match (data_type.registers(), point.length) {
        (Some(registers), None) => registers,
        (Some(_), Some(_)) => return Err("`length` is for text".into()),
        (None, Some(length)) if length > 0 => length,
        (None, _) => return Err("a text needs its `length` in registers".into()),
    };
    if let Some(bits) = bits {
        if matches!(data_type, DataType::F32 | DataType::F64 | DataType::Text) {
            return Err(format!(
                "a value of type {} has no bits of its own",
                data_type.name()
            ));
        }
        if u16::from(bits.high) >= 16 * registers {
            return Err(format!(
                "bit {} is outside of the {} bits of {}",
                bits.high,
                16 * registers,
                data_type.name()
            ));
        }
        if data_type == DataType::Bool && bits.low != bits.high {
            return Err("a bool has one `bit`".into());
        }
    }
    let scaling = read_scaling(point)?;
    if scaling.is_some() && matches!(data_type, DataType::Bool | DataType::Text) {
        return Err(format!(
            "`scale` and `offset` are for numbers, not for {}",
            data_type.name()
        ));
    }
    Ok(Format {
        data_type,
        registers,
        word_order: point.word_order.unwrap_or(config.word_order),
        byte_order: point.byte_order.unwrap_or(config.byte_order),
        bits,
        scaling,
    })
}

/// Checks that function 23 can write a point and read it.
pub fn check_read_back(point: &PointConfig, format: &Format, both: bool) -> Result<(), String> {
    if point.table != Table::Holding {
        return Err(format!(
            "`read-back` is for holding registers, not for {}s",
            point.table.item()
        ));
    }
    if !both {
        return Err("`read-back` is for points that are read and written".into());
    }
    if format.bits.is_some() {
        return Err("`read-back` is for whole registers".into());
    }
    if format.registers > MAX_EXCHANGED_REGISTERS {
        return Err(format!(
            "`read-back` is for at most {MAX_EXCHANGED_REGISTERS} registers, not for {}",
            format.registers
        ));
    }
    Ok(())
}

fn read_bit_format(point: &PointConfig, bits: Option<BitRange>) -> Result<Format, String> {
    if let Some(other) = point.data_type.filter(|found| *found != DataType::Bool) {
        return Err(format!(
            "a {} is a bool, not {}",
            point.table.item(),
            other.name()
        ));
    }
    let misplaced = [
        ("bit", bits.is_some()),
        ("length", point.length.is_some()),
        ("scale", point.scale.is_some()),
        ("offset", point.offset.is_some()),
        ("word-order", point.word_order.is_some()),
        ("byte-order", point.byte_order.is_some()),
    ];
    if let Some((key, _)) = misplaced.iter().find(|(_, given)| *given) {
        return Err(format!(
            "`{key}` has no meaning for a {}",
            point.table.item()
        ));
    }
    Ok(Format {
        word_order: Order::Big,
        ..Format::plain(DataType::Bool)
    })
}

fn read_scaling(point: &PointConfig) -> Result<Option<Scaling>, String> {
    if point.scale.is_none() && point.offset.is_none() {
        return Ok(None);
    }
    let scaling = Scaling {
        scale: point.scale.unwrap_or(1.0),
        offset: point.offset.unwrap_or(0.0),
    };
    if scaling.scale == 0.0 || !scaling.scale.is_finite() {
        return Err(format!(
            "`scale` is {}, expected a number other than 0",
            scaling.scale
        ));
    }
    if !scaling.offset.is_finite() {
        return Err(format!("`offset` is {}, expected a number", scaling.offset));
    }
    Ok(Some(scaling))
}
