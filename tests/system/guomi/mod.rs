//! National cryptography, as users meet it.

mod capability;
mod capability_limits;
mod stand;
