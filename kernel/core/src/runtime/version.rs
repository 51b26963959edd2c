//! Versions of interfaces: which of them are one to the linker, and what to say when a plugin and this
//! host have different ones (`docs/interfaces.md`).

use std::path::Path;

use super::plugin::LoadError;

/// The version of this host, and of the SDK that belongs to it.
const HOST: &str = env!("CARGO_PKG_VERSION");

/// What the kernel itself serves. Capabilities name theirs.
pub(super) const SERVED: [&str; 8] = [
    "weihe:plugin/types@0.1.0",
    "weihe:plugin/bus@0.1.0",
    "weihe:plugin/schedule@0.1.0",
    "weihe:plugin/calls@0.1.0",
    "weihe:connection/types@0.1.0",
    "weihe:connection/connections@0.1.0",
    "wasi:logging/logging@0.1.0-draft",
    "wasi:config/store@0.2.0-rc.1",
];

/// Whether an import names an interface, leaving aside what semver lets differ.
pub(crate) fn same_interface(import: &str, served: &str) -> bool {
    match (import.split_once('@'), served.split_once('@')) {
        (Some((import, version)), Some((interface, offered))) => {
            // A prerelease matches only exactly.
            import == interface
                && (version == offered
                    || (!version.contains('-')
                        && !offered.contains('-')
                        && series(version) == series(offered)))
        }
        _ => import == served,
    }
}

/// The part of a version that must agree: below 1.0 the minor version, too.
fn series(version: &str) -> Vec<u64> {
    let numbers = version.split(['.', '-', '+']);
    let numbers: Vec<u64> = numbers.map_while(|number| number.parse().ok()).collect();
    let length = if numbers.first() == Some(&0) { 2 } else { 1 };
    numbers.into_iter().take(length).collect()
}

/// An interface without its version, which is that of another series or draft than the one that is
/// asked for.
fn of_another_series<'a>(asked: &str, known: &[&'a str]) -> Option<&'a str> {
    let (name, _) = asked.split_once('@')?;
    let is_it = |known: &&&str| {
        known
            .split_once('@')
            .is_some_and(|(known, _)| known == name)
    };
    known.iter().find(is_it).copied()
}

/// What to do about an interface that this host has in another version: one sentence.
fn other_version(asked: &str, known: &str) -> String {
    let version = |interface: &str| {
        interface
            .split_once('@')
            .map(|(_, version)| series(version))
    };
    if [asked, known]
        .iter()
        .any(|interface| interface.contains('-'))
    {
        return format!(
            "this host has `{known}`, and a draft matches only exactly: build the plugin against that one"
        );
    }
    if version(asked) > version(known) {
        format!(
            "this host has `{known}`: it was built for a newer host; update the host, or build the plugin \
             with the SDK of Weihe {HOST}"
        )
    } else {
        format!(
            "this host has `{known}`: it was built with an older SDK; build the plugin again with that of \
             Weihe {HOST}"
        )
    }
}

/// Why a component without `lifecycle` in this host's version is no plugin to it.
pub(super) fn explain_no_lifecycle(file: &Path, lifecycle: &str, exports: &[String]) -> LoadError {
    let name = lifecycle.split('@').next();
    let other = exports
        .iter()
        .find(|export| export.split('@').next() == name);
    match other {
        Some(export) => LoadError::OtherVersion {
            file: file.to_owned(),
            verb: "exports",
            interface: export.clone(),
            help: other_version(export, lifecycle),
        },
        None => LoadError::NotAPlugin {
            file: file.to_owned(),
            exports: if exports.is_empty() {
                "it exports nothing".to_owned()
            } else {
                format!("it exports {}", exports.join(", "))
            },
        },
    }
}

/// Turns the linker's words into a sentence that names the import.
pub(super) fn explain_link_error(
    file: &Path,
    error: &wasmtime::Error,
    served: &[&str],
) -> LoadError {
    let chain = format!("{error:#}");
    let import = chain.split('`').nth(1).unwrap_or_default();
    if import.is_empty() || !chain.contains("not found in the linker") {
        return incompatible(file, &chain);
    }
    let file = file.to_owned();
    let is_missing = chain.ends_with("implementation is missing");
    let known = served.iter().find(|served| same_interface(import, served));
    if let Some(known) = known {
        return match missing_part(&chain) {
            Some(part) if is_missing => LoadError::NewerInterface {
                file,
                part: part.to_owned(),
                import: import.to_owned(),
                served: (*known).to_owned(),
                host: HOST,
            },
            _ => incompatible(&file, &chain),
        };
    }
    if let Some(known) = of_another_series(import, served) {
        return LoadError::OtherVersion {
            file,
            verb: "imports",
            interface: import.to_owned(),
            help: other_version(import, known),
        };
    }
    let help = if import.starts_with("wasi:http") || import.starts_with("wasi:sockets") {
        "; plugins reach the network through `weihe:connection`".to_owned()
    } else if import.starts_with("weihe:") {
        format!(
            "; it was built for a newer host than Weihe {HOST}, or for a capability that this host was built \
             without"
        )
    } else {
        String::new()
    };
    LoadError::UnknownImport {
        file,
        import: import.to_owned(),
        help,
    }
}

/// An interface of the right name and version, and of another shape.
pub(super) fn incompatible(file: &Path, reason: &str) -> LoadError {
    LoadError::Incompatible {
        file: file.to_owned(),
        reason: reason.to_owned(),
        host: HOST,
    }
}

/// The function, type or resource of an interface that the linker misses.
fn missing_part(chain: &str) -> Option<&str> {
    let (_, rest) = chain.split_once("instance export `")?;
    rest.split('`').next()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::super::plugin::{EVENTS, LIFECYCLE};
    use super::*;

    /// What a folder of `wit/` defines, and what its world `imports` imports.
    fn package(folder: &str) -> (BTreeSet<String>, BTreeSet<String>) {
        let wit = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit"));
        let mut texts = String::new();
        for file in fs::read_dir(wit.join(folder)).unwrap() {
            texts.push_str(&fs::read_to_string(file.unwrap().path()).unwrap());
        }
        let name = texts.lines().find_map(|line| line.strip_prefix("package "));
        let (name, version) = name.unwrap().trim_end_matches(';').split_once('@').unwrap();
        let whole = |interface: &str| match interface.contains('@') {
            true => interface.to_owned(),
            false => format!("{name}/{interface}@{version}"),
        };
        let defined = texts.lines().filter_map(|line| {
            let interface = line.strip_prefix("interface ")?;
            Some(whole(interface.trim_end_matches([' ', '{'])))
        });
        let world = texts.split("world imports {").nth(1).unwrap_or_default();
        let world = world.split('}').next().unwrap_or_default().lines();
        let imported = world.filter_map(|line| {
            let interface = line.trim().strip_prefix("import ")?;
            Some(whole(interface.trim_end_matches(';')))
        });
        (defined.collect(), imported.collect())
    }

    #[test]
    fn what_is_served_and_called_is_what_the_contracts_say() {
        let (mut defined, mut imported) = (BTreeSet::new(), BTreeSet::new());
        for folder in [
            "plugin",
            "connection",
            "deps/wasi-logging",
            "deps/wasi-config",
        ] {
            let (defines, imports) = package(folder);
            defined.extend(defines);
            imported.extend(imports);
        }
        for known in SERVED.into_iter().chain([LIFECYCLE, EVENTS]) {
            assert!(defined.contains(known), "{known} is not in {defined:?}");
        }
        // What has only types is served, and no world says so.
        let functions = SERVED
            .into_iter()
            .filter(|served| !served.contains("/types@"));
        let functions: BTreeSet<String> = functions.map(str::to_owned).collect();
        assert_eq!(functions, imported);
    }

    #[test]
    fn interfaces_are_told_apart_by_what_semver_calls_incompatible() {
        assert!(same_interface(
            "weihe:store/sql@0.1.3",
            "weihe:store/sql@0.1.0"
        ));
        assert!(!same_interface(
            "weihe:store/sql@0.2.0",
            "weihe:store/sql@0.1.0"
        ));
        assert!(same_interface("a:b/c@1.4.0", "a:b/c@1.0.2"));
        assert!(!same_interface("a:b/c@2.0.0", "a:b/c@1.0.0"));
        assert!(!same_interface(
            "weihe:store/keys@0.1.0",
            "weihe:store/sql@0.1.0"
        ));
        assert!(!same_interface(
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:keyvalue/store@0.2.0-draft2"
        ));
    }

    #[test]
    fn who_is_older_is_told() {
        let told = |asked| other_version(asked, "weihe:plugin/bus@0.2.0");
        assert!(told("weihe:plugin/bus@0.10.0").contains("update the host"));
        assert!(told("weihe:plugin/bus@0.1.9").contains("an older SDK"));
        let told = other_version("wasi:config/store@0.2.0-draft", SERVED[7]);
        assert!(
            told.contains("only exactly") && told.contains("rc.1"),
            "{told}"
        );
    }

    #[test]
    fn words_of_the_linker_that_are_not_known_are_handed_on() {
        let error = wasmtime::Error::msg("something new");
        let text = explain_link_error(Path::new("x.wasm"), &error, &SERVED).to_string();
        assert!(
            text.contains("x.wasm") && text.contains("something new"),
            "{text}"
        );
    }
}
