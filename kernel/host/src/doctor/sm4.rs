//! What SM4 runs on: it is some ten times slower on a processor that has nothing for it.

use serde::Serialize;
use weihe_sm::sm4::Backend;

use super::Finding;

/// What SM4 runs on here, and what the processor has that may help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sm4 {
    /// What it runs on.
    pub backend: &'static str,
    /// Whether that takes instructions that not every processor has.
    pub accelerated: bool,
    /// The instructions for vectors and ciphers that were found.
    pub instructions: Vec<&'static str>,
}

impl Sm4 {
    /// Looks at the processor that this runs on.
    pub fn here() -> Self {
        let backend = Backend::here();
        Self {
            backend: backend.name(),
            accelerated: backend.has_instructions(),
            instructions: instructions(),
        }
    }

    /// The line of the doctor.
    pub fn finding(&self) -> Finding {
        const WHAT: &str = "SM4";
        let list = self.instructions.join(", ");
        match (self.accelerated, list.is_empty()) {
            (true, _) => Finding::ok(WHAT, format!("{}; the processor has {list}", self.backend)),
            (false, true) => Finding::warn(
                WHAT,
                "portable; the processor has nothing that helps",
                SLOWER,
            ),
            (false, false) => Finding::warn(
                WHAT,
                format!("portable; the processor has {list}, which does not do"),
                SLOWER,
            ),
        }
    }
}

const SLOWER: &str = "some ten times slower: AES instructions help; in a virtual machine, let the guest see those of the processor";

#[cfg(target_arch = "x86_64")]
fn instructions() -> Vec<&'static str> {
    use std::arch::is_x86_feature_detected as detected;
    let avx512 = detected!("avx512f") && detected!("avx512bw") && detected!("avx512vl");
    named([
        ("GFNI", detected!("gfni")),
        ("AVX-512", avx512),
        ("AVX2", detected!("avx2")),
        ("AES-NI", detected!("aes")),
        ("SSSE3", detected!("ssse3")),
        ("PCLMULQDQ", detected!("pclmulqdq")),
    ])
}

#[cfg(target_arch = "aarch64")]
fn instructions() -> Vec<&'static str> {
    use std::arch::is_aarch64_feature_detected as detected;
    named([
        ("SM4", detected!("sm4")),
        ("AES", detected!("aes")),
        ("PMULL", detected!("pmull")),
        ("NEON", detected!("neon")),
    ])
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn instructions() -> Vec<&'static str> {
    Vec::new()
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn named<const N: usize>(all: [(&'static str, bool); N]) -> Vec<&'static str> {
    let here = all.into_iter().filter(|(_, is_there)| *is_there);
    here.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn what_it_runs_on_is_named_and_a_slow_one_comes_with_advice() {
        let fast = Sm4 {
            backend: "AES-NI",
            accelerated: true,
            instructions: vec!["AES-NI", "SSSE3"],
        };
        let finding = fast.finding();
        assert_eq!(finding.verdict, Verdict::Ok);
        assert_eq!(finding.found, "AES-NI; the processor has AES-NI, SSSE3");
        for instructions in [vec![], vec!["SSSE3"]] {
            let slow = Sm4 {
                backend: "portable",
                accelerated: false,
                instructions,
            };
            let finding = slow.finding();
            assert_eq!(finding.verdict, Verdict::Warn);
            assert!(finding.found.starts_with("portable"));
            assert!(finding.advice.contains("ten times"));
        }
    }
}
