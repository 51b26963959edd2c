//! What operators do with a virtual board.

use serde::Serialize;
use weihe_hal::HalError;
use weihe_hal::virtual_board::Act;

use super::HostService;
use crate::control::{ErrorBody, code};

/// The answer to `board-do`.
#[derive(Debug, Serialize)]
pub struct BoardAnswer {
    /// What was heard, as octets in hexadecimal; for `hear` alone.
    heard: String,
}

impl HostService {
    pub(super) fn board_do(&self, act: &Act) -> Result<BoardAnswer, ErrorBody> {
        let Some(board) = self.system.hal().virtual_board() else {
            let message = "this is real hardware, whose buttons are pressed by hand";
            return Err(ErrorBody::new(code::FAILED, message).help(
                "a virtual board is used where weihe.toml names one: `[board] virtual = \"board.toml\"`",
            ));
        };
        tracing::info!("the operator has the board do {act:?}");
        let refused = |error: HalError| {
            let code = match error {
                HalError::Unknown { .. } | HalError::Invalid(_) => code::PARAMS,
                _ => code::FAILED,
            };
            ErrorBody::new(code, error.to_string())
        };
        let heard = board.act(act).map_err(refused)?;
        Ok(BoardAnswer { heard })
    }
}
