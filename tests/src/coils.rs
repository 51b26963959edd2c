//! A Modbus unit with coils that takes down every write, in order.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};

use weihe_modbus::{Bank, Direction, Exception, Frame, Mode, Table, answer, wrap};

use crate::DEADLINE;

/// So many coils, and as many holding registers.
const SIZE: usize = 100;

/// A unit behind a TCP port of its own.
#[derive(Debug)]
pub struct Coils {
    shared: Arc<Shared>,
    port: u16,
}

#[derive(Debug, Default)]
struct Shared {
    unit: Mutex<Unit>,
    changed: Condvar,
}

#[derive(Debug)]
struct Unit {
    coils: [bool; SIZE],
    writes: Vec<(u16, bool)>,
    refusing: bool,
    /// The cable is pulled.
    away: bool,
    ended: bool,
    /// By their number.
    streams: BTreeMap<u64, TcpStream>,
    lines: Vec<UnixStream>,
}

impl Default for Unit {
    fn default() -> Self {
        Self {
            coils: [false; SIZE],
            writes: Vec::new(),
            refusing: false,
            away: false,
            ended: false,
            streams: BTreeMap::new(),
            lines: Vec::new(),
        }
    }
}

impl Bank for Unit {
    fn bits(&self, _: Table, address: u16, quantity: u16) -> Result<Vec<bool>, Exception> {
        let from = usize::from(address);
        let coils = self.coils.get(from..from + usize::from(quantity));
        coils
            .map(<[bool]>::to_vec)
            .ok_or(Exception::ILLEGAL_DATA_ADDRESS)
    }

    fn registers(&self, _: Table, _: u16, quantity: u16) -> Result<Vec<u16>, Exception> {
        Ok(vec![0; quantity.into()])
    }

    fn write_coils(&mut self, address: u16, values: &[bool]) -> Result<(), Exception> {
        if self.refusing {
            return Err(Exception::ILLEGAL_DATA_ADDRESS);
        }
        for (at, on) in (address..).zip(values) {
            self.coils[usize::from(at)] = *on;
            self.writes.push((at, *on));
        }
        Ok(())
    }

    fn write_registers(&mut self, _: u16, _: &[u16]) -> Result<(), Exception> {
        Err(Exception::ILLEGAL_FUNCTION)
    }
}

impl Coils {
    /// A unit whose coils are all off.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let door = shared.clone();
        std::thread::spawn(move || listen(&listener, &door));
        Self { shared, port }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers on a serial line, too, whose far end this is.
    pub fn attach(&self, line: UnixStream) {
        let duplicate = line.try_clone().expect("a duplicate of the line");
        self.shared.unit.lock().unwrap().lines.push(duplicate);
        let shared = self.shared.clone();
        std::thread::spawn(move || serve(&line, Mode::Rtu, &shared));
    }

    /// Refuses writes from now on, or takes them again.
    pub fn refuse(&self, refusing: bool) {
        self.shared.unit.lock().unwrap().refusing = refusing;
    }

    /// Cuts all connections, and each new one, until [`Coils::plug_in`].
    pub fn unplug(&self) {
        let mut unit = self.shared.unit.lock().unwrap();
        unit.away = true;
        for stream in unit.streams.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Can be reached again.
    pub fn plug_in(&self) {
        self.shared.unit.lock().unwrap().away = false;
    }

    /// All writes since the last look, in order: address, on or off.
    pub fn writes(&self) -> Vec<(u16, bool)> {
        std::mem::take(&mut self.shared.unit.lock().unwrap().writes)
    }

    /// Waits until so many writes have come since the last look, and takes them.
    pub fn wait_for_writes(&self, count: usize) -> Vec<(u16, bool)> {
        let unit = self.shared.unit.lock().unwrap();
        let (mut unit, timeout) = self
            .shared
            .changed
            .wait_timeout_while(unit, DEADLINE, |unit| unit.writes.len() < count)
            .unwrap();
        assert!(
            !timeout.timed_out(),
            "{count} writes were awaited, and only {:?} came",
            unit.writes
        );
        std::mem::take(&mut unit.writes)
    }

    /// Waits until nobody is connected.
    pub fn wait_until_alone(&self) {
        let unit = self.shared.unit.lock().unwrap();
        let (_unit, timeout) = self
            .shared
            .changed
            .wait_timeout_while(unit, DEADLINE, |unit| !unit.streams.is_empty())
            .unwrap();
        assert!(!timeout.timed_out(), "somebody stays connected");
    }
}

impl Drop for Coils {
    fn drop(&mut self) {
        self.unplug();
        let mut unit = self.shared.unit.lock().unwrap();
        unit.ended = true;
        for line in &unit.lines {
            let _ = line.shutdown(Shutdown::Both);
        }
        drop(unit);
        // The door sees that it is to close when somebody comes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in (0..).zip(listener.incoming().flatten()) {
        let mut unit = shared.unit.lock().unwrap();
        if unit.ended {
            return;
        }
        if unit.away {
            continue;
        }
        let duplicate = stream.try_clone().expect("a duplicate of the stream");
        unit.streams.insert(number, duplicate);
        drop(unit);
        let shared = shared.clone();
        std::thread::spawn(move || {
            serve(&stream, Mode::Tcp, &shared);
            shared.unit.lock().unwrap().streams.remove(&number);
            shared.changed.notify_all();
        });
    }
}

/// Answers until the other side is gone.
fn serve(mut stream: impl Read + Write, mode: Mode, shared: &Shared) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        while let Ok(frame) = Frame::parse(mode, Direction::Request, &bytes) {
            let pdu = answer(&mut *shared.unit.lock().unwrap(), frame.pdu);
            let reply = pdu.map(|pdu| wrap(mode, frame.transaction, frame.unit, &pdu));
            let length = frame.length;
            shared.changed.notify_all();
            bytes.drain(..length);
            if let Some(reply) = reply
                && stream.write_all(&reply).is_err()
            {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(length) => bytes.extend(&chunk[..length]),
        }
    }
}
