//! A pure Modbus codec, for clients and for servers: no input or output, no clock, no memory of the
//! call before.
//!
//! | from the inside out | |
//! |---|---|
//! | [`Request`], [`Reply`] | what is asked and answered: functions 1 to 6, 15, 16, 22, 23 and 43/14, exceptions |
//! | [`Frame`], [`wrap`] | MBAP header (TCP) or address and CRC (RTU) around it |
//! | [`Message`], [`Asked`] | both at once; a reply is checked against what was asked |
//! | [`scan`] | where a frame begins and ends in received bytes |
//! | [`decode`], [`encode`] | every byte in words; requests from JSON |
//! | [`Bank`], [`answer`] | a server's tables, and its answer to a request |
//! | [`Format`] | numbers, bit fields and text in registers |
//!
//! Sources: "MODBUS Application Protocol Specification V1.1b3" (cited as V1.1b3), "MODBUS over Serial
//! Line Specification and Implementation Guide V1.02" (V1.02), "MODBUS Messaging on TCP/IP
//! Implementation Guide V1.0b".

mod crc;
mod decode;
mod encode;
mod explain;
mod format;
mod frame;
mod function;
mod identification;
mod message;
mod options;
mod pdu;
mod reply;
mod request;
mod scan;
mod server;
mod value;

pub use crc::crc16;
pub use decode::{DecodeError, Explained, decode};
pub use encode::{encode, read_bit, read_object, read_register};
pub use explain::{Field, Raw, Reading, explain};
pub use format::Format;
pub use frame::{
    BROADCAST, Direction, Frame, FrameError, MAX_MBAP_LENGTH, MAX_RTU_FRAME, MAX_TCP_FRAME,
    MBAP_HEADER, MBAP_PREFIX, MIN_MBAP_LENGTH, MIN_RTU_FRAME, Mode, wrap,
};
pub use function::{
    EXCEPTION_BIT, Exception, Function, MAX_EXCHANGED_REGISTERS, MAX_READ_BITS, MAX_READ_REGISTERS,
    MAX_WRITE_COILS, MAX_WRITE_REGISTERS, Table, describe_function, function_name,
};
pub use identification::{Access, Identification, MEI_IDENTIFICATION, Object, object_name};
pub use message::{Asked, Body, Message};
pub use options::Options;
pub use pdu::{
    ADDRESS_SPACE, MAX_PDU, PduError, PduLength, pack_bits, reply_length, request_length,
    unpack_bits, unpack_registers,
};
pub use reply::Reply;
pub use request::{COIL_ON, Request};
pub use scan::{Found, scan};
pub use server::{Bank, answer};
pub use value::{BitRange, DataType, Order, PointValue, Scaling, ValueError};
