//! Plugins that say who made them: one file still, with a signature at its end.

mod fault;
mod gate;
mod policy;
mod section;
mod statement;
mod verify;
mod versions;

pub use fault::Fault;
pub use gate::Gate;
pub use policy::{Allowed, Mode, Policy, Who};
pub use section::{CONTENT_LIMIT, SECTION, SectionError, Signed, join, part};
pub use statement::{CERTIFICATES_LIMIT, CONTEXT, Envelope, Statement, StatementError};
pub use verify::{SignError, Sound, sign};
pub use versions::{Compare, Versions};
