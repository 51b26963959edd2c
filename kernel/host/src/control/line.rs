//! Lines of bounded length from a stream.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line is longer than the reader takes. It has been skipped; the next one can be read.
    #[error("a line has {length} bytes or more; at most {limit} are taken")]
    TooLong {
        /// What was skipped, without the newline.
        length: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// The stream broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads lines without ever holding more than a bound of them.
#[derive(Debug)]
pub struct LineReader<R> {
    stream: R,
    limit: usize,
    line: Vec<u8>,
    /// Bytes of the current line that were thrown away because it is too long.
    skipped: usize,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    /// Reads lines of at most `limit` bytes.
    pub fn new(stream: R, limit: usize) -> Self {
        Self {
            stream,
            limit,
            line: Vec::new(),
            skipped: 0,
        }
    }

    /// The next line without its newline; none at the end of the stream (a last line without a
    /// newline counts). Cancel safe: what was read stays in the reader.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        loop {
            let buffer = self.stream.fill_buf().await?;
            if buffer.is_empty() {
                let rest = std::mem::take(&mut self.line);
                let skipped = std::mem::take(&mut self.skipped);
                return match (skipped, rest.is_empty()) {
                    (0, true) => Ok(None),
                    (0, false) => Ok(Some(rest)),
                    _ => Err(self.too_long(skipped)),
                };
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            if self.skipped > 0 || self.line.len() + part.len() > self.limit {
                self.skipped += self.line.len() + part.len();
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.stream.consume(used);
            if end.is_some() {
                let skipped = std::mem::take(&mut self.skipped);
                if skipped > 0 {
                    return Err(self.too_long(skipped));
                }
                return Ok(Some(std::mem::take(&mut self.line)));
            }
        }
    }

    fn too_long(&self, length: usize) -> LineError {
        LineError::TooLong {
            length,
            limit: self.limit,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    async fn lines(input: &[u8], limit: usize, buffer: usize) -> Vec<Result<Vec<u8>, usize>> {
        let mut reader = LineReader::new(BufReader::with_capacity(buffer, input), limit);
        let mut lines = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(line)) => lines.push(Ok(line)),
                Ok(None) => return lines,
                Err(LineError::TooLong { length, .. }) => lines.push(Err(length)),
                Err(LineError::Io(_)) => unreachable!("a slice does not break"),
            }
        }
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_and_the_next_one_read() {
        let input = b"one\nfar too long\n\ntwo";
        let expected = vec![
            Ok(b"one".to_vec()),
            Err(12),
            Ok(Vec::new()),
            Ok(b"two".to_vec()),
        ];
        for buffer in [1, 2, 3, 5, 100] {
            assert_eq!(
                lines(input, 5, buffer).await,
                expected,
                "buffer of {buffer}"
            );
        }
    }

    #[tokio::test]
    async fn a_stream_that_ends_in_a_long_line_says_so() {
        assert_eq!(lines(b"123456", 5, 2).await, vec![Err(6)]);
        assert_eq!(lines(b"", 5, 2).await, vec![]);
    }
}
