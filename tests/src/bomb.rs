//! A component that is small and takes very much to compile.

/// Loops within one another.
const LOOPS: usize = 600;

/// Variables that each of them changes. A compiler that knows the value of each variable at each place
/// has to tell apart this many times as many values as there are loops.
const VARIABLES: u32 = 3_000;

/// The bytes of the component: some 30 KiB, for which millions of values are kept apart.
pub fn bomb() -> Vec<u8> {
    let mut body = Vec::new();
    // One run of variables of type i64; the parameter comes before them.
    body.extend([1]);
    number(&mut body, VARIABLES);
    body.push(0x7e);
    for _ in 0..LOOPS {
        body.extend([0x03, 0x40]);
    }
    for variable in 1..=VARIABLES {
        // variable = variable + 1
        body.push(0x20);
        number(&mut body, variable);
        body.extend([0x42, 1, 0x7c, 0x21]);
        number(&mut body, variable);
    }
    for _ in 0..LOOPS {
        // Once more, if the parameter says so.
        body.extend([0x20, 0, 0x0d, 0, 0x0b]);
    }
    body.push(0x0b);

    let mut code = vec![1];
    number(&mut code, body.len() as u32);
    code.extend(body);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    // One type, from i32 to nothing; one function of it; its code.
    section(&mut module, 1, &[1, 0x60, 1, 0x7f, 0]);
    section(&mut module, 3, &[1, 0]);
    section(&mut module, 10, &code);
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    section(&mut component, 1, &module);
    component
}

fn section(bytes: &mut Vec<u8>, id: u8, contents: &[u8]) {
    bytes.push(id);
    number(bytes, contents.len() as u32);
    bytes.extend(contents);
}

/// Unsigned LEB128.
fn number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
