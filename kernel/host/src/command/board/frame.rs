//! A frame as text: what fits into so many lines and columns.

use weihe_hal::virtual_board::BoardView;

use super::picture::small;
use super::rows::{Row, Tone, rows};
use super::view::View;
use crate::language::say;
use crate::output::{Style, clip, one_line, width};

/// The most columns of a cell: what is longer is clipped, and not the others. That in the middle takes the rest.
const MOST: [usize; 5] = [28, 20, 0, 14, 14];

/// The fewest columns of the cell in the middle, where what things are and hold stands.
const LEAST_REST: usize = 12;

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
    let columns = columns(&rows, canvas.width);
    let selected = canvas.height.and(view.place(&rows));
    let mut body = Vec::new();
    let mut starts = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        starts.push(body.len());
        match row {
            Row::Screen(screen) => body.extend(picture(screen, canvas)),
            row => body.push(line(row, selected == Some(index), columns, canvas)),
        }
    }
    if rows.is_empty() {
        body.push(say::board_nothing().to_string());
    }
    let room = canvas
        .height
        .map_or(body.len(), |height| height.max(LEAST) - 2);
    // The selected one is in sight, and what is below it as far as there is room.
    let place = selected.unwrap_or(0);
    let start = starts.get(place).copied().unwrap_or(0);
    let end = starts.get(end_of(&rows, place));
    let end = end.copied().unwrap_or(body.len());
    let first = start.min(end.saturating_sub(room));
    lines.extend(body.into_iter().skip(first).take(room));
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

/// Behind the last row that is only to be read with the part at a place: before the next part and its heading.
fn end_of(rows: &[Row], place: usize) -> usize {
    let is_part = |row: &Row| matches!(row, Row::Part { .. });
    let next = rows.iter().skip(place + 1).position(is_part);
    let Some(next) = next.map(|next| place + 1 + next) else {
        return rows.len();
    };
    match rows.get(next - 1) {
        Some(Row::Heading(_)) => next - 1,
        _ => next,
    }
}

/// How wide the cells are: as what is in them, and what is left for those in the middle.
fn columns(rows: &[Row], width_of_all: usize) -> [usize; 5] {
    let mut columns = [0; 5];
    for row in rows {
        let Row::Part { cells, .. } = row else {
            continue;
        };
        for ((columns, cell), most) in columns.iter_mut().zip(cells).zip(MOST) {
            *columns = width(cell).min(most).max(*columns);
        }
    }
    let [name, value, _, holder, last] = columns;
    // One before each, and the mark of the selected one.
    let rest = width_of_all.saturating_sub(name + value + holder + last + 5);
    [name, value, rest.max(LEAST_REST), holder, last]
}

/// A screen as lines: as large as there is room.
fn picture(screen: &[String], canvas: &Canvas) -> Vec<String> {
    let large = screen.iter().map(|line| width(line)).max().unwrap_or(0) + 2;
    let fits = large <= canvas.width
        && canvas
            .height
            .is_none_or(|height| height >= 2 * screen.len());
    let lines = if fits { screen.to_vec() } else { small(screen) };
    let lines = lines.iter().map(|line| format!("  {line}"));
    lines
        .map(|line| clip(line.trim_end(), canvas.width).to_owned())
        .collect()
}

fn line(row: &Row, selected: bool, columns: [usize; 5], canvas: &Canvas) -> String {
    match row {
        Row::Heading(text) => canvas.style.dim(clip(text, canvas.width)),
        Row::Screen(_) => String::new(),
        Row::Note(text) => clip(&format!("  {}", one_line(text)), canvas.width).to_owned(),
        Row::Part { cells, tone, .. } => {
            let mut text = String::from(if selected { ">" } else { " " });
            for (cell, columns) in cells.iter().zip(columns) {
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
