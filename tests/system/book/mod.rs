//! The book in `docs/book`: rendered, its links followed, its tutorial carried out.

mod links;
mod recipes;
mod reference;
mod shell;
mod shown;
mod tutorial;
mod words;
