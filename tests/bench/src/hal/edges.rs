//! An edge on its way: from the input through a handler to an output. And how many of them a plugin takes a second.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::mpsc as lane;
use tokio::task::yield_now;
use weihe_hal::Hardware;
use weihe_hal::gpio::{Bias, EdgeSink, Edges, Line, LineConfig, Mode};
use weihe_hal::virtual_board::VirtualBoard;

use super::native::output;
use crate::on_lane::{LONG_QUEUE, Plugins, Running};
use crate::{Anyhow, median};

/// Edges of one round whose way is timed.
const SINGLES: usize = 2_000;

/// Rounds, natively and in the sandbox in turns.
const ROUNDS: usize = 15;

/// For how long a rate is offered.
const OFFER: Duration = Duration::from_secs(4);

/// Rates that are offered, in edges a second, until some are missed.
const RATES: [u64; 8] = [
    50_000, 100_000, 150_000, 200_000, 400_000, 800_000, 1_200_000, 1_600_000,
];

/// What is offered at once: the edges of a millisecond.
const TICK: Duration = Duration::from_millis(1);

/// Each output is wired to an input that tells when the edge has come out.
const BOARD: &str = r#"
lines = ["native/in", "native/out", "plugin/in", "plugin/out", "counted/in"]
[line."native/back"]
wire = "native/out"
[line."plugin/back"]
wire = "plugin/out"
"#;

const GRANT: &str = r#"gpio = { "plugin/in" = "input", "plugin/out" = "output" }"#;
const COUNTING: &str = r#"gpio = { "counted/in" = "input" }"#;

fn listen(board: &VirtualBoard, name: &str, sink: EdgeSink) -> Anyhow<Arc<dyn Line>> {
    let config = LineConfig {
        active_low: false,
        mode: Mode::Input {
            bias: Bias::AsIs,
            edges: Edges::Both,
            debounce: 0,
        },
    };
    Ok(board.line(name, &config, sink)?)
}

/// What has come out.
struct Back {
    edges: Arc<AtomicU64>,
    _line: Arc<dyn Line>,
}

impl Back {
    fn new(board: &VirtualBoard, name: &str, waiting: Option<std::thread::Thread>) -> Anyhow<Self> {
        let edges = Arc::new(AtomicU64::new(0));
        let counted = edges.clone();
        let sink: EdgeSink = Arc::new(move |edges| {
            counted.fetch_add(edges.len() as u64, Ordering::Release);
            if let Some(thread) = &waiting {
                thread.unpark();
            }
        });
        Ok(Self {
            edges,
            _line: listen(board, name, sink)?,
        })
    }

    fn seen(&self) -> u64 {
        self.edges.load(Ordering::Acquire)
    }
}

/// The same follower without a sandbox: a task of the lane with a queue of its own.
fn follow(board: &VirtualBoard) -> Anyhow<Arc<dyn Line>> {
    let (heard, mut edges) = lane::unbounded_channel();
    let sink: EdgeSink = Arc::new(move |some| {
        for edge in some {
            let _ = heard.send(*edge);
        }
    });
    let input = listen(board, "native/in", sink)?;
    let output = output(board, "native/out")?;
    tokio::task::spawn_local(async move {
        while let Some(edge) = edges.recv().await {
            if output.write(edge.active).is_err() {
                return;
            }
        }
    });
    Ok(input)
}

/// Measures.
pub async fn run(file: &Path, cache: &Path) -> Anyhow<()> {
    ways(file, cache).await?;
    rates(file, cache).await
}

async fn ways(file: &Path, cache: &Path) -> Anyhow<()> {
    let board = super::board(BOARD)?;
    let plugins = Plugins::load(file, super::hardware(&board), cache).await?;
    let config = json!({ "input": "plugin/in", "output": "plugin/out" });
    let plugin = plugins.start("follower", config, GRANT).await?;
    let _input = follow(&board)?;
    let sides = ["native", "plugin"];
    for (what, elsewhere) in [("on one lane", false), ("from another thread", true)] {
        let mut spans = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
        let mut beyond = Vec::new();
        for _ in 0..ROUNDS {
            let mut halves = [0.0; 2];
            for ((side, of_side), half) in sides.into_iter().zip(&mut spans).zip(&mut halves) {
                let mut taken = match elsewhere {
                    false => here(&board, side).await?,
                    true => {
                        let board = board.clone();
                        let away =
                            move || from_thread(&board, side).map_err(|error| error.to_string());
                        tokio::task::spawn_blocking(away).await??
                    }
                };
                taken.sort_unstable();
                *half = taken[SINGLES / 2] as f64;
                of_side.0.push(*half);
                of_side.1.push(taken[SINGLES * 99 / 100] as f64);
            }
            beyond.push(halves[1] - halves[0]);
        }
        for (side, (half, most)) in sides.into_iter().zip(spans) {
            let (half, most) = (median(half) / 1e3, median(most) / 1e3);
            println!("edge to output, {what}, {side}: p50 {half:.2} us, p99 {most:.2} us");
        }
        println!(
            "edge to output, {what}, beyond: p50 {:.2} us",
            median(beyond) / 1e3
        );
    }
    plugin.end().await;
    Ok(())
}

/// Edges are made on the lane itself.
async fn here(board: &VirtualBoard, side: &str) -> Anyhow<Vec<u64>> {
    let back = Back::new(board, &format!("{side}/back"), None)?;
    let input = format!("{side}/in");
    let mut high = board.level(&input).unwrap_or(false);
    let mut spans = Vec::with_capacity(SINGLES);
    for number in 1..=SINGLES as u64 {
        high = !high;
        let began = Instant::now();
        board.drive(&input, high);
        while back.seen() < number {
            yield_now().await;
        }
        spans.push(u64::try_from(began.elapsed().as_nanos())?);
    }
    Ok(spans)
}

/// Edges are made by a thread that sleeps until they are out, while the lane sleeps until there is one.
fn from_thread(board: &VirtualBoard, side: &str) -> Anyhow<Vec<u64>> {
    let back = Back::new(board, &format!("{side}/back"), Some(std::thread::current()))?;
    let input = format!("{side}/in");
    let mut high = board.level(&input).unwrap_or(false);
    let mut spans = Vec::with_capacity(SINGLES);
    for number in 1..=SINGLES as u64 {
        high = !high;
        let began = Instant::now();
        board.drive(&input, high);
        while back.seen() < number {
            std::thread::park();
        }
        spans.push(u64::try_from(began.elapsed().as_nanos())?);
    }
    Ok(spans)
}

async fn rates(file: &Path, cache: &Path) -> Anyhow<()> {
    let board = super::board(BOARD)?;
    let plugins = Plugins::load(file, super::hardware(&board), cache).await?;
    for (what, queue) in [
        ("default queue", None),
        ("queue of 16384", Some(LONG_QUEUE)),
    ] {
        for rate in RATES {
            let config = json!({ "input": "counted/in" });
            let plugin = plugins
                .start_with("counter", config, COUNTING, queue)
                .await?;
            let offered = offer(board.clone(), rate).await?;
            let (counted, missed) = settled(&plugin, offered.edges).await?;
            println!(
                "edges, {what}, {rate} a second: offered {} in {:.2} s, at most {:.1} ms late; counted {counted}, missed {missed}",
                offered.edges,
                offered.took.as_secs_f64(),
                offered.late.as_secs_f64() * 1e3,
            );
            plugin.end().await;
            if missed > 0 {
                break;
            }
        }
    }
    Ok(())
}

struct Offered {
    edges: u64,
    took: Duration,
    /// How late the latest edges were: what had gathered then came at once.
    late: Duration,
}

async fn offer(board: Arc<VirtualBoard>, rate: u64) -> Anyhow<Offered> {
    let (done, offered) = tokio::sync::oneshot::channel();
    let (_alive, ended) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let mut high = board.level("counted/in").unwrap_or(false);
        let (began, mut edges, mut late) = (Instant::now(), 0, Duration::ZERO);
        let mut tick = Duration::ZERO;
        while began.elapsed() < OFFER && ended.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
            tick += TICK;
            if let Some(rest) = tick.checked_sub(began.elapsed()) {
                std::thread::sleep(rest);
            }
            late = late.max(began.elapsed().saturating_sub(tick));
            let due = (tick.as_secs_f64() * rate as f64) as u64;
            while edges < due {
                high = !high;
                board.drive("counted/in", high);
                edges += 1;
            }
        }
        let took = began.elapsed();
        let _ = done.send(Offered { edges, took, late });
    });
    Ok(offered.await?)
}

/// What the plugin has seen once it has seen all, or no more comes.
async fn settled(plugin: &Running, offered: u64) -> Anyhow<(u64, u64)> {
    let mut before = None;
    loop {
        let seen = plugin.call("edges", &json!({})).await?;
        let number = |key: &str| seen[key].as_u64().unwrap_or(0);
        let now = (number("counted"), number("missed"));
        if now.0 + now.1 >= offered || before == Some(now) {
            return Ok(now);
        }
        before = Some(now);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
