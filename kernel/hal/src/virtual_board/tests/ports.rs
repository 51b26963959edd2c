//! Serial ports and their other ends.

use super::*;
use crate::error::HalError;
use crate::serial::{FlowControl, Parity, Port, PortSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SETTINGS: PortSettings = PortSettings {
    baud: 9_600,
    data_bits: 8,
    parity: Parity::None,
    stop_bits: 1,
    flow: FlowControl::None,
    rs485: None,
};

fn uart(board: &VirtualBoard, name: &str) -> Arc<dyn Port> {
    board.uart(name, &SETTINGS).unwrap()
}

#[tokio::test]
async fn a_test_hears_and_says_at_a_port() {
    let (board, clock) = board("[uart.\"uart/1\"]");
    let port = uart(&board, "uart/1");
    port.write(b"hello").await.unwrap();
    assert_eq!(board.hear("uart/1").unwrap(), b"hello");
    board.say("uart/1", b"world").unwrap();
    assert_eq!(port.read(3, 0, 0).await.unwrap(), b"wor");
    assert_eq!(port.read(9, 0, 0).await.unwrap(), b"ld");
    let (read, ()) = tokio::join!(
        port.read(9, 50 * MILLISECOND, 0),
        clock.run(100 * MILLISECOND)
    );
    assert!(matches!(read, Err(HalError::Timeout(text)) if text.contains("uart/1")));
}

#[tokio::test]
async fn a_frame_ends_with_the_gap_after_it() {
    let (board, clock) = board("[uart.\"uart/1\"]");
    let port = uart(&board, "uart/1");
    let speak = async {
        for piece in [&b"ab"[..], b"cd"] {
            clock.run(3 * MILLISECOND).await;
            board.say("uart/1", piece).unwrap();
        }
        clock.run(20 * MILLISECOND).await;
        board.say("uart/1", b"next").unwrap();
    };
    let (read, ()) = tokio::join!(port.read(99, 1_000 * MILLISECOND, 5 * MILLISECOND), speak);
    assert_eq!(read.unwrap(), b"abcd");
    assert_eq!(port.read(99, 0, 0).await.unwrap(), b"next");
}

#[tokio::test]
async fn ports_are_joined_and_loops_come_back() {
    let (board, _) = board("[uart.a]\nport = \"b\"\n[uart.b]\n[uart.c]\nloopback = true");
    let (a, b, c) = (uart(&board, "a"), uart(&board, "b"), uart(&board, "c"));
    a.write(b"to b").await.unwrap();
    b.write(b"to a").await.unwrap();
    c.write(b"to c").await.unwrap();
    assert_eq!(a.read(9, 0, 0).await.unwrap(), b"to a");
    assert_eq!(b.read(9, 0, 0).await.unwrap(), b"to b");
    assert_eq!(c.read(9, 0, 0).await.unwrap(), b"to c");
    let error = board.say("a", b"x").unwrap_err().to_string();
    assert!(error.contains("leads to b"), "{error}");
}

#[tokio::test]
async fn a_port_is_a_file_or_an_address_for_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("tty");
    let text = format!(
        "[uart.file]\npty = \"{}\"\n[uart.net]\ntcp = \"127.0.0.1:0\"",
        link.display()
    );
    let board = VirtualBoard::parse(&text, Arc::new(weihe_kernel::SystemClock::new())).unwrap();
    assert!(!link.exists(), "reading a board touches nothing");
    assert_eq!(board.power_on(), Vec::<String>::new());
    let port = uart(&board, "file");
    let mut terminal = serial2_tokio::SerialPort::open(&link, 9_600).unwrap();
    terminal.write_all(b"ping").await.unwrap();
    let second = 1_000 * MILLISECOND;
    assert_eq!(port.read(4, 60 * second, 0).await.unwrap(), b"ping");
    port.write(b"pong").await.unwrap();
    let mut answer = [0; 4];
    terminal.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"pong");

    let ports = board.look().ports;
    let place = ports.iter().find(|port| port.name == "net").unwrap();
    let address = place.other_end.strip_prefix("tcp ").unwrap();
    let port = uart(&board, "net");
    for _ in 0..2 {
        // One after the other.
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        assert_eq!(port.read(4, 60 * second, 0).await.unwrap(), b"ping");
        port.write(b"pong").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"pong");
    }
}

#[tokio::test]
async fn a_port_that_is_pulled_out_says_so_to_who_waits_and_who_writes() {
    let (board, _) = board("[uart.\"uart/1\"]");
    let port = uart(&board, "uart/1");
    let pull = async {
        tokio::task::yield_now().await;
        board.fault("uart/1", "closed".parse().unwrap()).unwrap();
    };
    let (read, ()) = tokio::join!(port.read(1, u64::MAX, 0), pull);
    assert!(matches!(read, Err(HalError::Gone(text)) if text.contains("uart/1")));
    assert!(matches!(port.write(b"x").await, Err(HalError::Gone(_))));
    assert!(board.uart("uart/1", &SETTINGS).is_err());
    board.mend("uart/1").unwrap();
    port.write(b"x").await.unwrap();
    board.fault("uart/1", "noise".parse().unwrap()).unwrap();
    let sent = [0x55; 256];
    board.say("uart/1", &sent).unwrap();
    let heard = port.read(256, 0, 0).await.unwrap();
    let wrong = heard.iter().filter(|byte| **byte != 0x55).count();
    assert!((8..128).contains(&wrong), "{wrong}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let (board, _) = board("[uart.\"uart/1\"]");
    let refuse =
        |settings: PortSettings| board.uart("uart/1", &settings).err().unwrap().to_string();
    assert!(
        refuse(PortSettings {
            baud: 0,
            ..SETTINGS
        })
        .contains("0 baud")
    );
    assert!(
        refuse(PortSettings {
            data_bits: 9,
            ..SETTINGS
        })
        .contains("9 data bits")
    );
    let flow = FlowControl::Hardware;
    assert!(refuse(PortSettings { flow, ..SETTINGS }).contains("RTS"));
}
