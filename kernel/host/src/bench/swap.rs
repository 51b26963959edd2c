//! The measurements around changes of versions.

use std::time::Duration;

use serde::Serialize;
use weihe_kernel::device::FIRST_PAUSE;
use weihe_kernel::event::{SourceId, Value};

use super::figures::Row;
use super::stand::Stand;
use super::takeover::Takeovers;
use super::traffic::{Pass, Traffic, latencies, longest_wait, silence, silence_around};
use super::{BUILT_IN, BUILT_IN_INPUT, BenchError, Options};

/// The goals of the design, in nanoseconds.
const PAUSE_GOAL: u64 = 1_000_000;
const COLD_GOAL: u64 = 300_000_000;
const CACHED_GOAL: u64 = 5_000_000;
const RESTART_GOAL: u64 = 1_000_000;

/// Events a second where it is not about many.
const CALM: u64 = 10_000;

/// Around a change, before and after it.
const WINDOW: Duration = Duration::from_millis(20);

/// How long a version may take to go back, in nanoseconds.
const PATIENCE: u64 = 30_000_000_000;

/// The plugin that is measured, and its device.
const BENCH: &str = "bench";

/// How often each thing is done.
struct Times {
    swaps: usize,
    cold: usize,
    cached: usize,
    traps: usize,
    restarts: usize,
    lane: Duration,
}

impl Times {
    fn new(quick: bool) -> Self {
        match quick {
            true => Self {
                swaps: 5,
                cold: 1,
                cached: 3,
                traps: 3,
                restarts: 2,
                lane: Duration::from_millis(300),
            },
            false => Self {
                swaps: 100,
                cold: 20,
                cached: 100,
                traps: 100,
                restarts: 20,
                lane: Duration::from_secs(10),
            },
        }
    }
}

/// What came out.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Bytes of the component.
    pub bytes: usize,
    /// Whether it is the built-in one.
    pub built_in: bool,
    /// The processor's architecture.
    pub machine: &'static str,
    /// Its cores.
    pub cores: usize,
    /// Whether the host is built with optimisation; figures of one that is not mean nothing.
    pub optimised: bool,
    /// Events a second that were to flow while versions changed.
    pub rate: u64,
    /// Those that did.
    pub reached: u64,
    /// Events of them that did not come out once and in order, from the first to the last swap. None
    /// where the component does not pass every event on.
    pub astray: Option<Astray>,
    /// How often versions changed on the other lane, while a lane's latency was measured.
    pub beside: usize,
    /// p99 of the lane's latency meanwhile, as a multiple of that without.
    pub lane_ratio: f64,
    /// The figures.
    pub rows: Vec<Row>,
}

/// Events that did not come out once and in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Astray {
    /// That never came out.
    pub missing: u64,
    /// That came out after a later one, or twice.
    pub out_of_order: u64,
    /// Dropped by the device's own queue, which was full: the machine stood still for too long.
    pub dropped: u64,
}

impl Astray {
    fn of(passes: &[Pass]) -> Self {
        let mut astray = Self::default();
        for pair in passes.windows(2) {
            let next = pair[0].sequence + 1;
            if pair[1].sequence < next {
                astray.out_of_order += 1;
            } else {
                astray.missing += pair[1].sequence - next;
            }
        }
        astray
    }

    /// Whether each came out once and in order.
    pub fn none(&self) -> bool {
        self.missing == 0 && self.out_of_order == 0
    }
}

/// Measures everything, one thing after the other; `progress` is told what begins.
pub async fn measure(
    options: Options,
    takeovers: impl FnOnce(std::sync::Arc<dyn weihe_kernel::Clock>) -> Takeovers,
    progress: impl Fn(&str),
) -> Result<Report, BenchError> {
    let built_in = options.component.is_none();
    let (component, config, input) = match options.component {
        Some(component) => (component, options.config, options.input),
        None => {
            let config = serde_json::json!({ "input": BUILT_IN_INPUT });
            (BUILT_IN.to_vec(), config, BUILT_IN_INPUT.to_owned())
        }
    };
    let bytes = component.len();
    let stand = Stand::start(component, config, &input)?;
    let takeovers = takeovers(stand.clock.clone());
    let traffic = Traffic::start(stand.kernel.bus(), stand.clock.clone(), &input)?;
    let mut bench = Bench {
        stand,
        traffic,
        takeovers,
        times: Times::new(options.quick),
        rows: Vec::new(),
    };
    progress("swaps under load");
    let (reached, astray) = bench.swaps(options.rate).await?;
    progress("files from their drop to their first event");
    bench.drops().await?;
    if built_in {
        progress("traps");
        bench.traps().await?;
        bench.restarts().await?;
    }
    progress("one lane while another compiles and swaps");
    let (beside, lane_ratio) = bench.lanes().await?;
    let Bench {
        stand,
        traffic,
        rows,
        ..
    } = bench;
    drop(traffic);
    stand.kernel.shutdown().await;
    Ok(Report {
        bytes,
        built_in,
        machine: std::env::consts::ARCH,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        optimised: !cfg!(debug_assertions),
        rate: options.rate,
        reached,
        astray: astray.filter(|_| built_in),
        beside,
        lane_ratio,
        rows,
    })
}

struct Bench {
    stand: Stand,
    traffic: Traffic,
    takeovers: Takeovers,
    times: Times,
    rows: Vec<Row>,
}

impl Bench {
    /// Loads a new version as a plugin with one device, and waits until that has handled something.
    async fn load(&mut self, plugin: &str, lane: Option<&str>) -> Result<SourceId, BenchError> {
        let file = self.stand.version()?;
        self.stand.kernel.load_plugin(plugin, &file).await?;
        let device = self.stand.add(plugin, lane).await?;
        let now = self.stand.clock.now();
        self.traffic.first(device, |pass| pass.time > now).await?;
        Ok(device)
    }

    /// The pause of a device, and what its events notice of it.
    async fn swaps(&mut self, rate: u64) -> Result<(u64, Option<Astray>), BenchError> {
        self.traffic.set_rate(rate);
        let device = self.load(BENCH, None).await?;
        let files = [self.stand.version()?, self.stand.version()?];
        // Each once, so that both are in the cache.
        for file in &files {
            self.stand.kernel.swap_plugin(BENCH, file).await?;
        }
        tokio::time::sleep(10 * WINDOW).await;
        self.traffic.take();
        let (mut quiet, mut calm) = (Vec::new(), Vec::new());
        let mut all: Vec<Pass> = Vec::new();
        let (began, sent) = (self.stand.clock.monotonic(), self.traffic.sent());
        for _ in 0..self.times.swaps {
            tokio::time::sleep(2 * WINDOW).await;
            let passes = self.traffic.take();
            quiet.push(silence(&passes));
            calm.extend(latencies(&passes));
            all.extend(passes);
        }
        let (mut pauses, mut own, mut waits, mut around) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for file in files.iter().cycle().take(self.times.swaps) {
            tokio::time::sleep(WINDOW).await;
            self.takeovers.take();
            self.stand.kernel.swap_plugin(BENCH, file).await?;
            let now = self.stand.clock.now();
            self.traffic.first(device, |pass| pass.time > now).await?;
            tokio::time::sleep(WINDOW).await;
            let passes = self.traffic.take();
            if let Some(takeover) = self.takeovers.take() {
                own.push(takeover.pause);
                let began = takeover.time.saturating_sub(takeover.pause);
                waits.extend(longest_wait(&passes, began, takeover.time));
                pauses.extend(silence_around(&passes, takeover.time));
            }
            around.extend(latencies(&passes));
            all.extend(passes);
        }
        let spent = self.stand.clock.monotonic().saturating_sub(began).max(1);
        let sent = self.traffic.sent().saturating_sub(sent);
        let reached = u128::from(sent) * 1_000_000_000 / u128::from(spent);
        self.rows.extend([
            Row::new(
                "swap: last event of the old version to first of the new",
                pauses,
            )
            .with_goal(PAUSE_GOAL),
            Row::new("  of it, as the device counts it", own),
            Row::new("  longest wait of an event sent meanwhile", waits),
            Row::new("  longest silence of 40 ms without a swap", quiet),
            Row::new("latency of events around swaps", around),
            Row::new("  without swaps", calm),
        ]);
        let mut astray = Astray::of(&all);
        let devices = self.stand.kernel.status().devices;
        let swapped = devices.iter().find(|status| status.name == BENCH);
        astray.dropped = swapped.map_or(0, |status| status.dropped);
        let missed = self.traffic.dropped() > 0;
        self.traffic.set_rate(0);
        self.stand.unload(BENCH).await?;
        let reached = u64::try_from(reached).unwrap_or(u64::MAX);
        Ok((reached, (!missed).then_some(astray)))
    }

    /// From a file to the first event that its device has handled.
    async fn drops(&mut self) -> Result<(), BenchError> {
        self.traffic.set_rate(CALM);
        let (mut cold, mut cached) = (Vec::new(), Vec::new());
        let mut file = self.stand.version()?;
        for round in 0..self.times.cold + self.times.cached {
            let is_cold = round < self.times.cold;
            if is_cold {
                file = self.stand.version()?;
            }
            self.traffic.take();
            let began = self.stand.clock.now();
            self.stand.kernel.load_plugin(BENCH, &file).await?;
            let device = self.stand.add(BENCH, None).await?;
            let first = self.traffic.first(device, |pass| pass.time > began).await?;
            let span = first.time.saturating_sub(began);
            if is_cold {
                cold.push(span);
            } else {
                cached.push(span);
            }
            self.stand.unload(BENCH).await?;
        }
        self.rows.extend([
            Row::new("file to first event, compiled anew", cold).with_goal(COLD_GOAL),
            Row::new("file to first event, from the cache", cached).with_goal(CACHED_GOAL),
        ]);
        Ok(())
    }

    /// A version on probation that traps: the one before comes back at once, without a back-off.
    async fn traps(&mut self) -> Result<(), BenchError> {
        let device = self.load(BENCH, None).await?;
        let good = self.stand.running(BENCH);
        let bad = self.stand.version()?;
        let mut spans = Vec::new();
        for _ in 0..self.times.traps {
            self.stand.kernel.swap_plugin(BENCH, &bad).await?;
            let hash = self.stand.running(BENCH);
            tokio::time::sleep(WINDOW).await;
            spans.push(self.trap(device).await?);
            self.gone_back(&good).await?;
            let lifted = self.stand.kernel.lift_quarantine(&hash);
            lifted.map_err(|source| BenchError::Io {
                what: "the quarantine cannot be written".into(),
                source,
            })?;
        }
        let row = Row::new(
            "trap on probation to first event of the version before",
            spans,
        );
        self.rows.push(row.with_goal(RESTART_GOAL));
        self.stand.unload(BENCH).await
    }

    /// Waits until the device runs a version again, and the other one is in quarantine.
    async fn gone_back(&self, good: &str) -> Result<(), BenchError> {
        let began = self.stand.clock.monotonic();
        while self.stand.running(BENCH) != good {
            if self.stand.clock.monotonic().saturating_sub(began) > PATIENCE {
                return Err(BenchError::Stays);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // There is nothing to go back to any more. That is told when the way back has come to its end.
        let _ = self.stand.kernel.rollback_plugin(BENCH, "").await;
        Ok(())
    }

    /// A device that traps and is restarted after its first back-off.
    async fn restarts(&mut self) -> Result<(), BenchError> {
        let mut spans = Vec::new();
        for _ in 0..self.times.restarts {
            // A device of its own each time: the back-off grows.
            let device = self.load(BENCH, None).await?;
            spans.push(self.trap(device).await?.saturating_sub(FIRST_PAUSE));
            self.stand.unload(BENCH).await?;
        }
        let back_off = Duration::from_nanos(FIRST_PAUSE);
        let what = format!("trap to first event, beyond the back-off of {back_off:?}");
        self.rows
            .push(Row::new(what, spans).with_goal(RESTART_GOAL));
        Ok(())
    }

    /// Has the device trap; returns how long nothing came out of it.
    async fn trap(&self, device: SourceId) -> Result<u64, BenchError> {
        self.traffic.take();
        tokio::time::sleep(WINDOW).await;
        let trap = self.traffic.send(Value::Text("trap".into()));
        // What was sent after it comes out when it is over.
        self.traffic.first(device, |pass| pass.sent > trap).await?;
        Ok(silence(&self.traffic.take()))
    }

    /// The latency of one lane, without and with changes of versions on another. Both lanes handle the
    /// stream all the time.
    async fn lanes(&mut self) -> Result<(usize, f64), BenchError> {
        const STEADY: &str = "steady";
        let steady = self.load(STEADY, Some("steady")).await?;
        self.load(BENCH, Some("other")).await?;
        let own = |passes: Vec<Pass>| {
            let own: Vec<Pass> = passes
                .into_iter()
                .filter(|pass| pass.device == steady)
                .collect();
            latencies(&own).collect::<Vec<u64>>()
        };
        tokio::time::sleep(10 * WINDOW).await;
        self.traffic.take();
        tokio::time::sleep(self.times.lane).await;
        let alone = Row::new("latency on one lane", own(self.traffic.take()));
        let began = self.stand.clock.monotonic();
        let lane = u64::try_from(self.times.lane.as_nanos()).unwrap_or(u64::MAX);
        let mut changes = 0;
        while self.stand.clock.monotonic().saturating_sub(began) < lane || changes == 0 {
            let file = self.stand.version()?;
            self.stand.kernel.swap_plugin(BENCH, &file).await?;
            changes += 1;
        }
        let beside = Row::new(
            "  while another compiles and swaps",
            own(self.traffic.take()),
        );
        let ratio = beside.p99 as f64 / alone.p99.max(1) as f64;
        self.rows.extend([alone, beside]);
        self.traffic.set_rate(0);
        Ok((changes, ratio))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn events_that_are_missing_and_out_of_order_are_told_apart() {
        let bus = weihe_kernel::bus::Bus::new(1);
        let device = bus.source("device").unwrap();
        let passes: Vec<Pass> = [1, 2, 5, 5, 4, 6]
            .into_iter()
            .map(|sequence| Pass {
                device,
                sequence,
                sent: 0,
                time: 0,
            })
            .collect();
        let astray = Astray::of(&passes);
        // 3 and 4 after 2, and 5 after 4 again; the second 5 and the late 4.
        assert_eq!((astray.missing, astray.out_of_order), (3, 2));
        assert!(!astray.none() && Astray::of(&passes[..2]).none());
    }
}
