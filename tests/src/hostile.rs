//! Guests that do harm, each in a way of its own, and what a good neighbour notices of it: the longest
//! time between two ticks of a timer that ticks every millisecond.

use std::time::Duration;

use serde_json::json;
use weihe_kernel::{Compiler, LoadError};

use crate::{Rig, weihe};

/// What a neighbour may notice on a lane of its own.
pub const OWN_LANE: Duration = Duration::from_millis(10);

/// What a neighbour may notice on the lane of the hostile guest.
pub const SHARED_LANE: Duration = Duration::from_millis(50);

/// The longest that a test waits where a guest has no end of its own.
pub const SHORT: Duration = Duration::from_millis(500);

/// Longer than any compiler may take.
pub const LONG: Duration = Duration::from_secs(120);

/// Ticks of the neighbour in an ordinary time, and at least so many in a hostile one.
const TICKS: u64 = 100;

/// What a guest does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// It is told to, by an order to a plugin of a package.
    Order(&'static str, &'static str),
    /// As it starts.
    Start(&'static str),
    /// Before it is a guest: the compiler has to deal with it.
    Compile,
}

/// How it ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// What was in hand goes to the dead letters, with these words in the reason.
    Letter(&'static str),
    /// The device is refused.
    Refused(&'static str),
    /// It does not: within its limits it goes on until it is unloaded.
    Unloaded,
}

/// A guest that does harm.
#[derive(Debug, Clone, Copy)]
pub struct Hostile {
    /// What it is.
    pub name: &'static str,
    deed: Deed,
    limits: &'static str,
    end: End,
}

const RAW: &str = "weihe-guest-raw";

const fn told(name: &'static str, order: &'static str, end: End) -> Hostile {
    Hostile {
        name,
        deed: Deed::Order(RAW, order),
        limits: "",
        end,
    }
}

/// All of them. Limits are the defaults, but where a default is longer than a test may take.
pub const HOSTILE: [Hostile; 16] = [
    Hostile {
        // Long enough to tell a lane that is left in between from one that is not.
        limits: "cpu-time = \"1 s\"",
        ..told("endless loop", "spin", End::Letter("cpu-time"))
    },
    told("memory bomb", "grow", End::Letter("")),
    told("hoard of memory", "hoard", End::Letter("KiB")),
    Hostile {
        name: "one text named 100,000 times",
        deed: Deed::Order("weihe-guest-ledger", "alias"),
        limits: "cpu-time = \"10 s\"",
        end: End::Letter("data"),
    },
    told("endless recursion", "recurse", End::Letter("stack")),
    Hostile {
        limits: "call-time = \"300 ms\"",
        ..told("an hour's sleep", "sleep", End::Letter("call-time"))
    },
    Hostile {
        limits: "call-time = \"300 ms\"",
        ..told(
            "wait for a peer that is silent",
            "transact",
            End::Letter("call-time"),
        )
    },
    told(
        "publishing until the limit",
        "flood",
        End::Letter("outbox-"),
    ),
    told(
        "publishing in spite of it",
        "deluge",
        End::Letter("cpu-time"),
    ),
    told("endless topics", "pile up topics", End::Letter("topics")),
    told("endless sends", "pile up sends", End::Letter("sends")),
    told("trap on each input", "trap", End::Letter("")),
    Hostile {
        name: "loop in its start",
        deed: Deed::Start("spin"),
        limits: "",
        end: End::Refused("cpu-time"),
    },
    Hostile {
        // It may be slowed down before its time is over.
        limits: "cpu-time = \"300 ms\"\ncall-time = \"2 s\"",
        ..told("log flood", "storm of log lines", End::Letter("-time"))
    },
    told("publish storm", "storm of publications", End::Unloaded),
    told("timer storm", "storm of timers", End::Unloaded),
];

/// A component that takes the compiler minutes.
pub const BOMB: Hostile = Hostile {
    name: "compilation bomb",
    deed: Deed::Compile,
    limits: "",
    end: End::Refused(""),
};

/// What a neighbour noticed.
#[derive(Debug, Clone)]
pub struct Noticed {
    /// Its worst gap without the hostile guest, in the same run.
    pub before: Duration,
    /// Its worst gap with it.
    pub worst: Duration,
    /// How the hostile guest ended.
    pub end: String,
}

impl Hostile {
    /// Lets it loose beside a good device, on the same lane or on another. `patience` is for what has no
    /// end of its own within a reasonable time. It panics when the guest is not stopped, or the host harmed.
    pub async fn run(&self, shared: bool, patience: Duration) -> Noticed {
        let rig = Rig::compiling(self.compiler());
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let silent = silent.expect("a port");
        let port = silent.local_addr().expect("an address").port();
        rig.add(&neighbours(port)).await;
        let before = rhythm(&rig, TICKS).await;
        let end = self.let_loose(&rig, shared, patience).await;
        let worst = rhythm(&rig, TICKS).await;
        // The host is up, and so is the neighbour's mind.
        let mut good = rig.watch("plugin/good/echo");
        rig.order("good", "well");
        good.value("plugin/good/echo", "well 1").await;
        assert_eq!(rig.device("good").traps, 0);
        rig.shutdown().await;
        Noticed { before, worst, end }
    }

    fn compiler(&self) -> Compiler {
        match self.deed {
            Deed::Compile => Compiler::Child {
                program: weihe().get_program().into(),
                arguments: vec!["compile-component".into()],
            },
            _ => Compiler::InProcess,
        }
    }

    async fn let_loose(&self, rig: &Rig, shared: bool, patience: Duration) -> String {
        let name = self.name;
        let mut dead = rig.watch("$dead/bad");
        let package = match self.deed {
            Deed::Order(package, _) => package,
            Deed::Start(_) => RAW,
            Deed::Compile => return compile(rig, patience).await,
        };
        let lane = if shared { "main" } else { "bad" };
        let start = match self.deed {
            Deed::Start(how) => how,
            _ => "",
        };
        let added = rig
            .try_add(&format!(
                r#"
                [plugin]
                bad = "{package}"

                [device.bad]
                plugin = "bad"
                connection = "silent"
                lane = "{lane}"
                config = {{ start = "{start}", input = "plugin/bad/again" }}

                [device.bad.grants]
                {}

                [device.bad.limits]
                attempts = 1
                {}
                "#,
                if package == RAW {
                    ""
                } else {
                    "store.tables = [\"ledger\"]"
                },
                self.limits
            ))
            .await;
        if let Deed::Order(_, order) = self.deed {
            rig.publish(
                "plugin/bad/again",
                [weihe_kernel::event::Value::Text(order.into())],
            );
        }
        match self.end {
            End::Letter(words) => {
                added.unwrap_or_else(|error| panic!("{name}: {error}"));
                let letter = dead.next().await;
                let error = letter.value["error"].as_str().unwrap_or_default();
                assert!(error.contains(words), "{name}: {error}");
                error.to_owned()
            }
            End::Refused(words) => {
                let error = added.expect_err(name).to_string();
                assert!(error.contains(words), "{name}: {error}");
                error
            }
            End::Unloaded => {
                added.unwrap_or_else(|error| panic!("{name}: {error}"));
                let began = std::time::Instant::now();
                while began.elapsed() < patience {
                    rhythm_kept(rig).await;
                }
                let bad = rig.device("bad");
                assert!(
                    bad.published > 10_000 || bad.events > 1_000 || bad.dead > 0,
                    "{name}: no storm: {bad:#?}"
                );
                let removed = rig.kernel().remove_device("bad", "the test is over").await;
                removed.unwrap_or_else(|error| panic!("{name}: {error}"));
                "goes on within its limits, until it is unloaded".into()
            }
        }
    }
}

fn neighbours(port: u16) -> String {
    format!(
        r#"
        [plugin]
        raw = "{RAW}"

        [connection.silent]
        type = "tcp"
        address = "127.0.0.1:{port}"

        [device.good]
        plugin = "raw"
        config.tick = 1_000_000
        "#
    )
}

/// Waits for more ticks of the good device.
async fn rhythm_kept(rig: &Rig) {
    let mut ticks = rig.watch("plugin/good/echo");
    for _ in 0..TICKS {
        ticks.topic("plugin/good/echo").await;
    }
}

/// The worst gap since it was asked before, after at least so many ticks.
async fn rhythm(rig: &Rig, least: u64) -> Duration {
    rhythm_kept(rig).await;
    let said = rig.ask("good", "rhythm", json!({})).await;
    let number = |index: usize| said[index].as_u64().unwrap_or_default();
    assert!(number(0) >= least, "{said}");
    Duration::from_nanos(number(1))
}

/// Has a bomb compiled until the compiler gives up, or for as long as anybody wants to wait.
async fn compile(rig: &Rig, patience: Duration) -> String {
    let file = rig.file("bomb.wasm");
    std::fs::write(&file, bomb()).expect("a file");
    let load = rig.kernel().load_plugin("bomb", &file);
    match tokio::time::timeout(patience, load).await {
        // Its compiler ends with whoever waits for it.
        Err(_) => "given up by the operator".into(),
        Ok(Err(error @ LoadError::Compile(_))) => error.to_string(),
        Ok(other) => panic!("a bomb is no plugin: {other:?}"),
    }
}

/// How many functions a bomb has.
const FUNCTIONS: u32 = 200;

/// How many locals each of them keeps alive, over as many nested loops.
const LOCALS: u32 = 1_000;

/// A component whose one module has functions of deeply nested loops around one another's values, which
/// register allocation has to keep apart.
fn bomb() -> Vec<u8> {
    let mut body = Vec::new();
    // One group of locals, of type i64.
    body.push(1);
    unsigned(&mut body, LOCALS);
    body.push(0x7e);
    for local in 0..LOCALS {
        // loop; local = local + another, in a circle.
        body.extend([0x03, 0x40]);
        body.push(0x20);
        unsigned(&mut body, local);
        body.push(0x20);
        unsigned(&mut body, (local * 7 + 3) % LOCALS);
        body.push(0x7c);
        body.push(0x21);
        unsigned(&mut body, local);
    }
    for local in 0..LOCALS {
        // Back to the loop's begin while it is not zero.
        body.push(0x20);
        unsigned(&mut body, local);
        body.extend([0x50, 0x0d, 0x00, 0x0b]);
    }
    body.push(0x0b);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    section(&mut module, 1, &[1, 0x60, 0, 0]);
    let mut functions = Vec::new();
    unsigned(&mut functions, FUNCTIONS);
    functions.extend(std::iter::repeat_n(0, FUNCTIONS as usize));
    section(&mut module, 3, &functions);
    let mut code = Vec::new();
    unsigned(&mut code, FUNCTIONS);
    for _ in 0..FUNCTIONS {
        unsigned(&mut code, u32::try_from(body.len()).expect("a size"));
        code.extend(&body);
    }
    section(&mut module, 10, &code);
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    section(&mut component, 1, &module);
    component
}

fn section(into: &mut Vec<u8>, id: u8, content: &[u8]) {
    into.push(id);
    unsigned(into, u32::try_from(content.len()).expect("a size"));
    into.extend(content);
}

/// LEB128.
fn unsigned(into: &mut Vec<u8>, mut number: u32) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            return into.push(low);
        }
        into.push(low | 0x80);
    }
}
