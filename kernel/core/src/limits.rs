//! What a device may use. The defaults stand here, in one place, each with its reason.

use serde::{Deserialize, Serialize};

use crate::bus::QUEUE_BYTES;
use crate::units::{Size, Span};

/// Limits of one device. `weihe.toml` overrides single ones in `[device.NAME.limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Linear memory of one instance.
    pub memory: Size,
    /// Elements of each table of one instance.
    pub table_elements: u32,
    /// Data that one host call may make the host allocate on the guest's behalf (aliasing lists
    /// can name far more than the guest's own memory holds).
    pub host_call_data: Size,
    /// Wall-clock time of one call into the plugin, awaited exchanges included.
    pub call_time: Span,
    /// Processor time of one call into the plugin.
    pub cpu_time: Span,
    /// Publications of one handler call.
    pub outbox_events: u32,
    /// Everything else that one handler call may order: timers, exchanges, sends, calls, answers.
    pub outbox_effects: u32,
    /// Payload bytes of the publications of one handler call, and of what else it orders.
    pub outbox_bytes: Size,
    /// Events that the device may publish a second. A second's worth may go at once; a device that is
    /// beyond it gets its next input when it has room again.
    pub publish_rate: u32,
    /// Records that the device may write to the log a second, printed lines and errors included. A second's worth
    /// may go at once; those beyond it are left out and counted.
    pub log_rate: u32,
    /// Bytes of one log record; the rest is cut.
    pub log_bytes: Size,
    /// Events in one batch.
    pub batch: u32,
    /// Payload bytes of the events in one batch. An event that is larger comes in a batch without
    /// other payloads.
    pub batch_bytes: Size,
    /// Events queued in one subscription that names no capacity of its own.
    pub queue: u32,
    /// Payload bytes of the events queued in one subscription. The last event is kept however
    /// large it is.
    pub queue_bytes: Size,
    /// Topics that the device has made: those it publishes on, and the names of its timers.
    pub topics: u32,
    /// Subscriptions.
    pub subscriptions: u32,
    /// Timers.
    pub timers: u32,
    /// Shortest period of a timer.
    pub timer_period: Span,
    /// Exchanges submitted and not yet finished, over all connections of the device.
    pub tickets: u32,
    /// Calls to other devices whose answers the device has not taken.
    pub calls: u32,
    /// Deliveries of one input before it goes to `$dead/<device>`. Events that were delivered
    /// together get one more alone in any case.
    pub attempts: u16,
    /// How long a publisher waits for room in a subscription whose overflow policy is `block`.
    pub block: Span,
    /// Least time between two checkpoints of the plugin's state.
    pub checkpoint: Span,
    /// How long a new version is on probation after a swap: a trap within it brings the version
    /// before back.
    pub probation: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Ten times what a parser needs; a board with 512 MiB still holds thirty such devices.
            memory: Size(16 << 20),
            // A Rust plugin of 1 MiB has a few hundred indirect functions.
            table_elements: 10_000,
            // A batch of 512 events with 4 KiB payloads; wasmtime's own default is 128 MiB.
            host_call_data: Size(4 << 20),
            // Longer than the slowest exchange on a serial line, shorter than an operator's patience.
            call_time: Span::from_millis(10_000),
            // A thousand times what a handler needs; short enough that neighbours keep their rhythm
            // on a shared lane, which is left every epoch slice anyway.
            cpu_time: Span::from_millis(100),
            // A batch of 512 events that each lead to eight.
            outbox_events: 4_096,
            // A batch of 512 events that each set a timer and send a request.
            outbox_effects: 1_024,
            outbox_bytes: Size(4 << 20),
            // Twice the fastest stream that versions are swapped under, and a small part of what a lane
            // passes on: a storm costs its subscribers a bounded share, and no sensor comes near it.
            publish_rate: 200_000,
            // A line for each exchange of a fast serial line. The host keeps the last 4,096 records of
            // all: a flood of one device must not push out the others' within a second.
            log_rate: 100,
            // A screen of text: a panic with its words, or a frame in hexadecimal digits.
            log_bytes: Size(4 << 10),
            // Beyond 64 the border costs less than a tenth of the work; 512 bounds latency.
            batch: 512,
            // A handler holds a batch about three times (packed, as its own values, and as what it
            // makes of them) and may hand it back in one host call, grown by escapes: both fit
            // into `memory` and `host-call-data`.
            batch_bytes: Size(1 << 20),
            // Measured: more than 512 gains no throughput.
            queue: 512,
            // Eight KiB for each of 512 events: beyond what devices send, and a board with 512 MiB
            // holds thirty such queues that nobody reads.
            queue_bytes: Size(QUEUE_BYTES as u64),
            // A meter or gateway of ten thousand points. The bus keeps 65,536 (`MAX_TOPICS`) for all
            // devices, and for good: no single one takes more than a quarter.
            topics: 16_384,
            // Filters can hold wildcards, so few are needed.
            subscriptions: 64,
            // One for each poll group and time-out of a large device.
            timers: 256,
            // Below a millisecond a general-purpose kernel cannot keep the beat.
            timer_period: Span::from_millis(1),
            // A scan of a whole serial line (247 units) fits.
            tickets: 256,
            // As many as one other device lets wait (`MAX_CALLS`); an answer lies in the host's
            // memory until it is taken.
            calls: 64,
            // The first, one on a fresh instance, and one more against bad luck.
            attempts: 3,
            // Short: a blocked edge must not look like a dead one.
            block: Span::from_millis(100),
            // What a restart may lose of a plugin's own state (never of the database).
            checkpoint: Span::from_millis(1_000),
            // A few rounds of the usual polls and reports; meanwhile the version before stays in
            // memory, and a fault that shows later is for supervision and the operator.
            probation: Span::from_millis(30_000),
        }
    }
}
