//! Tables for terminals: columns as wide as they must be, no lines.

use std::fmt;

/// A table with a header.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new<const N: usize>(header: [impl fmt::Display; N]) -> Self {
        Self {
            header: header.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = self.header.iter().map(|title| width(title)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(cell));
            }
        }
        let mut line = |cells: &mut dyn Iterator<Item = &str>| {
            let mut text = String::new();
            for (cell, widest) in cells.zip(&widths) {
                text.push_str(cell);
                // Two blanks between columns.
                text.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
            }
            writeln!(f, "{}", text.trim_end())
        };
        line(&mut self.header.iter().map(String::as_str))?;
        for row in &self.rows {
            line(&mut row.iter().map(String::as_str))?;
        }
        Ok(())
    }
}

/// Columns that a text takes on a terminal: East Asian wide characters take two, colour codes
/// none.
pub fn width(text: &str) -> usize {
    measure(text, usize::MAX).1
}

/// As much of the beginning of a text as fits into so many columns. Colours that begin there may not
/// end there.
pub fn clip(text: &str, columns: usize) -> &str {
    &text[..measure(text, columns).0]
}

/// The bytes of the text's beginning that fit into so many columns, and the columns that they take.
fn measure(text: &str, most: usize) -> (usize, usize) {
    let mut columns = 0;
    let mut escape = false;
    for (index, c) in text.char_indices() {
        let wide = match c {
            '\u{1b}' => {
                escape = true;
                0
            }
            'm' if escape => {
                escape = false;
                0
            }
            _ if escape => 0,
            '\u{1100}'..='\u{115f}'
            | '\u{2e80}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe6f}'
            | '\u{ff00}'..='\u{ff60}'
            | '\u{ffe0}'..='\u{ffe6}'
            | '\u{20000}'..='\u{3fffd}' => 2,
            _ => 1,
        };
        if columns + wide > most {
            return (index, columns);
        }
        columns += wide;
    }
    (text.len(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_clipped_fits_also_with_wide_characters_and_colours() {
        assert_eq!(clip("temperature", 4), "temp");
        assert_eq!(clip("温度计", 5), "温度");
        assert_eq!(clip("\u{1b}[31mab\u{1b}[0mc", 2), "\u{1b}[31mab\u{1b}[0m");
        assert_eq!(clip("ab", 5), "ab");
    }

    #[test]
    fn columns_line_up_also_beside_chinese_and_colours() {
        let mut table = Table::new(["NAME", "VALUE"]);
        table.row(["温度".into(), "1".into()]);
        table.row(["\u{1b}[31mab\u{1b}[0m".into(), "2".into()]);
        assert_eq!(
            table.to_string(),
            "NAME  VALUE\n温度  1\n\u{1b}[31mab\u{1b}[0m    2\n"
        );
    }
}
