//! Megabytes a second of SM3 and of the modes of SM4, on every backend that runs here:
//! `cargo bench -p weihe-sm --bench speed`.
//!
//! Processor time is counted. What others do to the machine changes from second to second all the same, so all take
//! turns, and the best turn of each counts; to compare, take the ratios of one run.

use std::hint::black_box;

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{AeadInOut, consts::U12},
};
use rustix::time::{ClockId, clock_gettime};
use weihe_sm::{
    Error, sm3,
    sm4::{Aead, Backend, Cbc, Cipher, Ctr, Key, Padding},
};

const SIZES: [usize; 2] = [16 << 10, 1 << 10];
/// How many seconds of the processor a turn takes, and how many there are.
const TURN: f64 = 2e-3;
const TURNS: usize = 40;

type Work = Box<dyn FnMut(&mut [u8]) -> Result<(), Error>>;

struct Row {
    what: &'static str,
    backend: &'static str,
    size: usize,
    work: Work,
    best: f64,
}

fn main() -> Result<(), Error> {
    let mut rows = rows()?;
    for _ in 0..TURNS {
        for row in &mut rows {
            row.best = row.best.max(turn(row.size, &mut row.work)?);
        }
    }
    println!(
        "{:8} {:>6}  {:19} {:>8}  to portable",
        "", "bytes", "backend", "MB/s"
    );
    for row in &rows {
        let portable = rows.iter().rev().find(|other| {
            other.what == row.what && other.size == row.size && other.backend == "portable"
        });
        let ratio = portable.map(|portable| format!("{:.1}", row.best / portable.best));
        println!(
            "{:8} {:6}  {:19} {:8.0}  {}",
            row.what,
            row.size,
            row.backend,
            row.best,
            ratio.unwrap_or_default()
        );
    }
    Ok(())
}

/// Megabytes a second over one turn.
fn turn(size: usize, work: &mut Work) -> Result<f64, Error> {
    let mut data = vec![0x5a; size];
    let start = now();
    let mut done = 0;
    loop {
        for _ in 0..8 {
            work(black_box(&mut data))?;
            done += size;
        }
        let taken = now() - start;
        if taken > TURN {
            return Ok(done as f64 / taken / 1e6);
        }
    }
}

/// Seconds that the processor has spent on this thread.
fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn rows() -> Result<Vec<Row>, Error> {
    let key = Key::generate()?;
    let mut rows = Vec::new();
    for size in SIZES {
        let mut add = |what, backend, work: Work| {
            rows.push(Row {
                what,
                backend,
                size,
                work,
                best: 0.0,
            });
        };
        let hash: Work = Box::new(|data| {
            black_box(sm3::digest(data));
            Ok(())
        });
        add("SM3", "-", hash);
        add("GCM", "tables (RustCrypto)", tables(&key));
        for mode in ["CTR", "GCM", "open", "CCM", "CBC", "CBC dec"] {
            for backend in Backend::all_here() {
                add(mode, backend.name(), work(mode, Cipher::on(backend, &key)));
            }
        }
    }
    Ok(rows)
}

/// SM4-GCM over the crate `sm4`, which looks its S-box up.
fn tables(key: &Key) -> Work {
    let gcm = AesGcm::<sm4::Sm4, U12>::new(key.as_bytes().into());
    Box::new(move |data| {
        let tag = gcm.encrypt_inout_detached(&[1; 12].into(), b"", data.into());
        black_box(tag).map(drop).map_err(|_| Error::Decrypt)
    })
}

fn work(mode: &str, cipher: Cipher) -> Work {
    const IV: [u8; 16] = [1; 16];
    let nonce = &IV[..12];
    match mode {
        "CTR" => {
            let mut ctr = Ctr::new(cipher, &IV);
            Box::new(move |data| {
                ctr.apply(data);
                Ok(())
            })
        }
        "GCM" | "CCM" => {
            let aead = match mode {
                "GCM" => Aead::gcm(cipher),
                _ => Aead::ccm(cipher),
            };
            Box::new(move |data| {
                black_box(aead.seal(nonce, b"", data)?);
                Ok(())
            })
        }
        "open" => {
            let aead = Aead::gcm(cipher);
            let mut sealed = Vec::new();
            let mut tag = [0; 16];
            Box::new(move |data| {
                if sealed.len() != data.len() {
                    sealed = data.to_vec();
                    tag = aead.seal(nonce, b"", &mut sealed)?;
                }
                data.copy_from_slice(&sealed);
                aead.open(nonce, b"", data, &tag)
            })
        }
        "CBC" => {
            let cbc = Cbc::new(cipher);
            Box::new(move |data| {
                black_box(cbc.encrypt(&IV, Padding::None, data)?);
                Ok(())
            })
        }
        _ => {
            let cbc = Cbc::new(cipher);
            Box::new(move |data| {
                black_box(cbc.decrypt(&IV, Padding::None, data)?);
                Ok(())
            })
        }
    }
}
