//! What is in a component file, read without running it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use super::interface::{Hook, hooks};

/// The largest file that is looked into. Real plugins have 0.1 to 3 MiB.
pub const FILE_LIMIT: u64 = 64 << 20;

/// The bytes of a page of linear memory.
const PAGE: u64 = 65_536;

/// A component file taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// The interfaces it imports, with versions.
    pub imports: Vec<String>,
    /// The interfaces it exports, with versions.
    pub exports: Vec<String>,
    /// The hooks among its exports.
    pub hooks: Vec<Hook>,
    /// The linear memories of the core modules in it.
    pub memories: Vec<Memory>,
    /// Custom sections, those of the modules in it included.
    pub sections: Vec<CustomSection>,
}

/// A linear memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Pages of 64 KiB at the start.
    pub initial_pages: u64,
    /// Pages it can grow to; none when only its address space limits it.
    pub maximum_pages: Option<u64>,
}

impl Memory {
    /// Bytes at the start.
    pub fn initial_bytes(&self) -> u64 {
        self.initial_pages.saturating_mul(PAGE)
    }
}

/// A custom section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomSection {
    /// Its name.
    pub name: String,
    /// Bytes of its content.
    pub size: u64,
    /// Whether it stands in a core module within the component.
    pub nested: bool,
}

/// Why a file is not a plugin.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is larger than a plugin may be.
    #[error("{} has {size} bytes; a plugin has at most {FILE_LIMIT}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
    /// It is something else.
    #[error("{} is not WebAssembly: {found}", .path.display())]
    NotWasm {
        /// The file.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// It is a core module.
    #[error(
        "{} is a core module, not a component: build with --target wasm32-wasip2",
        .path.display()
    )]
    CoreModule {
        /// The file.
        path: PathBuf,
    },
    /// It ends too early.
    #[error("{} is cut off: it ends within a part that starts at byte {offset}", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where what is missing should be.
        offset: u64,
    },
    /// It is damaged.
    #[error("{} is damaged at byte {offset}: {reason}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// The validator's words.
        reason: String,
    },
    /// It is a component for something else.
    #[error(
        "{} is a component, but not a Weihe plugin: it does not export weihe:plugin/lifecycle{exports}",
        .path.display()
    )]
    WrongWorld {
        /// The file.
        path: PathBuf,
        /// What it exports instead, as the end of the sentence.
        exports: String,
    },
}

impl LayoutError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Read { .. } => "check the path and its permissions",
            Self::TooLarge { .. } | Self::NotWasm { .. } => {
                "name a plugin's component, as `weihe build` makes it"
            }
            Self::CoreModule { .. } => {
                "`weihe build DIR` sets that target; what another compiler has made becomes a \
                 component with `weihe build FILE -o plugins/`"
            }
            Self::Truncated { .. } | Self::Corrupt { .. } => "build or copy the file again",
            Self::WrongWorld { .. } => {
                "export the hooks of weihe:plugin with the SDK's `export!` macro"
            }
        }
    }
}

impl Layout {
    /// Reads and checks a plugin's file.
    pub fn read(path: &Path) -> Result<Self, LayoutError> {
        let fail = |source| LayoutError::Read {
            path: path.to_path_buf(),
            source,
        };
        let size = std::fs::metadata(path).map_err(fail)?.len();
        if size > FILE_LIMIT {
            return Err(LayoutError::TooLarge {
                path: path.to_path_buf(),
                size,
            });
        }
        Self::of(path, &std::fs::read(path).map_err(fail)?)
    }

    /// Takes a plugin's bytes apart; `path` is for messages.
    pub fn of(path: &Path, bytes: &[u8]) -> Result<Self, LayoutError> {
        preamble(path, bytes)?;
        let broken = |error: &wasmparser::BinaryReaderError| {
            let offset = error.offset();
            // The reader's own words for a part that reaches beyond the end.
            let cut = error.message().starts_with("unexpected end");
            if cut && offset >= bytes.len().saturating_sub(1) {
                LayoutError::Truncated {
                    path: path.to_path_buf(),
                    offset: offset as u64,
                }
            } else {
                LayoutError::Corrupt {
                    path: path.to_path_buf(),
                    offset: offset as u64,
                    reason: error.message().to_owned(),
                }
            }
        };
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(bytes)
            .map_err(|error| broken(&error))?;
        let mut layout = Self {
            size: bytes.len() as u64,
            sha256: weihe_kernel::event::hex(&Sha256::digest(bytes)),
            imports: Vec::new(),
            exports: Vec::new(),
            hooks: Vec::new(),
            memories: Vec::new(),
            sections: Vec::new(),
        };
        layout.collect(bytes).map_err(|error| broken(&error))?;
        layout.hooks = hooks(&layout.exports);
        if layout.hooks.contains(&Hook::Lifecycle) {
            return Ok(layout);
        }
        Err(LayoutError::WrongWorld {
            path: path.to_path_buf(),
            exports: match layout.exports.as_slice() {
                [] => " (it exports nothing)".to_owned(),
                exports => format!(" (it exports {})", exports.join(", ")),
            },
        })
    }

    fn collect(&mut self, bytes: &[u8]) -> wasmparser::Result<()> {
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 1 => {
                    for import in imports {
                        self.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 1 => {
                    for export in exports {
                        self.exports.push(export?.name.name.to_owned());
                    }
                }
                Payload::MemorySection(memories) => {
                    for memory in memories {
                        let memory = memory?;
                        self.memories.push(Memory {
                            initial_pages: memory.initial,
                            maximum_pages: memory.maximum,
                        });
                    }
                }
                Payload::CustomSection(section) => self.sections.push(CustomSection {
                    name: section.name().to_owned(),
                    size: section.data().len() as u64,
                    nested: depth > 1,
                }),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Looks at the first eight bytes: magic, version, layer.
fn preamble(path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    let path = || path.to_path_buf();
    if bytes.is_empty() {
        return Err(LayoutError::NotWasm {
            path: path(),
            found: "it is empty".to_owned(),
        });
    }
    if !b"\0asm".starts_with(&bytes[..bytes.len().min(4)]) {
        let found = match bytes {
            [0x7f, b'E', b'L', b'F', ..] => "it is a program of the operating system",
            [b'(', ..] => "it looks like the text format; turn it into a component first",
            _ => "it does not start with the bytes 00 61 73 6d",
        };
        return Err(LayoutError::NotWasm {
            path: path(),
            found: found.to_owned(),
        });
    }
    if bytes.len() < 8 {
        return Err(LayoutError::Truncated {
            path: path(),
            offset: bytes.len() as u64,
        });
    }
    match Parser::new(0).parse(bytes, true) {
        Ok(wasmparser::Chunk::Parsed {
            payload:
                Payload::Version {
                    encoding: Encoding::Module,
                    ..
                },
            ..
        }) => Err(LayoutError::CoreModule { path: path() }),
        Ok(_) => Ok(()),
        Err(error) => Err(LayoutError::Corrupt {
            path: path(),
            offset: error.offset() as u64,
            reason: error.message().to_owned(),
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::component::fixture;

    fn of(bytes: &[u8]) -> Result<Layout, LayoutError> {
        Layout::of(Path::new("x.wasm"), bytes)
    }

    fn refused(bytes: &[u8]) -> String {
        of(bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_plugin_is_taken_apart() {
        let layout = of(&fixture::plugin()).unwrap();
        assert_eq!(layout.hooks, [Hook::Lifecycle]);
        assert_eq!(layout.exports, ["weihe:plugin/lifecycle@0.1.0"]);
        assert_eq!(layout.memories[0].initial_pages, 3);
        assert_eq!(layout.memories[0].maximum_pages, None);
        assert_eq!(layout.sha256.len(), 64);
    }

    #[test]
    fn what_is_no_component_is_named_for_what_it_is() {
        assert!(refused(b"").contains("it is empty"));
        assert!(refused(b"\x7fELF\x02\x01\x01\0").contains("a program"));
        assert!(refused(b"\0asm\x01\0\0\0").contains("build with --target wasm32-wasip2"));
        assert!(refused(b"\0as").contains("cut off"));
        assert!(refused(b"\0asm\x0d\0\x01\0").contains("it exports nothing"));
    }

    #[test]
    fn every_cut_of_a_plugin_is_refused_as_cut_off_or_damaged() {
        let whole = fixture::plugin();
        for length in 1..whole.len() {
            let text = refused(&whole[..length]);
            assert!(
                text.contains("cut off")
                    || text.contains("damaged")
                    || text.contains("does not export"),
                "{length}: {text}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_damage_upsets_the_reader(at in 0_usize..4096, byte: u8) {
            let mut bytes = fixture::plugin();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = of(&bytes);
        }

        #[test]
        fn no_bytes_upset_the_reader(bytes in proptest::collection::vec(0_u8..=255, 0..200)) {
            let _ = of(&bytes);
            let _ = of(&[b"\0asm\x0d\0\x01\0".as_slice(), &bytes].concat());
        }
    }
}
