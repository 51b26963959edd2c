//! Safe values: what the host writes when the device cannot any more.

use serde_json::Value as Json;
use weihe_modbus::{Reply, Request};
use weihe_sdk::Error;

use crate::command::write_request;
use crate::config::{Config, at};
use crate::point::Point;

/// A write that brings a point to its safe value.
#[derive(Debug, Clone, PartialEq)]
pub struct SafeWrite {
    /// The point.
    pub point: String,
    /// What it does, for people.
    pub label: String,
    /// The write.
    pub request: Request,
    /// The reply that confirms it.
    pub confirmation: Reply,
}

/// The writes of all points that have a safe value, in the order of the points.
pub fn requests(config: &Config, points: &[Point]) -> Result<Vec<SafeWrite>, Error> {
    let mut writes = Vec::new();
    for (written, point) in config.points.iter().zip(points) {
        if let Some(value) = &written.safe {
            let write = safe_write(point, value, config.write_multiple);
            writes.push(write.map_err(|text| at(&point.name, &text))?);
        }
    }
    Ok(writes)
}

fn safe_write(point: &Point, value: &Json, multiple: bool) -> Result<SafeWrite, String> {
    if !point.writable {
        return Err("`safe` is for points that can be written".into());
    }
    if point.format.bits.is_some() && !point.masked {
        return Err(
            "`safe` is for whole registers: the other bits of this one would have to be read first; \
             give the register a point of its own, or set `mask-write` when the device has function 22"
                .into(),
        );
    }
    let request =
        write_request(point, value, multiple).map_err(|text| format!("`safe`: {text}"))?;
    let confirmation = match &request {
        Request::WriteCoil { address, on } => Reply::CoilWritten {
            address: *address,
            on: *on,
        },
        Request::WriteRegister { address, value } => Reply::RegisterWritten {
            address: *address,
            value: *value,
        },
        Request::MaskRegister { address, and, or } => Reply::RegisterMasked {
            address: *address,
            and: *and,
            or: *or,
        },
        many => Reply::Written {
            table: point.table,
            address: point.span.address,
            // No write reaches beyond 1968 coils or 123 registers.
            quantity: many.quantity() as u16,
        },
    };
    let unit = match point.unit.as_str() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    Ok(SafeWrite {
        point: point.name.clone(),
        label: format!("{} = {value}{unit}", point.name),
        request,
        confirmation,
    })
}
