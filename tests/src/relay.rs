//! A line between a master and a real slave that does to the slave's replies what cables, gateways
//! and bad firmware do.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::Pty;

/// What happens to one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// In its place comes a reply with another transaction id and other contents (TCP).
    OtherTransaction,
    /// In its place comes the reply of another unit, with other contents.
    OtherUnit,
    /// The reply of another unit comes first, then the right one.
    OtherUnitFirst,
    /// It comes byte by byte, with pauses.
    Pieces,
    /// Only its first half comes.
    Half,
    /// Bytes that belong to no frame come first.
    Garbage,
    /// A bit of its contents is turned over, and its CRC is wrong (RTU).
    WrongCrc,
    /// It comes so late.
    Late(Duration),
    /// It comes when [`Relay::release`] is called, and so do all behind it.
    Held,
    /// It does not come.
    Silence,
    /// The connection breaks in its middle (TCP).
    Cut,
}

/// How frames are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Tcp,
    Rtu,
}

#[derive(Debug)]
struct Shared {
    framing: Framing,
    plans: Mutex<VecDeque<Mischief>>,
    /// Held replies that may go on, and who waits for that.
    released: Mutex<usize>,
    more_released: Condvar,
    upstream: AtomicU16,
    ended: AtomicBool,
}

/// A relay between a master and a slave. Replies pass unharmed unless mischief is planned.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    port: u16,
    /// The master's and the slave's side of a serial line.
    ports: Option<(Pty, Pty)>,
}

impl Relay {
    /// A relay to a TCP server on a port of this machine.
    pub fn tcp(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Shared::new(Framing::Tcp, upstream);
        let relay = shared.clone();
        thread::spawn(move || {
            for master in listener.incoming().flatten() {
                if relay.ended.load(Ordering::Acquire) {
                    return;
                }
                let Ok(slave) =
                    TcpStream::connect(("127.0.0.1", relay.upstream.load(Ordering::Acquire)))
                else {
                    continue;
                };
                relay.clone().join(master, slave);
            }
        });
        Self {
            shared,
            port,
            ports: None,
        }
    }

    /// A serial line: two pseudo-terminals and what happens between them.
    pub fn serial() -> Self {
        let (master, slave) = (Pty::open(), Pty::open());
        let shared = Shared::new(Framing::Rtu, 0);
        let (mut requests, mut onward) = (master.far(), slave.far());
        // Both threads end when the pseudo-terminals are closed, or with the process.
        thread::spawn(move || copy(&mut requests, &mut onward));
        let (mut replies, mut back) = (slave.far(), master.far());
        let relay = shared.clone();
        thread::spawn(move || relay.replies(&mut replies, &mut back, || {}));
        Self {
            shared,
            port: 0,
            ports: Some((master, slave)),
        }
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The serial port for the master.
    pub fn master(&self) -> PathBuf {
        self.ports.as_ref().expect("a serial line").0.path()
    }

    /// The serial port for the slave.
    pub fn slave(&self) -> PathBuf {
        self.ports.as_ref().expect("a serial line").1.path()
    }

    /// Plans what happens to the next replies.
    pub fn plan(&self, mischief: impl IntoIterator<Item = Mischief>) {
        self.shared.plans.lock().unwrap().extend(mischief);
    }

    /// How much of the plan is left. What is no longer in it has begun to happen.
    pub fn left(&self) -> usize {
        self.shared.plans.lock().unwrap().len()
    }

    /// Lets one held reply go on, now or when it comes.
    pub fn release(&self) {
        *self.shared.released.lock().unwrap() += 1;
        self.shared.more_released.notify_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        if self.port != 0 {
            // Wakes the listener, so that it sees the end.
            drop(TcpStream::connect(("127.0.0.1", self.port)));
        }
    }
}

impl Shared {
    fn new(framing: Framing, upstream: u16) -> Arc<Self> {
        Arc::new(Self {
            framing,
            plans: Mutex::default(),
            released: Mutex::default(),
            more_released: Condvar::new(),
            upstream: AtomicU16::new(upstream),
            ended: AtomicBool::new(false),
        })
    }

    /// Carries bytes between two ends until one of them is closed.
    fn join(self: Arc<Self>, master: TcpStream, slave: TcpStream) {
        for end in [&master, &slave] {
            end.set_nodelay(true).expect("a socket");
        }
        let (mut requests, mut onward) = (master.try_clone().unwrap(), slave.try_clone().unwrap());
        thread::spawn(move || {
            copy(&mut requests, &mut onward);
            // Whoever closes first closes both ways.
            let _ = onward.shutdown(Shutdown::Both);
        });
        thread::spawn(move || {
            let (mut replies, mut back) = (slave, master.try_clone().unwrap());
            self.replies(&mut replies, &mut back, || {
                drop(master.shutdown(Shutdown::Both))
            });
            let _ = master.shutdown(Shutdown::Both);
        });
    }

    /// Takes replies apart and does to each what is planned.
    fn replies(&self, from: &mut impl Read, to: &mut impl Write, cut: impl Fn()) {
        let (mut waiting, mut chunk) = (Vec::new(), [0; 1024]);
        loop {
            let count = match from.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            waiting.extend_from_slice(&chunk[..count]);
            while let Some(length) = self
                .framing
                .length(&waiting)
                .filter(|length| *length <= waiting.len())
            {
                let frame: Vec<u8> = waiting.drain(..length).collect();
                let plan = self.plans.lock().unwrap().pop_front();
                if plan == Some(Mischief::Held) {
                    self.await_release();
                }
                let passed = match plan {
                    None => to.write_all(&frame),
                    Some(mischief) => self.framing.spoil(mischief, frame, to, &cut),
                };
                if passed.is_err() || plan == Some(Mischief::Cut) {
                    return;
                }
            }
        }
    }

    /// Waits for [`Relay::release`], or for the end of the test's process.
    fn await_release(&self) {
        let held = self.released.lock().unwrap();
        let mut released = self
            .more_released
            .wait_while(held, |released| *released == 0)
            .unwrap();
        *released -= 1;
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write) {
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        if to.write_all(&chunk[..count]).is_err() {
            return;
        }
    }
}

impl Framing {
    /// The length of the reply that begins here, as far as it can be told.
    fn length(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Tcp => {
                Some(6 + usize::from(u16::from_be_bytes([*bytes.get(4)?, *bytes.get(5)?])))
            }
            Self::Rtu => match bytes.get(1)? {
                1..=4 | 23 => Some(5 + usize::from(*bytes.get(2)?)),
                5 | 6 | 15 | 16 => Some(8),
                22 => Some(10),
                43 => objects(bytes),
                _ => Some(5),
            },
        }
    }

    /// Where the unit stands.
    fn unit(self) -> usize {
        match self {
            Self::Tcp => 6,
            Self::Rtu => 0,
        }
    }

    /// A whole and sound reply that is not the answer: another unit or transaction (the byte at
    /// `at`), and other contents.
    fn stranger(self, frame: &[u8], at: usize) -> Vec<u8> {
        let mut other = frame.to_vec();
        other[at] = other[at].wrapping_add(1);
        let end = other.len() - if self == Self::Rtu { 2 } else { 0 };
        other[end - 1] ^= 0xff;
        if self == Self::Rtu {
            let sum = crc(&other[..end]).to_le_bytes();
            other[end..].copy_from_slice(&sum);
        }
        other
    }

    fn spoil(
        self,
        mischief: Mischief,
        mut frame: Vec<u8>,
        to: &mut impl Write,
        cut: impl Fn(),
    ) -> std::io::Result<()> {
        match mischief {
            Mischief::OtherTransaction => to.write_all(&self.stranger(&frame, 1)),
            Mischief::OtherUnit => to.write_all(&self.stranger(&frame, self.unit())),
            Mischief::OtherUnitFirst => {
                to.write_all(&self.stranger(&frame, self.unit()))?;
                to.write_all(&frame)
            }
            Mischief::Pieces => frame.iter().try_for_each(|byte| {
                to.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(2));
                Ok(())
            }),
            Mischief::Half => to.write_all(&frame[..frame.len() / 2]),
            Mischief::Garbage => {
                to.write_all(&[0xff, 0x00, 0x55])?;
                to.write_all(&frame)
            }
            Mischief::WrongCrc => {
                let content = frame.len() - 3;
                frame[content] ^= 0x10;
                to.write_all(&frame)
            }
            Mischief::Late(span) => {
                thread::sleep(span);
                to.write_all(&frame)
            }
            Mischief::Held => to.write_all(&frame),
            Mischief::Silence => Ok(()),
            Mischief::Cut => {
                to.write_all(&frame[..frame.len() / 2])?;
                cut();
                Ok(())
            }
        }
    }
}

/// The length of a reply of function 43, told by its objects.
fn objects(bytes: &[u8]) -> Option<usize> {
    let count = *bytes.get(7)?;
    let end = (0..count).try_fold(8, |at, _| Some(at + 2 + usize::from(*bytes.get(at + 1)?)));
    end.map(|end| end + 2)
}

/// CRC-16 of MODBUS over Serial Line V1.02, 6.2.2.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xa001 } else { 0 }
        })
    })
}
