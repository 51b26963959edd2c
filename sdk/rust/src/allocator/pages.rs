//! How the memory of an instance grows.

/// A page of WebAssembly.
pub(super) const PAGE: usize = 65_536;

/// How many pages are used: all but the last of 4 GiB. The address behind that one would be zero.
const MOST: usize = 65_535;

/// Where memory ends that has so many pages, as far as it is used.
pub(super) fn end(pages: usize) -> usize {
    pages.min(MOST) * PAGE
}

/// What there will be from `start` on, in pages to grow by and in bytes, so that it is at least so much;
/// `None` when no memory is so large.
pub(super) fn more(start: usize, pages: usize, least: usize) -> Option<(usize, usize)> {
    let there = end(pages).checked_sub(start)?;
    let missing = least.saturating_sub(there).div_ceil(PAGE);
    (missing <= MOST.saturating_sub(pages)).then(|| (missing, there + missing * PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_by_what_is_missing_and_never_to_its_very_end() {
        assert_eq!(more(5000, 1, 60_000), Some((0, PAGE - 5000)));
        assert_eq!(more(5000, 1, 60_537), Some((1, 2 * PAGE - 5000)));
        assert_eq!(more(PAGE, 1, 1), Some((1, PAGE)));
        // 32 bits hold the address behind the last byte that is used, whatever is asked for.
        let full = 1_usize << 32;
        for pages in [65_530, 65_534, 65_535, 65_536] {
            let start = end(pages);
            for least in [1, PAGE, 5 * PAGE, 6 * PAGE, usize::MAX / 2] {
                if let Some((grown, length)) = more(start, pages, least) {
                    assert!(length >= least && start + length < full);
                    assert!(pages + grown < 65_536);
                }
            }
        }
        assert_eq!(more(end(65_534), 65_534, PAGE), Some((1, PAGE)));
        assert_eq!(more(end(65_534), 65_534, PAGE + 1), None);
        assert_eq!(more(end(65_536), 65_536, 1), None);
        assert_eq!(more(end(65_536) + 1, 65_536, 1), None);
        assert_eq!(more(100, 65_536, 1), Some((0, end(65_536) - 100)));
    }
}
