//! The device's `config` table, as it is written. README.md is its reference.

use std::collections::BTreeMap;

use serde::Deserialize;
use weihe_modbus::{DataType, MAX_READ_BITS, MAX_READ_REGISTERS, Mode, Order, Table};
use weihe_sdk::{Duration, Error};

/// How long a reply is awaited by default: slow gateways need half of it.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a request is repeated by default. Noise on a serial line seldom hits three frames in a row.
pub const DEFAULT_RETRIES: u32 = 2;

/// Most repetitions: beyond it a dead unit would keep a shared line from the others for too long.
pub const MAX_RETRIES: u32 = 10;

/// Silence after a broadcast, in which every unit carries it out: the lower end of what the standard
/// calls typical (MODBUS over Serial Line V1.02, 2.4.1: 100 to 200 ms).
pub const DEFAULT_TURNAROUND: Duration = Duration::from_millis(100);

/// How often points are read by default.
pub const DEFAULT_PERIOD: Duration = Duration::from_secs(1);

/// The group of points that name none.
pub const DEFAULT_GROUP: &str = "default";

/// The device's configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The unit (slave address) that is asked.
    #[serde(default = "default_unit")]
    pub unit: u8,
    /// How frames are wrapped. The plugin cannot see what its connection is made of, so it is said
    /// here.
    #[serde(default = "default_mode")]
    pub mode: Mode,
    /// How long a reply is awaited, from the last byte sent.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// How often a request without a sound reply is repeated.
    #[serde(default = "default_retries")]
    pub retries: u32,
    /// Silence after a broadcast.
    #[serde(default = "default_turnaround")]
    pub turnaround: Duration,
    /// Silence after a request that brought no reply; see [`Config::settle`].
    #[serde(default)]
    pub settle: Option<Duration>,
    /// How often points without a group are read.
    #[serde(default = "default_period")]
    pub period: Duration,
    /// Poll groups by name.
    #[serde(default)]
    pub groups: BTreeMap<String, GroupConfig>,
    /// Where points are published: `<topic-prefix>/<point>` instead of `plugin/<device>/<point>`.
    #[serde(default)]
    pub topic_prefix: Option<String>,
    /// Most registers that one request reads.
    #[serde(default = "default_max_registers")]
    pub max_registers: u16,
    /// Most coils or discrete inputs that one request reads.
    #[serde(default = "default_max_bits")]
    pub max_bits: u16,
    /// Most unused items between two points that are read along to save a request.
    #[serde(default)]
    pub max_gap: u16,
    /// Ranges that are never read.
    #[serde(default)]
    pub holes: Vec<HoleConfig>,
    /// Writes single coils and registers with functions 15 and 16, for devices that lack 5 and 6.
    #[serde(default)]
    pub write_multiple: bool,
    /// Writes points that are some bits of one register with function 22, which leaves the other bits
    /// alone without reading them.
    #[serde(default)]
    pub mask_write: bool,
    /// Order of registers in points that do not say theirs.
    #[serde(default)]
    pub word_order: Order,
    /// Order of bytes in points that do not say theirs.
    #[serde(default)]
    pub byte_order: Order,
    /// Whether points that do not say so are published only when they change.
    #[serde(default)]
    pub on_change: bool,
    /// After how long points that do not say so are published though they have not changed.
    #[serde(default)]
    pub max_silence: Option<Duration>,
    /// What is read and written.
    #[serde(default)]
    pub points: Vec<PointConfig>,
}

impl Config {
    /// How long the line keeps silent after a request that brought no reply in time. Over TCP a reply
    /// names its request, so there is nothing to wait for. On a serial line it does not, and by default
    /// a reply may take twice as long as was expected: other masters (libmodbus) wait for one time-out
    /// more, too, before they trust the line again.
    pub fn settle(&self) -> Duration {
        self.settle.unwrap_or(match self.mode {
            Mode::Tcp => Duration::ZERO,
            Mode::Rtu => self.timeout,
        })
    }
}

/// A poll group.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GroupConfig {
    /// How often its points are read.
    pub period: Duration,
    /// Each poll is delayed by a random span up to this.
    #[serde(default)]
    pub jitter: Duration,
}

/// A range that is never read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HoleConfig {
    /// The table.
    pub table: Table,
    /// The first item.
    pub address: u16,
    /// How many items.
    #[serde(default = "one")]
    pub quantity: u16,
}

/// What may be done with a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It is polled.
    Read,
    /// It is only written.
    Write,
    /// It is polled and can be written.
    ReadWrite,
}

/// A point: one value of the device.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PointConfig {
    /// Its name in commands and topics.
    pub name: String,
    /// Where it lies.
    #[serde(default = "default_table")]
    pub table: Table,
    /// Its first item, counted from 0.
    pub address: u16,
    /// Its type; default `bool` for coils and discrete inputs, else `u16`.
    #[serde(default, rename = "type")]
    pub data_type: Option<DataType>,
    /// Order of its registers.
    #[serde(default)]
    pub word_order: Option<Order>,
    /// Order of the bytes in its registers.
    #[serde(default)]
    pub byte_order: Option<Order>,
    /// The one bit that holds it; 0 is the lowest.
    #[serde(default)]
    pub bit: Option<u8>,
    /// The lowest and the highest of the bits that hold it.
    #[serde(default)]
    pub bits: Option<[u8; 2]>,
    /// Registers of a text.
    #[serde(default)]
    pub length: Option<u16>,
    /// Value = content × scale + offset.
    #[serde(default)]
    pub scale: Option<f64>,
    /// Value = content × scale + offset.
    #[serde(default)]
    pub offset: Option<f64>,
    /// Its unit (UCUM symbol).
    #[serde(default)]
    pub unit: Option<String>,
    /// What may be done with it; default is all that its table allows.
    #[serde(default)]
    pub access: Option<Access>,
    /// The poll group that it belongs to.
    #[serde(default)]
    pub group: Option<String>,
    /// How often it is read, when it belongs to no group.
    #[serde(default)]
    pub period: Option<Duration>,
    /// Whether it is written with function 23, and read in the same exchange.
    #[serde(default)]
    pub read_back: Option<bool>,
    /// Where it is published.
    #[serde(default)]
    pub topic: Option<String>,
    /// Whether it is published only when it changes.
    #[serde(default)]
    pub on_change: Option<bool>,
    /// By how much it has to change to be published, in its own unit.
    #[serde(default)]
    pub dead_band: Option<f64>,
    /// After how long it is published though it has not changed.
    #[serde(default)]
    pub max_silence: Option<Duration>,
    /// What the host writes when the device cannot any more.
    #[serde(default)]
    pub safe: Option<serde_json::Value>,
}

/// A mistake in a point's configuration.
pub fn at(point: &str, text: &str) -> Error {
    Error::fatal(format!("point `{point}`: {text}"))
}

fn default_unit() -> u8 {
    1
}

fn one() -> u16 {
    1
}

fn default_mode() -> Mode {
    Mode::Tcp
}

fn default_table() -> Table {
    Table::Holding
}

fn default_timeout() -> Duration {
    DEFAULT_TIMEOUT
}

fn default_retries() -> u32 {
    DEFAULT_RETRIES
}

fn default_turnaround() -> Duration {
    DEFAULT_TURNAROUND
}

fn default_period() -> Duration {
    DEFAULT_PERIOD
}

fn default_max_registers() -> u16 {
    MAX_READ_REGISTERS
}

fn default_max_bits() -> u16 {
    MAX_READ_BITS
}
