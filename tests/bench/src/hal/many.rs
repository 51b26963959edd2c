//! A board with 1,000 lines and 64 devices on I2C, all of them with one plugin; and natively.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use weihe_hal::Hardware;
use weihe_hal::gpio::Line;
use weihe_hal::i2c::{I2cBus, I2cOperation};

use super::native::output;
use crate::modbus::resident_mib;
use crate::on_lane::Plugins;
use crate::{Anyhow, median};

/// Lines.
const LINES: usize = 1_000;

/// Buses, and devices on each.
const BUSES: usize = 4;
const DEVICES: u16 = 16;

/// The address of the first device.
const FIRST: u16 = 0x08;

/// Rounds over all of them.
const ROUNDS: usize = 51;

fn described() -> Anyhow<String> {
    let mut board = format!("lines = [\"native[0-{0}]\", \"line[0-{0}]\"]\n", LINES - 1);
    for side in ["native-bus", "bus"] {
        for bus in 0..BUSES {
            for address in FIRST..FIRST + DEVICES {
                writeln!(board, "[i2c.{side}{bus}.{address:#04x}]\nmodel = \"lm75\"")?;
            }
        }
    }
    Ok(board)
}

fn granted() -> String {
    let lines = (0..LINES).map(|number| format!("line{number} = \"output\""));
    let buses = (0..BUSES).map(|number| format!("bus{number} = \"all\""));
    let lines: Vec<String> = lines.collect();
    let buses: Vec<String> = buses.collect();
    format!(
        "gpio = {{ {} }}\ni2c = {{ {} }}",
        lines.join(", "),
        buses.join(", ")
    )
}

/// The same without a sandbox.
struct Native {
    lines: Vec<(Arc<dyn Line>, bool)>,
    buses: Vec<Arc<dyn I2cBus>>,
}

impl Native {
    fn open(board: &dyn Hardware) -> Anyhow<Self> {
        let line = |number| Ok((output(board, &format!("native{number}"))?, false));
        let bus = |number| board.i2c(&format!("native-bus{number}"));
        Ok(Self {
            lines: (0..LINES).map(line).collect::<Anyhow<_>>()?,
            buses: (0..BUSES).map(bus).collect::<Result<_, _>>()?,
        })
    }

    fn round(&mut self) -> Anyhow<()> {
        for (line, active) in &mut self.lines {
            *active = !*active;
            line.write(*active)?;
        }
        let mut operations = [I2cOperation::Write(vec![0]), I2cOperation::Read(vec![0; 2])];
        for bus in &self.buses {
            for address in FIRST..FIRST + DEVICES {
                bus.transaction(address, &mut operations)?;
            }
        }
        Ok(())
    }
}

/// The argument that makes this program measure in a process of its own, since memory that was used before is
/// used again.
pub const ALONE: &str = "hal-many";

/// Measures in a process in which nothing else was done, not even compiling.
pub fn run(file: &Path, cache: &Path) -> Anyhow<()> {
    let mut alone = Command::new(std::env::current_exe()?);
    match alone.arg(ALONE).args([file, cache]).status()?.success() {
        true => Ok(()),
        false => Err("many lines and devices could not be measured".into()),
    }
}

/// Measures.
pub async fn alone(file: &Path, cache: &Path) -> Anyhow<()> {
    // The allocator and the engine have what they begin with.
    let board = super::board("lines = [\"one\"]")?;
    let _warm = Plugins::load(file, super::hardware(&board), cache).await?;
    let bare = resident_mib();
    let board = super::board(&described()?)?;
    let made = resident_mib() - bare;
    println!("a board of 2,000 lines and 128 devices: {made:.2} MiB");
    let plugins = Plugins::load(file, super::hardware(&board), cache).await?;
    let plugin = plugins.start("many", json!({}), &granted()).await?;
    let before = resident_mib();
    let open = json!({ "lines": LINES, "buses": BUSES, "devices": DEVICES });
    let took = plugin.took("open", &open).await? / 1e6;
    // Addresses are claimed when they are used first.
    let first = plugin.took("round", &json!({})).await? / 1e6;
    let after = resident_mib();
    println!(
        "1,000 lines and 64 devices, plugin: open {took:.2} ms, first round {first:.2} ms, {:.2} MiB; {after:.1} MiB resident in all",
        after - before
    );
    let began = Instant::now();
    let mut native = Native::open(&*board)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    let more = resident_mib() - after;
    println!("natively: open {took:.2} ms, {more:.2} MiB");
    let (mut inside, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        native.round()?;
        beside.push(began.elapsed().as_nanos() as f64);
        inside.push(plugin.took("round", &json!({})).await?);
    }
    println!(
        "a round over all of them: native {:.0} us, plugin {:.0} us",
        median(beside) / 1e3,
        median(inside) / 1e3,
    );
    plugin.end().await;
    Ok(())
}
