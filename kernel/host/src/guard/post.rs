//! The host's side: starts the guard, tells it what to do, and starts it again when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, Signal, kill_process};
use weihe_kernel::failsafe::guard::{Change, Charge};
use weihe_kernel::failsafe::{Guard, GuardState, GuardStatus};

use super::message::{Message, Order, send};

/// First pause before the guard is started again, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause before the guard is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A guard that lived for so long was sound: the next pause is the first again.
const SOUND_AFTER: Duration = Duration::from_secs(60);

/// How long a host that ends waits until the guard has been told. It takes microseconds, unless the
/// machine has no memory left.
const DISMISSAL: Duration = Duration::from_secs(2);

/// The guard as the host sees it. Costs nothing until there is something to watch over.
pub struct GuardProcess {
    shared: Arc<Shared>,
}

struct Shared {
    program: PathBuf,
    arguments: Vec<OsString>,
    orders: Mutex<Orders>,
    news: Condvar,
}

#[derive(Default)]
struct Orders {
    /// The thread that does all this runs.
    begun: bool,
    /// All that is to be watched over, by number.
    charges: BTreeMap<u64, Charge>,
    /// What of it the guard does not know yet.
    fresh: BTreeSet<u64>,
    dismissed: bool,
    /// It has been told so.
    gone: bool,
    /// Counts processes; the one of this number has ended, with these words.
    ended: Option<(u64, String)>,
    pid: Option<u32>,
    error: String,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GuardProcess {
    /// A guard that is this program, called with `arguments`, which lead to [`super::run`].
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self {
            shared: Arc::new(Shared {
                program,
                arguments,
                orders: Mutex::default(),
                news: Condvar::new(),
            }),
        }
    }
}

impl Guard for GuardProcess {
    fn watch(&self, changes: Vec<Change>) {
        let mut former = Vec::new();
        let mut orders = self.shared.lock();
        for change in changes {
            let id = match change {
                Change::Put(id, charge) => {
                    former.extend(orders.charges.insert(id, charge));
                    id
                }
                Change::Drop(id) => {
                    former.extend(orders.charges.remove(&id));
                    id
                }
            };
            orders.fresh.insert(id);
        }
        if !orders.begun && !orders.charges.is_empty() {
            let shared = self.shared.clone();
            let thread = std::thread::Builder::new().name("weihe-guard".into());
            match thread.spawn(move || Post::new(shared).keep()) {
                Ok(_) => orders.begun = true,
                Err(error) => {
                    orders.error = format!("its thread cannot be started: {error}");
                    tracing::error!("no guard: {}", orders.error);
                }
            }
        }
        drop(orders);
        self.shared.news.notify_all();
        drop(former);
    }

    fn dismiss(&self) {
        let mut orders = self.shared.lock();
        orders.dismissed = true;
        self.shared.news.notify_all();
        if !orders.begun {
            return;
        }
        let told = self
            .shared
            .news
            .wait_timeout_while(orders, DISMISSAL, |orders| !orders.gone);
        if let Ok((_, timeout)) = told
            && timeout.timed_out()
        {
            tracing::warn!("the guard could not be told that the host ends in order");
        }
    }

    fn status(&self) -> GuardStatus {
        let orders = self.shared.lock();
        GuardStatus {
            state: match (&orders.pid, orders.error.is_empty()) {
                (Some(_), _) => GuardState::Running,
                (None, false) if !orders.charges.is_empty() => GuardState::Failed,
                (None, _) => GuardState::Idle,
            },
            pid: orders.pid,
            charges: orders.charges.len(),
            error: orders.error.clone(),
        }
    }
}

/// The thread that keeps a guard at its post.
struct Post {
    shared: Arc<Shared>,
    socket: Option<OwnedFd>,
    number: u64,
    started: Instant,
    pause: Duration,
}

/// What the thread has to do.
enum News {
    Dismissed,
    Charges(Vec<(u64, Option<Charge>)>),
    Ended(String),
}

impl Post {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            socket: None,
            number: 0,
            started: Instant::now(),
            pause: FIRST_PAUSE,
        }
    }

    fn keep(mut self) {
        loop {
            match self.news() {
                News::Dismissed => {
                    if let Some(socket) = &self.socket
                        && let Err(error) = send(socket, &Message::Done, None::<&OwnedFd>)
                    {
                        tracing::debug!("the guard has ended before the host: {error}");
                    }
                    self.shared.lock().gone = true;
                    self.shared.news.notify_all();
                    return;
                }
                News::Charges(charges) => {
                    if let Err(error) = self.tell(&charges) {
                        self.failed(&error.to_string());
                    }
                }
                News::Ended(how) => {
                    self.socket = None;
                    self.failed(&how);
                }
            }
        }
    }

    /// Waits for something to do.
    fn news(&self) -> News {
        let mut orders = self.shared.lock();
        loop {
            if orders.dismissed {
                return News::Dismissed;
            }
            match orders.ended.take() {
                Some((number, how)) if number == self.number && self.socket.is_some() => {
                    return News::Ended(how);
                }
                _ => {}
            }
            let fresh = std::mem::take(&mut orders.fresh);
            if self.socket.is_some() && !fresh.is_empty() {
                let charge = |id| (id, orders.charges.get(&id).cloned());
                return News::Charges(fresh.into_iter().map(charge).collect());
            }
            if self.socket.is_none() && !orders.charges.is_empty() {
                // A guard that is started knows nothing.
                let all = orders.charges.iter();
                let all = all.map(|(id, charge)| (*id, Some(charge.clone())));
                return News::Charges(all.collect());
            }
            orders = self
                .shared
                .news
                .wait(orders)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives the guard its orders; starts it when it is not there.
    fn tell(&mut self, charges: &[(u64, Option<Charge>)]) -> io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.start()?,
        };
        let socket = self.socket.insert(socket);
        for (id, charge) in charges {
            match charge {
                Some(charge) => {
                    let order = Message::Charge(*id, Order::from(charge));
                    send(&*socket, &order, Some(&*charge.descriptor))?;
                }
                None => send(&*socket, &Message::Forget(*id), None::<&OwnedFd>)?,
            }
        }
        send(&*socket, &Message::Commit, None::<&OwnedFd>)
    }

    fn start(&mut self) -> io::Result<OwnedFd> {
        let (near, far) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let mut child = Command::new(&self.shared.program)
            .arg0("weihe")
            .args(&self.shared.arguments)
            // It lives as long as the host, and needs none of its secrets.
            .env_clear()
            .envs(weihe_kernel::runtime::child_environment())
            .stdin(Stdio::from(far))
            .stdout(Stdio::null())
            .spawn()?;
        self.number += 1;
        self.started = Instant::now();
        let (number, pid) = (self.number, child.id());
        {
            let mut orders = self.shared.lock();
            orders.pid = Some(pid);
            orders.error.clear();
        }
        let shared = self.shared.clone();
        let waits = std::thread::Builder::new().name("weihe-guard-end".into());
        if let Err(error) = waits.spawn(move || report_end(&shared, number, &mut child)) {
            // It goes unwatched, but it watches.
            tracing::warn!("the end of the guard will not be noticed: {error}");
        }
        tracing::debug!(pid, "the guard watches over the outputs");
        Ok(near)
    }

    /// Sends away a guard that may still be there. It must not take the end of the socket for that of
    /// the host.
    fn send_away(&mut self) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        let pid = self.shared.lock().pid;
        let Err(error) = send(&socket, &Message::Done, None::<&OwnedFd>) else {
            return;
        };
        tracing::debug!("the guard does not hear that it is sent away: {error}");
        let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            // It has ended already, most likely, and then this fails.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// The guard is not there, or cannot be told: the next one is started after a pause.
    fn failed(&mut self, how: &str) {
        self.send_away();
        if self.started.elapsed() >= SOUND_AFTER {
            self.pause = FIRST_PAUSE;
        }
        let text = format!("the guard is started again: {how}");
        tracing::error!("outputs are not guarded against the host's sudden end; {text}");
        let orders = {
            let mut orders = self.shared.lock();
            orders.pid = None;
            orders.error = how.to_owned();
            orders
        };
        let waited = self
            .shared
            .news
            .wait_timeout_while(orders, self.pause, |orders| !orders.dismissed);
        drop(waited);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

fn report_end(shared: &Shared, number: u64, child: &mut Child) {
    let how = match child.wait() {
        Ok(status) => format!("its process has ended ({status})"),
        Err(error) => format!("its process cannot be waited for: {error}"),
    };
    let mut orders = shared.lock();
    // One that was sent away may take longer to go than the next one lives.
    if orders
        .ended
        .as_ref()
        .is_none_or(|(other, _)| *other < number)
    {
        orders.ended = Some((number, how));
    }
    drop(orders);
    shared.news.notify_all();
}
