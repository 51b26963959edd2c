//! Data on its way to the host: little pieces go together, long ones in parts.

use super::GuomiError;

/// Up to so many bytes are gathered before the host is called: a call costs as much as hashing some hundred bytes.
const GATHERED: usize = 4096;

/// The most that is handed over at a time; a quarter of what one call may carry, so that it is copied in small parts
/// of the component's memory.
pub(super) const PART: usize = 262_144;

/// Data that is gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    buffer: Vec<u8>,
    failed: Option<GuomiError>,
}

impl Gathered {
    /// Takes more data, and hands it to `sink` when there is enough. After an error nothing is done any more.
    pub(super) fn take(
        &mut self,
        data: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), GuomiError>,
    ) {
        if self.failed.is_some() {
            return;
        }
        if self.buffer.len() + data.len() <= GATHERED {
            self.buffer.extend_from_slice(data);
            return;
        }
        let gathered = std::mem::take(&mut self.buffer);
        let first = [&gathered[..]].into_iter().filter(|part| !part.is_empty());
        self.failed = first.chain(data.chunks(PART)).try_for_each(&mut sink).err();
    }

    /// What is left, or what went wrong.
    pub(super) fn rest(self) -> Result<Vec<u8>, GuomiError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.buffer),
        }
    }

    /// What has gone wrong so far.
    pub(super) fn check(&self) -> Result<(), GuomiError> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}
