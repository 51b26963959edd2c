//! Dead letters for clients.

use weihe_kernel::device::LetterView;
use weihe_kernel::{DeadError, Letters, Sorted};

use super::HostService;
use crate::control::{DeadListParams, DeadParams, ErrorBody, code};

impl HostService {
    pub(super) async fn dead_list(
        &self,
        params: &DeadListParams,
    ) -> Result<Vec<LetterView>, ErrorBody> {
        let kernel = self.system.kernel();
        let listed = kernel.dead_letters(params.device.as_deref()).await;
        listed.map_err(|error| refusal(&error))
    }

    pub(super) async fn dead_retry(&self, params: DeadParams) -> Result<Sorted, ErrorBody> {
        let letters = which(&params)?;
        let device = params.device;
        tracing::info!(device, "the operator has dead letters delivered again");
        let kernel = self.system.kernel().clone();
        // On its own: a client that leaves must not keep a letter that was delivered.
        let work = tokio::spawn(async move { kernel.retry_dead(&device, letters).await });
        match work.await {
            Ok(sorted) => sorted.map_err(|error| refusal(&error)),
            Err(error) => Err(ErrorBody::new(code::FAILED, error.to_string())),
        }
    }

    pub(super) async fn dead_drop(&self, params: DeadParams) -> Result<Sorted, ErrorBody> {
        let letters = which(&params)?;
        tracing::info!(device = params.device, "the operator drops dead letters");
        let dropped = self.system.kernel().drop_dead(&params.device, letters);
        dropped.await.map_err(|error| refusal(&error))
    }
}

fn which(params: &DeadParams) -> Result<Letters, ErrorBody> {
    match (params.all, params.ids.is_empty()) {
        (true, true) => Ok(Letters::All),
        (false, false) => Ok(Letters::Ids(params.ids.clone())),
        _ => Err(ErrorBody::new(
            code::PARAMS,
            "which letters? either `ids`, or `all`",
        )),
    }
}

fn refusal(error: &DeadError) -> ErrorBody {
    let code = match error {
        DeadError::Unknown { .. } => "unknown-device",
        DeadError::Failed(_) => "unavailable",
        DeadError::Busy(_) => code::BUSY,
        DeadError::Store(_) => code::FAILED,
    };
    ErrorBody::new(code, error.to_string())
}
