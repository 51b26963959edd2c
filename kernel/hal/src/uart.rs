//! The kind `uart`: a serial port that several devices share.

use std::path::PathBuf;

use async_trait::async_trait;
use serial2_tokio::{CharSize, Parity, StopBits};
use weihe_kernel::connection::{
    Claim, ConfigError, ConnectionKind, Endpoint, Line, Opened, Opener, Settings, TableReader,
};

use crate::frame::Frame;
use crate::port;

/// Rate when none is given: the usual delivery state of RS-485 devices in this field.
const BAUD: i64 = 9_600;

/// Rates that a UART can have. The driver has the last word when the port is opened.
const BAUDS: std::ops::RangeInclusive<i64> = 50..=12_000_000;

/// The kind `uart`.
///
/// ```toml
/// [connection.rs485]
/// type = "uart"
/// port = "/dev/ttyS1"     # or a link to it, like /dev/serial/by-path/...
/// baud = 9600
/// data-bits = 8           # 5 to 8
/// parity = "none"         # none, even, odd
/// stop-bits = 1           # 1 or 2
/// gap = "4ms"             # silence between frames; default: 3.5 characters, 1.75 ms above 19200 baud
/// silence = "20ms"        # silence that ends a reply of unknown length; default: gap + 16 characters
/// reconnect-min = "250ms" # first pause before opening again, doubled up to
/// reconnect-max = "30s"
/// max-reply = "64 KiB"
/// ```
///
/// There is no flow control: RS-485 has no lines for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Uart;

impl ConnectionKind for Uart {
    fn name(&self) -> &'static str {
        "uart"
    }

    fn configure(&self, name: &str, table: &toml::Table) -> Result<Endpoint, ConfigError> {
        let mut table = TableReader::new(name, table);
        let path = PathBuf::from(table.required("port", "/dev/ttyS1")?);
        if !path.is_absolute() {
            let message = format!("is \"{}\", not a whole path", path.display());
            return Err(table.error("port", message, Some("write it like \"/dev/ttyS1\"".into())));
        }
        let frame = read_frame(&mut table)?;
        let settings = table.settings(Settings {
            gap: frame.gap(),
            silence: frame.silence(),
            byte_time: frame.character(),
            ..Settings::default()
        })?;
        table.finish()?;
        Ok(Endpoint::Line(Line {
            opener: Box::new(SerialLine { path, frame }),
            settings,
        }))
    }
}

fn read_frame(table: &mut TableReader<'_>) -> Result<Frame, ConfigError> {
    let baud = table.integer("baud", BAUDS)?.unwrap_or(BAUD);
    let data_bits = match table.integer("data-bits", 5..=8)? {
        Some(5) => CharSize::Bits5,
        Some(6) => CharSize::Bits6,
        Some(7) => CharSize::Bits7,
        _ => CharSize::Bits8,
    };
    let parity = match table.choice_or_first("parity", &["none", "even", "odd"])? {
        "even" => Parity::Even,
        "odd" => Parity::Odd,
        _ => Parity::None,
    };
    let stop_bits = match table.integer("stop-bits", 1..=2)? {
        Some(2) => StopBits::Two,
        _ => StopBits::One,
    };
    Ok(Frame {
        baud: u32::try_from(baud).unwrap_or_default(),
        data_bits,
        parity,
        stop_bits,
    })
}

struct SerialLine {
    path: PathBuf,
    frame: Frame,
}

#[async_trait]
impl Opener for SerialLine {
    async fn open(&self) -> Result<Opened, String> {
        let (path, frame) = (self.path.clone(), self.frame);
        // Some drivers take their time, or wait for hardware.
        let opened = tokio::task::spawn_blocking(move || port::open(&path, &frame.into())).await;
        match opened {
            Ok(port) => {
                let (port, descriptor) = port.map_err(|error| error.to_string())?;
                Ok(Opened::with_descriptor(port, descriptor))
            }
            Err(error) => Err(format!("{}: {error}", self.path.display())),
        }
    }

    fn describe(&self) -> String {
        format!("{} {}", self.path.display(), self.frame)
    }

    fn claims(&self) -> Vec<Claim> {
        // A port that is not there yet is claimed by the name it was given.
        let path = self.path.canonicalize();
        vec![Claim::Port(path.unwrap_or_else(|_| self.path.clone()))]
    }
}
