//! A whole frame read: wrapping and PDU, checked against the request that it answers.

use crate::frame::{Direction, Frame, FrameError, Mode};
use crate::function::describe_function;
use crate::reply::Reply;
use crate::request::Request;

/// What a PDU says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// From the client.
    Request(Request),
    /// From the server.
    Reply(Reply),
}

/// A frame and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// The wrapping.
    pub frame: Frame<'a>,
    /// The content.
    pub body: Body,
}

/// A request as a reply is checked against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How it was wrapped.
    pub mode: Mode,
    /// Its transaction identifier; 0 in RTU mode.
    pub transaction: u16,
    /// The unit that was asked.
    pub unit: u8,
    /// What was asked.
    pub request: Request,
}

impl Asked {
    /// Reads the frame of a request.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(mode: Mode, bytes: &[u8]) -> Result<Asked, FrameError> {
        let frame = Frame::parse(mode, Direction::Request, bytes)?;
        Ok(Asked {
            mode,
            transaction: frame.transaction,
            unit: frame.unit,
            request: read_request(&frame)?,
        })
    }

    /// Its frame.
    ///
    /// # Errors
    /// When the request is outside of what the standard allows.
    pub fn encode(&self) -> Result<Vec<u8>, crate::pdu::PduError> {
        Ok(crate::frame::wrap(
            self.mode,
            self.transaction,
            self.unit,
            &self.request.encode()?,
        ))
    }

    /// Reads the reply to it at the front of `bytes`.
    ///
    /// # Errors
    /// When more bytes are needed, or when the bytes are not a reply to this request.
    pub fn reply(&self, bytes: &[u8]) -> Result<Reply, FrameError> {
        match Message::parse(self.mode, Direction::Reply, Some(self), bytes)?.body {
            Body::Reply(reply) => Ok(reply),
            Body::Request(_) => Err(FrameError::Refused {
                offset: 0,
                reason: "a request is not a reply".to_owned(),
            }),
        }
    }
}

impl<'a> Message<'a> {
    /// Reads the frame at the front of `bytes`. A reply is checked against `asked` when that is known.
    ///
    /// # Errors
    /// When more bytes are needed, or when the bytes are not such a message.
    pub fn parse(
        mode: Mode,
        direction: Direction,
        asked: Option<&Asked>,
        bytes: &'a [u8],
    ) -> Result<Message<'a>, FrameError> {
        let frame = Frame::parse(mode, direction, bytes)?;
        let body = match direction {
            Direction::Request => Body::Request(read_request(&frame)?),
            Direction::Reply => {
                if let Some(asked) = asked {
                    check_addressee(&frame, asked)?;
                }
                let reply = Reply::parse(frame.pdu, asked.map(|asked| &asked.request));
                Body::Reply(reply.map_err(|error| in_frame(&frame, error))?)
            }
        };
        Ok(Message { frame, body })
    }
}

fn read_request(frame: &Frame<'_>) -> Result<Request, FrameError> {
    Request::parse(frame.pdu).map_err(|error| in_frame(frame, error))
}

fn in_frame(frame: &Frame<'_>, error: crate::pdu::PduError) -> FrameError {
    FrameError::Refused {
        offset: frame.pdu_offset() + error.offset,
        reason: error.reason,
    }
}

fn check_addressee(frame: &Frame<'_>, asked: &Asked) -> Result<(), FrameError> {
    if frame.mode == Mode::Tcp && frame.transaction != asked.transaction {
        return Err(FrameError::Refused {
            offset: 0,
            reason: format!(
                "transaction identifier {}, expected {}",
                frame.transaction, asked.transaction
            ),
        });
    }
    if frame.unit != asked.unit {
        return Err(FrameError::Refused {
            offset: frame.pdu_offset() - 1,
            reason: format!(
                "unit {} answers with function {}, expected unit {}",
                frame.unit,
                describe_function(frame.pdu.first().copied().unwrap_or(0)),
                asked.unit
            ),
        });
    }
    Ok(())
}
