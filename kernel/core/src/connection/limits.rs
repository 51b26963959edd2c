//! Every number that limits a connection, with its reason. Spans are nanoseconds. The keys named
//! here override them in a connection's table.

/// One millisecond in nanoseconds.
const MS: u64 = 1_000_000;

/// Bytes of one request. Four times the largest protocol data unit in use here (S7: 960, IEC 104:
/// 253, HJ 212: 1,024, bulk file transfer of meters: 16 Ki).
pub const REQUEST_LIMIT: usize = 64 * 1024;

/// Bytes of one reply; key `max-reply`. A device that never ends its frame must not fill the memory.
pub const MAX_REPLY: usize = 64 * 1024;

/// Largest `max-reply`: what a board of 64 MiB can still hold a few of.
pub const MAX_REPLY_CEILING: usize = 4 * 1024 * 1024;

/// Exchanges of one device that wait for their turn or whose outcome waits for the device, by
/// priority: a device whose queue is full of polls still gets its emergency stop in.
pub const OUTSTANDING: [usize; 3] = [320, 288, 256];

/// Bytes of requests that wait on one wire. 256 requests of usual size need a tenth of it.
pub const QUEUED_BYTES: usize = 1024 * 1024;

/// Bytes read at once: a full receive buffer of a serial driver.
pub const READ_CHUNK: usize = 4 * 1024;

/// Bytes that are taken off the wire as stale before a request goes out. A peer that never stops
/// talking must not keep the request from being sent.
pub const DRAIN: usize = 64 * 1024;

/// Notices of unasked bytes that wait for one device of a shared line. Beyond it they are dropped
/// and counted: the line's other devices come first.
pub const UNASKED_BACKLOG: usize = 64;

/// Silence that ends a reply where the transport does not tell it from a byte's time; key `silence`.
/// Packets of one reply follow each other faster, on all but satellite links.
pub const SILENCE: u64 = 50 * MS;

/// How long a request waits for a line to fall silent. A line that never does is used all the same,
/// or a babbling device would keep everyone out for good.
pub const SILENCE_PATIENCE: u64 = 500 * MS;

/// How long an attempt to open may take; key `connect-timeout`.
pub const CONNECT_TIMEOUT: u64 = 5_000 * MS;

/// First pause before opening again; key `reconnect-min`. Short enough that a gateway that closes
/// idle connections is hardly missed.
pub const RECONNECT_MIN: u64 = 250 * MS;

/// Longest pause before opening again; key `reconnect-max`. An engineer who plugs the cable in waits
/// no longer than this.
pub const RECONNECT_MAX: u64 = 30_000 * MS;

/// The pause is moved by a random share of itself up to this many percent either way, so that many
/// connections to one rebooted gateway do not knock at once.
pub const JITTER_PERCENT: u64 = 20;

/// A device that got a reply so lately vouches for the link: the time-outs of others (which then
/// have dead units behind them) do not close it. Longer than the usual pause between two polls.
pub const NEIGHBOUR_SILENCE: u64 = 60_000 * MS;

/// A link that was up for so long was sound: the next pause is the first again.
pub const STABLE_AFTER: u64 = 5_000 * MS;

/// How long bytes sent without awaiting a reply wait for the line.
pub const SEND_DEADLINE: u64 = 10_000 * MS;

/// How long a device that ends in order waits for what it sent to be written. A neighbour's exchange
/// may be under way and get no reply (a second is usual); then a send goes before all polls. And a
/// host that stops has many devices, perhaps behind one line that is stuck.
pub const LEAVE_TIMEOUT: u64 = 2_000 * MS;

/// How long the operating system may take to accept bytes that await no reply. A peer that does not
/// read for so long is gone.
pub const SEND_TIMEOUT: u64 = 5_000 * MS;

/// Peers of a listener at one time; key `max-peers`. Each costs a socket and up to `READ_CHUNK`.
pub const MAX_PEERS: usize = 64;

/// Pause after the operating system refused to accept a peer (no descriptors, no memory).
pub const ACCEPT_PAUSE: u64 = 100 * MS;

/// How long a peer may take to accept the end of its stream.
pub const SHUTDOWN_TIMEOUT: u64 = 1_000 * MS;
