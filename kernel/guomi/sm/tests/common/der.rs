//! DER as it is written by hand: right, or wrong on purpose.

/// An element with its shortest length.
pub fn element(tag: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => [&[tag, 0x82][..], &(length as u16).to_be_bytes()].concat(),
    };
    [&head[..], content].concat()
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, parts.concat())
}

pub fn octets(content: impl AsRef<[u8]>) -> Vec<u8> {
    element(0x04, content)
}

/// A BIT STRING of whole bytes.
pub fn bits(content: impl AsRef<[u8]>) -> Vec<u8> {
    element(0x03, [&[0], content.as_ref()].concat())
}

/// An INTEGER with these bytes, whatever they are.
pub fn integer(content: impl AsRef<[u8]>) -> Vec<u8> {
    element(0x02, content)
}

/// A number that is not negative, as DER wants it.
pub fn unsigned(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = &number[zeros.min(number.len() - 1)..];
    let sign = (number[0] >= 0x80).then_some(0);
    integer(
        sign.into_iter()
            .chain(number.iter().copied())
            .collect::<Vec<_>>(),
    )
}

/// An OBJECT IDENTIFIER from its digits with dots.
pub fn oid(text: &str) -> Vec<u8> {
    let arcs: Vec<u64> = text.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = Vec::new();
    for arc in [&[arcs[0] * 40 + arcs[1]], &arcs[2..]].concat() {
        let groups = (1..10).find(|groups| arc >> (7 * groups) == 0).unwrap();
        content.extend((0..groups).rev().map(|at| {
            let more = if at > 0 { 0x80 } else { 0 };
            (arc >> (7 * at)) as u8 & 0x7f | more
        }));
    }
    element(0x06, content)
}

/// What BER allows and DER doesn't, and what neither allows, of one element that is right in DER.
pub fn misformed(right: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let (tag, content) = parts(right);
    let length = content.len();
    let long = (length as u32).to_be_bytes();
    let with = |head: &[u8]| [&[tag], head, content].concat();
    vec![
        ("nothing", vec![]),
        ("a tag alone", vec![tag]),
        ("without its last byte", right[..right.len() - 1].to_vec()),
        ("with a byte after it", [right, &[0]].concat()),
        ("twice", [right, right].concat()),
        ("of open length", [&with(&[0x80])[..], &[0, 0]].concat()),
        (
            "with a length of four bytes",
            with(&[&[0x84][..], &long].concat()),
        ),
        (
            "with a length of eight bytes",
            with(&[&[0x88, 0, 0, 0, 0][..], &long].concat()),
        ),
        (
            "longer than anything",
            with(&[0x84, 0xff, 0xff, 0xff, 0xff]),
        ),
        ("with a length that is reserved", with(&[0xff])),
        ("of another tag", [&[tag ^ 1], &right[1..]].concat()),
        (
            "of a tag in two bytes",
            [&[tag | 0x1f, 0x30], &right[1..]].concat(),
        ),
        ("empty", vec![tag, 0]),
    ]
}

/// The tag and what an element holds.
pub fn parts(der: &[u8]) -> (u8, &[u8]) {
    let head = match der[1] {
        0x81 => 3,
        0x82 => 4,
        _ => 2,
    };
    (der[0], &der[head..])
}
