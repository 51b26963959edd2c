//! The function under the attribute.

use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::Wrong;

/// A function that takes a setup.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// Attributes for the tests, as source.
    pub(crate) attributes: String,
}

/// `#[…]`.
pub(crate) struct Attribute {
    pub(crate) tokens: Vec<TokenTree>,
    name: String,
}

/// Attributes that belong to the tests, not to the function that they call.
pub(crate) fn is_for_tests(attribute: &Attribute) -> bool {
    matches!(attribute.name.as_str(), "should_panic" | "ignore")
}

/// The attributes at the beginning of an item, and the rest of it.
pub(crate) fn split_attributes(item: TokenStream) -> (Vec<Attribute>, Vec<TokenTree>) {
    let mut tokens = item.into_iter().peekable();
    let mut attributes = Vec::new();
    while matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '#') {
        let both: Vec<TokenTree> = tokens.by_ref().take(2).collect();
        let name = match both.get(1) {
            Some(TokenTree::Group(group)) => group.stream().into_iter().next(),
            _ => None,
        };
        attributes.push(Attribute {
            name: name.map(|name| name.to_string()).unwrap_or_default(),
            tokens: both,
        });
    }
    (attributes, tokens.collect())
}

impl Function {
    pub(crate) fn read(item: TokenStream) -> Result<Self, Wrong> {
        let (attributes, rest) = split_attributes(item);
        let attributes: TokenStream = attributes
            .into_iter()
            .filter(is_for_tests)
            .flat_map(|attribute| attribute.tokens)
            .collect();
        let mut tokens = rest.into_iter();
        let not_one = |span| {
            Wrong::new(
                "this is for a function that takes a `Setup`: `fn it_works(setup: Setup<MyPlugin>)`",
                span,
            )
        };
        let mut last = Span::call_site();
        while let Some(token) = tokens.next() {
            last = token.span();
            let word = token.to_string();
            if word == "async" {
                let text = "tests of plugins are not asynchronous: plugins are not, either";
                return Err(Wrong::new(text, last));
            }
            if word != "fn" {
                continue;
            }
            let Some(TokenTree::Ident(name)) = tokens.next() else {
                return Err(not_one(last));
            };
            return match tokens.next() {
                Some(TokenTree::Group(parameters))
                    if parameters.delimiter() == Delimiter::Parenthesis
                        && !parameters.stream().is_empty() =>
                {
                    Ok(Function {
                        name: name.to_string(),
                        span: name.span(),
                        attributes: attributes.to_string(),
                    })
                }
                _ => Err(not_one(name.span())),
            };
        }
        Err(not_one(last))
    }
}

/// Tokens as if they were written at a place.
pub(crate) fn at(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                let inner = at(group.stream(), span);
                token = Group::new(group.delimiter(), inner).into();
            }
            token.set_span(span.resolved_at(Span::call_site()));
            token
        })
        .collect()
}
