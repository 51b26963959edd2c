//! What would be done for another `weihe.toml`, or for the files as they are: `weihe plan`. Nothing of it stays.

use super::reconcile::{Changes, Scope, read};
use super::rejected::Rejected;
use super::start::{FailedPart, System};

impl System {
    /// What [`System::reconcile`] would do if `weihe.toml` had this text, or as it is.
    pub async fn foresee(&self, text: Option<String>) -> Result<Changes, Rejected> {
        let mut followed = self.followed.lock().await;
        let current = self.config();
        let before = followed.text.clone();
        followed.text = match text {
            Some(text) => Some(text),
            None => read(&current)?,
        };
        // Nothing stays of what is seen now: a file that is just being written counts when it is whole.
        let (listed_before, files_before) = (followed.listed.clone(), followed.files.clone());
        followed.find(&current.directory, &Scope::all());
        let policy = self.gate.policy();
        let planned = self.candidate_config(&mut followed, &Scope::all()).await;
        self.gate.set_policy((*policy).clone());
        followed.unwanted.clear();
        followed.text = before;
        followed.listed = listed_before;
        followed.files = files_before;
        let (_, plan) = planned?;
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
