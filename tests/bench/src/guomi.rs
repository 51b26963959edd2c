//! Cryptography through a plugin, and natively beside it: the same calls over the same data on the same lane, in turns.
//!
//! Natively a message is encrypted where it is, under a key that was made ready once: nothing could be faster. Time is
//! taken twice: by the clock, which on a busy machine shows the others too, and by the processor time of this process,
//! which doesn't, and counts the thread to which long data goes.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use weihe_guomi::sm::sm3;
use weihe_guomi::sm::sm4::{Aead, Key, NONCE};
use weihe_guomi::{GuomiCapability, MemoryKeys};

use crate::on_lane::{Plugins, nanoseconds, on_a_lane};
use crate::{Anyhow, median};

/// How much is measured.
struct Effort {
    /// Rounds, natively and in the sandbox in turns.
    rounds: usize,
    /// Bytes that are gone through in a turn, at least: one to four milliseconds.
    bytes: usize,
}

const EFFORT: Effort = Effort {
    rounds: 201,
    bytes: 2 << 20,
};

/// What the plugin should come to, in parts of what is natively possible, by processor time.
const GOAL: f64 = 0.9;

/// What the plugin calls it, over how many bytes at once, and whether something was promised.
const WORKS: [(&str, usize, bool); 6] = [
    ("sm3", 1 << 20, true),
    ("sm3", 16 << 10, false),
    ("sm3", 1 << 10, false),
    ("sm4-gcm", 1 << 20, false),
    ("sm4-gcm", 16 << 10, true),
    ("sm4-gcm", 1 << 10, false),
];

/// Measures.
pub fn run(file: &Path) -> Anyhow<()> {
    measure(file, EFFORT)
}

fn measure(file: &Path, effort: Effort) -> Anyhow<()> {
    let file = file.to_owned();
    on_a_lane(async move {
        let cache = tempfile::tempdir()?;
        let keys = Arc::new(MemoryKeys::default());
        let capability = Arc::new(GuomiCapability::new(keys));
        let plugins = Plugins::load(&file, capability, cache.path()).await?;
        let plugin = plugins.start("meter", json!({}), "").await?;
        for (what, bytes, promised) in WORKS {
            let times = (effort.bytes / bytes).max(1);
            let asked = json!({ "what": what, "bytes": bytes, "times": times });
            let mut turns = Vec::new();
            for _ in 0..effort.rounds {
                let (native, end) = natively(what, bytes, times)?;
                let began = processor();
                let answer = plugin.call("measure", &asked).await?;
                let busy = processor() - began;
                let answer = &answer["ok"];
                if answer["end"] != end {
                    return Err(format!("{what}: {} came out, not {end}", answer["end"]).into());
                }
                let clock = nanoseconds(answer)?;
                turns.push([native, Took { clock, busy }]);
            }
            let of = |part: fn(&[Took; 2]) -> f64| median(turns.iter().map(part).collect());
            let speed = |nanoseconds: f64| (bytes * times) as f64 * 1e3 / nanoseconds;
            let share = of(|[native, plugin]| native.busy / plugin.busy);
            let by_clock = of(|[native, plugin]| native.clock / plugin.clock);
            let goal = match promised {
                true if share >= GOAL => ", goal 90 %: met",
                true => ", goal 90 %: missed",
                false => "",
            };
            println!(
                "{what}, {bytes} bytes: native {:.0} MB/s, plugin {:.0} MB/s, {:.0} %{goal} (by the clock {:.0} %)",
                speed(of(|[native, _]| native.busy)),
                speed(of(|[_, plugin]| plugin.busy)),
                share * 100.0,
                by_clock * 100.0
            );
        }
        plugin.end().await;
        Ok(())
    })
}

/// What a turn took, in nanoseconds.
struct Took {
    clock: f64,
    /// Of the processor.
    busy: f64,
}

/// Nanoseconds that all threads of this process have had of the processor.
fn processor() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The loop of the plugin as plain Rust, and the end of its last result.
fn natively(what: &str, bytes: usize, times: usize) -> Anyhow<(Took, String)> {
    let mut data = vec![0x5a; bytes];
    let aead = Aead::gcm(&Key::from_bytes(&[0x42; 16])?);
    let mut last = Vec::new();
    let (began, busy) = (Instant::now(), processor());
    match what {
        "sm3" => {
            for _ in 0..times {
                last = black_box(sm3::digest(black_box(&data))).to_vec();
            }
        }
        _ => {
            let mut nonce = [0; NONCE];
            for count in 1..=times as u64 {
                nonce[4..].copy_from_slice(&count.to_be_bytes());
                black_box(aead.seal(&nonce, b"", black_box(&mut data))?);
            }
        }
    }
    let busy = processor() - busy;
    let took = Took {
        clock: began.elapsed().as_nanos() as f64,
        busy,
    };
    if last.is_empty() {
        // What was encrypted again and again is another text by now.
        let mut nonce = [0; NONCE];
        nonce[4..].copy_from_slice(&(times as u64).to_be_bytes());
        data.fill(0x5a);
        last = aead.seal(&nonce, b"", &mut data)?.to_vec();
    }
    let end = last.len().saturating_sub(16);
    let end = last.get(end..).unwrap_or_default();
    Ok((took, end.iter().map(|byte| format!("{byte:02x}")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugin_and_native_loop_come_to_the_same() -> Anyhow<()> {
        let once = Effort {
            rounds: 1,
            bytes: 1,
        };
        measure(&weihe_tests::component("weihe-guest-guomi"), once)
    }
}
