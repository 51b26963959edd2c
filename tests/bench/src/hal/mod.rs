//! Hardware through a plugin on the virtual board, and the same natively beside it: the same trait objects on the
//! same lane, in turns.

mod edges;
mod many;
mod native;

pub use many::ALONE;

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use weihe_hal::virtual_board::VirtualBoard;
use weihe_hal::{HalCapability, Hardware, LinuxBoard};
use weihe_kernel::SystemClock;
use weihe_kernel::capability::Capability;

use crate::on_lane::{Plugins, on_a_lane};
use crate::{Anyhow, median};
use native::{Address, Kind};

/// Rounds of each measurement, natively and in the sandbox in turns; the median is shown.
const ROUNDS: usize = 41;

/// Operations of one round: some milliseconds.
const COUNT: u32 = 10_000;

/// A two-byte read with 100 kHz: the address, two bytes and their acknowledgements are 27 clocks, beside start and
/// stop; in nanoseconds.
const READ_AT_100_KHZ: f64 = 290_000.0;

/// What is measured stands apart from what the native loop has, since a line has one holder.
const BOARD: &str = r#"
lines = ["gpio/native", "gpio/plugin"]
[i2c.bus.0x48]
model = "lm75"
[i2c.bus.0x49]
model = "lm75"
[spi."spi/0.0"]
model = "mcp3008"
[spi."spi/0.1"]
model = "mcp3008"
"#;

const GRANT: &str = r#"
gpio = { "gpio/plugin" = "output" }
i2c = { bus = [0x49] }
spi = ["spi/0.1"]
"#;

/// Measures everything on the virtual board.
pub fn run(file: &Path) -> Anyhow<()> {
    let file = file.to_owned();
    on_a_lane(async move {
        let cache = tempfile::tempdir()?;
        operations(&file, cache.path()).await?;
        edges::run(&file, cache.path()).await?;
        many::run(&file, cache.path())
    })
}

/// What [`many::run`] starts.
pub fn many(file: &Path, cache: &Path) -> Anyhow<()> {
    let (file, cache) = (file.to_owned(), cache.to_owned());
    on_a_lane(async move { many::alone(&file, &cache).await })
}

/// The native loop alone, on the hardware of this machine: what stands beside the plugin's `measure` there.
pub fn native(kind: &str, name: &str, count: &str) -> Anyhow<()> {
    let board = LinuxBoard::new(Path::new("/"));
    let (kind, name) = Kind::parse(kind, name)?;
    let count: u32 = count.parse()?;
    let mut operation = kind.open(&board, &board.resolve(kind.hardware(), name)?)?;
    let took = operation.time(count)?;
    println!(
        "{took} nanoseconds, {} each",
        took / u64::from(count.max(1))
    );
    Ok(())
}

fn board(text: &str) -> Anyhow<Arc<VirtualBoard>> {
    let clock = Arc::new(SystemClock::new());
    Ok(Arc::new(VirtualBoard::parse(text, clock)?))
}

/// What plugins get of a board.
fn hardware(board: &Arc<VirtualBoard>) -> Arc<dyn Capability> {
    Arc::new(HalCapability::new(board.clone()))
}

async fn operations(file: &Path, cache: &Path) -> Anyhow<()> {
    let board = board(BOARD)?;
    let plugins = Plugins::load(file, hardware(&board), cache).await?;
    let plugin = plugins.start("hardware", json!({}), GRANT).await?;
    let pairs = [
        (
            "GPIO write",
            Kind::Gpio,
            "gpio/native",
            "gpio",
            "gpio/plugin",
            0,
        ),
        (
            "I2C write-read of 1 and 2 bytes",
            Kind::I2c(Address(0x48)),
            "bus",
            "i2c",
            "bus",
            0x49,
        ),
        (
            "SPI transfer of 3 bytes",
            Kind::Spi,
            "spi/0.0",
            "spi",
            "spi/0.1",
            0,
        ),
    ];
    for (what, kind, beside, word, name, address) in pairs {
        let mut operation = kind.open(&*board, beside)?;
        let (mut native, mut sandbox, mut beyond) = (Vec::new(), Vec::new(), Vec::new());
        let arguments = json!({ "kind": word, "name": name, "address": address, "count": COUNT });
        for _ in 0..ROUNDS {
            let one = operation.time(COUNT)? as f64 / f64::from(COUNT);
            let other = plugin.took("measure", &arguments).await? / f64::from(COUNT);
            native.push(one);
            sandbox.push(other);
            beyond.push(other - one);
        }
        let beyond = median(beyond);
        println!(
            "{what}: native {:.0} ns, plugin {:.0} ns, beyond {beyond:.0} ns, {:.2} % of a read at 100 kHz",
            median(native),
            median(sandbox),
            beyond / READ_AT_100_KHZ * 100.0,
        );
    }
    plugin.end().await;
    Ok(())
}
