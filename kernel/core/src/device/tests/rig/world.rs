//! A bus, a clock, and what devices find around them.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, LocalSet};

use crate::bus::{Bus, Overflow, Subscription};
use crate::clock::VirtualClock;
use crate::connection::{
    Channel, Connection, Endpoint, Line, Notice, Observer, Opened, Opener, Seat, Settings,
};
use crate::device::{
    Actor, Call, CallError, Checkpoint, Checkpoints, DeadLetters, Device, DeviceSpec, DeviceState,
    Loading, Manner, MemoryCheckpoints, MemoryDeadLetters, OpenFailure, Orders, OutgoingCall,
    Saving, SettingAside, StartError, StopReason, Surroundings, SwapRefused,
};
use crate::event::{Event, SourceId, TopicId};

use super::{EPOCH, Factory, SECOND, Script, sample};

/// A device that runs.
pub struct Running {
    pub device: Arc<Device>,
    /// How its first start went.
    pub started: oneshot::Receiver<Result<(), StartError>>,
    pub actor: JoinHandle<()>,
    pub orders: Arc<Orders<Factory>>,
}

impl Running {
    pub fn state(&self) -> DeviceState {
        self.device.live.get().0
    }

    pub fn last_error(&self) -> String {
        self.device
            .live
            .get()
            .1
            .map(|fault| fault.message)
            .unwrap_or_default()
    }

    pub fn notify(&self, notice: Notice) {
        self.device.mailbox.notify(&"field".into(), notice).unwrap();
    }
}

/// Where a call is answered.
pub type Answer = oneshot::Receiver<Result<String, CallError>>;

/// What devices find around them: each other, and connections.
#[derive(Default)]
pub struct Around {
    devices: Mutex<HashMap<String, Arc<Device>>>,
    pub connections: Mutex<HashMap<String, Connection>>,
    /// Versions that devices went back from by themselves, and why.
    pub taken_back: Mutex<Vec<(String, String)>>,
    /// Versions that ran through their probation.
    pub confirmed: Mutex<Vec<String>>,
    pub letters: Arc<MemoryDeadLetters>,
}

fn call(device: &Device, command: &str, caller: &str, span: u64) -> Result<Answer, CallError> {
    let (answer, answered) = oneshot::channel();
    device.mailbox.call(Call {
        id: device.new_call(),
        command: command.to_owned(),
        arguments: "{}".to_owned(),
        caller: caller.to_owned(),
        deadline: device.clock.now() + span,
        answer,
    })?;
    Ok(answered)
}

impl Surroundings for Around {
    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(self.letters.clone())
    }

    fn open(&self, device: &Arc<Device>, connection: &str) -> Result<Seat, OpenFailure> {
        let connections = self.connections.lock().unwrap();
        let unknown = || OpenFailure::Unknown(connection.to_owned());
        let connection = connections.get(connection).ok_or_else(unknown)?;
        let seat = connection.attach(&device.name, device.mailbox.clone(), None);
        seat.map_err(|error| OpenFailure::Taken(error.to_string()))
    }

    fn confirmed(&self, _: &Arc<Device>, version: &str) {
        self.confirmed.lock().unwrap().push(version.to_owned());
    }

    fn taken_back(&self, _: &Arc<Device>, version: &str, reason: &str) {
        let mut taken_back = self.taken_back.lock().unwrap();
        taken_back.push((version.to_owned(), reason.to_owned()));
    }

    fn call(&self, caller: &Arc<Device>, outgoing: OutgoingCall) {
        let caller = caller.clone();
        let target = self.devices.lock().unwrap().get(&*outgoing.device).cloned();
        tokio::task::spawn_local(async move {
            let Some(target) = target else {
                caller.answered(
                    outgoing.id,
                    Err(format!("there is no `{}`", outgoing.device)),
                );
                return;
            };
            let answer = match call(&target, &outgoing.command, &caller.name, outgoing.timeout) {
                Ok(answered) => tokio::select! {
                    answer = answered => answer.unwrap(),
                    () = caller.clock.sleep(outgoing.timeout) => {
                        Err(CallError::Timeout("no answer in time".into()))
                    }
                },
                Err(error) => Err(error),
            };
            caller.answered(outgoing.id, answer.map_err(|error| error.to_string()));
        });
    }
}

/// Checkpoints that can be told to fail or to be slow, and count what is saved.
#[derive(Default)]
pub struct Vault {
    pub kept: MemoryCheckpoints,
    pub saved: Mutex<Vec<i64>>,
    /// What every call fails with.
    pub broken: Mutex<Option<String>>,
    /// Loads and saves of this device wait until it is told to go on.
    pub locked: Arc<Mutex<Option<String>>>,
    pub unlocked: Arc<Notify>,
}

impl Vault {
    pub fn lock(&self, device: &str) {
        *self.locked.lock().unwrap() = Some(device.to_owned());
    }

    pub fn unlock(&self) {
        *self.locked.lock().unwrap() = None;
        self.unlocked.notify_waiters();
    }

    /// Does it when nothing is in the way.
    fn when_free<T: Send + 'static>(
        &self,
        device: &str,
        work: Pin<Box<dyn Future<Output = Result<T, String>> + Send>>,
    ) -> Pin<Box<dyn Future<Output = Result<T, String>> + Send>> {
        if let Some(error) = self.broken.lock().unwrap().clone() {
            return Box::pin(async move { Err(error) });
        }
        let (locked, unlocked) = (self.locked.clone(), self.unlocked.clone());
        let device = device.to_owned();
        Box::pin(async move {
            while locked.lock().unwrap().as_ref() == Some(&device) {
                unlocked.notified().await;
            }
            work.await
        })
    }
}

impl Checkpoints for Vault {
    fn load(&self, device: &str) -> Loading {
        self.when_free(device, self.kept.load(device))
    }

    fn save(&self, device: &str, checkpoint: Checkpoint) -> Saving {
        if self.broken.lock().unwrap().is_some() {
            return self.when_free(device, Box::pin(async { Ok(()) }));
        }
        let state = i64::from_le_bytes(checkpoint.bytes.clone().try_into().unwrap());
        self.saved.lock().unwrap().push(state);
        self.when_free(device, self.kept.save(device, checkpoint))
    }

    fn set_aside(&self, device: &str, checkpoint: Checkpoint) -> SettingAside {
        let work = match *self.broken.lock().unwrap() {
            Some(_) => Box::pin(async { Ok(String::new()) }) as SettingAside,
            None => self.kept.set_aside(device, checkpoint),
        };
        self.when_free(device, work)
    }
}

/// A bus, a clock, and whoever is on them.
#[derive(Clone)]
pub struct World {
    pub clock: VirtualClock,
    pub bus: Arc<Bus>,
    pub around: Arc<Around>,
    pub vault: Arc<Vault>,
    outside: SourceId,
}

/// Runs a test in a world of its own, on one thread.
pub fn play<F: Future<Output = ()>>(scene: impl FnOnce(World) -> F) {
    let bus = Bus::new(1);
    let world = World {
        clock: VirtualClock::new(EPOCH),
        outside: bus.source("outside").unwrap(),
        bus,
        around: Arc::default(),
        vault: Arc::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, scene(world));
}

impl World {
    /// A device with the given limits; it is not waited for.
    pub fn add(
        &self,
        name: &str,
        script: &Rc<Script>,
        limits: impl FnOnce(&mut DeviceSpec),
    ) -> Running {
        let mut spec = DeviceSpec::new(name, "double");
        limits(&mut spec);
        let clock = Arc::new(self.clock.clone());
        let device = Device::new(spec, self.bus.clone(), clock, self.around.clone()).unwrap();
        self.around
            .devices
            .lock()
            .unwrap()
            .insert(name.to_owned(), device.clone());
        let (sender, started) = oneshot::channel();
        let factory = Factory {
            script: script.clone(),
            device: device.clone(),
            version: "first",
        };
        let actor = Actor::new(device.clone(), factory, self.vault.clone(), sender);
        let orders = actor.orders().clone();
        let actor = tokio::task::spawn_local(actor.run());
        Running {
            device,
            started,
            actor,
            orders,
        }
    }

    /// A device with default limits that has started.
    pub async fn start(&self, script: &Rc<Script>) -> Running {
        self.start_with(script, |_| {}).await
    }

    pub async fn start_with(
        &self,
        script: &Rc<Script>,
        limits: impl FnOnce(&mut DeviceSpec),
    ) -> Running {
        let mut device = self.add("device", script, limits);
        self.settle().await;
        device.started.try_recv().unwrap().unwrap();
        device
    }

    /// Stops a device in order.
    pub async fn stop(&self, device: Running) {
        let ended = device.device.mailbox.stop(StopReason::Unload);
        self.settle().await;
        ended.await.unwrap();
        device.actor.await.unwrap();
    }

    /// Orders another version and lets everything run; returns how it went.
    pub async fn order(
        &self,
        device: &Running,
        version: &'static str,
        script: &Rc<Script>,
        manner: Manner,
    ) -> Result<(), SwapRefused> {
        let factory = Factory {
            script: script.clone(),
            device: device.device.clone(),
            version,
        };
        let mut done = device.orders.give(factory, manner);
        self.settle().await;
        done.try_recv().unwrap()
    }

    /// Lets everything that is ready run until nothing is.
    pub async fn settle(&self) {
        // A yield runs each ready task once; more rounds than any test here needs.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time pass.
    pub async fn run(&self, nanoseconds: u64) {
        self.clock.run(nanoseconds).await;
        self.settle().await;
    }

    /// Publishes values on a topic, as one run.
    pub fn publish(&self, topic: &str, values: impl IntoIterator<Item = i64>) {
        let mut run: Vec<Event> = values
            .into_iter()
            .map(|value| sample(&self.bus, topic, value))
            .collect();
        drop(self.bus.publish(self.outside, &mut run));
    }

    /// Publishes and lets everything run.
    pub async fn send(&self, topic: &str, values: impl IntoIterator<Item = i64>) {
        self.publish(topic, values);
        self.settle().await;
    }

    /// Listens.
    pub fn watch(&self, filter: &str) -> Subscription {
        let filter = filter.parse().unwrap();
        self.bus.subscribe(
            "watch",
            filter,
            Overflow::DropOldest,
            10_000,
            false,
            Arc::default(),
        )
    }

    /// Calls a command.
    pub fn call(&self, device: &Running, command: &str) -> Answer {
        self.try_call(device, command).unwrap()
    }

    pub fn try_call(&self, device: &Running, command: &str) -> Result<Answer, CallError> {
        self.try_call_to(&device.device, command)
    }

    pub fn try_call_to(&self, device: &Device, command: &str) -> Result<Answer, CallError> {
        call(device, command, "operator", 5 * SECOND)
    }

    /// A connection whose channel is opened by `open`.
    pub fn connect(
        &self,
        name: &str,
        open: fn() -> Result<Box<dyn Channel>, String>,
    ) -> Connection {
        self.plug(name, Open(open))
    }

    /// A connection whose channel `opener` opens.
    pub fn plug(&self, name: &str, opener: impl Opener + 'static) -> Connection {
        let endpoint = Endpoint::Line(Line {
            opener: Box::new(opener),
            settings: Settings::default(),
        });
        let clock = Arc::new(self.clock.clone());
        let handle = tokio::runtime::Handle::current();
        let connection = Connection::spawn(name, endpoint, clock, handle, |_, _| {});
        self.around
            .connections
            .lock()
            .unwrap()
            .insert(name.to_owned(), connection.clone());
        connection
    }

    pub fn topic(&self, id: TopicId) -> String {
        self.bus.topic_name(id).unwrap().to_string()
    }
}

struct Open(fn() -> Result<Box<dyn Channel>, String>);

#[async_trait]
impl Opener for Open {
    async fn open(&self) -> Result<Opened, String> {
        (self.0)().map(|channel| Opened {
            channel,
            descriptor: None,
        })
    }

    fn describe(&self) -> String {
        "a double".to_owned()
    }
}
