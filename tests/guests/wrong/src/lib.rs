//! The components are the examples beside this file.
