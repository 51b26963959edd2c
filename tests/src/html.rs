//! What a reader of a rendered page has before him: links, anchors, captions and blocks of code.

use std::collections::BTreeSet;
use std::path::Path;

use html5gum::{Token, Tokenizer};

/// A page of HTML.
#[derive(Debug, Default)]
pub struct HtmlPage {
    /// What can be linked within it.
    pub anchors: BTreeSet<String>,
    /// Where it links to, and what it loads.
    pub references: Vec<String>,
    /// Names in its text: files, keys, commands.
    pub names: Vec<String>,
    /// Its text, as far as it matters here, in order.
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading(String),
    /// A paragraph that is one bold phrase.
    Caption(String),
    /// A paragraph that is a name of a file and a colon.
    File(String),
    /// Any other paragraph.
    Text(String),
    /// A block of code.
    Code {
        /// The language, as the block says it.
        language: String,
        /// What it shows.
        text: String,
    },
}

/// Text within a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Strong,
    Code,
}

/// Where in a page a text stands.
#[derive(Debug)]
enum Place {
    Elsewhere,
    Heading(String),
    Paragraph(Vec<(Style, String)>),
    /// In `pre`, and perhaps in its `code`.
    Code(String, String),
}

impl HtmlPage {
    /// Reads a file.
    pub fn read(file: &Path) -> Self {
        let html = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self::parse(&html)
    }

    fn parse(html: &str) -> Self {
        let mut page = Self::default();
        let (mut place, mut style) = (Place::Elsewhere, Style::Plain);
        let mut name = String::new();
        for Ok(token) in Tokenizer::new(html) {
            match token {
                Token::StartTag(tag) => {
                    let value = |name: &[u8]| {
                        let value = tag.attributes.get(name)?;
                        Some(String::from_utf8_lossy(value).into_owned())
                    };
                    page.anchors.extend(value(b"id"));
                    for reference in [b"href".as_slice(), b"src"] {
                        page.references.extend(value(reference));
                    }
                    match &tag.name[..] {
                        b"h1" | b"h2" | b"h3" | b"h4" => place = Place::Heading(String::new()),
                        b"p" => place = Place::Paragraph(Vec::new()),
                        b"pre" => place = Place::Code(String::new(), String::new()),
                        b"strong" => style = Style::Strong,
                        b"code" => match &mut place {
                            Place::Code(language, _) => {
                                let class = value(b"class").unwrap_or_default();
                                let named = class.split_whitespace();
                                let mut named =
                                    named.filter_map(|word| word.strip_prefix("language-"));
                                *language = named.next().unwrap_or_default().to_owned();
                            }
                            _ => style = Style::Code,
                        },
                        _ => {}
                    }
                }
                Token::EndTag(tag) => match &tag.name[..] {
                    b"h1" | b"h2" | b"h3" | b"h4" | b"p" | b"pre" => {
                        page.blocks.extend(place.end());
                        place = Place::Elsewhere;
                    }
                    b"strong" => style = Style::Plain,
                    b"code" if style == Style::Code => {
                        style = Style::Plain;
                        page.names.push(std::mem::take(&mut name));
                    }
                    _ => {}
                },
                Token::String(text) => {
                    let text = String::from_utf8_lossy(&text);
                    if style == Style::Code {
                        name.push_str(&text);
                    }
                    place.take(style, &text);
                }
                _ => {}
            }
        }
        page
    }

    /// Its blocks of code, in order.
    pub fn code(&self) -> impl Iterator<Item = (&str, &str)> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Code { language, text } => Some((language.as_str(), text.as_str())),
            _ => None,
        })
    }
}

impl Place {
    fn take(&mut self, style: Style, more: &str) {
        match self {
            Self::Elsewhere => {}
            Self::Heading(text) | Self::Code(_, text) => text.push_str(more),
            Self::Paragraph(pieces) => match pieces.last_mut() {
                Some((last, text)) if *last == style => text.push_str(more),
                _ => pieces.push((style, more.to_owned())),
            },
        }
    }

    fn end(&self) -> Option<Block> {
        Some(match self {
            Self::Elsewhere => return None,
            Self::Heading(text) => Block::Heading(text.clone()),
            Self::Code(language, text) => Block::Code {
                language: language.clone(),
                text: text.clone(),
            },
            Self::Paragraph(pieces) => match &pieces[..] {
                [(Style::Strong, text)] => Block::Caption(text.clone()),
                [(Style::Code, name), (Style::Plain, colon)]
                    if matches!(colon.trim(), ":" | "：") =>
                {
                    Block::File(name.clone())
                }
                pieces => Block::Text(pieces.iter().map(|(_, text)| text.as_str()).collect()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_files_and_code_are_found_as_they_are_read() {
        let page = HtmlPage::parse(
            "<h1 id=\"one\"><a href=\"#one\">One</a></h1><p><strong>Terminal A</strong></p>\
             <pre><code class=\"language-console\">$ a &lt; b\n</code></pre>\
             <p><code>src/lib.rs</code>：</p><p>Not <code>this</code>.</p>",
        );
        assert!(page.anchors.contains("one"));
        assert_eq!(page.references, ["#one"]);
        assert_eq!(page.names, ["src/lib.rs", "this"]);
        let code = Block::Code {
            language: "console".to_owned(),
            text: "$ a < b\n".to_owned(),
        };
        assert_eq!(
            page.blocks,
            [
                Block::Heading("One".to_owned()),
                Block::Caption("Terminal A".to_owned()),
                code,
                Block::File("src/lib.rs".to_owned()),
                Block::Text("Not this.".to_owned()),
            ]
        );
    }
}
