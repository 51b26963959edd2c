//! Hardware that takes its time.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use async_trait::async_trait;
use weihe_kernel::failsafe::GuardedLine;

use crate::adc::{AdcChannel, Quantity};
use crate::error::HalError;
use crate::gpio::{EdgeSink, Line, LineConfig, Mode};
use crate::hardware::{Hardware, Kind};
use crate::i2c::{I2cBus, I2cError, I2cOperation};
use crate::pwm::PwmChannel;
use crate::serial::{Port, PortSettings};
use crate::spi::{SpiConfig, SpiDevice, SpiOperation};

type Outcome<T> = Result<T, HalError>;

/// Who came to what is stuck, and who lets them go on.
type Stuck = (Sender<()>, Receiver<()>);

/// Hardware of which every operation may take long: none may be carried out on the lane.
pub struct Bench {
    lane: ThreadId,
    set: Mutex<Vec<bool>>,
    /// Operations that do not end before they are told to.
    stuck: Mutex<HashMap<&'static str, Stuck>>,
}

impl Bench {
    /// The lane is this thread.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            lane: std::thread::current().id(),
            set: Mutex::default(),
            stuck: Mutex::default(),
        })
    }

    /// An operation. On the lane it fails.
    fn enter(&self, what: &'static str) -> Outcome<()> {
        if std::thread::current().id() == self.lane {
            return Err(HalError::Failed(format!("{what} blocks the lane")));
        }
        let stuck = self.stuck.lock().unwrap().remove(what);
        if let Some((begun, go)) = stuck {
            begun.send(()).unwrap();
            go.recv().unwrap();
        }
        Ok(())
    }

    /// The next operation of this name is stuck from when it says so until it is told to go on.
    pub fn stick(&self, what: &'static str) -> (Receiver<()>, Sender<()>) {
        let ((begun, has_begun), (go, gate)) = (channel(), channel());
        self.stuck.lock().unwrap().insert(what, (begun, gate));
        (has_begun, go)
    }

    pub fn set(&self) -> Vec<bool> {
        self.set.lock().unwrap().clone()
    }
}

/// One part of it, whatever it is.
struct Part(Arc<Bench>);

/// The board, which hands out its parts.
pub struct Board(pub Arc<Bench>);

impl Hardware for Board {
    fn resolve(&self, _: Kind, name: &str) -> Outcome<String> {
        self.0.enter("looking for a name")?;
        Ok(name.to_owned())
    }

    fn blocks(&self) -> bool {
        true
    }

    fn bus_of(&self, kind: Kind, _: &str) -> String {
        format!("{}/shared", kind.key())
    }

    fn line(&self, _: &str, config: &LineConfig, _: EdgeSink) -> Outcome<Arc<dyn Line>> {
        self.0.enter("opening a line")?;
        if let Mode::Output {
            initial: Some(value),
            ..
        } = config.mode
        {
            self.0.set.lock().unwrap().push(value);
        }
        Ok(Arc::new(Part(self.0.clone())))
    }

    fn i2c(&self, _: &str) -> Outcome<Arc<dyn I2cBus>> {
        self.0.enter("opening a bus")?;
        Ok(Arc::new(Part(self.0.clone())))
    }

    fn spi(&self, _: &str, _: &SpiConfig) -> Outcome<Arc<dyn SpiDevice>> {
        self.0.enter("opening a peripheral")?;
        Ok(Arc::new(Part(self.0.clone())))
    }

    fn uart(&self, _: &str, _: &PortSettings) -> Outcome<Arc<dyn Port>> {
        self.0.enter("opening a port")?;
        // It belongs to the runtime of its device.
        tokio::runtime::Handle::try_current()
            .map_err(|error| HalError::Failed(error.to_string()))?;
        Ok(Arc::new(Part(self.0.clone())))
    }

    fn pwm(&self, _: &str) -> Outcome<Arc<dyn PwmChannel>> {
        self.0.enter("opening a channel")?;
        Ok(Arc::new(Part(self.0.clone())))
    }

    fn adc(&self, _: &str) -> Outcome<Arc<dyn AdcChannel>> {
        self.0.enter("opening an input")?;
        Ok(Arc::new(Part(self.0.clone())))
    }
}

impl Line for Part {
    fn read(&self) -> Outcome<bool> {
        self.0.enter("reading a line")?;
        Ok(false)
    }

    fn write(&self, active: bool) -> Outcome<()> {
        self.0.enter("setting a line")?;
        self.0.set.lock().unwrap().push(active);
        Ok(())
    }

    fn configure(&self, _: &LineConfig) -> Outcome<()> {
        self.0.enter("changing a line")
    }

    fn revive(&self) -> Outcome<()> {
        self.0.enter("looking for a line again")
    }

    fn blocks(&self) -> bool {
        true
    }

    fn guarded(&self, _: bool) -> Option<GuardedLine> {
        None
    }
}

impl I2cBus for Part {
    fn transaction(&self, address: u16, _: &mut [I2cOperation]) -> Result<(), I2cError> {
        let done = self.0.enter("speaking on a bus");
        done.map_err(|error| I2cError {
            fault: crate::i2c::I2cFault::Other,
            message: format!("{address}: {error}"),
        })
    }
}

impl SpiDevice for Part {
    fn transaction(&self, _: &mut [SpiOperation]) -> Outcome<()> {
        self.0.enter("speaking to a peripheral")
    }

    fn configure(&self, _: &SpiConfig) -> Outcome<()> {
        self.0.enter("changing a peripheral")
    }
}

#[async_trait]
impl Port for Part {
    async fn read(&self, _: usize, _: u64, _: u64) -> Outcome<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn write(&self, _: &[u8]) -> Outcome<()> {
        Ok(())
    }

    async fn drain(&self) -> Outcome<()> {
        Ok(())
    }

    fn discard_input(&self) -> Outcome<()> {
        self.0.enter("emptying a port")
    }

    fn configure(&self, _: &PortSettings) -> Outcome<()> {
        self.0.enter("changing a port")
    }
}

impl PwmChannel for Part {
    fn set(&self, _: u64, _: u64) -> Outcome<()> {
        self.0.enter("setting a channel")
    }

    fn enable(&self, _: bool) -> Outcome<()> {
        self.0.enter("switching a channel")
    }

    fn period(&self) -> Outcome<u64> {
        self.0.enter("reading a period")?;
        Ok(1)
    }

    fn width(&self) -> Outcome<u64> {
        self.0.enter("reading a width")?;
        Ok(1)
    }

    fn blocks(&self) -> bool {
        true
    }

    fn guarded(&self, _: Option<u64>) -> Option<GuardedLine> {
        None
    }
}

impl AdcChannel for Part {
    fn quantity(&self) -> Quantity {
        Quantity::Voltage
    }

    fn read(&self) -> Outcome<f64> {
        self.0.enter("measuring")?;
        Ok(1.0)
    }

    fn blocks(&self) -> bool {
        true
    }

    fn read_raw(&self) -> Outcome<i64> {
        self.0.enter("counting")?;
        Ok(1)
    }
}
