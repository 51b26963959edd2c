//! The book in `docs/book`: rendered, its links followed, its tutorial carried out.

mod links;
mod shell;
mod shown;
mod tutorial;
