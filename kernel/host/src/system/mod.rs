//! A running system: what `weihe.toml` describes, assembled around a kernel.

mod apply;
mod audited;
mod boot;
mod candidate;
mod door;
mod dry;
mod foresee;
mod hardware;
mod in_force;
mod kept;
mod memory;
mod plan;
mod problem;
mod reconcile;
mod rejected;
mod service;
mod spec;
mod start;
mod step;
mod trail;
mod unwanted;
mod versions;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weihe_kernel::Compiler;
use weihe_kernel::connection::Kinds;
use weihe_kernel::failsafe::Guard;

use crate::guard::{GUARD_COMMAND, GuardProcess};

pub use boot::{BootError, DataDirectory};
pub(crate) use candidate::{Candidate, choose, compare};
pub use door::DoorKeeper;
pub(crate) use door::unsound as unsound_door;
pub(crate) use dry::user_cache;
pub use dry::{DryError, DryRun};
pub(crate) use problem::{
    connection_problem, device_problem, missing_component, plugin_path, plugin_problem,
};
pub use reconcile::{Changes, Scope, Unbuilt};
pub use rejected::Rejected;
pub use service::{HostService, Ps};
pub(crate) use spec::{Implied, idle, implied, spec};
pub use start::{FailedPart, Part, StartError, System};
pub use step::{Act, Step};

/// The hidden command that compiles one component in a process of its own.
pub const COMPILE_COMMAND: &str = "compile-component";

/// The folder of compiled components in the data directory.
pub const CACHE: &str = "cache";

/// The database in the data directory.
pub const DATABASE: &str = "weihe.db";

/// The file of the versions that are refused, in the data directory.
pub const QUARANTINE: &str = "quarantine.json";

/// The kinds of connection that this host knows; certificates are named relative to a directory.
pub fn kinds(directory: &Path) -> Kinds {
    let tls = crate::tls::OfConnections::within(directory);
    let mut kinds = Kinds::new();
    kinds.register(weihe_link::TcpClient::with_tls(Arc::clone(&tls)));
    kinds.register(weihe_link::TcpListener::with_tls(tls));
    kinds.register(weihe_hal::Uart);
    kinds
}

/// Compiles in a child of this program: a component can be built to exhaust its compiler.
pub(crate) fn compiler() -> Compiler {
    match std::env::current_exe() {
        Ok(program) => Compiler::Child {
            program: current(program),
            arguments: vec![OsString::from(COMPILE_COMMAND)],
        },
        // Without /proc there is no way to find oneself.
        Err(_) => Compiler::InProcess,
    }
}

/// The process that sets outputs to their safe values when this one dies. It is this very program, also
/// when its file was replaced by an update: the two must understand each other.
fn guard() -> Arc<dyn Guard> {
    let program = PathBuf::from("/proc/self/exe");
    let arguments = vec![OsString::from(GUARD_COMMAND)];
    Arc::new(GuardProcess::new(program, arguments))
}

/// The running program itself: `/proc/self/exe` also finds it when its file was replaced by an
/// update.
fn current(program: PathBuf) -> PathBuf {
    if program.exists() {
        program
    } else {
        PathBuf::from("/proc/self/exe")
    }
}
