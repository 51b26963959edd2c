//! What a kernel has, by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Lane;
use super::swap::History;
use crate::connection::{Claim, Connection};
use crate::device::{Device, Orders};
use crate::runtime::{Plugin, WasmFactory};

#[derive(Default)]
pub(super) struct Registry {
    pub(super) plugins: BTreeMap<String, Arc<Plugin>>,
    /// What became of the versions of plugins, by plugin.
    pub(super) histories: BTreeMap<String, History>,
    pub(super) connections: BTreeMap<String, OpenConnection>,
    pub(super) devices: BTreeMap<String, Placed>,
    pub(super) lanes: HashMap<String, Lane>,
    /// Counts devices, to stop them in reverse order of their start.
    pub(super) placed: u64,
}

pub(super) struct OpenConnection {
    pub(super) connection: Connection,
    pub(super) claims: Vec<Claim>,
}

pub(super) struct Placed {
    pub(super) device: Arc<Device>,
    pub(super) plugin: Arc<Plugin>,
    pub(super) orders: Arc<Orders<WasmFactory>>,
    pub(super) lane: String,
    pub(super) order: u64,
}
