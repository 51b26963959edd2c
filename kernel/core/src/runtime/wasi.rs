//! WASI for plugins: what a guest's standard library drags in, kept inert. Output goes to the log,
//! the file system is empty, sockets are refused; clocks and sleeps go through the kernel's clock.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use crate::clock::Clock;
use crate::device::Device;

use super::report::LastWords;
use super::state::GuestState;

/// The most random bytes one call returns.
const MAX_RANDOM: u64 = 64 << 10;

/// The context of one instance.
pub fn context(device: &Arc<Device>, words: &LastWords) -> WasiCtx {
    let log = |stream, words| LogStream {
        device: device.clone(),
        stream,
        words,
    };
    WasiCtx::builder()
        .stdout(log("stdout", None))
        .stderr(log("stderr", Some(words.clone())))
        .wall_clock(KernelClock(device.clock.clone()))
        .monotonic_clock(KernelClock(device.clock.clone()))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(MAX_RANDOM)
        .build()
}

/// Adds the inert WASI interfaces to a linker.
pub fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    // The monotonic clock once more: wasmtime's own would sleep in real time.
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<GuestState, KernelClocks>(linker, |state| {
        let clock = state.device.clock.clone();
        KernelClocksView {
            clock,
            table: state.table(),
        }
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

struct KernelClock(Arc<dyn Clock>);

impl HostWallClock for KernelClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.now())
    }
}

impl HostMonotonicClock for KernelClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.0.monotonic()
    }
}

struct KernelClocks;

impl HasData for KernelClocks {
    type Data<'a> = KernelClocksView<'a>;
}

struct KernelClocksView<'a> {
    clock: Arc<dyn Clock>,
    table: &'a mut ResourceTable,
}

impl KernelClocksView<'_> {
    fn subscribe_until(&mut self, until: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let sleep = self.table.push(Sleeping {
            clock: self.clock.clone(),
            until,
        })?;
        subscribe(self.table, sleep)
    }
}

impl monotonic_clock::Host for KernelClocksView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.monotonic())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_until(when)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_until(self.clock.monotonic().saturating_add(duration))
    }
}

// Only so that the compiler tells when wasmtime changes the interface that `WasiCtx` serves.
const _: fn() = || {
    fn served<T: wall_clock::Host>() {}
    let _ = served::<wasmtime_wasi::clocks::WasiClocksCtxView<'static>>;
};

struct Sleeping {
    clock: Arc<dyn Clock>,
    until: u64,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sleeping {
    async fn ready(&mut self) {
        self.clock.sleep_until(self.until).await;
    }
}

/// Standard output and error of a guest, a log record for each line.
#[derive(Clone)]
struct LogStream {
    device: Arc<Device>,
    stream: &'static str,
    /// Where a trap looks for what was said last.
    words: Option<LastWords>,
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(LineLogger {
            stream: self.clone(),
            line: Vec::new(),
        })
    }
}

struct LineLogger {
    stream: LogStream,
    line: Vec<u8>,
}

impl LineLogger {
    fn flush_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim_end();
        if let Some(words) = &self.stream.words {
            words.printed(line);
        }
        if !line.is_empty() && tracing::enabled!(tracing::Level::INFO) {
            let stream = &self.stream;
            stream.device.say(line, |line| {
                tracing::info!(device = %stream.device.name, stream = stream.stream, "{line}");
            });
        }
        self.line.clear();
    }
}

impl AsyncWrite for LineLogger {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let longest = self.stream.device.spec.limits.log_bytes.bytes();
        for byte in buffer {
            if *byte == b'\n' {
                self.flush_line();
                continue;
            }
            self.line.push(*byte);
            // A guest must not fill the host's memory with a line that never ends: the rest follows
            // as another line.
            if self.line.len() >= longest {
                self.flush_line();
            }
        }
        Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.flush_line();
        Poll::Ready(Ok(()))
    }
}

impl Drop for LineLogger {
    fn drop(&mut self) {
        self.flush_line();
    }
}
