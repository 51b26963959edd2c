//! Calls that are answered later.

use weihe_sdk::prelude::*;

/// Calls that wait for one outcome. All get the same one.
#[derive(Debug, Default)]
pub struct Waiting(Vec<CallId>);

impl Waiting {
    /// One more waits: the command's answer is this.
    pub fn push(&mut self, call: CallId) -> Answer {
        self.0.push(call);
        Answer::pending()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Answers all.
    pub fn answer(&mut self, ctx: &mut Context, outcome: Result<Answer, CallError>) {
        for call in self.0.drain(..) {
            ctx.reply(call, outcome.clone());
        }
    }
}
