//! The numbers that bound what a guest may ask for.

/// The most bytes of data in one call: more would only be held twice, here and in the component. Longer data goes
/// through streams. Half of the default of `host-call-data`, which counts it, is left for what comes back.
pub const DATA_BYTES: u64 = 1 << 20;

/// The longest plaintext of SM2, which is for keys and the like.
pub const SM2_BYTES: u64 = 65_536;

/// What form and check value add to a plaintext of SM2, at most: the point, the digest, and the lengths of DER.
pub const SM2_OVERHEAD: u64 = 128;

/// The longest certificate: those in use have one or two kilobytes.
pub const CERTIFICATE_BYTES: u64 = 65_536;

/// The most random bytes of one call. Linux gives no signal a chance beyond 256 of them, and takes about 0.2 ms for
/// these.
pub const RANDOM_BYTES: u64 = 65_536;

/// The longest key that a component brings. HMAC hashes keys beyond 64 bytes anyway.
pub const SECRET_BYTES: u64 = 1024;

/// The most bytes that two sides agree on: keys for both directions and both purposes are 64.
pub const AGREED_BYTES: u32 = 1024;

/// The longest name of a signer, in bytes: its bits are counted in 16 bits (GB/T 32918.2-2016, 5.5).
pub const ID_BYTES: u64 = 8191;

/// The most handles that an instance has open: a gateway of two hundred meters has one for each.
pub const HANDLES: u32 = 256;

/// The longest name of a key in a call. What is longer than any name in the key store is not even looked for.
pub const NAME_BYTES: usize = 128;

/// Up to so many bytes are worked on where the call is, on the device's lane: some 60 µs of SM3, and up to 650 µs of SM4
/// in its slowest mode with AES instructions. It adds little to the 5 ms after which a computing component makes way.
/// More goes to a thread.
pub const INLINE_BYTES: usize = 32_768;

/// The same on a processor that has no instructions for SM4: 240 µs of its slowest mode on the machine of
/// docs/decisions/0049, more on a small board.
pub const INLINE_BYTES_PORTABLE: usize = 4096;

/// The most pieces of work that wait for a thread. A device waits for one at a time, so these are devices; what is
/// beyond them is told that the host is busy.
pub const WAITING: usize = 256;

/// The most threads for work that is long, or waits for hardware. A board has no more cores to spare.
pub const THREADS: usize = 4;

/// The longest nonce: of GCM it may be any, in use are 8 to 16.
pub const NONCE_BYTES: u64 = 64;
