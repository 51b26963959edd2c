//! Finding a part by its name, and what comes near a name that nothing has.

use std::collections::BTreeMap;

use super::parts::Part;

/// How many similar names an error lists.
const SIMILAR: usize = 3;

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be meant by the other.
const ALIKE: f64 = 0.65;

/// A name that nothing on the board has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this board has no {what} `{name}`")]
pub struct NoSuch {
    /// What was looked for, like "GPIO line".
    pub what: &'static str,
    /// The name.
    pub name: String,
    /// Names that come near it, the nearest first.
    pub similar: Vec<String>,
}

impl NoSuch {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self.similar.as_slice() {
            [] => "`weihe doctor` shows what this board has".to_owned(),
            names => format!("did you mean {}?", quoted(names)),
        }
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// The part of a name. It may be given with or without its prefix, and by an alias.
pub(super) fn find<'p, P: Part>(parts: &'p [P], name: &str) -> Result<&'p P, NoSuch> {
    let whole = format!("{}{name}", P::PREFIX);
    let bare = name.strip_prefix(P::PREFIX).unwrap_or(name);
    let named = parts
        .iter()
        .find(|part| part.name() == name || part.name() == whole);
    named
        .or_else(|| {
            parts.iter().find(|part| {
                let mut aliases = part.aliases().iter();
                aliases.any(|alias| alias == name || alias == bare)
            })
        })
        .ok_or_else(|| NoSuch {
            what: P::KIND,
            name: name.to_owned(),
            similar: similar(parts, &whole, name),
        })
}

fn similar<P: Part>(parts: &[P], whole: &str, name: &str) -> Vec<String> {
    let wanted = if name.starts_with(P::PREFIX) {
        name
    } else {
        whole
    };
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = parts
        .iter()
        .filter_map(|part| {
            let names = std::iter::once(part.name());
            let names = names.chain(part.aliases().iter().map(String::as_str));
            let score = names.map(|known| {
                let known = known.to_lowercase();
                let known = known.strip_prefix(P::PREFIX).unwrap_or(&known);
                let wanted = wanted.strip_prefix(P::PREFIX).unwrap_or(&wanted);
                strsim::jaro_winkler(wanted, known)
            });
            let score = score.fold(0.0, f64::max);
            (score >= ALIKE).then(|| (score, part.name()))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let names = scored.into_iter().take(SIMILAR);
    names.map(|(_, name)| name.to_owned()).collect()
}

/// The word that another is most likely meant for.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let scored = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate));
    // A third of the word may be wrong; more is another word.
    let near = scored.filter(|(distance, candidate)| {
        *distance * 3 <= word.len().max(candidate.len()).max(3)
            || (word.len() >= 3 && candidate.starts_with(word))
    });
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Takes away the aliases that more than one part has, or that are another's name: they name nothing. Gives them
/// back, each once.
pub(super) fn ambiguous<P: Part>(
    parts: &mut [P],
    aliases: impl Fn(&mut P) -> &mut Vec<String>,
) -> Vec<String> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for part in parts.iter() {
        *uses.entry(part.name().to_owned()).or_default() += 1;
        for alias in part.aliases().iter().filter(|alias| *alias != part.name()) {
            *uses.entry(alias.clone()).or_default() += 1;
        }
    }
    uses.retain(|_, count| *count > 1);
    for part in parts.iter_mut() {
        aliases(part).retain(|alias| !uses.contains_key(alias));
    }
    uses.into_keys().collect()
}
