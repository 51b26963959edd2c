//! The file that describes a board: every fault with its line, and what was probably meant.

mod buses;
mod devices;
mod error;
mod faults;
mod lines;
mod ports;
mod reader;
mod values;

pub use error::{BoardError, BoardFault};
pub use faults::Scripted;

use super::core::Parts;
use reader::Reader;

/// The most that a kernel's queue of edges may be imitated to hold.
const EDGE_QUEUE: i64 = 1 << 16;

/// Reads a board whose world begins at a time of the monotonic clock.
pub fn read(text: &str, now: u64) -> Result<(Parts, Vec<Scripted>), BoardError> {
    let reader = Reader::new(text);
    let read = toml::de::DeTable::parse(text);
    let document = match &read {
        Ok(document) => document,
        Err(error) => {
            reader.fault(error.span().unwrap_or(0..0), error.message(), None);
            return Err(BoardError(reader.faults()));
        }
    };
    let top = reader.section("the board", document.get_ref(), document.span());
    let mut parts = Parts {
        name: top.text("name").unwrap_or_default(),
        queue: top
            .integer("edge-queue", 1..=EDGE_QUEUE)
            .map(|room| room.unsigned_abs() as usize),
        ..Parts::default()
    };
    values::read(&top, now, &mut parts);
    lines::read(&top, &mut parts);
    buses::read(&top, &mut parts);
    ports::read(&top, &mut parts);
    let scripted = faults::read(&top, &parts);
    top.finish();
    let faults = reader.faults();
    if faults.is_empty() {
        Ok((parts, scripted))
    } else {
        Err(BoardError(faults))
    }
}
