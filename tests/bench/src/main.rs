//! Measures the kernel. docs/performance.md says how to build the plugins and what came out.
//!
//! - `weihe-bench pipeline RELAY.wasm`: the path of an event, with and without a sandbox
//! - `weihe-bench modbus MODBUS.wasm`: 10,000 registers a second from one simulated device, and writes
//!   while polling
//! - `weihe-bench hostile [WORDS]`: what a good device notices of guests that do harm; of those whose names
//!   have these words
//! - `weihe-bench hal HARDWARE.wasm`: lines and buses of the virtual board through a plugin, and natively
//! - `weihe-bench guomi [GUOMI.wasm]`: SM3 and SM4-GCM through a plugin, and natively; without a file the plugin is
//!   built by the way
//! - `weihe-bench hal-native gpio|i2c|spi NAME COUNT`: the native loop alone, on this machine's hardware; a device on
//!   I2C is named `BUS@0xADDRESS`

mod guomi;
mod hal;
mod hostile;
mod modbus;
mod native;
mod on_lane;
mod pipeline;

use std::path::Path;

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Anyhow<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["pipeline", file] => pipeline::run(Path::new(file)),
        ["modbus", file] => modbus::run(Path::new(file)),
        ["guomi"] => guomi::run(&weihe_tests::component("weihe-guest-guomi")),
        ["guomi", file] => guomi::run(Path::new(file)),
        ["hal", file] => hal::run(Path::new(file)),
        [hal::ALONE, file, cache] => hal::many(Path::new(file), Path::new(cache)),
        ["hal-native", kind, name, count] => hal::native(kind, name, count),
        ["hostile"] => hostile::run(""),
        ["hostile", words] => hostile::run(words),
        [modbus::SLAVE] => modbus::serve(),
        _ => Err(
            "usage: weihe-bench pipeline RELAY.wasm | modbus MODBUS.wasm | hal HARDWARE.wasm | \
             guomi [GUOMI.wasm] | hal-native gpio|i2c|spi NAME COUNT | hostile [WORDS]"
                .into(),
        ),
    }
}
