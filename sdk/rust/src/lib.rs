//! The Rust SDK for Weihe plugins
