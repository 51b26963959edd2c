//! Where the signature stands in a component file.
//!
//! A component is eight bytes of preamble and sections, each an identifier, a length and as many bytes (component
//! model, binary format, 2; sections as in WebAssembly 2.0, 5.5.2). The signature is a custom section at the very end,
//! and covers every byte before its own first one. Only the sections of the outermost component are looked at: what
//! is nested is content, and covered as such.

/// The name of the section.
pub const SECTION: &str = "weihe:signature";

/// The magic number, version 13 and layer 1 of a component.
const PREAMBLE: [u8; 8] = [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00];

/// The identifier of a custom section.
const CUSTOM: u8 = 0;

/// The most bytes that the content of the section may have. A chain of four certificates needs about 4 KiB.
pub const CONTENT_LIMIT: usize = 64 << 10;

/// Why a file has no place for a signature, or not a sound one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SectionError {
    /// It does not begin as a component does.
    #[error("it is not a WebAssembly component: only components can be signed")]
    NotAComponent,
    /// Its sections do not add up to the file.
    #[error("the section at byte {at} is cut off or has no valid length")]
    Broken {
        /// Where the section begins.
        at: usize,
    },
    /// There is more than one signature.
    #[error("there are two signatures in it, at bytes {first} and {second}: sign the plugin again")]
    Two {
        /// Where the first begins.
        first: usize,
        /// Where the second begins.
        second: usize,
    },
    /// Something follows the signature.
    #[error("something follows the signature, from byte {at} on, which it does not cover")]
    Follows {
        /// Where that begins.
        at: usize,
    },
    /// The signature's own section could be written otherwise, and the file would be another one.
    #[error("the section of its signature, at byte {at}, is not written the shortest way")]
    Longwinded {
        /// Where it begins.
        at: usize,
    },
    /// The signature is larger than any real one.
    #[error("its signature has {found} bytes: {CONTENT_LIMIT} at most")]
    TooLarge {
        /// Bytes of its content.
        found: usize,
    },
}

/// A file taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// What is signed: the component as it was before.
    pub covered: &'a [u8],
    /// The content of the section; none where the file is not signed.
    pub content: Option<&'a [u8]>,
}

/// Parts a file into what is signed and its signature.
///
/// # Errors
/// [`SectionError`], where it is no component, or the signature is not its last section and its only one, or not
/// written as [`join`] does.
pub fn part(file: &[u8]) -> Result<Signed<'_>, SectionError> {
    if !file.starts_with(&PREAMBLE) {
        return Err(SectionError::NotAComponent);
    }
    let mut found: Option<(usize, &[u8])> = None;
    let mut at = PREAMBLE.len();
    while at < file.len() {
        let broken = SectionError::Broken { at };
        let section = section(file, at).ok_or(broken.clone())?;
        let content = match section.id {
            CUSTOM => signature(section.bytes).ok_or(broken)?,
            _ => None,
        };
        match (found, content) {
            (Some((first, _)), Some(_)) => return Err(SectionError::Two { first, second: at }),
            (Some(_), None) => return Err(SectionError::Follows { at }),
            (None, Some(content)) => found = Some((at, content)),
            (None, None) => {}
        }
        at = section.end;
    }
    let Some((start, content)) = found else {
        return Ok(Signed {
            covered: file,
            content: None,
        });
    };
    if content.len() > CONTENT_LIMIT {
        return Err(SectionError::TooLarge {
            found: content.len(),
        });
    }
    let (covered, own) = file.split_at_checked(start).unwrap_or_default();
    // Its lengths are the only bytes that no signature covers: there is one way to write them.
    if own != join(&[], content) {
        return Err(SectionError::Longwinded { at: start });
    }
    Ok(Signed {
        covered,
        content: Some(content),
    })
}

/// `covered` with a signature behind it.
pub fn join(covered: &[u8], content: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(SECTION.len() + content.len() + 1);
    leb128(&mut body, SECTION.len());
    body.extend_from_slice(SECTION.as_bytes());
    body.extend_from_slice(content);
    let mut file = Vec::with_capacity(covered.len() + body.len() + 6);
    file.extend_from_slice(covered);
    file.push(CUSTOM);
    leb128(&mut file, body.len());
    file.extend_from_slice(&body);
    file
}

struct Section<'a> {
    id: u8,
    bytes: &'a [u8],
    /// Where the next one begins.
    end: usize,
}

fn section(file: &[u8], at: usize) -> Option<Section<'_>> {
    let (id, rest) = file.get(at..)?.split_first()?;
    let (length, rest) = number(rest)?;
    let bytes = rest.get(..length)?;
    Some(Section {
        id: *id,
        bytes,
        end: file.len() - rest.len() + length,
    })
}

/// The content of a custom section, where it is a signature. `None` where the section has no name.
fn signature(section: &[u8]) -> Option<Option<&[u8]>> {
    let (length, rest) = number(section)?;
    let (name, content) = rest.split_at_checked(length)?;
    Some((name == SECTION.as_bytes()).then_some(content))
}

/// An unsigned number of 32 bits in LEB128 (WebAssembly 2.0, 5.2.2), and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((usize::try_from(value).ok()?, bytes.get(index + 1..)?));
        }
    }
    None
}

fn leb128(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A component with one custom section `name` of 200 bytes.
    fn component() -> Vec<u8> {
        let mut file = PREAMBLE.to_vec();
        file.push(CUSTOM);
        leb128(&mut file, 205);
        file.extend_from_slice(b"\x04name");
        file.extend_from_slice(&[7; 200]);
        file
    }

    #[test]
    fn what_was_joined_is_parted_again() {
        let component = component();
        for content in [&b""[..], b"signature", &[9; 5000]] {
            let file = join(&component, content);
            let signed = part(&file).unwrap();
            assert_eq!(signed.covered, component);
            assert_eq!(signed.content, Some(content));
        }
        assert_eq!(part(&component).unwrap().content, None);
    }

    #[test]
    fn a_second_signature_and_what_follows_one_are_refused() {
        let signed = join(&component(), b"one");
        let first = component().len();
        let two = join(&signed, b"two");
        assert_eq!(
            part(&two),
            Err(SectionError::Two {
                first,
                second: signed.len()
            })
        );
        let mut more = signed.clone();
        more.extend_from_slice(&component()[8..]);
        assert_eq!(part(&more), Err(SectionError::Follows { at: signed.len() }));
        for trailing in [&b"\0"[..], b"\x01", b"\0\x05abc", b"\x0b\xff"] {
            let mut more = signed.clone();
            more.extend_from_slice(trailing);
            assert_eq!(part(&more), Err(SectionError::Broken { at: signed.len() }));
        }
    }

    #[test]
    fn a_signature_within_a_module_is_content() {
        let mut file = component();
        let nested = join(&PREAMBLE, b"inner");
        file.push(1);
        leb128(&mut file, nested.len());
        file.extend_from_slice(&nested);
        assert_eq!(part(&file).unwrap().content, None);
        assert_eq!(
            part(&join(&file, b"outer")).unwrap().content,
            Some(&b"outer"[..])
        );
    }

    #[test]
    fn lengths_beyond_the_file_or_32_bits_are_refused() {
        for section in [
            &b"\0\xff\xff\xff\xff\x0f"[..],
            b"\0\x80\x80\x80\x80\x80\x01",
            b"\0\xff\xff\xff\xff\x7f",
        ] {
            let mut file = PREAMBLE.to_vec();
            file.extend_from_slice(section);
            assert_eq!(part(&file), Err(SectionError::Broken { at: 8 }));
        }
        assert_eq!(part(b"\0asm\x01\0\0\0"), Err(SectionError::NotAComponent));
        let large = join(&component(), &vec![0; CONTENT_LIMIT + 1]);
        assert!(matches!(part(&large), Err(SectionError::TooLarge { .. })));
    }

    #[test]
    fn a_section_whose_lengths_are_written_with_more_bytes_than_needed_is_refused() {
        let component = component();
        let at = component.len();
        // 21 bytes of section, 15 of them its name.
        for header in [&b"\x95\x80\0\x0f"[..], b"\x96\0\x8f\0", b"\x16\x8f\0"] {
            let mut file = component.clone();
            file.push(CUSTOM);
            file.extend_from_slice(header);
            file.extend_from_slice(SECTION.as_bytes());
            file.extend_from_slice(b"short");
            assert_eq!(part(&file), Err(SectionError::Longwinded { at }));
        }
        assert_eq!(
            part(&join(&component, b"short")).unwrap().covered,
            component
        );
    }

    #[test]
    fn every_cut_is_unsigned_or_refused() {
        let signed = join(&component(), b"a signature");
        for length in 0..signed.len() {
            if let Ok(part) = part(&signed[..length]) {
                assert_eq!(part.content, None);
            }
        }
    }
}
