//! The thread that reads outside of write turns.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;

use crate::executor::Executor;
use crate::message::ToReader;
use crate::statistics::Counters;

/// Serves reads in the order of their arrival until the store is closed.
pub(crate) fn run(mut executor: Executor<'_>, inbox: &Receiver<ToReader>, counters: &Counters) {
    while let Ok(message) = inbox.recv() {
        match message {
            ToReader::Read { acting, work } => {
                if work.is_abandoned() {
                    continue;
                }
                counters.queries.fetch_add(1, Relaxed);
                executor.begin(Some(acting));
                work.run(&mut executor);
                executor.end();
                if let Some(fault) = executor.fault() {
                    counters.failed(&fault);
                }
            }
            ToReader::Close { session } => executor.forget(session),
            ToReader::Stop => return,
        }
    }
}
