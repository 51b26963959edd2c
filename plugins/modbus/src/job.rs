//! What commands do on the line.

use serde_json::Value as Json;
use weihe_modbus::{Access, Exception, Object, Request, Table};
use weihe_sdk::{CallId, Timestamp};

use crate::plan::Span;

/// A command that goes over the line.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The call that it answers.
    pub call: CallId,
    /// Until when the answer is awaited. A write is never sent after it: its caller was told that it
    /// failed.
    pub deadline: Timestamp,
    /// What is to be done.
    pub job: Job,
}

/// What a command does.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Reads items of a table; of a point when that is given.
    Read {
        /// The point, by index.
        point: Option<usize>,
        /// The table.
        table: Table,
        /// What to read.
        span: Span,
    },
    /// Writes; to a point when that is given.
    Write {
        /// The point, by index.
        point: Option<usize>,
        /// The request.
        request: Request,
    },
    /// Sets and clears bits of a register; of a point when that is given.
    Mask {
        /// The point, by index.
        point: Option<usize>,
        /// The request.
        request: Request,
    },
    /// Asks what the unit is, until it has said all.
    Identify {
        /// What is asked for.
        access: Access,
        /// The next object.
        object: u8,
        /// Whether a unit that refuses may be asked for less: nobody said what is wanted.
        lenient: bool,
        /// What it has said.
        objects: Vec<Object>,
    },
    /// Writes some bits of a point's registers: reads, then writes.
    Modify {
        /// The point, by index.
        point: usize,
        /// The new value.
        value: Json,
        /// Writes with function 16 even when it is one register.
        multiple: bool,
    },
}

impl Job {
    /// Whether it makes no sense without a reply.
    pub fn needs_reply(&self) -> bool {
        match self {
            Job::Read { .. } | Job::Modify { .. } | Job::Identify { .. } => true,
            Job::Write { request, .. } | Job::Mask { request, .. } => {
                request.function().needs_reply()
            }
        }
    }

    /// Whether the refusal may only mean that the unit has less to say of itself. By the standard it
    /// would say what it has (V1.1b3, 6.21); many refuse the code instead.
    pub fn can_be_plainer(&self, exception: Exception) -> bool {
        let wrong_code = [
            Exception::ILLEGAL_DATA_ADDRESS,
            Exception::ILLEGAL_DATA_VALUE,
        ];
        matches!(self, Job::Identify { lenient: true, .. }) && wrong_code.contains(&exception)
    }
}

impl Task {
    /// The same call, answered with what every unit that has function 43/14 must say; with its request.
    pub fn plainer(self) -> (Task, Request) {
        let (access, object) = (Access::Basic, 0);
        let job = Job::Identify {
            access,
            object,
            lenient: false,
            objects: Vec::new(),
        };
        (Task { job, ..self }, Request::Identify { access, object })
    }
}
