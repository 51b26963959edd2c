//! The plugin runtime: engine, compile cache, instances, and what plugins import from the kernel.

mod admission;
mod bindings;
mod budget;
mod cache;
mod codec;
mod description;
mod engine;
mod imports;
mod instance;
mod memory;
mod meter;
pub mod packed;
mod plugin;
mod report;
mod state;
mod version;
mod wasi;

pub use admission::{Admission, Admitted, Origin};
pub use cache::{
    COMPILE_MEMORY, COMPILE_TIME, Cache, CompileError, Compiler, MAX_COMPONENT_SIZE, Source,
    Untrusted, child_environment, compile_child,
};
pub use codec::{CodecError, CodecInstance, Decoded, Direction, Field, PureState, Reading};
pub use description::{CommandInfo, ConnectionNeed, Description, TopicInfo};
pub use engine::{EPOCH, Running, Ticker, engine, engine_config};
pub use instance::{WasmFactory, WasmGuest};
pub use memory::{HOST_RESERVE, HostMemory, MemoryStatus, Short};
pub use plugin::{HOOKS, HookIndices, LoadError, Loader, Plugin};
pub use state::GuestState;
pub(crate) use version::same_interface;
