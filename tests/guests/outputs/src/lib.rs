//! The versions are the examples beside this file; what they have in common is in `guest.rs`.
