//! The path of an event on one lane: producer → bus → plugin → bus → sink, with the plugin in the sandbox
//! and as plain Rust, in one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::task::{LocalSet, yield_now};
use weihe_kernel::bus::{Bus, Overflow, Subscription};
use weihe_kernel::connection::Seat;
use weihe_kernel::device::{
    Actor, DeadLetters, Device, GuestFactory, MemoryCheckpoints, OpenFailure, OutgoingCall,
    StopReason, Surroundings,
};
use weihe_kernel::event::{Event, Quality, SourceId, Value};
use weihe_kernel::runtime::{Cache, Compiler, HostMemory, Loader, Ticker, WasmFactory, engine};
use weihe_kernel::{DeviceSpec, SystemClock};

use crate::native::NativeFactory;
use crate::{Anyhow, median};

/// Events of one throughput run: some tenths of a second.
const EVENTS: usize = 4_000_000;

/// Events of one latency run.
const SINGLES: usize = 100_000;

/// Runs of each measurement; the median is shown.
const RUNS: usize = 7;

/// Nothing is around the one device of a measurement.
pub struct Nothing;

impl Surroundings for Nothing {
    fn open(&self, _: &Arc<Device>, connection: &str) -> Result<Seat, OpenFailure> {
        Err(OpenFailure::Unknown(connection.to_owned()))
    }

    fn confirmed(&self, _: &Arc<Device>, _: &str) {}

    fn taken_back(&self, _: &Arc<Device>, _: &str, _: &str) {}

    fn call(&self, caller: &Arc<Device>, call: OutgoingCall) {
        caller.answered(call.id, Err("there is nobody".into()));
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        None
    }
}

struct Pipeline {
    bus: Arc<Bus>,
    source: SourceId,
    device: Arc<Device>,
    sink: Subscription,
    template: Event,
}

impl Pipeline {
    async fn start<F: GuestFactory>(make: impl FnOnce(Arc<Device>) -> F) -> Anyhow<Self> {
        let bus = Bus::new(1);
        let mut spec = DeviceSpec::new("relay", "relay");
        spec.config = serde_json_config();
        // What the pipeline can do is measured, not what a device may.
        spec.limits.publish_rate = u32::MAX;
        spec.grants.subscribe.push("bench/in".parse()?);
        let device = Device::new(
            spec,
            bus.clone(),
            Arc::new(SystemClock::new()),
            Arc::new(Nothing),
        )?;
        let factory = make(device.clone());
        let (started, outcome) = oneshot::channel();
        let actor = Actor::new(
            device.clone(),
            factory,
            Arc::new(MemoryCheckpoints::default()),
            started,
        );
        tokio::task::spawn_local(actor.run());
        outcome.await??;
        let sink = bus.subscribe(
            "sink",
            "plugin/relay/out".parse()?,
            Overflow::DropOldest,
            4096,
            false,
            Arc::default(),
        );
        let source = bus.source("producer")?;
        let template = Event {
            topic: bus.topic("bench/in")?,
            source,
            time: 1,
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value: Value::Float(1.5),
        };
        Ok(Self {
            bus,
            source,
            device,
            sink,
            template,
        })
    }

    /// Deliveries a second with runs of `size` events.
    async fn throughput(&self, size: usize) -> f64 {
        let mut run = vec![self.template.clone(); size];
        let mut received = Vec::with_capacity(4096);
        let events = EVENTS.min(size * 200_000);
        let (mut sent, mut seen) = (0, 0);
        let began = Instant::now();
        while seen < events {
            // At most a queue's length under way: nothing may be dropped.
            while sent < events && sent - seen + size <= 512 {
                drop(self.bus.publish(self.source, &mut run));
                sent += size;
            }
            yield_now().await;
            received.clear();
            seen += self.sink.try_take(&mut received, 4096);
        }
        let seconds = began.elapsed().as_secs_f64();
        assert_eq!(self.sink.dropped(), 0, "the sink lost events");
        seen as f64 / seconds
    }

    /// From publishing to the sink, one event at a time: p50 and p99 in nanoseconds.
    async fn latency(&self) -> (u64, u64) {
        let mut run = [self.template.clone()];
        let mut received = Vec::with_capacity(8);
        let mut spans = Vec::with_capacity(SINGLES);
        for _ in 0..SINGLES {
            received.clear();
            let began = Instant::now();
            drop(self.bus.publish(self.source, &mut run));
            self.sink.recv(&mut received, 8).await;
            spans.push(began.elapsed().as_nanos() as u64);
        }
        spans.sort_unstable();
        (spans[SINGLES / 2], spans[SINGLES * 99 / 100])
    }

    async fn end(self) {
        let _ = self.device.mailbox.stop(StopReason::Shutdown).await;
    }
}

fn serde_json_config() -> serde_json::Value {
    serde_json::json!({ "input": "bench/in", "above": 0.0 })
}

async fn measure(name: &str, pipeline: Pipeline) {
    for size in [1, 8, 64, 512] {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(pipeline.throughput(size).await);
        }
        println!(
            "{name:<10} runs of {size:>3}: {:>6.2} M deliveries/s",
            median(runs) / 1e6
        );
    }
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (half, most) = pipeline.latency().await;
        p50.push(half as f64);
        p99.push(most as f64);
    }
    println!(
        "{name:<10} one event, unloaded: p50 {:.0} ns, p99 {:.0} ns",
        median(p50),
        median(p99)
    );
    pipeline.end().await;
}

/// Measures both.
pub fn run(file: &Path) -> Anyhow<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let file = file.to_owned();
    // Producer and sink live on the lane as a device does: as a task of its own.
    LocalSet::new().block_on(&runtime, async {
        tokio::task::spawn_local(compare(file)).await?
    })
}

async fn compare(file: PathBuf) -> Anyhow<()> {
    measure("native", Pipeline::start(NativeFactory).await?).await;
    let engine = engine()?;
    let ticker = Ticker::start(&engine)?;
    let directory = tempfile::tempdir()?;
    let cache = Cache::open(&engine, directory.path(), Compiler::InProcess)?;
    let memory = HostMemory::new(None);
    let loader = Loader::new(&engine, ticker.clone(), cache, &[], memory, None)?;
    let plugin = Arc::new(loader.load("relay", &file).await?);
    let sandboxed = |device| WasmFactory {
        plugin,
        device,
        granted: Vec::new(),
        ticker,
    };
    measure("sandbox", Pipeline::start(sandboxed).await?).await;
    Ok(())
}
