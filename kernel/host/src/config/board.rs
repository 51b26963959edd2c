//! `[board]`: the board that the system runs on.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weihe_hal::board::{BoardFile, ChipReader};
use weihe_hal::virtual_board::{BoardFault, VirtualBoard};
use weihe_hal::{Board, Root};

use super::fault::{Fault, Problem, Source};
use super::section::Section;
use super::shape;

/// The longest board file that is read: the largest of ours has six kilobytes.
const FILE_LIMIT: u64 = 1 << 20;

/// `[board]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoardEntry {
    /// The operator's own board file: its names come before those of the one that fits the machine.
    pub file: Option<Arc<BoardFile>>,
    /// Where /proc, /sys, /dev and /etc are.
    pub root: Root,
    /// A board that is not there, instead of this machine's.
    pub virtual_board: Option<BoardText>,
}

/// The description of a virtual board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardText {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

impl BoardEntry {
    /// The board itself, as its files and character devices show it.
    pub fn detect(&self, reader: &dyn ChipReader) -> Board {
        Board::detect_as(&self.root, reader, self.file.as_deref())
    }
}

/// The table, and what is wrong in the board file that it names.
pub(super) fn read(
    directory: &Path,
    top: &Section<'_>,
    faults: &mut Vec<Fault>,
) -> (BoardEntry, Vec<Problem>) {
    let mut entry = BoardEntry::default();
    let mut problems = Vec::new();
    let Some(section) = top.section("board", "`[board]`".to_owned(), faults) else {
        return (entry, problems);
    };
    section.only(shape::BOARD.all(), faults);
    if let Some((root, span)) = section.text("root", faults) {
        let root = directory.join(root);
        if !root.is_dir() {
            let message = format!("`root` of `[board]` is no directory: {}", root.display());
            faults.push(Fault::new(span, message, "no directory").help(
                "name a directory that holds proc, sys, dev and etc of a board; without `root` it is this machine",
            ));
        }
        entry.root = Root::new(&root);
    }
    if let Some((file, span)) = section.text("file", faults) {
        match board_file(&directory.join(file)) {
            Ok(file) => entry.file = Some(Arc::new(file)),
            Err(BoardFileError::Unreadable { path, why }) => {
                let message = format!("the board file {} cannot be read: {why}", path.display());
                faults.push(Fault::new(span, message, "this file").help(
                    "it stands beside weihe.toml, or is named by its whole path; docs/boards.md says how to write one",
                ));
            }
            Err(BoardFileError::Wrong(wrong)) => problems = wrong,
        }
    }
    if let Some((name, span)) = section.text("virtual", faults) {
        let path = directory.join(name);
        match text_of(&path) {
            Ok(text) => match VirtualBoard::check(&text) {
                Ok(()) => entry.virtual_board = Some(BoardText { path, text }),
                Err(error) => problems.extend(in_board(&path, &text, error.0)),
            },
            Err(why) => {
                let message = format!("the board file {} cannot be read: {why}", path.display());
                faults.push(Fault::new(span, message, "this file").help(
                    "it stands beside weihe.toml, or is named by its whole path; docs/virtual-board.md says how to write one",
                ));
            }
        }
    }
    (entry, problems)
}

/// The faults of a virtual board, each at its place in the board's own file.
fn in_board(path: &Path, text: &str, faults: Vec<BoardFault>) -> impl Iterator<Item = Problem> {
    let source = Source {
        path: path.to_path_buf(),
        text: Arc::from(text),
    };
    faults.into_iter().map(move |fault| {
        let span = place(&source.text, fault.line, fault.column);
        source.problem(Fault::new(span, fault.message, "here").maybe_help(fault.help))
    })
}

/// From a line and a column, the first being 1, to the end of the line.
fn place(text: &str, line: usize, column: usize) -> Range<usize> {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines
        .by_ref()
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let line = lines.next().unwrap_or_default().trim_end();
    let mut characters = line.char_indices().map(|(at, _)| at);
    let start = characters.nth(column.saturating_sub(1));
    before + start.unwrap_or(line.len())..before + line.len()
}

/// Why a file is no board file.
#[derive(Debug, thiserror::Error)]
pub enum BoardFileError {
    /// It cannot be read.
    #[error("the board file {} cannot be read: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says, or what it is instead.
        why: String,
    },
    /// What is wrong in it.
    #[error("the board file has faults")]
    Wrong(Vec<Problem>),
}

/// Reads a board file.
pub fn board_file(path: &Path) -> Result<BoardFile, BoardFileError> {
    let text = text_of(path).map_err(|why| BoardFileError::Unreadable {
        path: path.to_path_buf(),
        why,
    })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    BoardFile::parse(&name, &text).map_err(|faults| {
        let source = Source {
            path: path.to_path_buf(),
            text: Arc::from(text.as_str()),
        };
        let problems = faults.into_iter().map(|fault| {
            let help = fault.help;
            source.problem(Fault::new(fault.span, fault.message, fault.label).maybe_help(help))
        });
        BoardFileError::Wrong(problems.collect())
    })
}

/// What a file says; an error says what the operating system says, or what it is instead.
fn text_of(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    if metadata.len() > FILE_LIMIT {
        let size = metadata.len();
        return Err(format!(
            "it has {size} bytes, and a board file has at most {FILE_LIMIT}"
        ));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}
