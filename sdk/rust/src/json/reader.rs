//! From a text to tokens.

use super::fault::Fault;
use crate::number::Decimal;
use std::borrow::Cow;

/// How deep arrays and objects may lie in one another: the reader goes down by calls, and a
/// component's stack is small.
const DEEPEST: usize = 128;

/// A text that is being read.
pub(crate) struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: usize,
}

/// A value, or the beginning of one.
pub(super) enum Token<'de> {
    Null,
    Boolean(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(Cow<'de, str>),
    Array,
    Object,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de str) -> Self {
        Reader {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("nothing more")),
        }
    }

    /// The next byte that is no space.
    #[inline(never)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[cold]
    #[inline(never)]
    pub(super) fn expected(&mut self, what: &str) -> Fault {
        self.peek();
        Fault::new(
            match self
                .text
                .get(self.at..)
                .and_then(|rest| rest.chars().next())
            {
                Some(found) => format!("JSON: expected {what}, found `{found}`"),
                None => format!("JSON: expected {what}, found the end"),
            },
        )
    }

    /// The next value, as far as it is one token.
    #[inline(never)]
    pub(super) fn token(&mut self) -> Result<Token<'de>, Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(Token::Text),
            Some(b'{') => self.open().map(|()| Token::Object),
            Some(b'[') => self.open().map(|()| Token::Array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word("null", Token::Null),
            Some(b't') => self.word("true", Token::Boolean(true)),
            Some(b'f') => self.word("false", Token::Boolean(false)),
            _ => Err(self.expected("a value")),
        }
    }

    /// The next value as [`Reader::token`] has it, and how it is written.
    pub(super) fn token_and_text(&mut self) -> Result<(Token<'de>, &'de str), Fault> {
        self.peek();
        let start = self.at;
        let token = self.token()?;
        Ok((token, self.text.get(start..self.at).unwrap_or_default()))
    }

    /// The nearest `f32` to a number that has this `f64`.
    pub(super) fn short_float(&self, value: f64, text: &str) -> Result<f32, Fault> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let near = Decimal::scan(digits.as_bytes()).map_or(value, |digits| digits.to_f64_for_f32());
        let short = (near as f32).copysign(value as f32);
        match short.is_finite() {
            true => Ok(short),
            false => Err(out_of_range()),
        }
    }

    /// Whether `null` is next; it is taken then.
    pub(super) fn null(&mut self) -> Result<bool, Fault> {
        match self.peek() {
            Some(b'n') => self.word("null", true),
            _ => Ok(false),
        }
    }

    fn word<T>(&mut self, word: &str, value: T) -> Result<T, Fault> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn rest(&self) -> &'de [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn open(&mut self) -> Result<(), Fault> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::new(format!(
                "JSON: arrays and objects lie more than {DEEPEST} deep in one another"
            )));
        }
        Ok(())
    }

    /// Whether another element follows in an array; its end is taken.
    #[inline(never)]
    pub(super) fn element(&mut self, first: &mut bool) -> Result<bool, Fault> {
        self.follows(first, b']', "`,` or `]`")
    }

    /// The key that follows in an object, with its colon; the object's end is taken.
    #[inline(never)]
    pub(super) fn key(&mut self, first: &mut bool) -> Result<Option<Cow<'de, str>>, Fault> {
        if !self.follows(first, b'}', "`,` or `}`")? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    fn follows(&mut self, first: &mut bool, end: u8, expected: &str) -> Result<bool, Fault> {
        let next = self.peek();
        if next == Some(end) {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        match (std::mem::replace(first, false), next) {
            (true, _) => {}
            (false, Some(b',')) => {
                self.at += 1;
                if self.peek() == Some(end) {
                    return Err(self.expected("a value"));
                }
            }
            (false, _) => return Err(self.expected(expected)),
        }
        Ok(true)
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        let mut first = true;
        match self.token()? {
            Token::Array => {
                while self.element(&mut first)? {
                    self.skip()?;
                }
            }
            Token::Object => {
                while self.key(&mut first)?.is_some() {
                    self.skip()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// RFC 8259, section 6.
    fn number(&mut self) -> Result<Token<'de>, Fault> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let rest = self.rest();
        let length = rest.iter().position(|byte| !is_part(byte));
        let text = &rest[..length.unwrap_or(rest.len())];
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            _ => (false, text),
        };
        // A zero at the beginning stands alone; a point has digits on both sides.
        let shaped = match digits {
            [b'0', b'0'..=b'9', ..] => false,
            [b'0'..=b'9', ..] => true,
            _ => false,
        };
        let point = digits.iter().position(|byte| *byte == b'.');
        let followed = point.is_none_or(|at| matches!(digits.get(at + 1), Some(b'0'..=b'9')));
        let Some(decimal) = Decimal::scan(digits).filter(|_| shaped && followed) else {
            return Err(self.expected("a number"));
        };
        self.at += text.len();
        if let Some(whole) = decimal.whole() {
            if !negative {
                return Ok(Token::Unsigned(whole));
            }
            // Negative zero is no integer.
            if whole != 0
                && let Some(value) = 0_i64.checked_sub_unsigned(whole)
            {
                return Ok(Token::Negative(value));
            }
        }
        let value = decimal.to_f64();
        if value.is_infinite() {
            return Err(out_of_range());
        }
        Ok(Token::Float(if negative { -value } else { value }))
    }

    /// RFC 8259, section 7. Borrowed where nothing in it is escaped.
    fn string(&mut self) -> Result<Cow<'de, str>, Fault> {
        self.at += 1;
        let mut owned = String::new();
        loop {
            let rest = self.rest();
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            let length = rest.iter().position(special).unwrap_or(rest.len());
            let piece = self.text.get(self.at..self.at + length).unwrap_or_default();
            self.at += length;
            match rest.get(length) {
                Some(b'"') => {
                    self.at += 1;
                    if owned.is_empty() {
                        return Ok(Cow::Borrowed(piece));
                    }
                    owned.push_str(piece);
                    return Ok(Cow::Owned(owned));
                }
                Some(b'\\') => {
                    owned.push_str(piece);
                    self.at += 1;
                    owned.push(self.escaped()?);
                }
                Some(_) => {
                    return Err(Fault::text(
                        "JSON: a text holds a control character that is not escaped",
                    ));
                }
                None => return Err(self.expected("the end of a text")),
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Result<char, Fault> {
        let byte = self.byte();
        self.at += 1;
        Ok(match byte {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                self.at -= 1;
                return Err(self.expected("an escaped character"));
            }
        })
    }

    fn unicode(&mut self) -> Result<char, Fault> {
        let mut code = self.four_digits();
        // Beyond 16 bits: a high half, and a low one.
        if let Some(high @ 0xd800..=0xdbff) = code {
            code = None;
            if self.rest().starts_with(b"\\u") {
                self.at += 2;
                if let Some(low @ 0xdc00..=0xdfff) = self.four_digits() {
                    code = Some(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                }
            }
        }
        let found = code.and_then(char::from_u32);
        found.ok_or_else(|| Fault::text("JSON: `\\u` stands for no character"))
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.rest().first_chunk::<4>()?;
        self.at += digits.len();
        digits.iter().try_fold(0, |code, digit| {
            Some(code * 16 + char::from(*digit).to_digit(16)?)
        })
    }
}

#[cold]
fn out_of_range() -> Fault {
    Fault::text("JSON: a number is out of range")
}
