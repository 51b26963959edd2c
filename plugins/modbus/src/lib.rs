//! Modbus for Weihe: a driver plugin for TCP and RTU on the codec `weihe-modbus`.

mod plan;

pub use plan::{Limits, PlanError, Read, Span, plan};
