//! What the shape alone does not say of a board file.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::embedded::TEXTS;
use super::fault::FileFault;
use super::shape::{At, Places, Written, WrittenPart};
use crate::board::names::nearest;

/// The most lines of a bank; the kernel refuses chips of more (GPIO uAPI: offsets are 32 bits, and drivers have a
/// few hundred).
const MOST_LINES: u32 = 1_024;

/// The longest name: it stands in topics, tables and error messages.
const LONGEST_NAME: usize = 64;

/// All that is wrong, in the order of the file.
pub(super) fn check(written: &Written) -> Vec<FileFault> {
    let mut check = Check {
        faults: Vec::new(),
        sources: written.sources.keys().map(String::as_str).collect(),
    };
    if let Some(base) = &written.extends {
        check.base(base);
    }
    for found in &written.matches {
        let span = found.span();
        let found = found.get_ref();
        let empty = found.model_name.is_empty()
            && found.compatible.is_empty()
            && found.dmi.is_empty()
            && found.vendor.is_empty()
            && found.implementer.is_none();
        if empty {
            let message = "this `[[match]]` fits every machine";
            let fault = FileFault::new(span, message, "nothing is named");
            check.faults.push(
                fault.help("name `compatible`, `model-name`, `dmi`, `vendor` or `implementer`"),
            );
        }
        if let Some(count) = &found.count {
            let (least, most) = count.get_ref().bounds();
            if least == 0 || least > most {
                let message = format!("no machine has from {least} to {most} processors");
                check
                    .faults
                    .push(FileFault::new(count.span(), message, "here"));
            }
        }
        check.fact(&found.source, &found.unverified);
    }
    check.banks(written);
    for line in &written.line {
        check.name(&line.name);
        check.fact(&line.source, &line.unverified);
    }
    let names = written.line.iter().map(|line| &line.name);
    check.unique("[[line]]", names);
    check.parts("[[i2c]]", &written.i2c);
    check.parts("[[spi]]", &written.spi);
    check.parts("[[uart]]", &written.uart);
    check.parts("[[pwm]]", &written.pwm);
    check.parts("[[adc]]", &written.adc);
    let mut faults = check.faults;
    faults.sort_by_key(|fault| fault.span.start);
    faults
}

struct Check<'w> {
    faults: Vec<FileFault>,
    sources: Vec<&'w str>,
}

impl<'w> Check<'w> {
    fn base(&mut self, base: &Spanned<String>) {
        // Their names alone: they may be about to be read themselves.
        let known: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).collect();
        if known.contains(&base.get_ref().as_str()) {
            return;
        }
        let message = format!("there is no board file `{}` to extend", base.get_ref());
        let fault = FileFault::new(base.span(), message, "unknown");
        self.faults.push(
            fault.help(match nearest(base.get_ref(), known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", known.join(", ")),
            }),
        );
    }

    fn banks(&mut self, written: &'w Written) {
        for bank in &written.gpio {
            self.name(&bank.bank);
            self.places(&bank.at);
            if let Some(alias) = &bank.alias {
                self.name(alias);
            }
            self.fact(&bank.source, &bank.unverified);
            if let Some(lines) = &bank.lines
                && !(1..=MOST_LINES).contains(lines.get_ref())
            {
                let message = format!("a bank of {} lines", lines.get_ref());
                let fault = FileFault::new(lines.span(), message, "out of bounds");
                self.faults
                    .push(fault.help(format!("a bank has 1 to {MOST_LINES} lines")));
            }
            if let Some(first) = &bank.first
                && *first.get_ref() >= MOST_LINES
            {
                let message = format!("a bank that begins at line {}", first.get_ref());
                let fault = FileFault::new(first.span(), message, "out of bounds");
                self.faults
                    .push(fault.help(format!("chips have up to {MOST_LINES} lines")));
            }
        }
        self.unique("[[gpio]]", written.gpio.iter().map(|bank| &bank.bank));
    }

    fn parts(&mut self, table: &str, parts: &'w [WrittenPart]) {
        for part in parts {
            self.name(&part.name);
            for alias in &part.aliases {
                self.name(alias);
            }
            self.places(&part.at);
            self.fact(&part.source, &part.unverified);
        }
        self.unique(table, parts.iter().map(|part| &part.name));
    }

    fn name(&mut self, name: &Spanned<String>) {
        let text = name.get_ref();
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(good) {
            return;
        }
        let message = format!("`{text}` cannot be a name on a board");
        let fault = FileFault::new(name.span(), message, "not a name");
        self.faults.push(fault.help(format!(
            "names have letters, digits, `-`, `_`, `.` and `:`, and are at most {LONGEST_NAME} bytes long; `gpio/` and the like are put before them"
        )));
    }

    fn unique(&mut self, table: &str, names: impl Iterator<Item = &'w Spanned<String>>) {
        let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        for name in names {
            if seen.insert(name.get_ref(), name.span()).is_some() {
                let message = format!("two `{table}` are named `{}`", name.get_ref());
                let fault = FileFault::new(name.span(), message, "the second");
                self.faults
                    .push(fault.help("give one of them another name"));
            }
        }
    }

    fn places(&mut self, places: &Spanned<Places>) {
        let Places(list) = places.get_ref();
        if list.is_empty() || list.iter().any(At::is_empty) {
            let message = "`at` does not say where it is";
            let fault = FileFault::new(places.span(), message, "empty");
            self.faults.push(fault.help(
                "name hardware by what does not change: `acpi` and `uid`, or `node`, or `label`",
            ));
        }
    }

    fn fact(&mut self, source: &Option<Spanned<String>>, unverified: &Option<Spanned<String>>) {
        if let (Some(_), Some(unverified)) = (source, unverified) {
            let message = "a fact has a source or is unverified, not both";
            self.faults
                .push(FileFault::new(unverified.span(), message, "the second"));
        }
        let Some(source) = source else {
            return;
        };
        let text = source.get_ref();
        // One word is a key of [sources]; other texts are sources themselves.
        if text.split_whitespace().count() > 1 || self.sources.contains(&text.as_str()) {
            return;
        }
        let message = format!("`[sources]` has no `{text}`");
        let fault = FileFault::new(source.span(), message, "unknown source");
        self.faults
            .push(match nearest(text, self.sources.iter().copied()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("add it there, or write out what the source is"),
            });
    }
}

impl At {
    fn is_empty(&self) -> bool {
        self.acpi.is_none()
            && self.node.is_none()
            && self.compatible.is_none()
            && self.label.is_none()
            && self.pci.is_none()
            && self.usb.is_none()
            && self.device.is_none()
            && self.memory.is_none()
            && self.port.is_none()
    }
}
