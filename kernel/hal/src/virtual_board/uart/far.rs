//! The other ends of ports that are outside of the host.

use std::io;
use std::net::{SocketAddr, TcpListener as Listener};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::Path;
use std::sync::{Arc, Weak};

use serial2::SerialPort;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::net::unix::pipe::{Receiver, Sender};

use super::Uart;

/// Bytes that are taken at once.
const CHUNK: usize = 4_096;

/// Makes a pseudo-terminal, with a link to it.
pub fn pty(uart: &Arc<Uart>, link: Option<&Path>) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: no pseudo-terminal: {error}", uart.name);
    let (ours, theirs) = SerialPort::pair().map_err(failed)?;
    let path = std::fs::read_link(format!("/proc/self/fd/{}", theirs.as_raw_fd()));
    let path = path.map_err(failed)?;
    let write = ours.as_fd().try_clone_to_owned().map_err(failed)?;
    // The pair was made so that ours does not block. It is no pipe, but read and written like one.
    let reader = Receiver::from_owned_fd_unchecked(ours.into()).map_err(failed)?;
    let writer = Sender::from_owned_fd_unchecked(write).map_err(failed)?;
    match link {
        Some(link) => {
            replace_link(link, &path)
                .map_err(|error| format!("{}: {}: {error}", uart.name, link.display()))?;
            uart.set_place(format!("{} -> {}", link.display(), path.display()));
        }
        None => uart.set_place(path.display().to_string()),
    }
    let uart = Arc::downgrade(uart);
    tokio::spawn(async move {
        // Their side is kept open, so that programs come and go without ours seeing an end.
        let _theirs = theirs;
        carry(uart, reader, writer).await;
    });
    Ok(())
}

/// A link that was made by an earlier run is replaced; anything else is left alone.
fn replace_link(link: &Path, path: &Path) -> io::Result<()> {
    if link
        .symlink_metadata()
        .is_ok_and(|known| known.file_type().is_symlink())
    {
        std::fs::remove_file(link)?;
    }
    std::os::unix::fs::symlink(path, link)
}

/// Listens at an address. One peer at a time: a line has two ends.
pub fn tcp(uart: &Arc<Uart>, address: SocketAddr) -> Result<(), String> {
    let failed = |error: io::Error| format!("{}: {address}: {error}", uart.name);
    let listener = Listener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let listener = TcpListener::from_std(listener).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    uart.set_place(format!("tcp {bound}"));
    let uart = Arc::downgrade(uart);
    tokio::spawn(async move {
        while uart.strong_count() > 0 {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of descriptors, perhaps: not at once again.
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                continue;
            };
            let (reader, writer) = stream.into_split();
            carry(uart.clone(), reader, writer).await;
        }
    });
    Ok(())
}

/// Carries bytes between a port and its other end, until that or the board ends.
async fn carry(
    uart: Weak<Uart>,
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) {
    let inward = async {
        let mut buffer = vec![0; CHUNK];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            let Some(uart) = uart.upgrade() else {
                return;
            };
            uart.receive(buffer.get(..count).unwrap_or_default());
        }
    };
    let outward = async {
        while let Some(uart) = uart.upgrade() {
            let bytes = uart.take_sent();
            if bytes.is_empty() {
                uart.sent.notified().await;
            } else if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = inward => {}
        () = outward => {}
    }
}
