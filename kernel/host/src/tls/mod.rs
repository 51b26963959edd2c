//! TLS as the host speaks it at its doors and connections: national algorithms (RFC 8998) or standard ones, never
//! both at one door (docs/decisions/0055-tls-at-the-doors.md).

mod connection;
mod files;
mod make;
mod name;
mod reason;
mod suites;

pub use connection::OfConnections;
pub use files::TlsError;
pub use make::{Client, Server};
pub use name::common_name;
pub use reason::reason;
pub use suites::{Suites, restrict};
