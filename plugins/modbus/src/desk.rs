//! Commands that go over the line, one at a time: a repeated write must never overtake a later one, and
//! nothing may come between the reading and the writing of a bit field.

use std::collections::VecDeque;

use serde_json::{Value as Json, json};
use weihe_modbus::{Access, Asked, Identification, Reply as Said, Request, Table};
use weihe_sdk::{Answer, CallError, CallId, Failure, Priority, Reply, Ticket};

use crate::answer;
use crate::job::{Job, Task};
use crate::line::{Answered, Trouble};
use crate::means::Means;
use crate::plan::Span;
use crate::point::Content;

/// Commands that wait for their turn. Whoever calls more than that in a time-out calls in a loop.
pub const MAX_WAITING: usize = 64;

/// The commands under way.
#[derive(Debug)]
pub struct Desk {
    waiting: VecDeque<Task>,
    current: Option<Current>,
    retries: u32,
}

#[derive(Debug)]
struct Current {
    task: Task,
    ticket: Ticket,
    asked: Asked,
    attempt: u32,
}

impl Desk {
    /// No commands; each is repeated so often.
    pub fn new(retries: u32) -> Desk {
        Desk {
            waiting: VecDeque::new(),
            current: None,
            retries,
        }
    }

    /// Whether this exchange is a command's.
    pub fn owns(&self, ticket: Ticket) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.ticket == ticket)
    }

    /// Takes a command: sends it at once, or when those before it are done.
    pub fn accept(&mut self, task: Task, means: &mut Means<'_>) -> Result<Answer, CallError> {
        if self.current.is_none() {
            self.begin(task, means).map_err(|(_, error)| error)?;
        } else if self.waiting.len() >= MAX_WAITING {
            return Err(CallError::unavailable(format!(
                "{MAX_WAITING} commands are waiting already"
            )));
        } else {
            self.waiting.push_back(task);
        }
        Ok(Answer::pending())
    }

    /// Takes the outcome of a command's exchange.
    pub fn replied(
        &mut self,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
        means: &mut Means<'_>,
    ) {
        let Some(current) = self.current.take_if(|current| current.ticket == ticket) else {
            return;
        };
        match means.line.read(&current.asked, outcome, means.stats) {
            Ok(answered) => self.succeed(current, answered, means),
            Err(Trouble::Refused { exception, .. })
                if current.task.job.can_be_plainer(exception) =>
            {
                let (task, request) = current.task.plainer();
                self.send(task, &request, 1, means);
            }
            Err(trouble) => {
                let in_time = means.ctx.now() < current.task.deadline;
                if trouble.is_worth_a_retry() && current.attempt <= self.retries && in_time {
                    means.stats.retries += 1;
                    let request = current.asked.request.clone();
                    self.send(current.task, &request, current.attempt + 1, means);
                } else {
                    let error = call_error(&trouble, current.attempt);
                    means.ctx.reply(current.task.call, Err(error));
                }
            }
        }
        self.next(means);
    }

    fn next(&mut self, means: &mut Means<'_>) {
        while self.current.is_none()
            && let Some(task) = self.waiting.pop_front()
        {
            if let Err((call, error)) = self.begin(task, means) {
                means.ctx.reply(call, Err(error));
            }
        }
    }

    fn begin(&mut self, task: Task, means: &mut Means<'_>) -> Result<(), (CallId, CallError)> {
        let request = match &task.job {
            Job::Read { table, span, .. } => read(*table, *span),
            Job::Write { request, .. } | Job::Mask { request, .. } => request.clone(),
            Job::Identify { access, object, .. } => Request::Identify {
                access: *access,
                object: *object,
            },
            Job::Modify { point, .. } => {
                let point = &means.points[*point];
                read(point.table, point.span)
            }
        };
        self.try_send(task, &request, 1, means)
    }

    /// Sends a request of a task that has no handler's result to fail: its call is answered.
    fn send(&mut self, task: Task, request: &Request, attempt: u32, means: &mut Means<'_>) {
        if let Err((call, error)) = self.try_send(task, request, attempt, means) {
            means.ctx.reply(call, Err(error));
        }
    }

    fn try_send(
        &mut self,
        task: Task,
        request: &Request,
        attempt: u32,
        means: &mut Means<'_>,
    ) -> Result<(), (CallId, CallError)> {
        let left = task.deadline.since(means.ctx.now());
        if left.is_zero() {
            let text = "the deadline passed before its turn; nothing was sent".to_owned();
            return Err((task.call, CallError::Timeout(text)));
        }
        means.stats.requests += 1;
        match means.line.submit(request, Priority::Command, left) {
            Ok((ticket, asked)) => {
                self.current = Some(Current {
                    task,
                    ticket,
                    asked,
                    attempt,
                });
                Ok(())
            }
            Err(trouble) => Err((task.call, call_error(&trouble, attempt))),
        }
    }

    fn succeed(&mut self, current: Current, answered: Answered, means: &mut Means<'_>) {
        let Current { task, asked, .. } = current;
        let request = asked.request;
        let confirmed = answered.reply.is_some();
        let content = match answered.reply {
            Some(Said::Identification(part)) => return self.identified(task, part, means),
            reply => reply.and_then(Content::of_reply),
        };
        let content = content.or_else(|| Content::of_request(&request));
        let place = request.function().table().zip(request.address());
        let (Some(content), Some((table, address))) = (content, place) else {
            let error = CallError::failed("the reply carries no values");
            return means.ctx.reply(task.call, Err(error));
        };
        let span = Span {
            address,
            quantity: request.quantity() as u16,
        };
        let masks = matches!(request, Request::MaskRegister { .. });
        if confirmed && !masks {
            means.take(table, span, &content, answered.time);
        }
        let answer = match task.job {
            Job::Modify {
                point,
                ref value,
                multiple,
            } => match modified(point, value, multiple, &content, means) {
                Ok(request) => {
                    let task = Task {
                        job: Job::Write {
                            point: Some(point),
                            request: request.clone(),
                        },
                        ..task
                    };
                    return self.send(task, &request, 1, means);
                }
                Err(error) => Err(error),
            },
            Job::Read { point: None, .. } => Answer::json(&json!({"values": content.to_json()})),
            Job::Read {
                point: Some(point), ..
            } => answer::of_point(&means.points[point], span.address, &content),
            Job::Mask { point, ref request } => {
                means.stats.writes += 1;
                let point = point.map(|point| &means.points[point]);
                answer::of_mask(point, request, confirmed)
            }
            Job::Write { point, .. } => {
                means.stats.writes += 1;
                if let Some(point) = point.filter(|_| confirmed && masks) {
                    // Of the other bits nothing is known.
                    means.take_point(point, span.address, &content, answered.time);
                }
                let point = point.map(|point| &means.points[point]);
                answer::of_write(point, span, &content, confirmed)
            }
            Job::Identify { .. } => Err(CallError::failed("the reply is no identification")),
        };
        means.ctx.reply(task.call, answer);
    }

    /// Takes a part of an identification, and asks for the next one.
    fn identified(&mut self, task: Task, part: Identification, means: &mut Means<'_>) {
        let Task {
            call,
            deadline,
            job,
        } = task;
        let Job::Identify {
            access,
            object,
            lenient,
            mut objects,
        } = job
        else {
            let error = CallError::failed("the reply is an identification");
            return means.ctx.reply(call, Err(error));
        };
        let next = part.next.filter(|_| access != Access::Individual);
        objects.extend(part.objects.iter().cloned());
        let Some(next) = next else {
            return means
                .ctx
                .reply(call, answer::of_identification(&part, &objects));
        };
        if next <= object {
            // It would go on for ever.
            let text = format!("the unit says that object {next} follows on object {object}");
            return means.ctx.reply(call, Err(CallError::Failed(text)));
        }
        let request = Request::Identify {
            access,
            object: next,
        };
        let job = Job::Identify {
            access,
            object: next,
            lenient,
            objects,
        };
        self.send(
            Task {
                call,
                deadline,
                job,
            },
            &request,
            1,
            means,
        );
    }
}

fn modified(
    point: usize,
    value: &Json,
    multiple: bool,
    content: &Content,
    means: &Means<'_>,
) -> Result<Request, CallError> {
    let point = &means.points[point];
    let Content::Registers(current) = content else {
        return Err(CallError::failed("the reply carries no registers"));
    };
    let registers = point
        .format
        .encode(value, current)
        .map_err(|error| CallError::invalid_argument(format!("`value`: {error}")))?;
    Ok(write_registers(point.span.address, registers, multiple))
}

/// The request that reads items of a table.
fn read(table: Table, span: Span) -> Request {
    Request::Read {
        table,
        address: span.address,
        quantity: span.quantity,
    }
}

/// The request that writes registers: function 6 for one, unless `multiple`, else function 16.
pub fn write_registers(address: u16, values: Vec<u16>, multiple: bool) -> Request {
    match values.as_slice() {
        [value] if !multiple => Request::WriteRegister {
            address,
            value: *value,
        },
        _ => Request::WriteRegisters { address, values },
    }
}

fn call_error(trouble: &Trouble, attempts: u32) -> CallError {
    let text = match attempts {
        1 => trouble.to_string(),
        attempts => format!("{trouble}, {attempts} attempts"),
    };
    match trouble {
        Trouble::Silence(_) => CallError::Timeout(text),
        Trouble::Wrong(_) | Trouble::Refused { .. } => CallError::Failed(text),
        Trouble::Line(failure) => CallError::from(failure.clone()),
    }
}
