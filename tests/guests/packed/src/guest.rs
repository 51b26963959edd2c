//! The plugin.
#![allow(clippy::expect_used)]

mod bindings {
    #![allow(missing_docs, clippy::all)]
    wit_bindgen::generate!({
        path: [
            "../../../wit/deps/wasi-logging",
            "../../../wit/deps/wasi-config",
            "../../../wit/plugin",
        ],
        inline: "
            package weihe:guests;
            world packed {
                import weihe:plugin/bus@0.1.0;
                export weihe:plugin/lifecycle@0.1.0;
                export weihe:plugin/events-batch@0.1.0;
            }
        ",
        world: "packed",
        generate_all,
    });
}

use std::cell::RefCell;

use bindings::exports::weihe::plugin::events_batch::{self, Batch, Error};
use bindings::exports::weihe::plugin::lifecycle::{
    self, ConnectionNeed, Description, StartContext, StopReason,
};
use bindings::weihe::plugin::bus::{self, Overflow, Publication, Quality, SubscribeOptions, Value};

/// The layout's version and the words of an event.
const VERSION: u64 = 1;
const STRIDE: usize = 6;

/// No cause, no source.
const NONE: u64 = u32::MAX as u64;

/// The kinds of value that lie in `bytes`.
const TEXT: u64 = 4;

#[derive(Default)]
struct Me {
    refused: String,
    out: u64,
}

thread_local! {
    static ME: RefCell<Me> = RefCell::default();
}

struct Packed;

impl lifecycle::Guest for Packed {
    fn describe() -> Description {
        Description {
            name: "packed".into(),
            version: "0.1.0".into(),
            summary: "Passes packed batches on".into(),
            commands: Vec::new(),
            topics: Vec::new(),
            config_schema: String::new(),
            standalone: true,
            connection: ConnectionNeed::None,
        }
    }

    fn start(context: StartContext) -> Result<(), Error> {
        let own = |level: &str| format!("plugin/{}/{level}", context.device);
        let fatal = |error| Error::Fatal(format!("{error:?}"));
        let out = bus::topic(&own("out")).map_err(fatal)?;
        let options = SubscribeOptions {
            overflow: Overflow::DropOldest,
            capacity: 0,
            retained: false,
        };
        bus::subscribe(&own("in"), options).map_err(fatal)?;
        ME.with_borrow_mut(|me| {
            *me = Me {
                refused: own("refused"),
                out: out.into(),
            }
        });
        Ok(())
    }

    fn stop(_: StopReason) {}
}

impl events_batch::Guest for Packed {
    fn handle_batch(batch: Batch) -> Vec<(u32, Error)> {
        let out = ME.with_borrow(|me| me.out);
        let header = batch.head[0];
        assert_eq!(header & 0xffff, VERSION, "the layout's version");
        let stride = usize::try_from(header >> 16 & 0xffff).expect("a stride");
        let count = usize::try_from(header >> 32).expect("a count");
        assert!(stride >= STRIDE, "the stride");
        assert_eq!(batch.head.len(), 1 + count * stride, "the number of words");
        let mut errors = Vec::new();
        let mut head = vec![VERSION | (STRIDE as u64) << 16];
        for (index, words) in (0_u32..).zip(batch.head[1..].chunks_exact(stride)) {
            let id = u32::try_from(words[0] & NONE).expect("a topic id");
            let topic = bus::topic_name(id).expect("the topic has a name");
            assert!(topic.ends_with("/in"), "{topic}");
            let source = u32::try_from(words[4] & NONE).expect("a source id");
            bus::source_name(source).expect("the source has a name");
            let (kind, scalar) = (words[0] >> 32 & 0xff, words[2]);
            if kind == TEXT {
                let (offset, length) = ((scalar & NONE) as usize, (scalar >> 32) as usize);
                let text =
                    std::str::from_utf8(&batch.bytes[offset..offset + length]).expect("UTF-8");
                if text == "reject" {
                    errors.push((index, Error::Rejected("told to reject".into())));
                }
                if text == "overlap" {
                    overlap(out);
                    continue;
                }
                if let Some(fault) = text.strip_prefix("fault: ") {
                    break_layout(fault, out);
                    continue;
                }
            }
            head.extend([
                words[0] & (0xffff << 32) | out,
                words[1],
                scalar,
                0,
                u64::from(index) | NONE << 32,
                0,
            ]);
        }
        let published = (head.len() - 1) / STRIDE;
        head[0] |= (published as u64) << 32;
        let batch = Batch {
            head,
            bytes: batch.bytes,
        };
        bus::publish_batch(&batch).expect("a batch that keeps to the layout is taken");
        errors
    }
}

/// Publishes a batch of two floats, the second of them wrong.
fn break_layout(fault: &str, out: u64) {
    let event = |first: u64, scalar: u64| [first, 0, scalar, 0, NONE, 0];
    let mut head = vec![VERSION | (STRIDE as u64) << 16 | 2 << 32];
    head.extend(event(3 << 32 | out, 1.5_f64.to_bits()));
    head.extend(match fault {
        "kind" => event(9 << 32 | out, 0),
        "boolean" => event(1 << 32 | out, 2),
        "quality" => event(7 << 40 | 3 << 32 | out, 0),
        "offset" => event(TEXT << 32 | out, 1 << 32 | 1_000_000),
        "length" => event(TEXT << 32 | out, NONE << 32),
        "utf-8" => event(TEXT << 32 | out, 1 << 32),
        "topic" => event(3 << 32 | NONE, 0),
        _ => event(3 << 32 | out, 0),
    });
    match fault {
        "version" => head[0] += 1,
        "stride" => head[0] -= 1 << 16,
        "count" => head[0] += 1 << 32,
        "empty" => head.clear(),
        "short" => head.truncate(9),
        _ => {}
    }
    try_batch(fault, head, vec![0xff]);
}

/// Publishes a hundred events that all name the same 32 KiB.
fn overlap(out: u64) {
    const SIZE: u64 = 32 << 10;
    let event = [TEXT << 32 | out, 0, SIZE << 32, 0, NONE, 0];
    let mut head = vec![VERSION | (STRIDE as u64) << 16 | 100 << 32];
    head.extend(event.repeat(100));
    try_batch("overlap", head, vec![b'x'; SIZE as usize]);
}

/// Publishes a batch and tells what the kernel said.
fn try_batch(what: &str, head: Vec<u64>, bytes: Vec<u8>) {
    let said = match bus::publish_batch(&Batch { head, bytes }) {
        Ok(()) => "nothing".to_owned(),
        Err(error) => format!("{error:?}"),
    };
    let topic = ME.with_borrow(|me| me.refused.clone());
    let told = bus::publish(&Publication {
        topic,
        time: None,
        quality: Quality::Good,
        value: Value::Text(format!("{what}: {said}")),
    });
    told.expect("its own topic is granted");
}

bindings::export!(Packed with_types_in bindings);
