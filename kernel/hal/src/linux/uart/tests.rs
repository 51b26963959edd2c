use std::ffi::{CStr, c_char};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Instant;

use super::*;

const SECOND: u64 = 1_000_000_000;

const SETTINGS: PortSettings = PortSettings {
    baud: 9_600,
    data_bits: 8,
    parity: Parity::None,
    stop_bits: 1,
    flow: FlowControl::None,
    rs485: None,
};

/// The far end of a serial line, and the path of the near one.
fn pair() -> (File, PathBuf) {
    let (mut master, mut slave) = (-1, -1);
    let mut name: [c_char; 128] = [0; 128];
    // SAFETY: both descriptors and the name are written before they are read; Linux's names of pseudo-terminals
    // (`/dev/pts/N`) fit the buffer; the null pointers ask for defaults.
    let (master, _slave, path) = unsafe {
        let (none, size) = (std::ptr::null(), std::ptr::null());
        let opened = libc::openpty(&mut master, &mut slave, name.as_mut_ptr(), none, size);
        assert_eq!(opened, 0, "{}", io::Error::last_os_error());
        (
            File::from_raw_fd(master),
            OwnedFd::from_raw_fd(slave),
            CStr::from_ptr(name.as_ptr()),
        )
    };
    (master, PathBuf::from(path.to_str().unwrap()))
}

/// A port that is at one path after the other, each time that it is looked for.
fn port(path: PathBuf, later: Vec<PathBuf>) -> Result<LinuxPort, HalError> {
    let later = Mutex::new(later.into_iter());
    let locate = move || {
        let next = later.lock().unwrap().next();
        next.ok_or_else(|| HalError::Failed("it is not there".to_owned()))
    };
    LinuxPort::open_at("uart/1", path, Box::new(locate), &SETTINGS)
}

#[tokio::test]
async fn bytes_are_read_until_there_are_enough_or_the_line_is_silent() {
    let (mut far, path) = pair();
    let port = port(path, vec![]).unwrap();
    far.write_all(b"one\r\ntwo").unwrap();
    // As many as were asked for need no silence: a minute of it would be noticed.
    let begun = Instant::now();
    assert_eq!(
        port.read(4, 60 * SECOND, 60 * SECOND).await.unwrap(),
        b"one\r"
    );
    assert_eq!(port.read(4, 60 * SECOND, 0).await.unwrap(), b"\ntwo");
    assert!(begun.elapsed().as_secs() < 60);
    let silent = port.read(4, 1, 0).await.unwrap_err();
    assert_eq!(
        silent,
        HalError::Timeout("uart/1: nothing came within 1 ms".to_owned())
    );
    assert_eq!(port.read(0, 60 * SECOND, 0).await.unwrap(), b"");
    far.write_all(b"stale").unwrap();
    port.discard_input().unwrap();
    assert!(matches!(
        port.read(9, 1, 0).await,
        Err(HalError::Timeout(_))
    ));
    port.write(b"\x00\xff\x11").await.unwrap();
    let mut received = [0; 3];
    far.read_exact(&mut received).unwrap();
    assert_eq!(received, *b"\x00\xff\x11");
    port.drain().await.unwrap();
}

#[tokio::test]
async fn a_port_that_hangs_up_says_so_and_is_found_again() {
    let (far, path) = pair();
    let (mut second, replugged) = pair();
    let port = port(path, vec![replugged]).unwrap();
    drop(far);
    let gone = port.read(4, 60 * SECOND, 0).await.unwrap_err();
    assert!(matches!(gone, HalError::Gone(_)), "{gone}");
    assert!(gone.to_string().starts_with("uart/1 has hung up"), "{gone}");
    second.write_all(b"back").unwrap();
    assert_eq!(port.read(4, 60 * SECOND, 0).await.unwrap(), b"back");
    drop(second);
    assert!(matches!(
        port.read(4, 60 * SECOND, 0).await,
        Err(HalError::Gone(_))
    ));
    // And stays away this time, whatever is asked of it.
    assert!(matches!(port.write(b"x").await, Err(HalError::Gone(_))));
    assert!(matches!(port.drain().await, Err(HalError::Gone(_))));
    assert!(matches!(port.configure(&SETTINGS), Err(HalError::Gone(_))));
}

#[tokio::test]
async fn a_port_has_one_holder() {
    let (_far, path) = pair();
    let held = port(path.clone(), vec![]).unwrap();
    let taken = port(path.clone(), vec![]).err().unwrap();
    assert_eq!(taken.to_string(), "uart/1 is taken by another program");
    drop(held);
}

#[tokio::test]
async fn what_a_port_cannot_do_is_refused_and_leaves_it_as_it_was() {
    let (mut far, path) = pair();
    let port = port(path, vec![]).unwrap();
    let rs485 = PortSettings {
        rs485: Some(Rs485 {
            rts_on_send: true,
            delay_before_send: 1,
            delay_after_send: 0,
            receives_own: false,
        }),
        ..SETTINGS
    };
    let refused = port.configure(&rs485).unwrap_err();
    assert!(matches!(refused, HalError::Unsupported(_)), "{refused}");
    let text = refused.to_string();
    assert!(
        text.starts_with("uart/1: /dev/pts/") && text.contains("RS-485"),
        "{text}"
    );
    for (wrong, says) in [
        (
            PortSettings {
                baud: 0,
                ..SETTINGS
            },
            "0 baud",
        ),
        (
            PortSettings {
                data_bits: 9,
                ..SETTINGS
            },
            "not 9",
        ),
        (
            PortSettings {
                stop_bits: 0,
                ..SETTINGS
            },
            "not 0",
        ),
    ] {
        let invalid = port.configure(&wrong).unwrap_err();
        assert!(matches!(invalid, HalError::Invalid(_)), "{invalid}");
        assert!(invalid.to_string().contains(says), "{invalid}");
    }
    let faster = PortSettings {
        baud: 115_200,
        flow: FlowControl::Software,
        ..SETTINGS
    };
    port.configure(&faster).unwrap();
    far.write_all(b"still here").unwrap();
    assert_eq!(
        port.read(10, 60 * SECOND, SECOND).await.unwrap(),
        b"still here"
    );
}

#[test]
fn delays_of_rs485_are_rounded_up_to_milliseconds() {
    let mode = transceiver(&Rs485 {
        rts_on_send: false,
        delay_before_send: 1,
        delay_after_send: 2 * MILLISECOND,
        receives_own: true,
    });
    let TransceiverMode::Rs485(config) = mode else {
        unreachable!("it is RS-485");
    };
    assert!(config.get_invert_rts() && config.get_full_duplex());
    assert_eq!(config.get_delay_before_send().as_millis(), 1);
    assert_eq!(config.get_delay_after_send().as_millis(), 2);
}
