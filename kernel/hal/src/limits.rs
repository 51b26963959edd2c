//! The numbers that bound what a guest may ask for.

/// The most operations of one transaction. Drivers use two to four; Linux takes 42 messages in one
/// `I2C_RDWR` (`I2C_RDWR_IOCTL_MAX_MSGS`), longer transactions are refused by it.
pub const OPERATIONS: u64 = 64;

/// The most bytes of one I2C operation: what Linux takes in one message (`i2c-dev.c` allows 8192).
pub const I2C_BYTES: u64 = 8192;

/// The most bytes of one SPI transaction: a full screen of a small display. `spidev` has a buffer of
/// 4096 bytes unless its parameter `bufsiz` says otherwise; longer ones are split or refused there.
pub const SPI_BYTES: u64 = 65_536;

/// The most bytes of one read or write of a serial port.
pub const UART_BYTES: u64 = 65_536;

/// The longest name of a line, bus, port or channel, in bytes. It becomes part of a topic.
pub const NAME_BYTES: usize = 128;

/// Waits below this are spun, in nanoseconds: timers of the lane are coarser by far, and nobody else on
/// it suffers from so little.
pub const SPIN: u64 = 50_000;

/// The longest wait of one call, in nanoseconds. A device that wants more uses a timer; its limit
/// `call-time` is shorter anyway.
pub const LONGEST_WAIT: u64 = 60_000_000_000;

/// Operations that wait for one bus, chip or port at most. Every device waits with one; those of a bus that
/// hangs are told that it is busy instead of piling up.
pub const QUEUE: usize = 1_024;
