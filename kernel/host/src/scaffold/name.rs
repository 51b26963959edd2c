//! Names of crates that are plugins.

use crate::config::{NAME_LIMIT, is_name, suggest};

/// Keywords, which cannot be crates' names, and libraries that are there already.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "serde_json",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "weihe-sdk",
    "weihe_sdk",
    "where",
    "while",
    "yield",
];

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has letters that names cannot have, or is too long.
    #[error("`{name}` cannot be the name of a plugin")]
    Shape {
        /// The name.
        name: String,
    },
    /// Rust or the SDK has it.
    #[error("`{name}` cannot be the name of a plugin: Rust, or a library of the plugin, has it")]
    Reserved {
        /// The name.
        name: String,
    },
}

impl NameError {
    /// The rule, and a name that would do.
    pub fn help(&self) -> String {
        match self {
            Self::Shape { name } => {
                let rule = format!(
                    "names have lower-case letters, digits, `-` and `_`, start with a letter, and \
                     are at most {NAME_LIMIT} bytes long"
                );
                match suggest(name).filter(|better| check_name(better).is_ok()) {
                    Some(better) => format!("{rule}: `{better}`"),
                    None => rule,
                }
            }
            Self::Reserved { name } => format!("take another one: `my-{}`", name.replace('_', "-")),
        }
    }
}

/// Whether a crate can have this name, and its plugin in `weihe.toml` too.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if !is_name(name) {
        return Err(NameError::Shape {
            name: name.to_owned(),
        });
    }
    if RESERVED.contains(&name) {
        return Err(NameError::Reserved {
            name: name.to_owned(),
        });
    }
    Ok(())
}
