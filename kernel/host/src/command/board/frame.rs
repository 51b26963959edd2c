//! A frame as text: what fits into so many lines and columns.

use weihe_hal::virtual_board::BoardView;

use super::rows::{Row, Tone, rows};
use super::view::View;
use crate::language::say;
use crate::output::{Style, clip, one_line, width};

/// Columns of name, value and holder; what is between takes the rest.
const NAME: usize = 24;
const VALUE: usize = 20;
const HOLDER: usize = 14;
const LAST: usize = 14;

/// The fewest lines in which anything can be told.
const LEAST: usize = 4;

/// What is drawn, and where.
#[derive(Debug, Clone, Copy)]
pub struct Canvas {
    /// Columns.
    pub width: usize,
    /// Lines; none when there is no end to them.
    pub height: Option<usize>,
    pub style: Style,
}

/// Draws a frame: as many lines as there are on the terminal at most. `told` is what is said at its foot.
pub fn draw(board: &BoardView, view: &View, told: &str, canvas: &Canvas) -> Vec<String> {
    let head = match (board.is_virtual, &*board.name) {
        (true, "") => say::board_virtual(),
        (true, name) => say::board_virtual_named(one_line(name)),
        (false, _) => say::board_real(),
    };
    let head = head.to_string();
    let mut lines = vec![canvas.style.bold(clip(&head, canvas.width))];
    let rows = rows(board);
    let selected = canvas.height.and(view.place(&rows));
    let room = canvas
        .height
        .map_or(rows.len(), |height| height.max(LEAST) - 2);
    // The selected one is in sight.
    let first = selected.map_or(0, |place| (place + 1).saturating_sub(room));
    if rows.is_empty() {
        lines.push(say::board_nothing().to_string());
    }
    for (index, row) in rows.iter().enumerate().skip(first).take(room) {
        lines.push(line(row, selected == Some(index), canvas));
    }
    if let Some(height) = canvas.height {
        let height = height.max(LEAST);
        lines.truncate(height - 1);
        lines.resize(height - 1, String::new());
        let told = one_line(told);
        lines.push(canvas.style.dim(clip(&told, canvas.width)));
        lines.truncate(canvas.height.unwrap_or(height));
    }
    lines
}

fn line(row: &Row, selected: bool, canvas: &Canvas) -> String {
    match row {
        Row::Heading(text) => canvas.style.dim(clip(text, canvas.width)),
        Row::Note(text) => clip(&format!("  {}", one_line(text)), canvas.width).to_owned(),
        Row::Part { cells, tone, .. } => {
            let rest = canvas
                .width
                .saturating_sub(NAME + VALUE + HOLDER + LAST + 5)
                .max(VALUE);
            let widths = [NAME, VALUE, rest, HOLDER, LAST];
            let mut text = String::from(if selected { ">" } else { " " });
            for (cell, columns) in cells.iter().zip(widths) {
                let cell = clip(cell, columns);
                text.push_str(cell);
                text.push_str(&" ".repeat(columns - width(cell) + 1));
            }
            let text = clip(text.trim_end(), canvas.width);
            match tone {
                Tone::Plain => text.to_owned(),
                Tone::Good => canvas.style.good(text),
                Tone::Bad => canvas.style.bad(text),
            }
        }
    }
}
