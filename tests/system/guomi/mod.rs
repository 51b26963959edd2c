//! National cryptography, as users meet it: for plugins, with certificates that `weihe tls` makes, at the control
//! door and on connections, and with OpenSSL at the other end.

mod capability;
mod capability_limits;
mod door;
mod pki;
#[path = "../../../kernel/guomi/rustls/tests/tls/python.rs"]
mod python;
mod stand;
mod tls;
