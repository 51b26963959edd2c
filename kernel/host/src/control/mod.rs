//! The control protocol: how commands in another terminal reach a running host. JSON lines over a
//! Unix socket, or over TLS, specified in `docs/control-protocol.md`.

mod client;
mod dead;
mod door;
mod line;
mod paced;
mod places;
mod protocol;
mod remote;
mod role;
mod server;
mod service;
mod session;
mod socket;

pub use client::{Client, ClientError, Stream, StreamPiece};
pub use dead::{DeadListParams, DeadParams};
pub use door::{Door, DoorError, HANDSHAKE, IDLE, who};
pub use line::{LineError, LineReader};
pub use paced::Paced;
pub use places::{OF_EACH, OPERATORS};
pub use protocol::{
    Body, CallParams, CancelParams, DeviceParams, ErrorBody, EventsParams, GetParams, Hello,
    LoadAnswer, LogsParams, PlanParams, PluginParams, Reply, Request, RestartAnswer, SetParams,
    SwapAnswer, VERSION, VersionParams, code, parse_request,
};
pub use remote::{Remote as RemoteHost, RemoteError};
pub use role::{METHODS, Method, Role, is_known, looks};
pub use server::{CLIENTS, Server, serve};
pub use service::{Answer, Peer, Piece, Remote, Service, Source};
pub use socket::{SOCKET, SocketError, bind, check_directory, connect};
