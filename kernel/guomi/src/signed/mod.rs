//! Plugins that say who made them: one file still, with a signature at its end.

mod section;
mod statement;

pub use section::{CONTENT_LIMIT, SECTION, SectionError, Signed, join, part};
pub use statement::{CERTIFICATES_LIMIT, CONTEXT, Envelope, Statement, StatementError};
