//! What goes wrong on the way from C to a component.

use std::io;
use std::path::PathBuf;

use super::super::componentise::ComponentiseError;
use super::super::contracts::ContractError;

/// Why no component comes of C.
#[derive(Debug, thiserror::Error)]
pub enum CError {
    /// There is no compiler.
    #[error("{}, which compiles plugins in C, is not on this machine", .0.display())]
    NoCompiler(PathBuf),
    /// The compiler cannot link for WebAssembly.
    #[error("{name} cannot be linked: {missing}\n{output}")]
    NoLibrary {
        /// The plugin.
        name: String,
        /// What is not there.
        missing: &'static str,
        /// What the compiler said.
        output: String,
    },
    /// It does not compile.
    #[error("{name} does not compile\n{output}")]
    Compile {
        /// The plugin.
        name: String,
        /// What the compiler said.
        output: String,
    },
    /// The compiler cannot be run, or a file cannot be read or written.
    #[error("cannot {what} {}: {source}", .path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Its world is wrong.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// No bindings can be made of its world.
    #[error("no C can be made of the world in {}: {reason}", .path.display())]
    Bindings {
        /// The folder.
        path: PathBuf,
        /// The generator's words.
        reason: String,
    },
    /// What the compiler left is not the plugin that the world declares.
    #[error(transparent)]
    Componentise(#[from] ComponentiseError),
}

impl CError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoCompiler(_) | Self::NoLibrary { .. } => {
                "on Debian and Ubuntu: `apt-get install clang lld wasi-libc libclang-rt-dev-wasm32`; elsewhere \
                 unpack a WASI SDK and set WASI_SDK_PATH to its folder"
            }
            Self::Compile { output, .. } if output.contains("undefined symbol: exports_") => {
                "define every function that its world exports, as target/weihe-components declares them \
                 in the header, or take the hook out of the world"
            }
            Self::Compile { .. } => "mend what the compiler names, and build again",
            Self::Io { .. } => "check permissions and free space there",
            Self::Contract(error) => error.help(),
            Self::Bindings { .. } => {
                "declare one world there, with the hooks that the plugin exports"
            }
            Self::Componentise(error) => error.help(),
        }
    }
}
