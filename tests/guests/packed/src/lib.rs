//! A plugin for tests, made from the WIT alone: takes packed batches as `weihe:plugin/events-batch`
//! lays them out, and publishes each event again, packed, on `plugin/<device>/out`.
//!
//! The text `fault: NAME` makes it publish a batch that breaks the layout in that way; what the
//! kernel says to it comes on `plugin/<device>/refused`. The text `reject` is answered with an error.

#[cfg(target_arch = "wasm32")]
mod guest;
