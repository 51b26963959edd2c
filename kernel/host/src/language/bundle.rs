//! The texts of a language, read when the first of them is needed.

use std::borrow::Cow;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use super::Language;

type Bundle = FluentBundle<FluentResource>;

/// A text with its places filled in; none when the language has none of this name.
pub(super) fn format(language: Language, key: &str, arguments: &FluentArgs) -> Option<String> {
    let bundle = bundle(language);
    let pattern = bundle.get_message(key)?.value()?;
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(arguments), &mut errors);
    debug_assert!(errors.is_empty(), "{key}: {errors:?}");
    Some(Cow::into_owned(text))
}

fn bundle(language: Language) -> &'static Bundle {
    static ENGLISH: OnceLock<Bundle> = OnceLock::new();
    static CHINESE: OnceLock<Bundle> = OnceLock::new();
    match language {
        Language::English => ENGLISH.get_or_init(|| read("en", &[super::EN])),
        Language::Chinese => CHINESE.get_or_init(|| read("zh-CN", &[super::ZH, super::ZH_SAID])),
    }
}

fn read(tag: &str, sources: &[&[&str]]) -> Bundle {
    // Both tags are well-formed; the root of all languages would do for the little that depends on it.
    let language = tag.parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Marks around what is filled in would show on terminals, and be copied with it.
    bundle.set_use_isolating(false);
    for source in sources.iter().copied().flatten() {
        // A test reads all files; what is in order of a broken one is taken all the same.
        let resource = FluentResource::try_new((*source).to_owned());
        bundle.add_resource_overriding(resource.unwrap_or_else(|(resource, _)| resource));
    }
    bundle
}
