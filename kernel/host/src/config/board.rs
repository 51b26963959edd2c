//! `[board]`: the hardware that plugins reach.

use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::section::Section;
use super::shape;

/// The longest description of a board that is read; those of real ones have some kilobytes.
const BOARD_LIMIT: u64 = 1 << 20;

/// `[board]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoardEntry {
    /// A board that is not there, instead of this machine's.
    pub virtual_board: Option<BoardText>,
}

/// The description of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardText {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

pub(super) fn read(directory: &Path, top: &Section<'_>, faults: &mut Vec<Fault>) -> BoardEntry {
    let mut entry = BoardEntry::default();
    let Some(section) = top.section("board", "`[board]`".to_owned(), faults) else {
        return entry;
    };
    section.only(shape::BOARD.all(), faults);
    if let Some((name, span)) = section.text("virtual", faults) {
        let path = directory.join(&name);
        match text_of(&path) {
            Ok(text) => match weihe_hal::virtual_board::VirtualBoard::check(&text) {
                Ok(()) => entry.virtual_board = Some(BoardText { path, text }),
                Err(error) => {
                    let message = format!("the board {} is wrong: {error}", path.display());
                    faults.push(Fault::new(span, message, "this board"));
                }
            },
            Err(error) => {
                let message = format!("cannot read the board {}: {error}", path.display());
                faults.push(
                    Fault::new(span, message, "this file")
                        .help("name a file that describes a virtual board, relative to this one"),
                );
            }
        }
    }
    entry
}

fn text_of(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(BOARD_LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BOARD_LIMIT {
        let message = format!("it has more than {BOARD_LIMIT} bytes");
        return Err(std::io::Error::other(message));
    }
    Ok(text)
}
