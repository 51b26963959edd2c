//! Loading: from a file to a plugin whose instances can be made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::capability::Capability;

use super::admission::{Admission, Origin};
use super::bindings::{codec, commands, handler, lifecycle, state as state_hook};
use super::cache::{Cache, CompileError, Source};
use super::codec::{CodecInstance, PureState};
use super::description::{Description, check_description};
use super::engine::Ticker;
use super::memory::HostMemory;
use super::state::GuestState;
use super::{imports, report, version, wasi};

pub(super) const LIFECYCLE: &str = "weihe:plugin/lifecycle@0.1.0";
pub(super) const EVENTS: &str = "weihe:plugin/events@0.1.0";
const EVENTS_BATCH: &str = "weihe:plugin/events-batch@0.1.0";
const COMMANDS: &str = "weihe:plugin/commands@0.1.0";
const STATE: &str = "weihe:plugin/state@0.1.0";
const CODEC: &str = "weihe:plugin/codec@0.1.0";
const HANDLER: &str = "weihe:connection/handler@0.1.0";

/// Every hook, as components export it.
pub const HOOKS: [&str; 7] = [
    LIFECYCLE,
    EVENTS,
    EVENTS_BATCH,
    COMMANDS,
    STATE,
    CODEC,
    HANDLER,
];

/// Why a file did not become a plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is no component, or cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The component is no plugin.
    #[error(
        "`{file}` is a component, but not a Weihe plugin: it does not export `{LIFECYCLE}` ({exports})"
    )]
    NotAPlugin {
        /// The file.
        file: PathBuf,
        /// What it exports instead, in words.
        exports: String,
    },
    /// The plugin imports something that this host does not offer.
    #[error("`{file}` imports `{import}`, which this host does not offer{help}")]
    UnknownImport {
        /// The file.
        file: PathBuf,
        /// The import.
        import: String,
        /// What to do about it.
        help: String,
    },
    /// The plugin uses a part of an interface that this host does not have yet.
    #[error(
        "`{file}` needs `{part}` of `{import}`, and this host has `{served}` without it: it was built with a \
         newer SDK; update the host, or build the plugin with the SDK of Weihe {host}"
    )]
    NewerInterface {
        /// The file.
        file: PathBuf,
        /// The function, or type.
        part: String,
        /// The interface as it is imported.
        import: String,
        /// The interface as this host has it.
        served: String,
        /// This host's version.
        host: &'static str,
    },
    /// An interface that this host has only in a version that is not compatible.
    #[error("`{file}` {verb} `{interface}`, and {help}")]
    OtherVersion {
        /// The file.
        file: PathBuf,
        /// Imports or exports.
        verb: &'static str,
        /// The interface.
        interface: String,
        /// What this host has, and what to do.
        help: String,
    },
    /// An import or hook has another shape than this host's.
    #[error(
        "`{file}` was built against another version of an interface: {reason}; build it again with the SDK of \
         Weihe {host}"
    )]
    Incompatible {
        /// The file.
        file: PathBuf,
        /// The linker's words.
        reason: String,
        /// This host's version.
        host: &'static str,
    },
    /// Whoever decides which files become plugins does not let it in.
    #[error("`{file}` is not admitted: {reason}")]
    NotAdmitted {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// This version was rolled back before.
    #[error("`{file}` is in quarantine: {reason}")]
    Quarantined {
        /// The file.
        file: PathBuf,
        /// Its hash.
        sha256: String,
        /// Why it was rolled back.
        reason: String,
    },
    /// `describe` trapped or says nonsense.
    #[error("`{file}`: its description is not valid: {reason}")]
    Description {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Where the hooks of a component are.
pub struct HookIndices {
    pub(super) lifecycle: lifecycle::exports::weihe::plugin::lifecycle::GuestIndices,
    pub(super) one: Option<ComponentExportIndex>,
    pub(super) many: Option<ComponentExportIndex>,
    pub(super) commands: Option<commands::exports::weihe::plugin::commands::GuestIndices>,
    pub(super) state: Option<state_hook::exports::weihe::plugin::state::GuestIndices>,
    pub(super) handler: Option<handler::exports::weihe::connection::handler::GuestIndices>,
}

/// A loaded plugin.
pub struct Plugin {
    /// Its name in the registry.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// SHA-256 of what was compiled of it: of the whole file, or of the file without its signature.
    pub compiled: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// What it says of itself.
    pub description: Description,
    /// Who made it, where that is looked at.
    pub origin: Option<Origin>,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// The hooks it exports.
    pub hooks: Vec<String>,
    /// The memory that an instance has from its beginning, in bytes.
    pub initial_memory: u64,
    engine: Engine,
    ticker: Ticker,
    memory: Arc<HostMemory>,
    pre: InstancePre<GuestState>,
    indices: HookIndices,
    pure: InstancePre<PureState>,
    codec: Option<codec::exports::weihe::plugin::codec::GuestIndices>,
}

impl Plugin {
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn memory(&self) -> &Arc<HostMemory> {
        &self.memory
    }

    pub(super) fn pre(&self) -> &InstancePre<GuestState> {
        &self.pre
    }

    pub(super) fn hook_indices(&self) -> &HookIndices {
        &self.indices
    }

    /// Whether it exports the codec hook.
    pub fn has_codec(&self) -> bool {
        self.codec.is_some()
    }

    /// A codec of its own, if the plugin has one: a pure instance in which every import traps.
    pub fn codec(self: &Arc<Self>) -> Option<CodecInstance> {
        self.codec
            .as_ref()
            .map(|_| CodecInstance::new(self.clone()))
    }

    pub(super) fn codec_parts(
        &self,
    ) -> (
        &InstancePre<PureState>,
        Option<&codec::exports::weihe::plugin::codec::GuestIndices>,
        &Ticker,
    ) {
        (&self.pure, self.codec.as_ref(), &self.ticker)
    }
}

/// Loads plugins.
pub struct Loader {
    engine: Engine,
    ticker: Ticker,
    linker: Linker<GuestState>,
    /// The interfaces in the linker that have a version of ours, for what is said of others.
    served: Vec<&'static str>,
    cache: Cache,
    memory: Arc<HostMemory>,
    admission: Option<Arc<dyn Admission>>,
}

impl Loader {
    /// A loader whose plugins may import what the kernel and the capabilities serve.
    pub fn new(
        engine: &Engine,
        ticker: Ticker,
        cache: Cache,
        capabilities: &[Arc<dyn Capability>],
        memory: Arc<HostMemory>,
        admission: Option<Arc<dyn Admission>>,
    ) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasi::link(&mut linker)?;
        imports::link(&mut linker)?;
        let mut served = version::SERVED.to_vec();
        for capability in capabilities {
            served.extend(capability.interfaces());
            capability.link(&mut linker).map_err(|error| {
                error.context(format!(
                    "capability `{}` cannot be linked",
                    capability.name()
                ))
            })?;
        }
        Ok(Self {
            engine: engine.clone(),
            ticker,
            linker,
            served,
            cache,
            memory,
            admission,
        })
    }

    /// Loads a plugin from a file: ask whether it may be, compile (or take from the cache), link, describe.
    pub async fn load(&self, name: &str, file: &Path) -> Result<Plugin, LoadError> {
        self.load_by(self.admission.as_deref(), name, file).await
    }

    /// Loads a plugin that somebody else admits.
    pub async fn load_by(
        &self,
        admission: Option<&dyn Admission>,
        name: &str,
        file: &Path,
    ) -> Result<Plugin, LoadError> {
        let mut source = Source::read(file)?;
        let (sha256, size) = (source.sha256.clone(), source.bytes.len() as u64);
        let refused = |reason| LoadError::NotAdmitted {
            file: file.to_owned(),
            reason,
        };
        let admitted = match admission {
            Some(admission) => {
                let bytes = std::mem::take(&mut source.bytes);
                let admitted = admission.ask(name, file, bytes).map_err(refused)?;
                // What is compiled, and found among what was, is what was admitted; what people see is the file's.
                source.take(admitted.bytes);
                Some((admission, admitted.signed, admitted.origin))
            }
            None => None,
        };
        let component = self
            .cache
            .component(&self.engine, &source, &self.memory)
            .await?;
        let kind = component.component_type();
        let imports: Vec<String> = kind
            .imports(&self.engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        let exports: Vec<String> = kind
            .exports(&self.engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        if !has_hook(&exports, LIFECYCLE) {
            return Err(version::explain_no_lifecycle(file, LIFECYCLE, &exports));
        }
        let pre = self
            .linker
            .instantiate_pre(&component)
            .map_err(|error| version::explain_link_error(file, &error, &self.served))?;
        let incompatible =
            |error: wasmtime::Error| version::incompatible(file, &format!("{error:#}"));
        let indices = hook_indices(&component, &pre, &exports).map_err(incompatible)?;
        let has = |hook: &str| has_hook(&exports, hook);
        let mut pure = Linker::new(&self.engine);
        pure.define_unknown_imports_as_traps(&component)
            .map_err(incompatible)?;
        let pure = pure.instantiate_pre(&component).map_err(incompatible)?;
        let codec = has(CODEC)
            .then(|| codec::exports::weihe::plugin::codec::GuestIndices::new(&pure))
            .transpose()
            .map_err(incompatible)?;
        let (description, initial_memory) =
            self.describe(&pure)
                .await
                .map_err(|reason| LoadError::Description {
                    file: file.to_owned(),
                    reason,
                })?;
        let origin = match admitted {
            Some((admission, signed, mut origin)) => {
                let may_be = admission.described(signed.as_ref(), &description, &mut origin);
                may_be.map_err(refused)?;
                origin
            }
            None => None,
        };
        Ok(Plugin {
            name: name.to_owned(),
            file: file.to_owned(),
            sha256,
            compiled: source.sha256,
            size,
            description,
            origin,
            imports,
            hooks: HOOKS
                .into_iter()
                .filter(|hook| has(hook))
                .map(str::to_owned)
                .collect(),
            initial_memory,
            engine: self.engine.clone(),
            ticker: self.ticker.clone(),
            memory: self.memory.clone(),
            pre,
            indices,
            pure,
            codec,
        })
    }

    /// Calls `describe` in an instance in which every import traps. Returns with it the memory that the
    /// instance had in the end, which is what others will have in their beginning.
    async fn describe(&self, pure: &InstancePre<PureState>) -> Result<(Description, u64), String> {
        let mut store = Store::new(&self.engine, PureState::new(&self.memory));
        PureState::limit(&mut store);
        let running = self.ticker.enter();
        let described = async {
            let instance = pure.instantiate_async(&mut store).await?;
            let indices = lifecycle::exports::weihe::plugin::lifecycle::GuestIndices::new(pure)?;
            let hook = indices.load(&mut store, &instance)?;
            hook.call_describe(&mut store).await
        };
        let described = described.await;
        drop(running);
        if let Some(short) = store.data().short() {
            return Err(format!("the plugin cannot be asked what it is: {short}"));
        }
        let said = described.map_err(|error| {
            let trap = report::trap(&error, None);
            format!(
                "`describe` may only return constants, but: {}\n{}",
                trap.message, trap.backtrace
            )
        })?;
        let memory = store.data().held();
        Ok((check_description(said)?, memory))
    }
}

/// Whether a component exports a hook, in this host's version or one that is compatible. The names
/// that the bindings look for are matched in the same way.
fn has_hook(exports: &[String], hook: &str) -> bool {
    exports
        .iter()
        .any(|export| version::same_interface(export, hook))
}

fn hook_indices(
    component: &Component,
    pre: &InstancePre<GuestState>,
    exports: &[String],
) -> wasmtime::Result<HookIndices> {
    let has = |hook: &str| has_hook(exports, hook);
    let function = |hook: &str, name: &str| {
        let interface = component.get_export_index(None, hook)?;
        component.get_export_index(Some(&interface), name)
    };
    Ok(HookIndices {
        lifecycle: lifecycle::exports::weihe::plugin::lifecycle::GuestIndices::new(pre)?,
        one: function(EVENTS, "handle"),
        many: function(EVENTS_BATCH, "handle-batch"),
        commands: has(COMMANDS)
            .then(|| commands::exports::weihe::plugin::commands::GuestIndices::new(pre))
            .transpose()?,
        state: has(STATE)
            .then(|| state_hook::exports::weihe::plugin::state::GuestIndices::new(pre))
            .transpose()?,
        handler: has(HANDLER)
            .then(|| handler::exports::weihe::connection::handler::GuestIndices::new(pre))
            .transpose()?,
    })
}
