//! The plugin runtime: engine, compile cache, instances, and what plugins import from the kernel.

mod bindings;
mod cache;
mod engine;
mod imports;
mod packed;
mod state;
mod wasi;

pub use cache::{COMPILE_MEMORY, COMPILE_TIME, Cache, CompileError, Compiler, MAX_COMPONENT_SIZE, Source, compile_child};
pub use engine::{EPOCH, Running, Ticker, engine, engine_config};
pub use state::GuestState;
