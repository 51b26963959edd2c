//! Which hardware plugins reach: this machine's, or that of a virtual board.

use std::sync::Arc;

use weihe_hal::virtual_board::{BoardError, VirtualBoard};
use weihe_hal::{HalCapability, Hardware, LinuxBoard};
use weihe_kernel::Clock;

use crate::config::BoardEntry;

/// The capability `hal` of a system.
pub(crate) fn hardware(
    board: &BoardEntry,
    clock: Arc<dyn Clock>,
) -> Result<HalCapability, BoardError> {
    let hardware: Arc<dyn Hardware> = match &board.virtual_board {
        Some(board) => Arc::new(VirtualBoard::parse(&board.text, clock)?),
        None => Arc::new(LinuxBoard::named(board.root.clone(), board.file.clone())),
    };
    Ok(HalCapability::new(hardware))
}
