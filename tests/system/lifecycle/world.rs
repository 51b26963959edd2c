//! The real kernel with its devices, and what is checked of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weihe_kernel::connection::Kinds;
use weihe_kernel::device::MemoryDeadLetters;
use weihe_kernel::limits::Limits;
use weihe_kernel::units::Span;
use weihe_kernel::{
    Compiler, DeviceSpec, Kernel, KernelOptions, LoadError, SwapError, VersionChange, VirtualClock,
};
use weihe_tests::{DEADLINE, compiled, version, wrong};

use super::check::check;
use super::model::{Device, Expected, Model, Step, Version};
use super::saved::Saved;
use super::traffic::{Presence, Traffic};

/// The time at which the world begins: 2026-01-01.
const EPOCH: u64 = 1_767_225_600_000_000_000;

/// A quiet time, in nanoseconds: an hour.
const QUIET: u64 = 3_600_000_000_000;

/// The probation: longer than what passes between two quiet times, and shorter than one.
const PROBATION: Span = Span(Duration::from_secs(1_800));

/// The period of each device's timer, in nanoseconds.
const BEAT: u64 = 5_000_000;

/// What is wrong.
pub type Wrong = String;

pub struct World {
    kernel: Arc<Kernel>,
    traffic: Arc<Mutex<Traffic>>,
    saved: Arc<Saved>,
    over: Arc<AtomicBool>,
    pump: Option<JoinHandle<()>>,
    _directory: TempDir,
}

impl World {
    pub fn start(seed: u64, model: &Model) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = VirtualClock::new(EPOCH);
        let saved = Arc::new(Saved::default());
        let options = KernelOptions {
            cache: compiled(),
            boot: 1,
            clock: Arc::new(clock.clone()),
            compiler: Compiler::InProcess,
            checkpoints: saved.clone(),
            quarantine: directory.path().join("quarantine.json"),
            letters: Arc::new(MemoryDeadLetters::default()),
            guard: None,
            audit: Arc::new(weihe_kernel::audit::NoAudit),
            memory: None,
            admission: None,
        };
        let mut kinds = Kinds::new();
        kinds.register(weihe_link::TcpListener::default());
        let kernel = Kernel::start(options, Vec::new(), kinds).unwrap();
        let door = toml::toml! {
            type = "tcp-listen"
            address = "127.0.0.1:0"
        };
        kernel.add_connection("door", &door).unwrap();
        let devices: Vec<&str> = model.devices.iter().map(|device| device.name).collect();
        let traffic = Traffic::new(kernel.bus(), clock, saved.clone(), seed, &devices);
        let traffic = Arc::new(Mutex::new(traffic));
        let over = Arc::new(AtomicBool::new(false));
        let pump = {
            let (traffic, over) = (traffic.clone(), over.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::Acquire) {
                    traffic.lock().unwrap().round();
                    // Real time for the lanes; how much decides nothing.
                    std::thread::sleep(Duration::from_micros(200));
                }
            })
        };
        Self {
            kernel,
            traffic,
            saved,
            over,
            pump: Some(pump),
            _directory: directory,
        }
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a step, and looks whether everything is as the model says then.
    pub async fn take(&self, model: &mut Model, step: Step) -> Result<(), Wrong> {
        self.make(model, step).await?;
        self.flush(model).await?;
        check(&self.kernel.status(), &self.saved, model)
    }

    async fn make(&self, model: &mut Model, step: Step) -> Result<(), Wrong> {
        match step {
            Step::Swap(plugin, version) => self.swap(model, plugin, version).await,
            Step::BrokenSwap(plugin) => {
                let file = wrong("mute");
                match self.kernel.swap_plugin(plugin, &file).await {
                    Err(SwapError::Load(_)) => Ok(()),
                    other => Err(format!("a file that is no plugin: {other:?}")),
                }
            }
            Step::TrapSwap(plugin) => self.trap_swap(model, plugin).await,
            Step::Rollback(plugin) => self.roll_back(model, plugin).await,
            Step::Lift(version) => self.lift(model, version),
            Step::UnloadPlugin(plugin) => self.unload_plugin(model, plugin).await,
            Step::LoadPlugin(plugin, version) => self.load_plugin(model, plugin, version).await,
            Step::UnloadDevice(device) => self.unload_device(model, device).await,
            Step::LoadDevice(device) => self.load_device(model, device).await,
            Step::Trap(device) => self.trap(model, device).await,
            Step::Quiet => self.quiet(model).await,
        }
    }

    async fn swap(&self, model: &mut Model, plugin: &str, to: Version) -> Result<(), Wrong> {
        let expected = model.swap(plugin, to);
        if expected == Expected::Done {
            self.may_run(model, plugin, to);
        }
        let done = self.kernel.swap_plugin(plugin, &version(to.file())).await;
        match (expected, done) {
            (Expected::Done, Ok(swapped)) if swapped.len() == model.present(plugin).len() => {
                model.swapped(plugin, to);
                Ok(())
            }
            (Expected::Refused, Err(SwapError::Refused { device, .. }))
                if model.device(&device).present =>
            {
                Ok(())
            }
            (Expected::Same, Err(SwapError::Same { .. }))
            | (Expected::Quarantined, Err(SwapError::Load(LoadError::Quarantined { .. }))) => {
                Ok(())
            }
            (expected, done) => Err(format!("{expected:?} was to be: {done:?}")),
        }
    }

    async fn trap_swap(&self, model: &mut Model, plugin: &'static str) -> Result<(), Wrong> {
        let to = Version::Trapping;
        let expected = model.swap(plugin, to);
        if expected == Expected::Done {
            self.may_fall_back(&model.present(plugin));
        }
        self.swap(model, plugin, to).await?;
        if expected == Expected::Done {
            self.gone_back(model, plugin).await?;
        }
        Ok(())
    }

    /// Waits until a version was taken back by itself.
    async fn gone_back(&self, model: &mut Model, plugin: &str) -> Result<(), Wrong> {
        let before = model.plugin(plugin).before.unwrap();
        self.until(&format!("{plugin} goes back"), || {
            let plugins = self.kernel.status().plugins;
            let known = plugins.into_iter().find(|known| known.name == plugin);
            let last = known.and_then(|known| known.history.last().cloned());
            last.is_some_and(|last| {
                last.change == VersionChange::Returned && last.version == before.number()
            })
        })
        .await?;
        // Answered when the way back has come to its end.
        match self.kernel.rollback_plugin(plugin, "").await {
            Err(SwapError::NoVersionBefore(_)) => {}
            other => return Err(format!("it went back already: {other:?}")),
        }
        model.returned(plugin);
        Ok(())
    }

    async fn roll_back(&self, model: &mut Model, plugin: &str) -> Result<(), Wrong> {
        let before = model.plugin(plugin).before;
        if let Some(before) = before {
            self.may_run(model, plugin, before);
        }
        let done = self.kernel.rollback_plugin(plugin, "by the test").await;
        match (before, done) {
            (None, Err(SwapError::NoVersionBefore(_))) => Ok(()),
            (Some(_), Ok(swapped)) if swapped.iter().all(|swapped| swapped.problem.is_none()) => {
                model.returned(plugin);
                Ok(())
            }
            (before, done) => Err(format!("back to {before:?}: {done:?}")),
        }
    }

    fn lift(&self, model: &mut Model, version: Version) -> Result<(), Wrong> {
        let quarantined = self.kernel.status().quarantined;
        let found = quarantined
            .iter()
            .find(|entry| entry.version == version.number());
        let sha256 = &found.ok_or("it is not in quarantine")?.sha256;
        model.quarantine.remove(&version);
        match self.kernel.lift_quarantine(sha256) {
            Ok(true) => Ok(()),
            other => Err(format!("not lifted: {other:?}")),
        }
    }

    async fn unload_plugin(&self, model: &mut Model, plugin: &str) -> Result<(), Wrong> {
        let mut stopped = self.kernel.unload_plugin(plugin).await.map_err(text)?;
        stopped.sort_unstable();
        if stopped != model.present(plugin) {
            return Err(format!("stopped {stopped:?}"));
        }
        for device in stopped {
            self.left(model, &device);
        }
        let plugin = model.plugin_mut(plugin);
        (plugin.version, plugin.before) = (None, None);
        Ok(())
    }

    async fn load_plugin(
        &self,
        model: &mut Model,
        plugin: &str,
        wanted: Version,
    ) -> Result<(), Wrong> {
        let file = version(wanted.file());
        match self.kernel.load_plugin(plugin, &file).await {
            Err(LoadError::Quarantined { .. }) if model.quarantine.contains(&wanted) => Ok(()),
            Ok(_) if !model.quarantine.contains(&wanted) => {
                model.plugin_mut(plugin).version = Some(wanted);
                Ok(())
            }
            other => Err(format!("loaded: {other:?}")),
        }
    }

    async fn load_device(&self, model: &mut Model, name: &str) -> Result<(), Wrong> {
        let device = model.device(name);
        let (plugin, spec) = (device.plugin, spec(device));
        let version = model.plugin(plugin).version.unwrap();
        {
            let mut traffic = self.traffic();
            traffic.listen();
            let book = traffic.books.get_mut(name).unwrap();
            book.join();
            book.versions = [version.number()].into();
            book.aside = version == Version::Two;
        }
        self.kernel.add_device(spec).await.map_err(text)?;
        {
            let mut traffic = self.traffic();
            traffic.listen();
            traffic.books.get_mut(name).unwrap().joined();
        }
        let device = model.device(name);
        device.present = true;
        device.traps = 0;
        Ok(())
    }

    async fn unload_device(&self, model: &mut Model, name: &str) -> Result<(), Wrong> {
        self.kernel
            .remove_device(name, "the test is over")
            .await
            .map_err(text)?;
        self.left(model, name);
        Ok(())
    }

    fn left(&self, model: &mut Model, name: &str) {
        let mut traffic = self.traffic();
        traffic.listen();
        traffic.books.get_mut(name).unwrap().left();
        let device = model.device(name);
        device.present = false;
        device.probation = false;
        device.lenient = false;
    }

    async fn trap(&self, model: &mut Model, name: &'static str) -> Result<(), Wrong> {
        let device = model.device(name);
        let (plugin, probation) = (device.plugin, device.probation);
        if probation {
            // It may fall back, and takes the others with it.
            let before = model.plugin(plugin).before.unwrap();
            self.may_run(model, plugin, before);
        }
        self.may_fall_back(&[name]);
        let traps = self.traps(name);
        self.traffic().trap(name);
        self.until(&format!("{name} traps"), || self.traps(name) > traps)
            .await?;
        if probation {
            return self.gone_back(model, plugin).await;
        }
        model.device(name).traps += 1;
        Ok(())
    }

    fn traps(&self, name: &str) -> u64 {
        let devices = self.kernel.status().devices;
        let found = devices.into_iter().find(|device| device.name == name);
        found.map_or(0, |device| device.traps)
    }

    async fn quiet(&self, model: &mut Model) -> Result<(), Wrong> {
        self.traffic().pass(QUIET);
        self.until("probations end", || {
            let devices = self.kernel.status().devices;
            devices.iter().all(|device| !device.probation)
        })
        .await?;
        // What is behind this was taken by confirmed versions.
        self.flush(model).await?;
        self.traffic().pass(QUIET);
        self.flush(model).await?;
        for device in &mut model.devices {
            device.probation = false;
            device.lenient = false;
            device.traps = 0;
        }
        for device in &model.devices {
            let version = model.plugin(device.plugin).version;
            let mut traffic = self.traffic();
            traffic.listen();
            let book = traffic.books.get_mut(device.name).unwrap();
            book.aside = version == Some(Version::Two);
        }
        Ok(())
    }

    /// From now on a plugin's devices may also run this version.
    fn may_run(&self, model: &Model, plugin: &str, version: Version) {
        let mut traffic = self.traffic();
        traffic.listen();
        for device in model.present(plugin) {
            let book = traffic.books.get_mut(device).unwrap();
            book.versions.insert(version.number());
            book.aside |= version == Version::Two;
        }
    }

    /// From now on devices may go back to their last checkpoints.
    fn may_fall_back(&self, devices: &[&'static str]) {
        let mut traffic = self.traffic();
        traffic.listen();
        for device in devices {
            let saved = self.saved.count(device);
            traffic.books.get_mut(*device).unwrap().fallback = Some(saved);
        }
    }

    /// Waits until what is on its way now has gone through, and each timer has ticked.
    async fn flush(&self, model: &Model) -> Result<(), Wrong> {
        let marks: BTreeMap<String, _> = {
            let mut traffic = self.traffic();
            traffic.listen();
            let books = traffic.books.iter();
            let present = books.filter(|(_, book)| book.presence != Presence::Absent);
            present
                .map(|(name, book)| (name.clone(), (book.mark(), book.beats)))
                .collect()
        };
        self.until("everything has gone through, and each timer ticks", || {
            let traffic = self.traffic();
            marks.iter().all(|(name, (mark, beats))| {
                let book = &traffic.books[name];
                book.has_passed(mark) && book.beats > *beats
            })
        })
        .await?;
        // Only the versions that the model knows run now, and nothing falls back any more.
        let mut traffic = self.traffic();
        traffic.listen();
        for device in &model.devices {
            let version = model.plugin(device.plugin).version;
            let book = traffic.books.get_mut(device.name).unwrap();
            book.versions = version.iter().map(|version| version.number()).collect();
            book.fallback = None;
        }
        Ok(())
    }

    /// Waits until something is so, or something else is wrong.
    async fn until(&self, what: &str, mut wanted: impl FnMut() -> bool) -> Result<(), Wrong> {
        let began = Instant::now();
        loop {
            if let Some(fault) = &self.traffic().fault {
                return Err(fault.clone());
            }
            if wanted() {
                return Ok(());
            }
            if began.elapsed() > DEADLINE {
                return Err(format!("waited in vain: {what}"));
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }

    /// What a reader of a failure wants to see.
    pub fn show(&self) -> String {
        format!("{:#?}", self.kernel.status().devices)
    }

    /// Stops everything in order.
    pub async fn end(mut self) {
        self.kernel.shutdown().await;
        self.over.store(true, Ordering::Release);
        self.pump.take().unwrap().join().unwrap();
        assert_eq!(self.traffic().fault, None);
    }
}

/// Also after a failure, beside the other tests.
impl Drop for World {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
    }
}

fn spec(device: &Device) -> DeviceSpec {
    DeviceSpec {
        connection: device.at_door.then(|| "door".to_owned()),
        config: serde_json::json!({ "beat": BEAT.to_string() }),
        limits: Limits {
            probation: PROBATION,
            // Virtual time passes by hours within a call, and the machine may be slow.
            call_time: Span(Duration::from_secs(1 << 30)),
            cpu_time: Span(DEADLINE),
            ..Limits::default()
        },
        lane: device.lane.map(str::to_owned),
        ..DeviceSpec::new(device.name, device.plugin)
    }
}

fn text(error: impl std::fmt::Display) -> Wrong {
    error.to_string()
}
