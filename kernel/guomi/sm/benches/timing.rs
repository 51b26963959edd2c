//! Whether the time that SM4 takes tells anything about data or keys, after dudect (Reparaz, Balasch, Verbauwhede:
//! "Dude, is my code constant time?", 2017): `cargo bench -p weihe-sm --bench timing`.
//!
//! Two classes, one fixed and one random, are measured in random order, and Welch's t is taken of their times, below
//! several percentiles as well, since what disturbs only makes times longer. |t| above 10 is a leak; one below 5 is
//! none that so many measurements can show. RustCrypto's `sm4`, which looks things up in tables, is there to compare:
//! tables that stay in the cache leak to those who share it rather than through the time alone.

use std::{hint::black_box, time::Instant};

use cipher::{Array, BlockCipherEncrypt, KeyInit};
use weihe_sm::{
    Error, random,
    sm4::{Backend, Cipher, Key},
};

/// Measurements of both classes together.
const MEASUREMENTS: usize = 200_000;
/// Blocks in one measurement.
const BLOCKS: usize = 16;
/// Which part of the measurements, the shortest ones, is taken.
const PERCENTILES: [usize; 4] = [100, 95, 75, 50];

type Block = Array<u8, cipher::consts::U16>;
type Data = [Block; BLOCKS];

fn main() -> Result<(), Error> {
    println!("{:32} {:>7}  {MEASUREMENTS} measurements", "", "|t|");
    for backend in Backend::all_here() {
        let key = Key::generate()?;
        let cipher = Cipher::on(backend, &key);
        report(
            backend.name(),
            "data",
            &mut data(|data| cipher.encrypt_blocks(data)),
        )?;
        report(
            backend.name(),
            "key",
            &mut keys(|key, data| {
                Cipher::on(backend, key).encrypt_blocks(data);
            }),
        )?;
    }
    let cipher = sm4::Sm4::new(Key::generate()?.as_bytes().into());
    report(
        "RustCrypto",
        "data",
        &mut data(|data| cipher.encrypt_blocks(data)),
    )
}

/// A measurement: how long it took with an input, in ns. It does not know of which class that is.
type Measure<'a> = Box<dyn FnMut([u8; 16]) -> Result<f64, Error> + 'a>;

fn data<'a>(mut run: impl FnMut(&mut Data) + 'a) -> Measure<'a> {
    Box::new(move |input| {
        let mut data = [Block::from(input); BLOCKS];
        let start = Instant::now();
        run(black_box(&mut data));
        Ok(start.elapsed().as_nanos() as f64)
    })
}

fn keys<'a>(mut run: impl FnMut(&Key, &mut Data) + 'a) -> Measure<'a> {
    Box::new(move |input| {
        let key = Key::from_bytes(&input)?;
        let mut data = [Block::default(); BLOCKS];
        let start = Instant::now();
        run(black_box(&key), black_box(&mut data));
        Ok(start.elapsed().as_nanos() as f64)
    })
}

fn report(who: &str, what: &str, measure: &mut Measure<'_>) -> Result<(), Error> {
    let mut seeds = vec![0; 17 * MEASUREMENTS];
    random(&mut seeds)?;
    let mut times = Vec::with_capacity(MEASUREMENTS);
    // What tells the classes apart is done beforehand, so that no branch of it is predicted while time is taken.
    let inputs: Vec<(bool, [u8; 16])> = seeds
        .as_chunks::<17>()
        .0
        .iter()
        .map(|[class, random @ ..]| match class & 1 {
            0 => (true, [0; 16]),
            _ => (false, *random),
        })
        .collect();
    for (fixed, input) in &inputs {
        times.push((*fixed, measure(*input)?));
    }
    // What comes first finds caches cold.
    times.drain(..MEASUREMENTS / 20);
    let mut sorted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let largest = PERCENTILES
        .map(|part| {
            let longest = sorted[(sorted.len() * part / 100).saturating_sub(1)];
            welch(times.iter().filter(|(_, time)| *time <= longest)).abs()
        })
        .into_iter()
        .fold(0.0, f64::max);
    println!("{who:18} {what:13} {largest:7.2}");
    Ok(())
}

/// Welch's t of two classes.
fn welch<'a>(times: impl Iterator<Item = &'a (bool, f64)>) -> f64 {
    #[derive(Default)]
    struct Class {
        count: f64,
        mean: f64,
        squares: f64,
    }
    let mut classes = [Class::default(), Class::default()];
    for (fixed, time) in times {
        let class = &mut classes[usize::from(*fixed)];
        class.count += 1.0;
        let off = time - class.mean;
        class.mean += off / class.count;
        class.squares += off * (time - class.mean);
    }
    let [a, b] = classes;
    let variance = |class: &Class| class.squares / (class.count - 1.0) / class.count;
    (a.mean - b.mean) / (variance(&a) + variance(&b)).sqrt()
}
