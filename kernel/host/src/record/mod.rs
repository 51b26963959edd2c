//! Log records: what happened lately, kept in memory for `weihe logs`.

mod layer;
mod ring;

pub use layer::RecordLayer;
pub use ring::{CAPACITY, Level, Reader, Record, Ring};
