//! The terminal: keys one by one, a screen of its own, and everything as it was afterwards.

use std::io::{self, IsTerminal, Read, Write};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;

use super::view::Key;

/// Another screen, without a cursor, and without breaking lines.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";

/// The screen there was before, with a cursor.
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// Keys that wait: who holds one down must not fill the memory.
const KEYS: usize = 64;

/// Bytes of one look at the input. A sequence of a key comes in one piece.
const INPUT: usize = 64;

/// The terminal in its other mode; as it was again when this is dropped.
pub struct Terminal {
    before: Termios,
}

impl Terminal {
    /// Takes the terminal, where standard input and output are one.
    pub fn take() -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            let text = "standard input and output are no terminal";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        // First what undoes it, so that it is undone also when the rest fails.
        let terminal = Self { before };
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        write(ENTER)?;
        Ok(terminal)
    }

    /// Shows lines from the top on.
    pub fn show(&self, lines: &[String]) -> io::Result<()> {
        let mut text = String::from("\u{1b}[H");
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                text.push_str("\r\n");
            }
            // Before the text: behind one that fills the line, the cursor is still on its last column.
            text.push_str("\u{1b}[K");
            text.push_str(line);
        }
        text.push_str("\u{1b}[J");
        write(&text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nothing is left to do when it cannot be put back.
        let _ = write(LEAVE);
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Columns and lines of the terminal at standard output; none when it is no terminal.
pub fn size() -> Option<(usize, usize)> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    let size = (usize::from(size.ws_col), usize::from(size.ws_row));
    (size.0 > 0 && size.1 > 0).then_some(size)
}

/// Keys as they are pressed, read by a thread that ends with the process.
pub fn keys() -> io::Result<mpsc::Receiver<Key>> {
    typed(read_keys, Key::Quit)
}

/// What is typed, as it is read; when the terminal is gone comes what ends it.
pub fn typed<K: Send + 'static>(
    read_keys: fn(&[u8]) -> Vec<K>,
    end: K,
) -> io::Result<mpsc::Receiver<K>> {
    let (sender, keys) = mpsc::channel(KEYS);
    let read = move || {
        let mut buffer = [0; INPUT];
        while let Ok(count @ 1..) = io::stdin().lock().read(&mut buffer) {
            for key in read_keys(&buffer[..count]) {
                if sender.blocking_send(key).is_err() {
                    return;
                }
            }
        }
        // The terminal is gone.
        let _ = sender.blocking_send(end);
    };
    std::thread::Builder::new()
        .name("weihe-keys".into())
        .spawn(read)?;
    Ok(keys)
}

/// The keys in what was read.
fn read_keys(mut bytes: &[u8]) -> Vec<Key> {
    /// What terminals send for keys that are no letters, of VT100 and its descendants.
    const SEQUENCES: [(&[u8], Key); 8] = [
        (b"\x1b[A", Key::Up),
        (b"\x1bOA", Key::Up),
        (b"\x1b[B", Key::Down),
        (b"\x1bOB", Key::Down),
        (b"\x1b[5~", Key::PageUp),
        (b"\x1b[6~", Key::PageDown),
        (b"\x1b[D", Key::Back),
        (b"\x1b[C", Key::Enter),
    ];
    let mut keys = Vec::new();
    while let Some(first) = bytes.first() {
        let known = SEQUENCES
            .iter()
            .find(|(sequence, _)| bytes.starts_with(sequence));
        if let Some((sequence, key)) = known {
            keys.push(*key);
            bytes = &bytes[sequence.len()..];
            continue;
        }
        if *first == 0x1b && bytes.len() > 1 {
            // A sequence that means nothing here: to its last byte, or nothing of it.
            let end = bytes[1..]
                .iter()
                .position(|byte| byte.is_ascii_alphabetic() || *byte == b'~');
            bytes = end.map_or(&[][..], |end| &bytes[end + 2..]);
            continue;
        }
        let key = match first {
            // Ctrl-C and Ctrl-D, which are only bytes now.
            b'q' | b'Q' | 3 | 4 => Some(Key::Quit),
            b'k' => Some(Key::Up),
            b'j' => Some(Key::Down),
            b'\r' | b'\n' => Some(Key::Enter),
            0x1b | 0x7f | 8 => Some(Key::Back),
            b's' => Some(Key::Sort),
            b'p' | b' ' => Some(Key::Pause),
            _ => None,
        };
        keys.extend(key);
        bytes = &bytes[1..];
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_whatever_terminals_send_for_them() {
        assert_eq!(
            read_keys(b"jk\x1b[A\x1bOB\r\x1b[5~sp\x03"),
            [
                Key::Down,
                Key::Up,
                Key::Up,
                Key::Down,
                Key::Enter,
                Key::PageUp,
                Key::Sort,
                Key::Pause,
                Key::Quit
            ]
        );
        assert_eq!(read_keys(b"\x1b"), [Key::Back]);
        assert_eq!(read_keys(b"\x1b[15~q"), [Key::Quit], "F5 means nothing");
        assert_eq!(read_keys(b"\x1b[1;5"), [], "half a sequence");
        assert_eq!(read_keys("é€x".as_bytes()), []);
    }
}
