//! The contract of a framer: the answer to "is this reply complete?" for the rule `codec`.

/// What a look at received bytes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scan {
    /// Bytes at the front that belong to no frame (or to one that answers something else), to be
    /// dropped and counted.
    pub skip: usize,
    /// Length of the complete frame that follows them; none while it is incomplete.
    pub frame: Option<usize>,
}

/// Finds a reply in a stream of bytes. One belongs to each device that uses the rule `codec`; the
/// kernel implements it with a pure instance of the plugin's codec.
///
/// It is called on the connection's own task, which shares its thread with all connections: it
/// computes, waits for nothing, and fails when a look takes it too long.
pub trait Framer: Send {
    /// A look at the bytes begins. The calls of `scan` up to the next look belong to it, and share
    /// the time that it may take.
    fn begin(&mut self) {}

    /// Looks at what has arrived since `request` was sent, skipped bytes left out. Called each time
    /// bytes arrive, and once when the line falls silent (`idle`); and again, within the same look,
    /// for what is left when some bytes were skipped. The error fails the exchange and is shown to
    /// the device.
    fn scan(
        &mut self,
        options: &str,
        request: &[u8],
        bytes: &[u8],
        idle: bool,
    ) -> Result<Scan, String>;
}
