//! What the host tells its guard: one JSON text a packet, a descriptor beside some.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::{Deserialize, Serialize};
use weihe_kernel::failsafe::guard::{Action, Charge, LineTiming};

/// The largest packet. The frames of one device on one connection have 16 KiB; in hexadecimal, with
/// labels that JSON has to escape, six times that.
const PACKET: usize = 128 * 1024;

/// One packet. What comes before `Commit` is in force with it, all at once: a host that dies in between leaves
/// the former orders in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Message {
    /// What is to be done for one number, in place of what there was; its descriptor comes along.
    Charge(u64, Order),
    /// Nothing is to be done for this number any more.
    Forget(u64),
    /// All of that holds from now on.
    Commit,
    /// The host ends in order: nothing is to be done.
    Done,
}

/// What is to be done with one descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) device: String,
    pub(super) on: String,
    pub(super) action: Deed,
}

/// An [`Action`] as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deed {
    Exchange {
        line: LineTiming,
        frames: Vec<Frame>,
    },
    Order {
        by: String,
        #[serde(with = "hexadecimal")]
        bytes: Vec<u8>,
        what: String,
    },
}

/// A frame as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Frame {
    pub(super) label: String,
    #[serde(with = "hexadecimal")]
    pub(super) bytes: Vec<u8>,
    pub(super) awaits_reply: bool,
    #[serde(with = "hexadecimal")]
    pub(super) expects: Vec<u8>,
    /// Nanoseconds.
    pub(super) timeout: u64,
    /// Nanoseconds.
    pub(super) turnaround: u64,
}

impl From<&Charge> for Order {
    fn from(charge: &Charge) -> Self {
        let action = match &charge.action {
            Action::Exchange { line, frames } => Deed::Exchange {
                line: *line,
                frames: frames
                    .iter()
                    .map(|frame| Frame {
                        label: frame.label.to_string(),
                        bytes: frame.bytes.to_vec(),
                        awaits_reply: frame.awaits_reply,
                        expects: frame.expects.to_vec(),
                        timeout: frame.timeout,
                        turnaround: frame.turnaround,
                    })
                    .collect(),
            },
            Action::Order { by, order, what } => Deed::Order {
                by: (*by).to_owned(),
                bytes: order.to_vec(),
                what: what.to_string(),
            },
        };
        Self {
            device: charge.device.to_string(),
            on: charge.on.to_string(),
            action,
        }
    }
}

/// Bytes as hexadecimal digits: twice their size, where a list of numbers takes four times it.
mod hexadecimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        to.serialize_str(&digits)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let digits = String::deserialize(from)?;
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16)
                .ok()
                .filter(|_| pair.len() == 2)
        };
        pairs
            .map(|pair| byte(pair).ok_or_else(|| D::Error::custom("no hexadecimal digits")))
            .collect()
    }
}

/// Sends one packet.
pub(super) fn send(
    socket: impl AsFd,
    message: &Message,
    descriptor: Option<impl AsFd>,
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    if text.len() > PACKET {
        return Err(io::Error::other(format!(
            "{} bytes are more than the {PACKET} of one packet",
            text.len()
        )));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptor = descriptor.as_ref().map(AsFd::as_fd);
    let list: &[_] = descriptor.as_slice();
    if !list.is_empty() && !control.push(SendAncillaryMessage::ScmRights(list)) {
        return Err(io::Error::other("no room for a descriptor"));
    }
    loop {
        match rustix::net::sendmsg(
            &socket,
            &[IoSlice::new(&text)],
            &mut control,
            SendFlags::NOSIGNAL,
        ) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for the next packet; none when the other side is gone.
pub(super) fn receive(socket: impl AsFd) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
    let mut text = vec![0; PACKET];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let (received, descriptor) = loop {
        let mut control = RecvAncillaryBuffer::new(&mut space);
        match rustix::net::recvmsg(
            &socket,
            &mut [IoSliceMut::new(&mut text)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        ) {
            Ok(received) => {
                let descriptor = control.drain().find_map(|message| match message {
                    RecvAncillaryMessage::ScmRights(mut list) => list.next(),
                    _ => None,
                });
                break (received, descriptor);
            }
            Err(rustix::io::Errno::INTR) => {}
            // Its last words were not read by the other side, which is gone all the same.
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        return Err(io::Error::other("a packet is too long"));
    }
    let packet = text.get(..received.bytes).unwrap_or_default();
    Ok(Some((serde_json::from_slice(packet)?, descriptor)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;

    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap()
    }

    fn order(bytes: Vec<u8>) -> Message {
        Message::Charge(
            7,
            Order {
                device: "soil".into(),
                on: "field".into(),
                action: Deed::Exchange {
                    line: LineTiming {
                        gap: 1,
                        silence: 2,
                        byte_time: 3,
                    },
                    frames: vec![Frame {
                        label: "valve = false\n阀".into(),
                        expects: bytes.clone(),
                        bytes,
                        awaits_reply: true,
                        timeout: u64::MAX,
                        turnaround: 0,
                    }],
                },
            },
        )
    }

    #[test]
    fn a_packet_arrives_with_its_descriptor_and_then_the_end() {
        let (near, far) = pair();
        let (mut reader, writer) = std::io::pipe().unwrap();
        // More than all frames of a device with what they expect.
        let message = order((0..=255).cycle().take(16 * 1024).collect());
        send(&near, &message, Some(&writer)).unwrap();
        send(&near, &Message::Done, None::<&OwnedFd>).unwrap();
        drop((near, writer));
        let (received, descriptor) = receive(&far).unwrap().unwrap();
        assert_eq!(received, message);
        let mut writer = std::fs::File::from(descriptor.unwrap());
        writer.write_all(b"open").unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "open");
        let (received, descriptor) = receive(&far).unwrap().unwrap();
        assert_eq!(received, Message::Done);
        assert!(descriptor.is_none());
        assert!(receive(&far).unwrap().is_none());
    }

    #[test]
    fn a_packet_that_cannot_be_received_is_not_sent() {
        let (near, _far) = pair();
        let error = send(&near, &order(vec![0; PACKET]), None::<&OwnedFd>).unwrap_err();
        assert!(error.to_string().contains("more than"), "{error}");
    }
}
