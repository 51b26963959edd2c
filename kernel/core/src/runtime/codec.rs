//! The codec hook: a pure parser, in instances in which every import traps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};

use crate::connection::{Framer, Scan};
use crate::event::{Quality, Value};
use crate::units::Span;

use super::bindings::codec::exports::weihe::plugin::codec as wit;
use super::budget::Budget;
use super::memory::{HostMemory, Ration, Short};
use super::plugin::Plugin;
use super::report::trap;

/// Linear memory of a pure instance. A parser holds one frame.
const PURE_MEMORY: usize = 16 << 20;

/// Processor time that one look at received bytes may take, however often `scan` is called in it; or any
/// other call of a pure instance. A thousand times what a parser needs: looks run on the thread that all
/// connections share.
const PURE_TIME: Span = Span::from_millis(50);

/// Data that a pure instance may hand to the host in one call.
const PURE_HOST_CALL_DATA: usize = 1 << 20;

/// The data behind a pure instance: nothing but its limits.
pub struct PureState {
    ration: Ration<StoreLimits>,
    budget: Budget,
}

/// A pure instance has used its processor time.
#[derive(Debug, thiserror::Error)]
#[error("it used more than {PURE_TIME} of processor time")]
struct PureSpent;

impl PureState {
    pub(super) fn new(memory: &Arc<HostMemory>) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(PURE_MEMORY)
            .table_elements(10_000)
            .build();
        Self {
            ration: Ration::new(limits, memory, None),
            budget: Budget::default(),
        }
    }

    /// The memory that it has, in bytes.
    pub(super) fn held(&self) -> u64 {
        self.ration.held()
    }

    /// Why memory was refused.
    pub(super) fn short(&self) -> Option<Short> {
        self.ration.short()
    }

    pub(super) fn limit(store: &mut Store<Self>) {
        store.limiter(|state| &mut state.ration);
        store.set_hostcall_fuel(PURE_HOST_CALL_DATA);
        store.epoch_deadline_callback(|mut context| {
            if context.data_mut().budget.allows_more() {
                Ok(UpdateDeadline::Continue(1))
            } else {
                Err(PureSpent.into())
            }
        });
        Self::refill(store);
    }

    /// Gives it its processor time anew.
    fn refill(store: &mut Store<Self>) {
        store.data().budget.refill(PURE_TIME.nanoseconds());
        store.set_epoch_deadline(1);
    }
}

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the client to the server.
    Request,
    /// The answer to a request.
    Reply,
    /// From a server that was not asked.
    Unsolicited,
}

/// A part of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Offset of its first byte.
    pub offset: u32,
    /// Number of bytes.
    pub length: u32,
    /// Its name.
    pub name: String,
    /// What it means.
    pub meaning: String,
}

/// A value that a frame carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Its name.
    pub name: String,
    /// The value.
    pub value: Value,
    /// Its unit; empty when it has none.
    pub unit: String,
    /// How far it can be trusted.
    pub quality: Quality,
}

/// A parsed frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Every byte of the frame, in order.
    pub fields: Vec<Field>,
    /// What it says.
    pub readings: Vec<Reading>,
    /// How many bytes it took.
    pub consumed: u32,
}

/// Why there is no parsed frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The plugin has no codec.
    #[error("plugin `{0}` has no codec")]
    None(String),
    /// More bytes are needed.
    #[error("the frame is incomplete: at least {0} more bytes are needed")]
    Incomplete(u32),
    /// It can never become a frame.
    #[error("refused at byte {offset}: {reason}")]
    Refused {
        /// Offset of the first wrong byte.
        offset: u32,
        /// The reason.
        reason: String,
    },
    /// The options or the request are wrong.
    #[error("{0}")]
    Invalid(String),
    /// The codec trapped.
    #[error("the codec of plugin `{plugin}` trapped: {message}")]
    Trapped {
        /// The plugin.
        plugin: String,
        /// What happened.
        message: String,
    },
}

/// A codec in an instance of its own. After a trap the next call makes a new one.
pub struct CodecInstance {
    plugin: Arc<Plugin>,
    live: Option<(Store<PureState>, wit::Guest)>,
    /// Whether the next call gets processor time of its own; else it goes on with what is left.
    fresh: bool,
}

impl CodecInstance {
    pub(super) fn new(plugin: Arc<Plugin>) -> Self {
        Self {
            plugin,
            live: None,
            fresh: true,
        }
    }

    fn run<T>(
        &mut self,
        call: impl FnOnce(&wit::Guest, &mut Store<PureState>) -> wasmtime::Result<T>,
    ) -> Result<T, CodecError> {
        let plugin = self.plugin.clone();
        let (pre, indices, ticker) = plugin.codec_parts();
        let Some(indices) = indices else {
            return Err(CodecError::None(plugin.name.clone()));
        };
        let running = ticker.enter();
        let live = self.live.take();
        let fresh = std::mem::take(&mut self.fresh);
        let result = (|| {
            let (mut store, guest) = match live {
                Some(live) => live,
                None => {
                    plugin.memory().check(plugin.initial_memory)?;
                    let mut store = Store::new(plugin.engine(), PureState::new(plugin.memory()));
                    PureState::limit(&mut store);
                    let instance = pre.instantiate(&mut store)?;
                    let guest = indices.load(&mut store, &instance)?;
                    (store, guest)
                }
            };
            if fresh {
                PureState::refill(&mut store);
            }
            let result = call(&guest, &mut store)?;
            self.live = Some((store, guest));
            Ok(result)
        })();
        drop(running);
        result.map_err(|error: wasmtime::Error| CodecError::Trapped {
            plugin: plugin.name.clone(),
            message: trap(&error, None).message,
        })
    }

    /// Takes a frame apart.
    pub fn decode(
        &mut self,
        direction: Direction,
        request: &[u8],
        options: &str,
        bytes: &[u8],
    ) -> Result<Decoded, CodecError> {
        let context = context(request, options);
        self.fresh = true;
        let decoded = self
            .run(|guest, store| guest.call_decode(store, direction.into(), &context, bytes))?
            .map_err(|error| match error {
                wit::DecodeError::Incomplete(needed) => CodecError::Incomplete(needed),
                wit::DecodeError::Refused(refusal) => CodecError::Refused {
                    offset: refusal.offset,
                    reason: refusal.reason,
                },
                wit::DecodeError::Options(text) => CodecError::Invalid(text),
            })?;
        let fields = decoded.fields.into_iter().map(|field| Field {
            offset: field.offset,
            length: field.length,
            name: field.name,
            meaning: field.meaning,
        });
        let readings = decoded.readings.into_iter().map(|reading| Reading {
            name: reading.name,
            value: reading.value.into(),
            unit: reading.unit,
            quality: reading.quality.into(),
        });
        Ok(Decoded {
            fields: fields.collect(),
            readings: readings.collect(),
            consumed: decoded.consumed,
        })
    }

    /// Builds a request from a JSON object.
    pub fn encode(&mut self, request: &str) -> Result<Vec<u8>, CodecError> {
        self.fresh = true;
        self.run(|guest, store| guest.call_encode(store, request))?
            .map_err(CodecError::Invalid)
    }

    /// Looks for a complete frame, in a look of its own.
    pub fn scan_frame(
        &mut self,
        direction: Direction,
        request: &[u8],
        options: &str,
        bytes: &[u8],
        idle: bool,
    ) -> Result<Scan, CodecError> {
        self.fresh = true;
        self.scan_on(direction, request, options, bytes, idle)
    }

    /// Looks for a complete frame, in the look that has begun.
    fn scan_on(
        &mut self,
        direction: Direction,
        request: &[u8],
        options: &str,
        bytes: &[u8],
        idle: bool,
    ) -> Result<Scan, CodecError> {
        let context = context(request, options);
        let found = self
            .run(|guest, store| guest.call_scan(store, direction.into(), &context, bytes, idle))?;
        let scan = Scan {
            skip: found.skip as usize,
            frame: found.frame.map(|length| length as usize),
        };
        if scan.skip.saturating_add(scan.frame.unwrap_or(0)) > bytes.len() {
            return Err(CodecError::Invalid(format!(
                "the codec of plugin `{}` found a frame of {:?} bytes behind {} in {}",
                self.plugin.name,
                scan.frame,
                scan.skip,
                bytes.len()
            )));
        }
        Ok(scan)
    }
}

impl Framer for CodecInstance {
    fn begin(&mut self) {
        self.fresh = true;
    }

    fn scan(
        &mut self,
        options: &str,
        request: &[u8],
        bytes: &[u8],
        idle: bool,
    ) -> Result<Scan, String> {
        self.scan_on(Direction::Reply, request, options, bytes, idle)
            .map_err(|error| error.to_string())
    }
}

fn context(request: &[u8], options: &str) -> wit::Context {
    wit::Context {
        request: request.to_vec(),
        options: if options.is_empty() { "{}" } else { options }.to_owned(),
    }
}

impl From<Direction> for wit::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Request => Self::Request,
            Direction::Reply => Self::Reply,
            Direction::Unsolicited => Self::Unsolicited,
        }
    }
}
