//! Every number that limits the fail-safe, with its reason. Spans are nanoseconds.

/// One second in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// Fail-safe frames of one device on one connection. A rack of remote outputs behind one unit has
/// fewer, since one frame writes many coils.
pub const MAX_FRAMES: usize = 128;

/// Bytes of these frames with what they expect and what they are called: 128 bytes for each. One
/// message to the guard process holds them all.
pub const MAX_FRAME_BYTES: usize = 16 * 1024;

/// Bytes of what a frame is called: it is shown on one line.
pub const MAX_LABEL: usize = 128;

/// Longest wait for the reply to one frame: an emergency is no time for slower units.
pub const MAX_TIMEOUT: u64 = 10 * SECOND;

/// How long a frame waits for its turn: it goes before everything that waits, after the exchange under
/// way and the silence that this one needs.
pub const TURN: u64 = 10 * SECOND;

/// How often a frame is sent in a row until it is confirmed. Noise on a serial line seldom hits three
/// frames in a row.
pub const ATTEMPTS: u32 = 3;

/// Pause before frames that were not confirmed are sent again while the link is up, doubled up to
/// [`LONGEST_PAUSE`].
pub const FIRST_PAUSE: u64 = SECOND;

/// Longest pause before frames are sent again: a unit behind a gateway whose cable is plugged in again
/// waits little longer than this, and a dead one costs its line next to nothing.
pub const LONGEST_PAUSE: u64 = 30 * SECOND;

/// How long a device that ends waits for its outputs: three attempts of a second, and the turn. What
/// is left goes on by itself while the host runs.
pub const STOP_TIME: u64 = 5 * SECOND;

/// How long a host that stops waits for the outputs of all its devices, dead lines among them. Far
/// below the 90 s after which systemd kills.
pub const SHUTDOWN_TIME: u64 = 15 * SECOND;
