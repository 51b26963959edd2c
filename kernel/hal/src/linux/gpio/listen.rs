//! A thread that waits for the edges of lines.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

/// Lines that are looked after in one turn. More wait for the next, which comes at once.
const TURN: usize = 64;

/// What the thread is woken by.
const WAKE: u64 = 0;

/// Something that has edges.
pub(super) trait Source: Send + Sync {
    /// What is waited for.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Which of its states.
    fn waits_for(&self) -> EventFlags;

    /// Takes the edges that are there; false when there will be none any more.
    fn ready(&self, state: EventFlags) -> bool;
}

/// The thread. It is started when it is needed first.
#[derive(Default)]
pub(super) struct Listener(Mutex<Option<Arc<Shared>>>);

struct Shared {
    epoll: OwnedFd,
    wake: OwnedFd,
    sources: Mutex<Sources>,
}

#[derive(Default)]
struct Sources {
    last: u64,
    by_token: HashMap<u64, Arc<dyn Source>>,
    ended: bool,
}

/// Ends listening when it is dropped.
pub(super) struct Listening {
    shared: Weak<Shared>,
    token: u64,
}

impl Listener {
    /// Listens to a source until what is returned is dropped.
    pub(super) fn listen(&self, source: Arc<dyn Source>) -> io::Result<Listening> {
        let mut thread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = match &*thread {
            Some(shared) => shared.clone(),
            None => thread.insert(Shared::start()?).clone(),
        };
        let mut sources = shared.sources();
        sources.last += 1;
        let token = sources.last;
        epoll::add(
            &shared.epoll,
            source.descriptor(),
            EventData::new_u64(token),
            source.waits_for(),
        )?;
        sources.by_token.insert(token, source);
        drop(sources);
        Ok(Listening {
            shared: Arc::downgrade(&shared),
            token,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let thread = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = thread.take() {
            shared.sources().ended = true;
            // It fails only when it is full, and then the thread wakes up, too.
            let _ = rustix::io::write(&shared.wake, &1_u64.to_ne_bytes());
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.forget(self.token);
        }
    }
}

impl Shared {
    fn start() -> io::Result<Arc<Self>> {
        let shared = Arc::new(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            sources: Mutex::default(),
        });
        epoll::add(
            &shared.epoll,
            &shared.wake,
            EventData::new_u64(WAKE),
            EventFlags::IN,
        )?;
        let own = shared.clone();
        std::thread::Builder::new()
            .name("weihe-edges".to_owned())
            .spawn(move || own.run())?;
        Ok(shared)
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, token: u64) {
        if let Some(source) = self.sources().by_token.remove(&token) {
            // Closing the descriptor would not do: the guard process has a duplicate.
            let _ = epoll::delete(&self.epoll, source.descriptor());
        }
    }

    fn run(&self) {
        let mut states = Vec::with_capacity(TURN);
        loop {
            states.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut states), None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!("no edges of lines are noticed any more: {error}");
                    return;
                }
            }
            for state in &states {
                let token = state.data.u64();
                let source = {
                    let sources = self.sources();
                    if sources.ended {
                        return;
                    }
                    sources.by_token.get(&token).cloned()
                };
                if let Some(source) = source
                    && !source.ready(state.flags)
                {
                    self.forget(token);
                }
            }
        }
    }
}

/// Reads what there is, without waiting for more.
pub(super) fn read<'b, const N: usize>(
    descriptor: BorrowedFd<'_>,
    buffer: &'b mut [MaybeUninit<u8>; N],
) -> io::Result<&'b [u8]> {
    let (read, _) = rustix::io::read(descriptor, &mut buffer[..])?;
    Ok(read)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::PipeWriter;
    use std::os::fd::AsFd;
    use std::sync::mpsc;

    use super::*;

    struct Pipe {
        end: std::io::PipeReader,
        seen: mpsc::Sender<Vec<u8>>,
    }

    impl Source for Pipe {
        fn descriptor(&self) -> BorrowedFd<'_> {
            self.end.as_fd()
        }

        fn waits_for(&self) -> EventFlags {
            EventFlags::IN
        }

        fn ready(&self, _: EventFlags) -> bool {
            let mut buffer = [MaybeUninit::uninit(); 16];
            let read = read(self.end.as_fd(), &mut buffer).unwrap_or_default();
            self.seen.send(read.to_vec()).is_ok() && !read.is_empty()
        }
    }

    fn pipe(listener: &Listener) -> (PipeWriter, mpsc::Receiver<Vec<u8>>, Listening) {
        let (end, writer) = std::io::pipe().unwrap();
        let (seen, heard) = mpsc::channel();
        let listening = listener.listen(Arc::new(Pipe { end, seen })).unwrap();
        (writer, heard, listening)
    }

    #[test]
    fn one_thread_hears_all_and_forgets_those_that_end() {
        let listener = Listener::default();
        let (first, heard_first, listening) = pipe(&listener);
        let (second, heard_second, _second) = pipe(&listener);
        rustix::io::write(&second, b"b").unwrap();
        assert_eq!(heard_second.recv().unwrap(), b"b");
        rustix::io::write(&first, b"a").unwrap();
        assert_eq!(heard_first.recv().unwrap(), b"a");
        // Not listened to any more: its source is gone, and with it the other end of the channel.
        drop(listening);
        assert!(heard_first.recv().is_err());
        drop(second);
        assert_eq!(heard_second.recv().unwrap(), b"", "the far end has closed");
        assert!(heard_second.recv().is_err());
    }
}
