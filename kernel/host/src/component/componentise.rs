//! From a core module to a component: what a linker leaves that knows nothing of components.
//!
//! C compilers and Rust's `wasm32-unknown-unknown` make core modules. The bindings that were
//! compiled in describe the world in a custom section (`component-type…`); with it, the module is
//! wrapped into the component that a host loads.

use std::path::{Path, PathBuf};

use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

/// How the names of the sections begin that describe a world.
const WORLD: &str = "component-type";

/// The module that C libraries and `wasm32-wasip1` import the system from.
const PREVIEW_1: &str = "wasi_snapshot_preview1";

/// A module that gives what another one imports, in the terms of its own world: WASI preview 1 by
/// way of preview 2.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// The module name in the imports that it serves.
    pub name: String,
    /// A core module with a world of its own.
    pub bytes: Vec<u8>,
}

impl Adapter {
    /// WASI as C libraries import it, in terms of what hosts of components have.
    fn preview_1() -> Self {
        use wasi_preview1_component_adapter_provider as provider;
        Self {
            name: provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME.to_owned(),
            bytes: provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER.to_vec(),
        }
    }

    /// Reads an adapter as it is named on a command line: `NAME=FILE`, or a file whose name begins
    /// with the name (`wasi_snapshot_preview1.reactor.wasm`).
    pub fn read(named: &str) -> Result<Self, ComponentiseError> {
        let (name, path) = match named.split_once('=') {
            Some((name, path)) => (Some(name), Path::new(path)),
            None => (None, Path::new(named)),
        };
        let bytes = std::fs::read(path).map_err(|source| ComponentiseError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.unwrap_or_else(|| file.split('.').next().unwrap_or(&file));
        Ok(Self {
            name: name.to_owned(),
            bytes,
        })
    }
}

/// Why a core module does not become a component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentiseError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It says nothing of its world.
    #[error(
        "{} is a core module that says nothing of its world: it has no custom section `{WORLD}`",
        .path.display()
    )]
    NoWorld {
        /// The file.
        path: PathBuf,
    },
    /// Its imports and exports are not those of its world.
    #[error("{} does not fit the world that it names: {reason}", .path.display())]
    Misfit {
        /// The file.
        path: PathBuf,
        /// What the encoder says.
        reason: String,
    },
    /// An adapter is none.
    #[error("the adapter `{name}` cannot be used: {reason}")]
    Adapter {
        /// Its name.
        name: String,
        /// What the encoder says.
        reason: String,
    },
}

impl ComponentiseError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Read { .. } => "check the path and its permissions",
            Self::NoWorld { .. } => {
                "link in the bindings of its world: with wit-bindgen's C output, the object file \
                 `*_component_type.o`; a Rust crate is built by `weihe build DIR`"
            }
            Self::Misfit { .. } => {
                "make the bindings again from the same WIT, and export what they declare"
            }
            Self::Adapter { .. } => "name an adapter of wasmtime's release, as NAME=FILE",
        }
    }
}

/// What a core module says of itself.
#[derive(Debug, Default)]
struct Module {
    is_core: bool,
    has_world: bool,
    /// Whether it imports anything from WASI preview 1.
    has_preview_1: bool,
}

impl Module {
    fn of(bytes: &[u8]) -> Self {
        let mut module = Self::default();
        // What is damaged is named by the encoder, or by whoever reads the layout.
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            match payload {
                Payload::Version { encoding, .. } => {
                    module.is_core = encoding == Encoding::Module;
                    if !module.is_core {
                        break;
                    }
                }
                Payload::ImportSection(imports) => {
                    let mut imports = imports.into_imports().map_while(Result::ok);
                    module.has_preview_1 |= imports.any(|import| import.module == PREVIEW_1);
                }
                Payload::CustomSection(section) => {
                    module.has_world |= section.name().starts_with(WORLD);
                }
                _ => {}
            }
        }
        module
    }
}

/// Whether bytes are a core module: then [`componentise`] has something to do.
pub fn is_core_module(bytes: &[u8]) -> bool {
    Module::of(bytes).is_core
}

/// Wraps a core module into the component that it describes; `path` is for messages. For WASI preview 1
/// there is an adapter here, unless `adapters` has another one.
pub fn componentise(
    path: &Path,
    module: &[u8],
    adapters: &[Adapter],
) -> Result<Vec<u8>, ComponentiseError> {
    let path = || path.to_path_buf();
    let found = Module::of(module);
    if !found.has_world {
        return Err(ComponentiseError::NoWorld { path: path() });
    }
    let is_adapted = adapters.iter().any(|adapter| adapter.name == PREVIEW_1);
    let own = (found.has_preview_1 && !is_adapted).then(Adapter::preview_1);
    let misfit = |error: &dyn std::fmt::Display| ComponentiseError::Misfit {
        path: path(),
        reason: format!("{error:#}"),
    };
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .map_err(|error| misfit(&error))?;
    for adapter in adapters.iter().chain(&own) {
        encoder = encoder
            .adapter(&adapter.name, &adapter.bytes)
            .map_err(|error| ComponentiseError::Adapter {
                name: adapter.name.clone(),
                reason: format!("{error:#}"),
            })?;
    }
    encoder.encode().map_err(|error| misfit(&error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use wit_component::{StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::{ManglingAndAbi, Resolve};

    use super::*;
    use crate::component::{Hook, Layout};

    const WORLD: &str = "package weihe:plugin@0.1.0;
        interface lifecycle { describe: func() -> string; }
        world plugin { export lifecycle; }
        world other { export rain: func() -> u32; }";

    /// A core module with the exports of one world, which names another.
    fn module(world: &str, named: &str) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("world.wit", WORLD).unwrap();
        let find = |name| resolve.select_world(&[package], Some(name)).unwrap();
        let mut module = dummy_module(
            &resolve,
            find(world),
            ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync),
        );
        embed_component_metadata(&mut module, &resolve, find(named), StringEncoding::UTF8).unwrap();
        module
    }

    fn refused(module: &[u8]) -> (String, &'static str) {
        let error = componentise(Path::new("x.wasm"), module, &[]).unwrap_err();
        (error.to_string(), error.help())
    }

    #[test]
    fn a_core_module_with_its_world_becomes_a_plugin() {
        let module = module("plugin", "plugin");
        assert!(is_core_module(&module));
        let component = componentise(Path::new("x.wasm"), &module, &[]).unwrap();
        assert!(!is_core_module(&component));
        let layout = Layout::of(Path::new("x.wasm"), &component).unwrap();
        assert_eq!(layout.hooks, [Hook::Lifecycle]);
    }

    #[test]
    fn a_core_module_that_cannot_become_one_is_told_what_it_lacks() {
        let (message, help) = refused(b"\0asm\x01\0\0\0");
        assert!(message.contains("says nothing of its world"), "{message}");
        assert!(help.contains("component_type.o"), "{help}");
        let (message, help) = refused(&module("other", "plugin"));
        assert!(
            message.contains("does not fit the world") && message.contains("describe"),
            "{message}"
        );
        assert!(help.contains("from the same WIT"), "{help}");
    }

    #[test]
    fn adapters_are_named_by_their_file_or_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wasi_snapshot_preview1.reactor.wasm");
        std::fs::write(&file, "adapter").unwrap();
        let adapter = Adapter::read(file.to_str().unwrap()).unwrap();
        assert_eq!(adapter.name, "wasi_snapshot_preview1");
        let adapter = Adapter::read(&format!("env={}", file.display())).unwrap();
        assert_eq!(
            (&*adapter.name, &adapter.bytes[..]),
            ("env", &b"adapter"[..])
        );
        let missing = Adapter::read("none.wasm").unwrap_err().to_string();
        assert!(missing.contains("none.wasm"), "{missing}");
    }
}
