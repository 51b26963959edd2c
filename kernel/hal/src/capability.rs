//! Hardware as a capability of the kernel.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use wasmtime::component::Linker;
use weihe_kernel::GuestState;
use weihe_kernel::capability::{Attachment, Capability, CommitError, GrantError, Granted};
use weihe_kernel::device::Inlet;
use weihe_kernel::failsafe::Outputs;

use crate::error::HalError;
use crate::grant::Grant;
use crate::guest;
use crate::hardware::{Hardware, Kind};
use crate::holders;
use crate::lease::{DeviceLeases, Leases};
use crate::session::Session;
use crate::virtual_board::{BoardView, VirtualBoard};
use crate::worker::{Caller, Worker, lane_of};

/// What the capability is called.
pub const HAL: &str = "hal";

/// The capability `hal`.
///
/// What a plugin does with hardware happens at once, not when its handler returns: nothing of it is
/// undone after a trap.
pub struct HalCapability {
    shared: Arc<Shared>,
}

/// What all devices share.
pub(crate) struct Shared {
    pub(crate) hardware: Arc<dyn Hardware>,
    pub(crate) leases: Arc<Leases>,
    workers: Mutex<HashMap<String, Arc<Worker>>>,
    /// Where the board is looked at.
    looks: Arc<Worker>,
}

/// Something that a grant names, as it is found.
#[derive(Clone)]
pub(crate) struct Place {
    /// What the board calls it.
    pub(crate) name: String,
    /// Where what may wait for it is done; none where nothing does.
    pub(crate) worker: Option<Arc<Worker>>,
}

impl Place {
    /// Carries out what may wait for it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Caller<'_>) -> Result<T, HalError> + Send + 'static,
    ) -> Result<T, HalError> {
        match &self.worker {
            Some(worker) => worker.run(work).await?,
            None => work(&Caller::HERE),
        }
    }
}

impl Shared {
    pub(crate) fn new(hardware: Arc<dyn Hardware>) -> Arc<Self> {
        Arc::new(Self {
            hardware,
            leases: Arc::default(),
            workers: Mutex::default(),
            looks: Worker::apart("board"),
        })
    }

    /// Finds something by its name in a grant. Names that are not known make a real board be looked at anew, which
    /// takes its time.
    pub(crate) async fn find(&self, kind: Kind, name: &str) -> Result<Place, HalError> {
        if !self.hardware.blocks() {
            let name = self.hardware.resolve(kind, name)?;
            return Ok(Place { name, worker: None });
        }
        let (hardware, asked) = (self.hardware.clone(), name.to_owned());
        let look = move |_: &Caller<'_>| {
            let name = hardware.resolve(kind, &asked)?;
            let bus = hardware.bus_of(kind, &name);
            Ok((name, bus))
        };
        let (name, bus) = self.looks.run(look).await??;
        let worker = Some(self.worker(kind, &bus));
        Ok(Place { name, worker })
    }

    fn worker(&self, kind: Kind, bus: &str) -> Arc<Worker> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = workers.entry(bus.to_owned()).or_insert_with(|| match kind {
            Kind::I2c | Kind::Spi => Worker::new(bus),
            Kind::Gpio | Kind::Uart | Kind::Pwm | Kind::Adc => Worker::apart(bus),
        });
        worker.clone()
    }
}

impl HalCapability {
    /// Offers the hardware of a board to plugins.
    pub fn new(hardware: Arc<dyn Hardware>) -> Self {
        Self {
            shared: Shared::new(hardware),
        }
    }
}

impl HalCapability {
    /// The board, where it is a virtual one.
    pub fn virtual_board(&self) -> Option<&VirtualBoard> {
        self.shared.hardware.virtual_board()
    }

    /// The one name of something that may have several.
    pub(crate) fn resolve(&self, kind: Kind, name: &str) -> Result<String, HalError> {
        self.shared.hardware.resolve(kind, name)
    }

    /// The board as it is now, with who holds what. Of a real one only that is known.
    pub fn look(&self) -> BoardView {
        let mut view = match self.virtual_board() {
            Some(board) => board.look(),
            None => BoardView::default(),
        };
        holders::put(&self.shared.leases, &mut view);
        view
    }
}

impl Capability for HalCapability {
    fn name(&self) -> &'static str {
        HAL
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &guest::INTERFACES
    }

    fn link(&self, linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
        guest::add_to_linker(linker)
    }

    fn lane(&self, grant: &toml::Table) -> Option<String> {
        let hardware = &self.shared.hardware;
        if !hardware.blocks() {
            return None;
        }
        let grant = Grant::from_table(grant).ok()?;
        let buses: BTreeSet<String> = grant
            .names()
            .filter(|(kind, _)| matches!(kind, Kind::I2c | Kind::Spi))
            .map(|(kind, name)| {
                let known = hardware.resolve(kind, name);
                hardware.bus_of(kind, known.as_deref().unwrap_or(name))
            })
            .collect();
        // With several buses there is no lane on which none of them is waited for.
        let mut buses = buses.iter();
        match (buses.next(), buses.next()) {
            (Some(bus), None) => Some(lane_of(bus)),
            _ => None,
        }
    }

    fn configure(&self, device: &str, grant: &toml::Table) -> Result<Box<dyn Granted>, GrantError> {
        let grant = Grant::from_table(grant)?;
        let help = match self.virtual_board() {
            Some(_) => "the file of the virtual board says what is there, and under which names",
            None => "`weihe doctor` lists what is there, and under which names",
        };
        for (kind, name) in grant.names() {
            self.shared
                .hardware
                .resolve(kind, name)
                .map_err(|error| GrantError {
                    key: Some(kind.key().to_owned()),
                    message: error.to_string(),
                    help: Some(help.to_owned()),
                })?;
        }
        self.check_aliases(&grant)?;
        Ok(Box::new(GrantedHardware {
            device: device.into(),
            leases: Arc::default(),
            shared: self.shared.clone(),
            grant: Arc::new(grant),
        }))
    }
}

/// The checked grant of one device.
struct GrantedHardware {
    shared: Arc<Shared>,
    device: Arc<str>,
    /// Kept while the version may run, also between two instances.
    leases: Arc<OnceLock<Arc<DeviceLeases>>>,
    grant: Arc<Grant>,
}

impl Granted for GrantedHardware {
    fn attach(&self, _device: &str) -> Box<dyn Attachment> {
        Box::new(Session::new(
            self.shared.clone(),
            self.leases.clone(),
            &self.device,
            self.grant.clone(),
        ))
    }

    fn undo(&self, version: &str) {
        if let Some(leases) = self.leases.get() {
            leases.undo(version);
        }
    }

    fn keep(&self, versions: &[&str]) {
        if let Some(leases) = self.leases.get() {
            leases.keep(versions);
        }
    }
}

#[async_trait]
impl Attachment for Session {
    fn hold(&mut self, outputs: &Arc<Outputs>, version: &str) {
        self.belong(outputs, version);
    }

    fn listen(&mut self, inlet: Inlet) {
        self.inlet = Some(inlet);
    }

    fn is_dirty(&self) -> bool {
        false
    }

    async fn commit(&mut self) -> Result<(), CommitError> {
        Ok(())
    }

    async fn rollback(&mut self) {}
}
