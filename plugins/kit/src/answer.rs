//! Answers of commands that touch hardware.

use weihe_sdk::hal::HalError;
use weihe_sdk::{Answer, CallError, CallId, Context};

/// Answers a command by what became of it. A failure is told to the caller, and all the same what the handler did takes
/// effect: that it was asked for, what is published of the fault, and the timer that tries again. (Of a handler that
/// returns an error, nothing does.)
pub fn answer<T>(
    ctx: &mut Context,
    call: CallId,
    done: Result<T, HalError>,
    answer: impl FnOnce(T) -> Result<Answer, CallError>,
) -> Result<Answer, CallError> {
    match done {
        Ok(value) => answer(value),
        Err(error) => {
            ctx.reply(call, Err(error.into()));
            Ok(Answer::pending())
        }
    }
}
