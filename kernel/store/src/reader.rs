//! The thread that reads outside of write turns.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;

use crate::authorize::Rules;
use crate::executor::{Executor, Watch};
use crate::message::ToReader;
use crate::statistics::Counters;

/// Serves reads in the order of their arrival until the store is closed.
pub(crate) fn run(
    connection: &Connection,
    rules: Rules,
    watch: Watch,
    file: Arc<str>,
    inbox: &Receiver<ToReader>,
    counters: &Counters,
) {
    let mut executor = Executor::new(connection, rules, watch, file);
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
            }
            ToReader::Close { session } => executor.forget(session),
            ToReader::Stop => return,
        }
    }
}
