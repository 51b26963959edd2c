//! A component written down byte by byte, for tests.

/// The smallest file that counts as a plugin: it exports an empty `lifecycle` and holds a core
/// module with a memory of three pages and a custom section.
pub(crate) fn plugin() -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    // Memory section: one memory, no maximum, three pages.
    module.extend(section(5, &[1, 0, 3]));
    module.extend(section(0, b"\x04note"));
    let name = b"weihe:plugin/lifecycle@0.1.0";
    let mut export = vec![1, 0, u8::try_from(name.len()).unwrap_or(0)];
    export.extend(name);
    // Sort instance, index 0, no ascribed type.
    export.extend([5, 0, 0]);
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    component.extend(section(1, &module));
    // Component instances: one, made of no inline exports.
    component.extend(section(5, &[1, 1, 0]));
    component.extend(section(11, &export));
    component
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut section = vec![id, u8::try_from(content.len()).unwrap_or(0)];
    section.extend(content);
    section
}
