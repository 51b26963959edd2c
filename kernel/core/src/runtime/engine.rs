//! The one place where the engine is configured: for the compiler and for the host alike, since
//! compiled code must match the tunables it is loaded with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use wasmtime::{Config, Engine};

/// The stack that a plugin's own calls may take. Parsers need a few KiB; recursion stops here.
const MAX_WASM_STACK: usize = 256 << 10;

/// The stack of a call's fiber: the plugin's part and what host functions need on top.
const ASYNC_STACK: usize = 512 << 10;

/// Address space reserved for a linear memory. wasmtime's own 4 GiB would end boards with 39-bit
/// address spaces after a hundred devices; a memory that outgrows this is moved.
const MEMORY_RESERVATION: u64 = 1 << 20;

/// Address space kept free behind a memory, so that bounds checks of constant offsets can go.
const MEMORY_GUARD: u64 = 64 << 10;

/// How often a running plugin is interrupted so that others on its lane run.
pub const EPOCH: Duration = Duration::from_millis(5);

/// How long the ticker goes on after the last call, so that a busy host does not start and stop it
/// all the time while an idle one sleeps.
const LINGER: Duration = Duration::from_millis(100);

/// The engine's configuration. `target` is a triple, or `None` for this machine.
pub fn engine_config(target: Option<&str>) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .gc_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(MAX_WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        .memory_reservation(MEMORY_RESERVATION)
        .memory_reservation_for_growth(MEMORY_RESERVATION)
        .memory_guard_size(MEMORY_GUARD)
        .guard_before_linear_memory(false)
        // Results must not differ between processors.
        .cranelift_nan_canonicalization(true);
    #[cfg(target_env = "musl")]
    config.native_unwind_info(false);
    match target {
        Some(target) => {
            config.target(target)?;
        }
        // Cranelift has no backend for these: its portable byte code runs everywhere.
        None if !cfg!(any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64",
            target_arch = "s390x"
        )) =>
        {
            config.target("pulley64")?;
        }
        None => {}
    }
    Ok(config)
}

/// The engine of this process.
pub fn engine() -> wasmtime::Result<Engine> {
    Engine::new(&engine_config(None)?)
}

/// Advances the engine's epoch while calls are running, and sleeps while none is.
#[derive(Debug, Clone)]
pub struct Ticker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    running: AtomicUsize,
    /// Set by each call; cleared by the thread, which parks when nobody sets it again.
    used: AtomicBool,
    parked: AtomicBool,
    ended: AtomicBool,
    thread: std::sync::OnceLock<thread::Thread>,
}

/// A running call. Dropping it ends the call.
#[derive(Debug)]
pub struct Running<'a>(&'a Shared);

impl Ticker {
    /// Starts the ticker's thread, which ends with the last clone of the ticker.
    pub fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            running: AtomicUsize::new(0),
            used: AtomicBool::new(false),
            parked: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            thread: std::sync::OnceLock::new(),
        });
        let engine = engine.weak();
        let weak = Arc::downgrade(&shared);
        let handle = thread::Builder::new()
            .name("weihe-epoch".into())
            .spawn(move || {
                let mut idle = Duration::ZERO;
                loop {
                    thread::sleep(EPOCH);
                    let (Some(shared), Some(engine)) = (weak.upgrade(), engine.upgrade()) else {
                        return;
                    };
                    engine.increment_epoch();
                    if shared.used.swap(false, Ordering::AcqRel)
                        || shared.running.load(Ordering::Acquire) > 0
                    {
                        idle = Duration::ZERO;
                        continue;
                    }
                    idle += EPOCH;
                    if idle < LINGER {
                        continue;
                    }
                    idle = Duration::ZERO;
                    drop(engine);
                    shared.park();
                }
            })?;
        let _ = shared.thread.set(handle.thread().clone());
        Ok(Self(shared))
    }

    /// Marks a call as running until the guard is dropped.
    pub fn enter(&self) -> Running<'_> {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        if !self.0.used.load(Ordering::Relaxed) {
            self.0.used.store(true, Ordering::Release);
        }
        if self.0.parked.load(Ordering::SeqCst)
            && let Some(thread) = self.0.thread.get()
        {
            self.0.parked.store(false, Ordering::SeqCst);
            thread.unpark();
        }
        Running(&self.0)
    }
}

impl Shared {
    /// Called by the ticker's thread only.
    fn park(self: Arc<Self>) {
        self.parked.store(true, Ordering::SeqCst);
        // A call that began before `parked` was seen must not go without ticks.
        if self.running.load(Ordering::SeqCst) > 0 || self.ended.load(Ordering::SeqCst) {
            self.parked.store(false, Ordering::SeqCst);
            return;
        }
        // Not holding the last reference while parked, or it would never end.
        let weak = Arc::downgrade(&self);
        drop(self);
        loop {
            thread::park();
            match weak.upgrade() {
                Some(shared) if shared.parked.load(Ordering::SeqCst) => {}
                _ => return,
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_ticker_parks_when_idle_wakes_for_a_call_and_ends_with_its_owner() {
        let engine = engine().unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let wait = |parked: bool| {
            for _ in 0..1000 {
                if ticker.0.parked.load(Ordering::SeqCst) == parked {
                    return true;
                }
                thread::sleep(Duration::from_millis(5));
            }
            false
        };
        assert!(wait(true), "an idle ticker parks");
        let running = ticker.enter();
        assert!(wait(false), "a call wakes it");
        drop(running);
        assert!(wait(true), "it parks again");
        let weak = Arc::downgrade(&ticker.0);
        drop(ticker);
        assert!(weak.upgrade().is_none());
    }
}
