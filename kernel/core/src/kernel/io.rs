//! The thread on which connections live.

use tokio::sync::oneshot;

pub(super) type IoThread = (oneshot::Sender<()>, std::thread::JoinHandle<()>);

/// The runtime on which connections live: one thread, since they only wait and move bytes.
pub(super) fn start_io() -> std::io::Result<(tokio::runtime::Handle, IoThread)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let handle = runtime.handle().clone();
    let (end, ended) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new()
        .name("weihe-io".into())
        .spawn(move || {
            // Ends when the sender is dropped.
            let _ = runtime.block_on(ended);
        })?;
    Ok((handle, (end, thread)))
}
