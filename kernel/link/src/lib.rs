//! Network connections for Weihe: TCP client and listener.
//!
//! Both are kinds of connection as [`weihe_kernel::connection`] knows them: they check their table
//! and open sockets; turns, framing, time-outs and reconnecting are the kernel's.
//!
//! | `type` | keys of its own | what it is |
//! |---|---|---|
//! | `tcp` | `address`, `keepalive`, `tls` | a client that stays connected to one server |
//! | `tcp-listen` | `address`, `keepalive`, `tls`, `max-peers`, `idle-timeout` | a door for many clients |

mod address;
mod client;
mod handshakes;
mod listener;
mod socket;
mod tls;
mod worded;

pub use client::TcpClient;
pub use handshakes::{Handshakes, Turn, network};
pub use listener::TcpListener;
pub use socket::Keepalive;
pub use tls::{ClientTls, ServerTls, Tls, TlsFault};
