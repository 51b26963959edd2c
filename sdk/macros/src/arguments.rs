//! What stands in the parentheses.

use proc_macro::{TokenStream, TokenTree};

use crate::Wrong;

/// `sandbox, memory = "4 MiB"`.
pub(crate) struct Arguments {
    pub(crate) native: bool,
    pub(crate) sandbox: bool,
    /// `("memory", "4 MiB")`, as source.
    pub(crate) budgets: Vec<String>,
}

impl Arguments {
    pub(crate) fn read(tokens: TokenStream) -> Result<Self, Wrong> {
        let mut arguments = Arguments {
            native: true,
            sandbox: false,
            budgets: Vec::new(),
        };
        let mut tokens = tokens.into_iter().peekable();
        while let Some(name) = tokens.next() {
            let span = name.span();
            let (key, is_word) = match &name {
                TokenTree::Ident(word) => (word.to_string().replace('_', "-"), true),
                TokenTree::Literal(text) => (unquoted(&text.to_string()), false),
                other => {
                    let text = format!("expected `sandbox` or a limit, found `{other}`");
                    return Err(Wrong::new(text, span));
                }
            };
            let mut value = None;
            if matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '=') {
                tokens.next();
                match tokens.next() {
                    Some(TokenTree::Literal(text)) => value = Some(unquoted(&text.to_string())),
                    _ => {
                        let text = format!("`{key}` is a text, like `{key} = \"4 MiB\"`");
                        return Err(Wrong::new(text, span));
                    }
                }
            }
            match (key.as_str(), value) {
                ("sandbox", None) if is_word => arguments.sandbox = true,
                ("sandbox", Some(only)) if only == "only" => {
                    arguments.sandbox = true;
                    arguments.native = false;
                }
                ("sandbox", Some(other)) => {
                    let text = format!("`sandbox` stands alone or is \"only\", not \"{other}\"");
                    return Err(Wrong::new(text, span));
                }
                (_, Some(most)) => arguments.budgets.push(format!("({key:?}, {most:?})")),
                (_, None) => {
                    let text = format!(
                        "expected `sandbox`, or a limit with its most, like `memory = \"4 MiB\"`; found `{key}`"
                    );
                    return Err(Wrong::new(text, span));
                }
            }
            match tokens.next() {
                None => break,
                Some(TokenTree::Punct(comma)) if comma.as_char() == ',' => {}
                Some(other) => {
                    let text = format!("expected a comma, found `{other}`");
                    return Err(Wrong::new(text, other.span()));
                }
            }
        }
        if !arguments.budgets.is_empty() && !arguments.sandbox {
            let text = "what a plugin uses is only measured in the sandbox: write `sandbox`, too";
            return Err(Wrong::new(text, proc_macro::Span::call_site()));
        }
        Ok(arguments)
    }
}

fn unquoted(literal: &str) -> String {
    literal.trim_matches('"').to_owned()
}
