//! The files that a plugin may be made of, and which of them it is made of.

use std::cmp::Ordering;
use std::path::PathBuf;
use std::sync::Arc;

use semver::Version;
use weihe_kernel::{LoadError, PluginStatus};

/// A component as it was when it was last looked at.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) file: PathBuf,
    /// What it is, or why it is no plugin.
    pub(crate) found: Result<Arc<PluginStatus>, Arc<LoadError>>,
}

/// The candidate that runs: the highest version of those that are plugins and that nothing speaks
/// against. Of two files with the same version it is the one whose name comes first.
pub(crate) fn choose<'c>(
    candidates: impl IntoIterator<Item = &'c Candidate>,
    is_refused: impl Fn(&PluginStatus) -> bool,
) -> Option<(&'c Candidate, &'c Arc<PluginStatus>)> {
    let sound = candidates
        .into_iter()
        .filter_map(|candidate| Some((candidate, candidate.found.as_ref().ok()?)));
    let fit = sound.filter(|(_, status)| !is_refused(status));
    fit.max_by(|(one, of_one), (other, of_other)| {
        let (of_one, of_other) = (&of_one.description, &of_other.description);
        compare(&of_one.version, &of_other.version).then_with(|| other.file.cmp(&one.file))
    })
}

/// Which of two versions is higher (Semantic Versioning 2.0.0, clause 11). What is no version is
/// below all that are, in the order of its letters.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    match (Version::parse(one), Version::parse(other)) {
        (Ok(one), Ok(other)) => one.cmp_precedence(&other),
        (Ok(_), Err(_)) => Ordering::Greater,
        (Err(_), Ok(_)) => Ordering::Less,
        (Err(_), Err(_)) => one.cmp(other),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use weihe_kernel::runtime::Description;

    use super::*;

    /// A candidate whose file is sound.
    pub(crate) fn candidate(file: &str, version: &str) -> Candidate {
        let name = file.split(['-', '.']).next().unwrap_or_default();
        Candidate {
            file: PathBuf::from("/s/plugins").join(file),
            found: Ok(Arc::new(PluginStatus {
                name: name.to_owned(),
                file: file.to_owned(),
                sha256: format!("{name} {version}"),
                compiled: format!("{name} {version}"),
                size: 1,
                imports: Vec::new(),
                hooks: Vec::new(),
                description: Description {
                    name: name.to_owned(),
                    version: version.to_owned(),
                    standalone: true,
                    ..Description::default()
                },
                origin: None,
                history: Vec::new(),
            })),
        }
    }

    #[test]
    fn the_highest_version_runs_as_semver_orders_them() {
        let files = [
            candidate("m-0.9.0.wasm", "0.9.0"),
            candidate("m-0.10.0.wasm", "0.10.0"),
            candidate("m-0.10.0-rc.1.wasm", "0.10.0-rc.1"),
            candidate("m.wasm", "latest"),
        ];
        let runs = |refused: &str| {
            let (chosen, _) = choose(&files, |status| status.description.version == refused)?;
            Some(chosen.file.file_name()?.to_string_lossy().into_owned())
        };
        assert_eq!(runs("").unwrap(), "m-0.10.0.wasm");
        assert_eq!(runs("0.10.0").unwrap(), "m-0.10.0-rc.1.wasm");
        assert!(choose(&files, |_| true).is_none());
    }

    #[test]
    fn of_equal_versions_the_first_name_runs() {
        let files = [candidate("b.wasm", "1.0.0"), candidate("a.wasm", "1.0.0+x")];
        assert!(
            choose(&files, |_| false)
                .unwrap()
                .0
                .file
                .ends_with("a.wasm")
        );
    }
}
