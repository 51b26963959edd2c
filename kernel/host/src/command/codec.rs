//! `weihe decode` and `weihe encode`: a plugin's parser, in an instance where every import traps.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use weihe_kernel::event::{Quality, hex};
use weihe_kernel::runtime::{CodecError, CodecInstance, Decoded, Direction};

use super::call::parse_arguments;
use super::events::value;
use super::{Global, Result, plugin_file, remote};
use crate::language::{Text, Word as _, say};
use crate::output::{Failure, Outcome, Style, Table, print, print_json};
use crate::system::DryRun;

/// The longest frame that is read. The longest of any protocol that fieldbuses know is far below.
const FRAME_LIMIT: usize = 1 << 20;

/// Take a frame apart with a plugin's codec
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe decode plugins/modbus.wasm '11 03 00 6B 00 03 76 87' --option mode=rtu\n  weihe decode modbus '11 03 06 AE 41 56 52 43 40 49 AD' --request '11 03 00 6B 00 03 76 87' --option mode=rtu"
)]
pub(super) struct Decode {
    /// The component, or the name of a plugin of the current system
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Octets in hexadecimal, with or without blanks, colons and 0x; `-` reads standard input
    #[arg(value_name = "HEX", required = true)]
    hex: Vec<String>,
    /// The frame is the answer to a request
    #[arg(long, conflicts_with = "unsolicited")]
    reply: bool,
    /// The frame came from a server that was not asked
    #[arg(long)]
    unsolicited: bool,
    /// The request that the frame answers; implies --reply
    #[arg(long, value_name = "HEX", conflicts_with = "unsolicited")]
    request: Option<String>,
    /// An option of the protocol
    #[arg(long = "option", short, value_name = "KEY=VALUE")]
    options: Vec<String>,
}

/// Build a request with a plugin's codec
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  weihe encode modbus '{\"mode\": \"rtu\", \"unit\": 17, \"function\": 3, \"address\": 107, \"quantity\": 3}'"
)]
pub(super) struct Encode {
    /// The component, or the name of a plugin of the current system
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The request as the codec takes it: a JSON object, or key=value pairs; `-` reads standard input
    #[arg(value_name = "JSON", required = true)]
    request: Vec<String>,
}

impl Decode {
    pub(super) fn run(self, global: &Global) -> Result {
        let bytes = parse_hex(&input(&self.hex)?)?;
        let request = self.request.as_deref().map(parse_hex).transpose()?;
        let options = Value::Object(parse_arguments(&self.options)?).to_string();
        let direction = if self.unsolicited {
            Direction::Unsolicited
        } else if self.reply || request.is_some() {
            Direction::Reply
        } else {
            Direction::Request
        };
        let request = request.unwrap_or_default();
        let decoded = with_codec(&self.file, global, |codec| {
            codec.decode(direction, &request, &options, &bytes)
        })?;
        match decoded {
            Ok(decoded) if global.json => print_json(&decoded_json(&decoded, &bytes)),
            Ok(decoded) => print(&render(&decoded, &bytes, Style::stdout())),
            Err(error) => {
                let mut failure = Failure::plain(Text::told(&error));
                if direction == Direction::Request && !matches!(error, CodecError::Invalid(_)) {
                    failure.help = Some(say::codec_read_as_request());
                }
                return Err(failure);
            }
        }
        Ok(Outcome::Done)
    }
}

impl Encode {
    pub(super) fn run(self, global: &Global) -> Result {
        let words = match self.request.as_slice() {
            [dash] if dash == "-" => vec![input(&self.request)?],
            words => words.to_vec(),
        };
        let request = Value::Object(parse_arguments(&words)?).to_string();
        let bytes = with_codec(&self.file, global, |codec| codec.encode(&request))?
            .map_err(|error| Failure::plain(error.to_string()))?;
        if global.json {
            print_json(&json!({ "bytes": hex(&bytes), "length": bytes.len() }));
        } else {
            print(&format!("{}\n", spaced(&bytes)));
        }
        Ok(Outcome::Done)
    }
}

/// Loads a plugin and hands its codec over.
fn with_codec<T>(
    file: &Path,
    global: &Global,
    work: impl FnOnce(&mut CodecInstance) -> std::result::Result<T, CodecError>,
) -> std::result::Result<std::result::Result<T, CodecError>, Failure> {
    let file = plugin_file::find(file, global);
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let (dry, codec) = remote::converse(async {
        let dry = DryRun::bare().map_err(|error| Failure::plain(error.to_string()))?;
        dry.load(&stem, &file)
            .await
            .map_err(|error| Failure::plain(error.to_string()))?;
        let codec = dry.codec(&stem).ok_or_else(|| {
            let help = say::codec_none_help(file.display());
            Failure::new(say::codec_none(file.display()), help)
        })?;
        Ok((dry, codec))
    })?;
    let mut codec = codec;
    let result = work(&mut codec);
    drop(codec);
    remote::converse(async {
        dry.end().await;
        Ok(())
    })?;
    Ok(result)
}

/// The words of the command line, or all of standard input for `-`.
fn input(words: &[String]) -> std::result::Result<String, Failure> {
    if !matches!(words, [dash] if dash == "-") {
        return Ok(words.join(" "));
    }
    let mut text = String::new();
    // Three characters an octet, and room for prefixes.
    let limit = (FRAME_LIMIT * 6) as u64;
    std::io::stdin()
        .take(limit)
        .read_to_string(&mut text)
        .map_err(|error| Failure::plain(say::codec_no_input(Text::told(error))))?;
    Ok(text)
}

/// Octets from hexadecimal digits; blanks, colons, commas, dashes and `0x` may stand between them.
fn parse_hex(text: &str) -> std::result::Result<Vec<u8>, Failure> {
    let wrong = |what: Text| Failure::usage(what, say::codec_hex_help());
    let mut bytes = Vec::new();
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '-' | ';'));
    for word in words.filter(|word| !word.is_empty()) {
        let digits = word
            .strip_prefix("0x")
            .or_else(|| word.strip_prefix("0X"))
            .unwrap_or(word);
        if let Some(c) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(wrong(say::codec_not_hex(word, c.to_string())));
        }
        if digits.is_empty() || !digits.len().is_multiple_of(2) {
            return Err(wrong(say::codec_odd(word)));
        }
        for pair in digits.as_bytes().chunks_exact(2) {
            let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
            bytes.push(digit(pair[0]) << 4 | digit(pair[1]));
        }
    }
    match bytes.len() {
        0 => Err(wrong(say::codec_no_octets())),
        1..=FRAME_LIMIT => Ok(bytes),
        length => Err(wrong(say::codec_too_many(length, FRAME_LIMIT))),
    }
}

/// "01 03 00 6b".
fn spaced(bytes: &[u8]) -> String {
    let octets: Vec<String> = bytes.iter().map(|byte| hex(&[*byte])).collect();
    octets.join(" ")
}

/// The octets of a field; what a codec says beyond the frame is left out.
fn octets(bytes: &[u8], offset: u32, length: u32) -> &[u8] {
    let start = (offset as usize).min(bytes.len());
    let end = start.saturating_add(length as usize).min(bytes.len());
    &bytes[start..end]
}

fn decoded_json(decoded: &Decoded, bytes: &[u8]) -> Value {
    let fields: Vec<Value> = decoded
        .fields
        .iter()
        .map(|field| {
            json!({
                "offset": field.offset,
                "bytes": hex(octets(bytes, field.offset, field.length)),
                "name": field.name,
                "meaning": field.meaning,
            })
        })
        .collect();
    let readings: Vec<Value> = decoded
        .readings
        .iter()
        .map(|reading| {
            json!({
                "name": reading.name,
                "value": reading.value.to_json(),
                "unit": reading.unit,
                "quality": reading.quality,
            })
        })
        .collect();
    json!({ "fields": fields, "readings": readings, "consumed": decoded.consumed })
}

fn render(decoded: &Decoded, bytes: &[u8], style: Style) -> String {
    let mut fields = Table::new([
        say::codec_column_offset(),
        say::codec_column_bytes(),
        say::codec_column_name(),
        say::codec_column_meaning(),
    ]);
    for field in &decoded.fields {
        fields.row([
            field.offset.to_string(),
            spaced(octets(bytes, field.offset, field.length)),
            field.name.clone(),
            field.meaning.clone(),
        ]);
    }
    let mut text = fields.to_string();
    let mut readings = Table::new([
        say::codec_column_reading(),
        say::codec_column_value(),
        say::codec_column_unit(),
        say::codec_column_quality(),
    ]);
    for reading in &decoded.readings {
        let quality = reading.quality.word();
        let quality = match reading.quality {
            Quality::Good => style.good(quality),
            Quality::Uncertain => style.warn(quality),
            Quality::Bad => style.bad(quality),
        };
        let shown = value(&reading.value.to_json());
        readings.row([reading.name.clone(), shown, reading.unit.clone(), quality]);
    }
    if !readings.is_empty() {
        let _ = write!(text, "\n{readings}");
    }
    let left = bytes.len().saturating_sub(decoded.consumed as usize);
    if left > 0 {
        let _ = writeln!(text, "\n{}", say::codec_left(left));
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_read_however_people_write_them() {
        let frame = [0x11, 0x03, 0x00, 0x6b];
        for text in [
            "1103006b",
            "11 03 00 6B",
            "11:03:00:6b",
            "0x11,0x03,0x00 0x6B",
            "1103\n006b\n",
        ] {
            assert_eq!(parse_hex(text).unwrap(), frame, "{text}");
        }
        assert_eq!(spaced(&frame), "11 03 00 6b");
    }

    #[test]
    fn what_is_not_hexadecimal_is_a_wrong_call() {
        for (text, word) in [
            ("11 0g", "`g`"),
            ("113", "odd"),
            ("", "no octets"),
            ("0x", "odd"),
            ("温", "`温`"),
        ] {
            let failure = parse_hex(text).unwrap_err();
            assert!(
                failure.usage && failure.message.to_string().contains(word),
                "{text}: {}",
                failure.message
            );
        }
    }

    #[test]
    fn fields_beyond_the_frame_do_not_upset_anyone() {
        assert_eq!(octets(&[1, 2], 1, u32::MAX), [2]);
        assert_eq!(octets(&[1, 2], 9, 1), [0_u8; 0]);
    }
}
