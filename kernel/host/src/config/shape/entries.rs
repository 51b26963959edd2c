//! The tables of the file, but for connections and limits.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::json;

use super::connection::Connection;
use super::limits::LimitsTable;
use super::texts::{AddressText, AnyTable, FilterText, NAME, NameText, SizeText};

/// What a Weihe system consists of.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct File {
    /// The system as a whole.
    host: Option<Host>,
    /// The board that the system runs on. Without it, it is recognised by itself.
    board: Option<Board>,
    /// The key store. Without it, keys are in the folder `keys` of the data.
    keys: Option<KeyStore>,
    /// The door for operators on the network. Without it there is none.
    control: Option<Control>,
    /// Whose plugins run. Without it, signatures are not looked at.
    signatures: Option<Signatures>,
    /// Plugins, by name. A component `plugins/NAME.wasm` is one also without an entry.
    #[schemars(extend("propertyNames" = json!({ "pattern": NAME })))]
    plugin: Option<BTreeMap<String, Plugin>>,
    /// Connections, by name: doors to the outside, which several devices may share.
    #[schemars(extend("propertyNames" = json!({ "pattern": NAME })))]
    connection: Option<BTreeMap<String, Connection>>,
    /// Devices, by name: configured instances of plugins.
    #[schemars(extend("propertyNames" = json!({ "pattern": NAME })))]
    device: Option<BTreeMap<String, Device>>,
}

/// The system as a whole.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Host {
    /// The name of the system. Default: that of its directory.
    name: Option<NameText>,
    /// Where database, compiled components, audit trail and socket are; relative to this file. It must be on a
    /// local disk, and not writable by other users.
    #[schemars(extend("default" = "data", "minLength" = 1))]
    data: Option<String>,
    /// How changes of this file and of components are noticed. `auto`: the kernel tells, and folders for
    /// which it cannot are looked at once a second; `poll`: all are looked at once a second; `off`: not at
    /// all, `weihe reload` makes the host look.
    #[schemars(extend("default" = "auto", "enum" = ["auto", "poll", "off"]))]
    watch: Option<String>,
    /// Whether a process of its own sets outputs to their safe values when the host dies.
    #[schemars(extend("default" = true))]
    guard: Option<bool>,
    /// The memory that the host keeps within, from 48 MiB to 1 TiB. Default: what its control group allows.
    #[schemars(extend("examples" = ["256 MiB", "1 GiB"]))]
    memory: Option<SizeText>,
    /// The audit trail.
    audit: Option<Audit>,
}

/// The board that the system runs on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Board {
    /// A board file of one's own, relative to this file: names and facts that come before those of the board file
    /// that fits the machine.
    #[schemars(extend("minLength" = 1, "examples" = ["my-board.toml"]))]
    file: Option<String>,
    /// A directory that holds proc, sys, dev and etc of a board, for tests; relative to this file.
    #[schemars(extend("default" = "/", "minLength" = 1))]
    root: Option<String>,
    /// A file that describes a virtual board, which is used instead of this machine's hardware; relative to this
    /// file.
    #[schemars(extend("minLength" = 1))]
    r#virtual: Option<String>,
}

/// The key store, and what opens it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct KeyStore {
    /// The folder with the keys, relative to this file. It must be its owner's alone. Default: `keys` in the data.
    #[schemars(extend("minLength" = 1, "examples" = ["/var/lib/weihe/keys"]))]
    directory: Option<String>,
    /// A file whose first line is the passphrase, relative to this file. The variable WEIHE_KEY_PASSPHRASE comes
    /// before it.
    #[schemars(extend("minLength" = 1, "examples" = ["/run/credentials/weihe.service/keys"]))]
    passphrase_file: Option<String>,
    /// How often PBKDF2-HMAC-SM3 goes round when a store is made, or put under another passphrase.
    #[schemars(range(min = 1024, max = 10_000_000), extend("default" = 600_000))]
    rounds: Option<u32>,
    /// A token that keeps keys, too.
    pkcs11: Option<Pkcs11>,
}

/// A token that keeps keys, by way of PKCS #11.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Pkcs11 {
    /// The library of its maker.
    #[schemars(extend("minLength" = 1, "examples" = ["/usr/lib/softhsm/libsofthsm2.so"]))]
    module: String,
    /// The label of the token. Default: the only one that is there.
    token: Option<String>,
    /// The number of its slot, in place of a label.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    slot: Option<u32>,
    /// A file whose first line is the PIN, relative to this file. The variable WEIHE_PKCS11_PIN comes before it.
    #[schemars(extend("minLength" = 1))]
    pin_file: Option<String>,
}

/// The door for operators on the network: TLS 1.3 with certificates on both sides.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Control {
    /// An IP address of this machine and a port. `127.0.0.1` is reached from this machine only.
    #[schemars(extend("examples" = ["127.0.0.1:7443", "192.168.1.2:7443"]))]
    listen: AddressText,
    /// Which algorithms are spoken. `guomi`: SM2, SM3 and SM4 (RFC 8998); `standard`: those of all the world. Never
    /// both.
    #[schemars(extend("default" = "guomi", "enum" = ["guomi", "standard"]))]
    suites: Option<String>,
    /// Which of their cipher suites. Default: all.
    #[schemars(extend("examples" = [["TLS_SM4_GCM_SM3"]]))]
    cipher_suites: Option<Vec<String>>,
    /// Certificates of the authorities that operators come from (PEM), relative to this file.
    #[schemars(extend("minLength" = 1, "examples" = ["tls/ca.pem"]))]
    trust: String,
    /// The host's certificate (PEM), relative to this file.
    #[schemars(extend("minLength" = 1, "examples" = ["tls/gateway.pem"]))]
    certificate: String,
    /// The key of the certificate (PEM), relative to this file.
    #[schemars(extend("minLength" = 1, "examples" = ["tls/gateway.key"]))]
    key: String,
    /// What operators may do, by the common name of their certificate or its fingerprint (`sha256:…`, `sm3:…`).
    /// Who is not here may do nothing.
    roles: Option<BTreeMap<String, RoleName>>,
}

/// What an operator may do; each includes the ones before.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(in crate::config) enum RoleName {
    /// Look.
    Read,
    /// Act on devices.
    Operate,
    /// Change what runs.
    Admin,
}

/// Whose plugins run.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Signatures {
    /// What becomes of plugins that nobody who is trusted has signed. `off`: signatures are not looked at; `warn`:
    /// they run, and it is said what speaks against them; `require`: they don't run.
    #[schemars(extend("default" = "off", "enum" = ["off", "warn", "require"]))]
    policy: Option<String>,
    /// Files with certificates in PEM, relative to this file: of the authorities, or signers, that are trusted.
    trust: Option<Vec<String>>,
    /// Certificates that are no longer trusted: serial numbers, fingerprints (`sm3:…`, `sha256:…`), or files of them
    /// or of certificates in PEM.
    revoked: Option<Vec<String>>,
    /// Plugins, by the names that they were signed with, of which versions may run that are lower than one that has
    /// run; `*` stands for any characters.
    older: Option<Vec<String>>,
    /// Who may sign what. Without it, whoever is trusted may sign anything.
    signer: Option<Vec<Signer>>,
}

/// A signer, and what it may sign.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Signer {
    /// The common name in its certificate.
    subject: Option<String>,
    /// The fingerprint of its certificate (`sm3:…`, `sha256:…`), in place of its name.
    certificate: Option<String>,
    /// The names of the plugins that it may sign; `*` stands for any characters.
    names: Vec<String>,
}

/// The audit trail: who did what.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Audit {
    /// The size at which the next file is begun, from 64 KiB to 256 MiB.
    #[schemars(extend("default" = "4 MiB"))]
    file_size: Option<SizeText>,
    /// How many files are kept. Without it, none is ever removed.
    #[schemars(range(min = 1, max = 1_000_000))]
    keep: Option<u32>,
}

/// A plugin: a component, and the crate it may be built from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Plugin {
    /// The directory of the crate that `weihe run` builds it from, and that `weihe dev` watches; relative to
    /// this file.
    #[schemars(extend("minLength" = 1))]
    source: Option<String>,
    /// The component, relative to this file. Default: `plugins/NAME.wasm`.
    #[schemars(extend("minLength" = 1))]
    file: Option<String>,
    /// The name under which it was signed, where that is another than the one here. Default: this one.
    #[schemars(extend("minLength" = 1))]
    signed_as: Option<String>,
    /// What all its devices may touch. A device's own grants are added.
    grants: Option<Grants>,
}

/// A device: a configured instance of a plugin, with its own memory, budget and store.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Device {
    /// The plugin that drives it.
    plugin: NameText,
    /// Its connection. Naming it grants it.
    connection: Option<NameText>,
    /// What the plugin is started with. Its keys are the plugin's.
    config: Option<AnyTable>,
    /// What it may touch, beside its own topics `plugin/NAME/#` and its connection.
    grants: Option<Grants>,
    /// What it may use.
    limits: Option<LimitsTable>,
    /// The thread that it shares with other devices of the same lane. Default: `main`.
    lane: Option<String>,
    /// Whether its subscriptions may make publishers wait.
    #[schemars(extend("default" = false))]
    acyclic: Option<bool>,
}

/// What a device may touch.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Grants {
    /// Topics that it may publish on, besides `plugin/NAME/#`; `+` stands for one level, `#` for all that
    /// follow.
    publish: Option<Vec<FilterText>>,
    /// Topics that it may subscribe to, besides `plugin/NAME/#`.
    subscribe: Option<Vec<FilterText>>,
    /// Connections that it may open, besides its own.
    connections: Option<Vec<NameText>>,
    /// Devices whose commands it may call; `*` for all.
    call: Option<Vec<String>>,
    /// Tables and keys of the database.
    store: Option<StoreGrant>,
    /// Lines, buses, ports and channels of the board.
    hal: Option<HalGrant>,
    /// National cryptography, and keys of the key store.
    guomi: Option<GuomiGrant>,
}

/// What a device may do with keys. The table alone grants digests, random numbers, and keys that the plugin brings.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct GuomiGrant {
    /// Keys by the names that the plugin opens, with what may be done with them; `fleet-*` for all that begin so.
    keys: Option<BTreeMap<String, KeyGrant>>,
}

/// A key that a device may use.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::config) enum KeyGrant {
    /// What may be done with it.
    Uses(Vec<KeyUse>),
    /// The same for a key of another name.
    Table(KeyTable),
}

/// What may be done with a key.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(in crate::config) enum KeyUse {
    Sign,
    Verify,
    Encrypt,
    Decrypt,
    Mac,
    Agree,
    Export,
}

/// A key of another name.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct KeyTable {
    /// What the key store calls it. Default: the name that the plugin opens.
    key: Option<String>,
    /// What may be done with it.
    uses: Vec<KeyUse>,
}

/// What a device may touch of the hardware. Names are those that the plugin opens.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct HalGrant {
    /// Digital lines: `input`, `output` or `both`, or a table that says more.
    gpio: Option<BTreeMap<String, LineGrant>>,
    /// I2C buses: addresses, or `all`.
    i2c: Option<BTreeMap<String, BusGrant>>,
    /// SPI peripherals.
    spi: Option<NamesGrant>,
    /// Serial ports.
    uart: Option<NamesGrant>,
    /// PWM channels.
    pwm: Option<PwmGrant>,
    /// Analogue inputs.
    adc: Option<NamesGrant>,
}

/// A line that a device may use.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::config) enum LineGrant {
    /// What it may be.
    Mode(LineMode),
    /// What it may be, and how it is wired.
    Table(LineTable),
}

/// What a line may be.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(in crate::config) enum LineMode {
    Input,
    Output,
    Both,
}

/// A line with its wiring.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct LineTable {
    /// What the board calls it. Default: the name that the plugin opens.
    line: Option<String>,
    /// What it may be.
    mode: LineMode,
    /// The level that is active. Default: what the plugin says, or high.
    #[schemars(extend("enum" = ["high", "low"]))]
    active: Option<String>,
    /// What an output is set to when the device ends. Default: what the plugin says.
    #[schemars(extend("enum" = ["inactive", "active", "keep"]))]
    safe: Option<String>,
}

/// A bus that a device may use.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::config) enum BusGrant {
    /// Addresses.
    Addresses(Addresses),
    /// Addresses on a bus of another name.
    Table(BusTable),
}

/// Addresses on a bus.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::config) enum Addresses {
    /// Some.
    Some(#[schemars(inner(range(min = 8, max = 119)))] Vec<u16>),
    /// All.
    #[schemars(extend("enum" = ["all"]))]
    All(String),
}

/// A bus of another name.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct BusTable {
    /// What the board calls it. Default: the name that the plugin opens.
    bus: Option<String>,
    /// The addresses.
    addresses: Addresses,
}

/// Things that are granted as a whole: their names, or what the board calls them by the names that the
/// plugin opens.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::config) enum NamesGrant {
    /// Names of the board.
    Names(Vec<String>),
    /// Names of the board by names of the plugin.
    Table(BTreeMap<String, String>),
}

/// PWM channels that a device may use.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::config) enum PwmGrant {
    /// Names of the board.
    Names(Vec<String>),
    /// By names of the plugin.
    Table(BTreeMap<String, PwmChannelGrant>),
}

/// A PWM channel.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(in crate::config) enum PwmChannelGrant {
    /// What the board calls it.
    Name(String),
    /// What the board calls it, and more.
    Table(PwmTable),
}

/// A PWM channel, and what becomes of it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct PwmTable {
    /// What the board calls it. Default: the name that the plugin opens.
    channel: Option<String>,
    /// What becomes of it when the device ends. Default: what the plugin says, or off.
    #[schemars(extend("enum" = ["off", "keep"]))]
    safe: Option<String>,
}

/// What a device may touch in the database.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct StoreGrant {
    /// Tables that it may create, change and read.
    tables: Option<Vec<String>>,
    /// Tables that it may only read.
    read: Option<Vec<String>>,
    /// Whether it has keys of its own.
    #[schemars(extend("default" = false))]
    keys: Option<bool>,
    /// Keys that it shares with other devices, by the name of the bucket.
    buckets: Option<Vec<String>>,
}
