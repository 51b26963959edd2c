//! Whether the time of an operation with a private key of SM2 tells anything about the key, as dudect asks it
//! (Reparaz, Balasch, Verbauwhede: Dude, is my code constant time?, 2017).
//!
//! `cargo run --release -p weihe-sm --example timing [MEASUREMENTS]`, on a machine that does nothing else.
//!
//! Each operation is measured with two classes of keys in random turn: one fixed key with almost no bits set, and
//! random keys. Welch's t says whether the two classes take different times: beyond 4.5 on either side it is hardly
//! chance. The first line is a multiplication that branches on the bits of the key, which has to be found out.

use std::{hint::black_box, time::Instant};

use weihe_sm::{
    Error, random,
    sm2::{DEFAULT_ID, Layout, PrivateKey},
};

/// Keys of a class. Both have as many, so that the caches treat them alike.
const KEYS: usize = 64;

/// Beyond this, times are taken to differ (as in dudect).
const LIMIT: f64 = 4.5;

/// Shares of the measurements, the shortest first, over which t is computed: interruptions by others lie above.
const SHARES: [f64; 3] = [0.5, 0.8, 0.95];

fn main() -> Result<(), Error> {
    let measurements = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(50_000);
    let mut few = [0; 32];
    few[31] = 2;
    let fixed = (0..KEYS).map(|_| PrivateKey::from_bytes(&few));
    let fixed = fixed.collect::<Result<Vec<_>, _>>()?;
    let any = (0..KEYS).map(|_| PrivateKey::generate());
    let any = any.collect::<Result<Vec<_>, _>>()?;
    let classes = [fixed, any];
    let peer = PrivateKey::generate()?.public_key();

    println!("{measurements} measurements each; |t| above {LIMIT} tells that times differ");
    test(
        "a leak, to see that it is seen",
        measurements,
        &classes,
        |key| {
            leak(&key.to_bytes());
        },
    )?;
    test("signing", measurements, &classes, |key| {
        let _ = black_box(key.sign_digest(black_box(&[0x5a; 32])));
    })?;
    test("signing with Z", measurements, &classes, |key| {
        let _ = black_box(key.sign(DEFAULT_ID, black_box(b"valve open")));
    })?;
    test("agreement", measurements, &classes, |key| {
        let _ = black_box(key.agree(black_box(&peer)));
    })?;
    // What each key has to decrypt was encrypted for it.
    let texts = classes.each_ref().map(|keys| {
        let encrypt = |key: &PrivateKey| key.public_key().encrypt(Layout::C1C3C2, b"setpoint 42");
        keys.iter().map(encrypt).collect::<Result<Vec<_>, _>>()
    });
    let [one, two] = texts;
    let pairs = [(&classes[0], one?), (&classes[1], two?)]
        .map(|(keys, texts)| keys.iter().cloned().zip(texts).collect::<Vec<_>>());
    test("decryption", measurements, &pairs, |(key, text)| {
        let _ = black_box(key.decrypt(Layout::C1C3C2, black_box(text)));
    })
}

/// Measures an operation with keys of both classes in random turn, and says what came out.
fn test<T>(
    name: &str,
    measurements: usize,
    classes: &[Vec<T>; 2],
    operation: impl Fn(&T),
) -> Result<(), Error> {
    let mut turns = vec![0; measurements * 2];
    random(&mut turns)?;
    let mut times = [Vec::new(), Vec::new()];
    for turn in turns.chunks_exact(2) {
        let class = usize::from(turn[0] & 1);
        let subject = &classes[class][usize::from(turn[1]) % KEYS];
        let began = Instant::now();
        operation(subject);
        times[class].push(began.elapsed().as_nanos() as f64);
    }
    let mut all: Vec<f64> = times.concat();
    all.sort_by(f64::total_cmp);
    let median = all[all.len() / 2] / 1000.0;
    let mut line = format!("{name:<32} {median:>8.1} µs  t");
    let mut worst = 0.0_f64;
    for share in SHARES {
        let limit = all[((all.len() - 1) as f64 * share) as usize];
        let t = welch(&times[0], &times[1], limit);
        worst = worst.max(t.abs());
        line += &format!(" {t:>8.2}");
    }
    let verdict = if worst > LIMIT { "differ" } else { "alike" };
    println!("{line}  {verdict}");
    Ok(())
}

/// Welch's t over the times up to a limit; without end where one class has no such times at all.
fn welch(one: &[f64], two: &[f64], limit: f64) -> f64 {
    let moments = |times: &[f64]| {
        let times: Vec<f64> = times
            .iter()
            .copied()
            .filter(|time| *time <= limit)
            .collect();
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
        (mean, squares / (count - 1.0) / count)
    };
    let ((mean, spread), (other_mean, other_spread)) = (moments(one), moments(two));
    let t = (mean - other_mean) / (spread + other_spread).sqrt();
    if t.is_nan() { f64::INFINITY } else { t }
}

/// Does work for each bit of the key that is set.
fn leak(key: &[u8; 32]) {
    let mut sum = 1u64;
    for byte in key {
        for bit in 0..8 {
            if byte >> bit & 1 == 1 {
                for _ in 0..8 {
                    sum = black_box(sum.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                }
            }
        }
    }
}
