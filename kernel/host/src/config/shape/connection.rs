//! `[connection.NAME]`, a table for each kind.

use schemars::JsonSchema;

use super::texts::{AddressText, SizeOrBytes, SpanText};

/// A door to the outside that the host owns.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "kebab-case")]
pub(in crate::config) enum Connection {
    /// A client that stays connected to one server.
    Tcp(Tcp),
    /// A door for many clients, held by one device.
    TcpListen(TcpListen),
    /// A serial port that several devices share.
    Uart(Uart),
}

/// A client that stays connected to one server.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(in crate::config) struct Tcp {
    /// Host and port of the server. The name is resolved at each attempt.
    #[schemars(extend("examples" = ["192.168.1.50:502"]))]
    address: AddressText,
    /// TLS on the connection. Without it, everything is sent in the clear.
    tls: Option<ClientTlsTable>,
    /// Silence after which the server is probed, from 1 s to 9 h; `0s`: never.
    #[schemars(extend("default" = "15s"))]
    keepalive: Option<SpanText>,
    /// Opens anew after so many requests in a row without a reply, unless another device on the connection got
    /// one within the last minute; 0: never.
    #[schemars(range(min = 0), extend("default" = 5))]
    max_timeouts: Option<u32>,
    /// Silence kept between exchanges.
    #[schemars(extend("default" = "0s"))]
    gap: Option<SpanText>,
    /// Silence that ends a reply of unknown length.
    #[schemars(extend("default" = "50ms"))]
    silence: Option<SpanText>,
    #[schemars(flatten)]
    shared: Shared,
}

/// A door for many clients, held by one device. Whoever reaches the address can talk to the device.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(in crate::config) struct TcpListen {
    /// An IP address of this machine and a port. `0.0.0.0` is reached from every network, `127.0.0.1` from
    /// this machine only; port 0 lets the system choose.
    #[schemars(extend("examples" = ["0.0.0.0:2404", "127.0.0.1:15020"]))]
    address: AddressText,
    /// TLS on the connection. Without it, everything is sent in the clear.
    tls: Option<ServerTlsTable>,
    /// Silence after which a peer is probed, from 1 s to 9 h; `0s`: never.
    #[schemars(extend("default" = "15s"))]
    keepalive: Option<SpanText>,
    /// Peers at a time. Who comes when so many are there is turned away.
    #[schemars(range(min = 1, max = 512), extend("default" = 64))]
    max_peers: Option<u32>,
    /// Closes a peer after so long without a byte. Default: never.
    idle_timeout: Option<SpanText>,
    /// Opens anew after so many requests in a row without a reply; 0, as by default: never.
    #[schemars(range(min = 0), extend("default" = 0))]
    max_timeouts: Option<u32>,
    /// Silence kept between exchanges.
    #[schemars(extend("default" = "0s"))]
    gap: Option<SpanText>,
    /// Silence that ends a reply of unknown length.
    #[schemars(extend("default" = "50ms"))]
    silence: Option<SpanText>,
    #[schemars(flatten)]
    shared: Shared,
}

/// A serial port that several devices share.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(in crate::config) struct Uart {
    /// The port, or a link to it.
    #[schemars(extend("pattern" = "^/", "examples" = ["/dev/ttyS1", "/dev/serial/by-path/platform-fe650000.serial"]))]
    port: String,
    /// Bits a second. A driver that cannot do the rate is an error.
    #[schemars(range(min = 50, max = 12_000_000), extend("default" = 9600))]
    baud: Option<u32>,
    /// Bits of a character.
    #[schemars(range(min = 5, max = 8), extend("default" = 8))]
    data_bits: Option<u8>,
    /// The parity bit.
    #[schemars(extend("default" = "none", "enum" = ["none", "even", "odd"]))]
    parity: Option<String>,
    /// Stop bits.
    #[schemars(range(min = 1, max = 2), extend("default" = 1))]
    stop_bits: Option<u8>,
    /// Silence kept between exchanges. Default: 3.5 characters, above 19,200 baud at least 1.75 ms.
    gap: Option<SpanText>,
    /// Silence that ends a reply of unknown length. Default: the gap and 16 characters, at least 20 ms.
    silence: Option<SpanText>,
    /// Opens anew after so many requests in a row without a reply; 0, as by default: never.
    #[schemars(range(min = 0), extend("default" = 0))]
    max_timeouts: Option<u32>,
    #[schemars(flatten)]
    shared: Shared,
}

/// What all kinds know.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(in crate::config) struct Shared {
    /// How long an attempt to open may take.
    #[schemars(extend("default" = "5s"))]
    connect_timeout: Option<SpanText>,
    /// The first pause before opening again, doubled from then on.
    #[schemars(extend("default" = "250ms"))]
    reconnect_min: Option<SpanText>,
    /// The longest pause before opening again.
    #[schemars(extend("default" = "30s"))]
    reconnect_max: Option<SpanText>,
    /// Bytes that a reply may have, up to 4 MiB.
    #[schemars(extend("default" = "64 KiB"))]
    max_reply: Option<SizeOrBytes>,
}

/// TLS of a client.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct ClientTlsTable {
    /// Which algorithms are spoken. `guomi`: SM2, SM3 and SM4 (RFC 8998); `standard`: those of all the world. Never
    /// both.
    #[schemars(extend("default" = "guomi", "enum" = ["guomi", "standard"]))]
    suites: Option<String>,
    /// Which of their cipher suites. Default: all.
    #[schemars(extend("examples" = [["TLS_SM4_GCM_SM3"]]))]
    cipher_suites: Option<Vec<String>>,
    /// Certificates of the authorities that the server comes from (PEM), relative to this file.
    #[schemars(extend("minLength" = 1, "examples" = ["tls/ca.pem"]))]
    trust: String,
    /// The certificate to show to a server that asks (PEM), relative to this file.
    #[schemars(extend("minLength" = 1))]
    certificate: Option<String>,
    /// The key of the certificate (PEM), relative to this file.
    #[schemars(extend("minLength" = 1))]
    key: Option<String>,
    /// The name in the server's certificate. Default: that of the address.
    #[schemars(extend("minLength" = 1))]
    server_name: Option<String>,
}

/// TLS of a door.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct ServerTlsTable {
    /// Which algorithms are spoken. `guomi`: SM2, SM3 and SM4 (RFC 8998); `standard`: those of all the world. Never
    /// both.
    #[schemars(extend("default" = "guomi", "enum" = ["guomi", "standard"]))]
    suites: Option<String>,
    /// Which of their cipher suites. Default: all.
    #[schemars(extend("examples" = [["TLS_SM4_GCM_SM3"]]))]
    cipher_suites: Option<Vec<String>>,
    /// Certificates of the authorities that clients come from (PEM), relative to this file. With it, clients have to
    /// show one.
    #[schemars(extend("minLength" = 1, "examples" = ["tls/ca.pem"]))]
    trust: Option<String>,
    /// The certificate of the door (PEM), relative to this file.
    #[schemars(extend("minLength" = 1, "examples" = ["tls/gateway.pem"]))]
    certificate: String,
    /// The key of the certificate (PEM), relative to this file.
    #[schemars(extend("minLength" = 1, "examples" = ["tls/gateway.key"]))]
    key: String,
    /// Whether clients have to show a certificate. Default: `required` with `trust`, `none` without.
    #[schemars(extend("enum" = ["required", "optional", "none"]))]
    client_auth: Option<String>,
}
