//! A screen in a quarter of the room: eight points in a character.

/// The first character of Unicode's block of Braille patterns: no dot.
const NO_DOT: u32 = 0x2800;

/// The bits of the dots, row by row (Unicode, chapter 21.1).
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// A screen that is drawn with two points above each other in a character, with two by four.
pub fn small(screen: &[String]) -> Vec<String> {
    let points = |line: &String| -> Vec<[bool; 2]> {
        let cell = |c| [matches!(c, '█' | '▀'), matches!(c, '█' | '▄')];
        line.chars().map(cell).collect()
    };
    screen
        .chunks(2)
        .map(|pair| {
            let pair: Vec<_> = pair.iter().map(points).collect();
            let columns = pair.iter().map(Vec::len).max().unwrap_or(0);
            let is_lit = |x: usize, y: usize| -> bool {
                let column = pair.get(y / 2).and_then(|line| line.get(x));
                column.is_some_and(|column| column[y % 2])
            };
            let cell = |left: usize| {
                let mut dots = 0;
                for (y, bits) in DOTS.iter().enumerate() {
                    for (x, bit) in bits.iter().enumerate() {
                        dots |= if is_lit(left + x, y) { *bit } else { 0 };
                    }
                }
                match dots {
                    0 => ' ',
                    dots => char::from_u32(NO_DOT + dots).unwrap_or(' '),
                }
            };
            (0..columns).step_by(2).map(cell).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_in_a_quarter_of_the_room_shows_the_same_points() {
        let screen = ["█▀▄  ", " ▄  █", "█    "].map(str::to_owned);
        // The third line of characters stands alone.
        assert_eq!(small(&screen), ["⢋⠂⡄", "⠃  "]);
        assert!(small(&[]).is_empty());
    }
}
