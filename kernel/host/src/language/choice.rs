//! Which language is spoken.

use std::sync::OnceLock;

use unic_langid::LanguageIdentifier;

/// A language that this command line speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    /// In simplified characters, whatever the region.
    Chinese,
}

/// Names the language whatever the locale says.
const OWN: &str = "WEIHE_LANG";

/// What POSIX looks at for messages, in its order: the first that is set and not empty counts.
const LOCALE: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// The language of this process.
pub(crate) fn current() -> Language {
    #[cfg(test)]
    if let Some(language) = SPOKEN.with(std::cell::Cell::get) {
        return language;
    }
    static CURRENT: OnceLock<Language> = OnceLock::new();
    *CURRENT.get_or_init(|| {
        // Tests within this crate assert in English, wherever they run.
        if cfg!(test) {
            return Language::English;
        }
        of(|name| std::env::var(name).ok())
    })
}

/// The language that an environment asks for.
fn of(variable: impl Fn(&str) -> Option<String>) -> Language {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(own) = set(OWN) {
        return named(&own);
    }
    let Some(locale) = LOCALE.into_iter().find_map(set) else {
        return Language::English;
    };
    match codeset(&locale) {
        // UTF-8 is all that is written, and English looks the same in any.
        Some(codeset) if !is_utf8(codeset) => Language::English,
        _ => named(&locale),
    }
}

/// `UTF-8` of `zh_CN.UTF-8@pinyin`.
fn codeset(locale: &str) -> Option<&str> {
    let (_, codeset) = locale.split_once('.')?;
    codeset.split('@').next()
}

fn is_utf8(codeset: &str) -> bool {
    codeset.eq_ignore_ascii_case("utf-8") || codeset.eq_ignore_ascii_case("utf8")
}

fn named(locale: &str) -> Language {
    let tag = locale.split(['.', '@']).next().unwrap_or_default();
    match tag.parse::<LanguageIdentifier>() {
        Ok(tag) if tag.language == "zh" => Language::Chinese,
        _ => Language::English,
    }
}

#[cfg(test)]
thread_local! {
    static SPOKEN: std::cell::Cell<Option<Language>> = const { std::cell::Cell::new(None) };
}

/// Speaks another language in this thread meanwhile.
#[cfg(test)]
pub(crate) fn speaking<T>(language: Language, work: impl FnOnce() -> T) -> T {
    let before = SPOKEN.with(|spoken| spoken.replace(Some(language)));
    let result = work();
    SPOKEN.with(|spoken| spoken.set(before));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Language {
        of(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_locale_of_china_speaks_chinese_and_all_others_english() {
        for chinese in [
            "zh_CN.UTF-8",
            "zh_CN.utf8",
            "zh_TW.UTF-8",
            "zh",
            "zh_CN",
            "zh-Hans",
        ] {
            assert_eq!(with(&[("LANG", chinese)]), Language::Chinese, "{chinese}");
        }
        for other in [
            "C",
            "POSIX",
            "C.UTF-8",
            "en_US.UTF-8",
            "de_DE@euro",
            "zha",
            "",
            "…",
        ] {
            assert_eq!(with(&[("LANG", other)]), Language::English, "{other}");
        }
        assert_eq!(with(&[]), Language::English);
    }

    #[test]
    fn the_first_variable_that_is_set_counts() {
        let zh = "zh_CN.UTF-8";
        assert_eq!(with(&[("LC_ALL", "C"), ("LANG", zh)]), Language::English);
        assert_eq!(
            with(&[("LC_MESSAGES", zh), ("LANG", "C")]),
            Language::Chinese
        );
        assert_eq!(with(&[("LC_ALL", ""), ("LANG", zh)]), Language::Chinese);
        assert_eq!(
            with(&[("WEIHE_LANG", "en"), ("LC_ALL", zh)]),
            Language::English
        );
        assert_eq!(
            with(&[("WEIHE_LANG", "zh"), ("LC_ALL", "C")]),
            Language::Chinese
        );
    }

    #[test]
    fn a_terminal_without_utf_8_is_spared_what_it_cannot_show() {
        assert_eq!(with(&[("LANG", "zh_CN.GB18030")]), Language::English);
        assert_eq!(
            with(&[("WEIHE_LANG", "zh"), ("LANG", "zh_CN.GB18030")]),
            Language::Chinese
        );
    }
}
