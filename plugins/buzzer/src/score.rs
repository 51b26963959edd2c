//! What is played: tones and silences. Pure: no kernel in here.

use serde::{Deserialize, Serialize};
use weihe_sdk::Duration;

/// Of a melody: more is longer than anybody listens to a buzzer.
const MOST_NOTES: usize = 1_000;

/// The lowest tone of RTTTL's scale, octave 4: C4, by A4 = 440 Hz in equal temperament.
const A4: f64 = 440.0;

/// A tone, or silence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// In hertz; `None` is silence.
    pub hertz: Option<f64>,
    /// For how long.
    pub span: Duration,
}

/// A number of beeps.
pub fn beeps(hertz: f64, times: u32, on: Duration, off: Duration) -> Vec<Note> {
    let mut notes = Vec::new();
    for time in 0..times {
        if time > 0 {
            notes.push(Note {
                hertz: None,
                span: off,
            });
        }
        notes.push(Note {
            hertz: Some(hertz),
            span: on,
        });
    }
    notes
}

/// Reads a melody in RTTTL (Nokia's Ring Tone Text Transfer Language):
/// `name:d=4,o=5,b=100:8e6,8p,2c.`.
pub fn rtttl(text: &str) -> Result<Vec<Note>, String> {
    let mut parts = text.splitn(3, ':');
    let (Some(_), Some(defaults), Some(notes)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("a melody in RTTTL is \"name:d=4,o=5,b=100:8e6,8p,2c\"".into());
    };
    // The defaults of the specification.
    let (mut duration, mut octave, mut beats) = (4, 6, 63);
    for setting in defaults
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        let wrong = || format!("`{setting}` is no default: `d`, `o` and `b` have a number");
        let (key, value) = setting.split_once('=').ok_or_else(wrong)?;
        let value: u32 = value.trim().parse().map_err(|_| wrong())?;
        match key.trim() {
            "d" if is_duration(value) => duration = value,
            "o" if (3..=8).contains(&value) => octave = value,
            "b" if (10..=900).contains(&value) => beats = value,
            _ => return Err(wrong()),
        }
    }
    // A beat is a quarter.
    let whole = 240.0 / f64::from(beats);
    let mut melody = Vec::new();
    for text in notes
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        if melody.len() == MOST_NOTES {
            return Err(format!("a melody has {MOST_NOTES} notes at most"));
        }
        melody.push(note(text, duration, octave, whole).ok_or(format!("`{text}` is no note"))?);
    }
    match melody.is_empty() {
        true => Err("the melody has no notes".into()),
        false => Ok(melody),
    }
}

fn is_duration(value: u32) -> bool {
    matches!(value, 1 | 2 | 4 | 8 | 16 | 32)
}

fn note(text: &str, duration: u32, octave: u32, whole: f64) -> Option<Note> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let duration = match number {
        "" => duration,
        number => number.parse().ok().filter(|value| is_duration(*value))?,
    };
    let mut letters = rest.chars();
    let letter = letters.next()?.to_ascii_lowercase();
    // Half tones above C.
    let tone = match letter {
        'c' => Some(0),
        'd' => Some(2),
        'e' => Some(4),
        'f' => Some(5),
        'g' => Some(7),
        'a' => Some(9),
        // German for B, which some editors write.
        'b' | 'h' => Some(11),
        'p' => None,
        _ => return None,
    };
    let mut rest = letters.as_str();
    let mut sharp = 0;
    if let Some(after) = rest.strip_prefix('#') {
        (sharp, rest) = (1, after);
    }
    // The dot stands before or behind the octave: both are found in the wild.
    let dots = rest.matches('.').count();
    let octave = match rest.replace('.', "").as_str() {
        "" => octave,
        text => text
            .parse()
            .ok()
            .filter(|octave| (3..=8).contains(octave))?,
    };
    if dots > 1 {
        return None;
    }
    let seconds = whole / f64::from(duration) * if dots == 1 { 1.5 } else { 1.0 };
    let hertz = tone.map(|tone| {
        let steps = f64::from(tone + sharp - 9) + 12.0 * (f64::from(octave) - 4.0);
        A4 * (steps / 12.0).exp2()
    });
    Some(Note {
        hertz,
        span: Duration::from_nanos((seconds * 1e9) as u64),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_melody_has_its_tones_and_lengths() {
        let notes = rtttl("fanfare:d=4,o=5,b=120:a4,8c6,8p,2c#.").unwrap();
        let heard: Vec<_> = notes
            .iter()
            .map(|note| {
                (
                    note.hertz.map(|hertz| hertz.round()),
                    note.span.as_nanos() / 1_000_000,
                )
            })
            .collect();
        // A beat of 120 a minute is half a second; C6 and C#5 by the tables of equal temperament.
        assert_eq!(
            heard,
            [
                (Some(440.0), 500),
                (Some(1047.0), 250),
                (None, 250),
                (Some(554.0), 1_500)
            ]
        );
    }

    #[test]
    fn what_is_no_melody_names_the_note() {
        for (text, culprit) in [
            ("beep", "RTTTL"),
            ("x:d=3:c", "`d=3`"),
            ("x:q=1:c", "`q=1`"),
            ("x::c,8x", "`8x`"),
            ("x::7c", "`7c`"),
            ("x::c9", "`c9`"),
            ("x::ü", "`ü`"),
            ("x::", "no notes"),
        ] {
            let error = rtttl(text).unwrap_err();
            assert!(error.contains(culprit), "{text}: {error}");
        }
    }
}
