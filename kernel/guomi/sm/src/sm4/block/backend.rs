use std::sync::OnceLock;

use super::Keys;

/// An implementation of the block cipher, which this processor can run.
#[derive(Clone, Copy)]
pub struct Backend(&'static Functions);

/// What a backend consists of.
struct Functions {
    name: &'static str,
    expand: unsafe fn(&[u8; 16], &mut Keys),
    blocks: unsafe fn(&Keys, &mut [[u8; 16]]),
}

/// The name of the backend that any processor can run.
const PORTABLE: &str = "portable";

/// Names a module's functions.
macro_rules! functions {
    ($name:expr, $module:ident) => {
        &Functions {
            name: $name,
            expand: super::$module::expand,
            blocks: super::$module::blocks,
        }
    };
}

impl Backend {
    /// All that this processor can run, the fastest first; the portable one is always among them.
    pub fn all_here() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as detected;
            let avx512 = detected!("avx512f") && detected!("avx512bw") && detected!("avx512vl");
            if detected!("gfni") && avx512 {
                all.push(Self(functions!("GFNI with AVX-512", gfni_avx512)));
            }
            if detected!("gfni") && detected!("avx2") {
                all.push(Self(functions!("GFNI with AVX2", gfni_avx2)));
            }
            if detected!("aes") && detected!("avx2") {
                all.push(Self(functions!("AES-NI with AVX2", x86_aes_avx2)));
            }
            if detected!("aes") && detected!("ssse3") {
                all.push(Self(functions!("AES-NI", x86_aes)));
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            use std::arch::is_aarch64_feature_detected as detected;
            if detected!("sm4") && detected!("neon") {
                all.push(Self(functions!("ARMv8 SM4", arm_sm4)));
            }
            if detected!("aes") && detected!("neon") {
                all.push(Self(functions!("ARMv8 AES", arm_aes)));
            }
        }
        all.push(Self(functions!(PORTABLE, portable)));
        all
    }

    /// Whether it runs on instructions of the processor, and not on any: then it is some ten times slower.
    pub fn has_instructions(self) -> bool {
        self.0.name != PORTABLE
    }

    /// The fastest here; detected once.
    pub fn here() -> Self {
        static FASTEST: OnceLock<Backend> = OnceLock::new();
        *FASTEST.get_or_init(|| match Self::all_here().first() {
            Some(fastest) => *fastest,
            None => Self(functions!(PORTABLE, portable)),
        })
    }

    /// What it is called, for people.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    pub(super) fn expand(self, key: &[u8; 16], keys: &mut Keys) {
        // SAFETY: a backend only exists where its instructions were detected, which is all that it needs.
        unsafe { (self.0.expand)(key, keys) }
    }

    pub(super) fn blocks(self, keys: &Keys, blocks: &mut [[u8; 16]]) {
        // SAFETY: as in `expand`.
        unsafe { (self.0.blocks)(keys, blocks) }
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Which instructions SM4 runs on here.
pub fn backend() -> &'static str {
    Backend::here().name()
}
