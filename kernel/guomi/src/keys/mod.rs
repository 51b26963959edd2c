//! Keys that stay in the host.
//!
//! A [`Key`] works and says what it is, and is opened by its name; what it consists of comes out only where it was
//! declared exportable when it was made. Keys are kept by [`Provider`]s, in files ([`Folder`](folder::Folder)) or in a
//! device, and the [`KeyStore`] joins those: it checks uses, and says in the audit trail what was done.
//!
//! Keys have versions. [`KeyStore::rotate`] makes a new one, which is what opens without a number from then on; the
//! old ones verify and decrypt until they are destroyed.

mod about;
mod algorithm;
mod checked;
mod error;
pub mod folder;
pub mod hardware;
mod hex;
mod key;
mod new;
mod provider;
mod shelf;
mod soft;
mod store;
mod uses;
mod watch;

pub use about::About;
pub use algorithm::Algorithm;
pub use error::KeyError;
pub use key::{
    Aead, AeadMode, Agreed, Direction, Exchange, Key, Mac, Mode, Padding, Role, Sealer, Secret,
    Stream, Terms,
};
pub use new::NewKey;
pub use provider::{Listing, Provider, Standing};
pub(crate) use soft::SoftKey;
pub use store::{KeyStore, action};
pub use uses::{Use, Uses};
