//! The control protocol: how commands in another terminal reach a running host. JSON lines over a
//! Unix socket, specified in `docs/control-protocol.md`.

mod client;
mod dead;
mod line;
mod protocol;
mod server;
mod service;
mod session;
mod socket;

pub use client::{Client, ClientError, Stream, StreamPiece};
pub use dead::{DeadListParams, DeadParams};
pub use line::{LineError, LineReader};
pub use protocol::{
    Body, CallParams, CancelParams, DeviceParams, ErrorBody, EventsParams, GetParams, Hello,
    LoadAnswer, LogsParams, PlanParams, PluginParams, Reply, Request, RestartAnswer, SetParams,
    SwapAnswer, VERSION, VersionParams, code, parse_request,
};
pub use server::{CLIENTS, Server, serve};
pub use service::{Answer, Peer, Piece, Service, Source};
pub use socket::{SOCKET, SocketError, bind, check_directory, connect};
