//! A look at a statement's words before SQLite sees it, for the two that would let one device
//! touch another's transaction and that SQLite's authorizer does not report.

/// Words that no statement of a device may hold outside of quotes, with what they would do.
///
/// `ROLLBACK` (`INSERT OR ROLLBACK`, `ON CONFLICT ROLLBACK`, `RAISE(ROLLBACK)`) undoes the whole
/// transaction, in which other devices' writes wait for their commit. `DEFERRABLE` puts the check
/// of a foreign key off to the COMMIT that the devices share.
const FORBIDDEN: [(&str, &str); 2] = [
    (
        "ROLLBACK",
        "`ROLLBACK` is not allowed: an error undoes the statement, and a handler that fails undoes \
         all its writes; quote the word if it is a name",
    ),
    (
        "DEFERRABLE",
        "`DEFERRABLE` is not allowed: foreign keys are checked with each statement; quote the word \
         if it is a name",
    ),
];

/// Why a statement is refused for a word in it, if it is.
pub(crate) fn refusal(sql: &str) -> Option<&'static str> {
    let bytes = sql.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        at += match byte {
            // A doubled quote ends one quoted part and starts the next, which comes to the same.
            b'\'' | b'"' | b'`' => quoted(rest, byte),
            b'[' => quoted(rest, b']'),
            b'-' if rest.starts_with(b"--") => rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len()),
            b'/' if rest.starts_with(b"/*") => rest
                .windows(2)
                .skip(2)
                .position(|pair| pair == b"*/")
                .map_or(rest.len(), |end| end + 4),
            _ if is_word(byte) => {
                let length = rest
                    .iter()
                    .position(|byte| !is_word(*byte))
                    .unwrap_or(rest.len());
                let word = &rest[..length];
                let found = FORBIDDEN
                    .iter()
                    .find(|(keyword, _)| word.eq_ignore_ascii_case(keyword.as_bytes()));
                if let Some((_, reason)) = found {
                    return Some(reason);
                }
                length
            }
            _ => 1,
        };
    }
    None
}

/// Length of a quoted part with both its quotes, or of all that is left when it is not closed.
fn quoted(rest: &[u8], end: u8) -> usize {
    rest.iter()
        .skip(1)
        .position(|byte| *byte == end)
        .map_or(rest.len(), |inner| inner + 2)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_found_outside_of_quotes_and_comments() {
        for sql in [
            "INSERT OR ROLLBACK INTO t VALUES (1)",
            "insert or rollback into t values (1)",
            "CREATE TABLE t (a UNIQUE ON CONFLICT/**/Rollback)",
            "ROLLBACK",
            "SELECT 'it''s'; ROLLBACK",
            "SELECT 1 -- comment\n; ROLLBACK",
            "CREATE TABLE a (b REFERENCES c DEFERRABLE INITIALLY DEFERRED)",
            "SELECT 1/*/ ' */ROLLBACK",
        ] {
            assert!(refusal(sql).is_some(), "{sql}");
        }
        for sql in [
            "SELECT 'ROLLBACK'",
            "SELECT \"rollback\", [rollback], `rollback` FROM t",
            "SELECT 1 -- ROLLBACK",
            "SELECT 1 /* ROLLBACK",
            "SELECT rollbacks, no_rollback, rollback$ FROM t",
            "SELECT 'it''s ROLLBACK'",
        ] {
            assert_eq!(refusal(sql), None, "{sql}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_to_its_end(text in ".{0,200}") {
            refusal(&text);
        }

        #[test]
        fn a_word_between_closed_parts_is_always_found(
            before in "( |'[a-z']{0,3}'|/\\*[a-z]{0,3}\\*/|--[a-z]{0,3}\n|[0-9]{1,3} ){0,8}",
        ) {
            // An odd number of quotes would swallow the word.
            prop_assume!(before.matches('\'').count() % 2 == 0);
            let text = format!("{before} ROLLBACK");
            prop_assert!(refusal(&text).is_some(), "{}", text);
        }
    }
}
