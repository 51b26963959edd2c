//! How fast the store is on this machine: rows a second by rows a turn and by devices.
//!
//! `cargo run --release -p weihe-store --example store_bench [DIRECTORY]`; the directory (by
//! default a temporary one) decides which disk is measured.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weihe_store::{Grant, Session, Store, StoreStatistics, Value};

/// How long each line of the table is measured.
const TIME: Duration = Duration::from_secs(2);
const INSERT: &str = "INSERT INTO readings VALUES (?1, ?2, ?3)";

#[derive(Clone, Copy)]
enum Way {
    /// `execute`, a row a call.
    Single,
    /// `execute-many`, all rows of a turn in one call.
    Many,
    /// A key a row.
    Keys,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let temporary = tempfile::tempdir()?;
    let named = std::env::args_os().nth(1);
    let directory = named.as_deref().map_or(temporary.path(), Path::new);
    println!(
        "{:<24}{:>8}{:>12}{:>12}{:>8}{:>10}{:>10}",
        "", "devices", "rows/s", "commits/s", "group", "p50 µs", "p99 µs"
    );
    for (name, way, rows) in [
        ("1 row a turn", Way::Single, 1),
        ("64 rows, one by one", Way::Single, 64),
        ("64 rows, execute-many", Way::Many, 64),
        ("512 rows, execute-many", Way::Many, 512),
        ("5000 rows, execute-many", Way::Many, 5000),
        ("1 key a turn", Way::Keys, 1),
        ("64 keys a turn", Way::Keys, 64),
    ] {
        for devices in [1, 4, 16] {
            runtime.block_on(measure(directory, name, way, rows, devices))?;
        }
    }
    Ok(())
}

async fn measure(
    directory: &Path,
    name: &str,
    way: Way,
    rows: usize,
    devices: usize,
) -> Outcome<()> {
    let directory = tempfile::tempdir_in(directory)?;
    let store = Store::open(&directory.path().join("bench.db"))?;
    let table = "tables = ['readings']\nkeys = true".parse()?;
    let grant = Arc::new(Grant::from_table(&table)?);
    let mut setup = store.session("setup", grant.clone());
    let schema = "CREATE TABLE readings (time INTEGER, topic TEXT, value REAL)";
    setup.execute(schema.into(), vec![]).await?;
    setup.commit().await?;
    let before = store.statistics();
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for device in 0..devices {
        let session = store.session(&format!("d{device}"), grant.clone());
        tasks.spawn(write(session, way, rows, start + TIME));
    }
    let mut turns = 0;
    while let Some(joined) = tasks.join_next().await {
        turns += joined??;
    }
    print(
        name,
        devices,
        turns * rows,
        start.elapsed(),
        &before,
        &store.statistics(),
    );
    Ok(())
}

async fn write(mut session: Session, way: Way, rows: usize, until: Instant) -> Outcome<usize> {
    let own = session.bucket("")?;
    let mut turns = 0_usize;
    while Instant::now() < until {
        match way {
            Way::Single => {
                for row in 0..rows {
                    session.execute(INSERT.into(), reading(row)).await?;
                }
            }
            Way::Many => {
                session
                    .execute_many(INSERT.into(), (0..rows).map(reading).collect())
                    .await?;
            }
            Way::Keys => {
                for row in 0..rows {
                    session
                        .set(&own, format!("key {row}"), turns.to_le_bytes().repeat(2))
                        .await?;
                }
            }
        }
        session.commit().await?;
        turns += 1;
    }
    Ok(turns)
}

fn reading(row: usize) -> Vec<Value> {
    let time = 1_700_000_000_000_000_000 + row as i64;
    vec![time.into(), "greenhouse/bed1/moisture".into(), 21.5.into()]
}

fn print(
    name: &str,
    devices: usize,
    rows: usize,
    time: Duration,
    before: &StoreStatistics,
    after: &StoreStatistics,
) {
    let commits = (after.commits - before.commits) as f64;
    let groups = (after.groups - before.groups) as f64;
    let seconds = time.as_secs_f64();
    println!(
        "{name:<24}{devices:>8}{:>12.0}{:>12.0}{:>8.1}{:>10}{:>10}",
        rows as f64 / seconds,
        commits / seconds,
        commits / groups,
        after.commit_p50_us,
        after.commit_p99_us,
    );
}
