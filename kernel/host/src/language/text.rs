//! A text with what is filled into it, which can be said in each language.

use std::fmt;

use fluent_bundle::FluentArgs;

use super::{Language, bundle, current, said};

/// What a command says. Shown in the language of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Box<Kind>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// From the texts of the command line.
    Own {
        key: &'static str,
        arguments: Vec<(&'static str, Argument)>,
    },
    /// From elsewhere, in English: recognised and translated where it is known.
    Foreign(String),
    /// The same in each.
    Same(String),
}

/// What is filled into a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    /// The same in each language: names, paths, numbers.
    Word(String),
    /// Has a language itself.
    Text(Text),
}

impl Text {
    pub(super) fn of(key: &'static str, arguments: Vec<(&'static str, Argument)>) -> Self {
        Self(Box::new(Kind::Own { key, arguments }))
    }

    /// What an error of another crate, or a running host, says in English.
    pub(crate) fn told(words: impl fmt::Display) -> Self {
        Self(Box::new(Kind::Foreign(words.to_string())))
    }

    /// What is the same in each language, where a text is expected.
    pub(crate) fn same(words: &str) -> Self {
        Self(Box::new(Kind::Same(words.to_owned())))
    }

    /// For machines.
    pub fn english(&self) -> String {
        self.speak(Language::English)
    }

    /// In this language.
    pub(super) fn speak(&self, language: Language) -> String {
        match &*self.0 {
            Kind::Own { key, arguments } => {
                let mut filled = FluentArgs::new();
                for (name, argument) in arguments {
                    let argument = match argument {
                        Argument::Word(word) => word.clone(),
                        Argument::Text(text) => text.speak(language),
                    };
                    filled.set(*name, argument);
                }
                // The build script saw to it that each key is there.
                bundle::format(language, key, &filled).unwrap_or_else(|| (*key).to_owned())
            }
            Kind::Same(words) => words.clone(),
            Kind::Foreign(words) => match language {
                Language::English => words.clone(),
                language => said::translate(words, language).unwrap_or_else(|| words.clone()),
            },
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.speak(current()))
    }
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Self(Box::new(Kind::Foreign(words)))
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        Self(Box::new(Kind::Foreign(words.to_owned())))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.to_string()
    }
}

impl From<Text> for Argument {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

/// Words that are the same in each language.
macro_rules! words {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Argument {
            fn from(word: $kind) -> Self {
                Self::Word(word.to_string())
            }
        }
    )*};
}

words!(
    &str,
    String,
    &String,
    u32,
    u64,
    usize,
    std::path::Display<'_>
);

/// A heading in front of what it is about: Chinese colons bring their blank along.
pub(crate) fn label(shown: impl fmt::Display, of: &Text, rest: impl fmt::Display) -> String {
    match of.to_string().ends_with('：') {
        true => format!("{shown}{rest}"),
        false => format!("{shown} {rest}"),
    }
}
