//! What would be done for another `weihe.toml`, or for the files as they are: `weihe plan`. Nothing of it stays.

use super::reconcile::{Changes, Scope, read};
use super::rejected::Rejected;
use super::start::{FailedPart, System};

impl System {
    /// What [`System::reconcile`] would do if `weihe.toml` had this text, or as it is.
    pub async fn foresee(&self, text: Option<String>) -> Result<Changes, Rejected> {
        // Whoever asks may go before there is an answer: all of this is on a copy, and behind a gate of its own.
        let held = self.followed.lock().await;
        let mut followed = held.clone();
        let current = self.config();
        followed.text = match text {
            Some(text) => Some(text),
            None => read(&current)?,
        };
        followed.find(&current.directory, &Scope::all());
        let planned = self.candidate_config(&mut followed, &Scope::all()).await;
        drop(held);
        let plan = planned?.plan;
        Ok(Changes {
            steps: plan.steps,
            failed: plan
                .failed
                .iter()
                .map(|(part, name, problem)| FailedPart::new(*part, name, problem))
                .collect(),
            notes: plan.notes,
        })
    }
}

#[cfg(test)]
mod tests;
