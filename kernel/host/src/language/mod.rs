//! What people read, in their language: English and Chinese.
//!
//! Texts of the command line stand in `texts/en` and `texts/zh` (Fluent), and are called as functions
//! of `say`, which the build script makes. Sentences that come from elsewhere in English, such as
//! errors of the kernel and of a running host, are recognised by their words (`said`). What machines
//! read (JSON, logs, the audit trail) stays English: see `docs/decisions/0040-languages.md`.

mod bundle;
mod choice;
pub(crate) mod help;
mod said;
mod text;
mod word;

pub(crate) use choice::{Language, current};
pub use text::Text;
pub(crate) use text::{Argument, label};
pub(crate) use word::Word;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

#[cfg(test)]
pub(crate) use choice::speaking;

#[cfg(test)]
mod tests;
