//! The contracts in this binary, together with the world that a plugin's author wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wit_parser::{PackageId, Resolve, SourceMap, UnresolvedPackageGroup};

use crate::scaffold::contracts;

/// The folder of a plugin's source that holds its world.
pub const FOLDER: &str = "wit";

/// The folder in it for the packages that it uses.
const DEPENDENCIES: &str = "deps";

/// A package of WIT: the folder's name that it usually has (`weihe-plugin`), and its files.
pub type Package = (String, Vec<(&'static str, &'static str)>);

/// Why a world is not understood.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The author's WIT is wrong, or names what nobody has.
    #[error("the WIT in {} is wrong: {reason}", .path.display())]
    Wrong {
        /// The folder.
        path: PathBuf,
        /// The parser's words, with the place.
        reason: String,
    },
    /// What is in this binary cannot be read.
    #[error("the WIT in this binary is damaged ({package}): {reason}")]
    Damaged {
        /// The package's folder.
        package: String,
        /// The parser's words.
        reason: String,
    },
}

impl ContractError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Wrong { .. } => {
                "mend what is named; `weihe wit` writes the packages that a world can use to wit/deps"
            }
            Self::Damaged { .. } => "install weihe anew",
        }
    }
}

/// The packages in this binary, each in a folder of its own.
pub fn packages() -> Vec<Package> {
    let mut packages: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (path, text) in contracts() {
        let Some((folder, file)) = path.rsplit_once('/') else {
            continue;
        };
        let name = match folder.strip_prefix("deps/") {
            Some(name) => name.to_owned(),
            None => format!("weihe-{folder}"),
        };
        packages.entry(name).or_default().push((file, text));
    }
    packages.into_iter().collect()
}

/// Reads the world of a plugin: the package in its folder `wit`, against the packages in this binary
/// and what else lies in `wit/deps`.
pub fn resolve(source: &Path) -> Result<(Resolve, PackageId), ContractError> {
    let path = source.join(FOLDER);
    let wrong = |reason: String| ContractError::Wrong {
        path: path.clone(),
        reason,
    };
    let parse = |folder: &Path| {
        UnresolvedPackageGroup::parse_dir(folder).map_err(|error| wrong(format!("{error:#}")))
    };
    let main = parse(&path)?;
    let mut dependencies = Vec::new();
    for (package, files) in packages() {
        let mut map = SourceMap::default();
        for (file, text) in files {
            map.push_str(&format!("{package}/{file}"), text);
        }
        let parsed = map.parse().map_err(|(map, error)| ContractError::Damaged {
            package,
            reason: error.render(&map),
        })?;
        dependencies.push(parsed);
    }
    let own = std::fs::read_dir(path.join(DEPENDENCIES));
    for entry in own.into_iter().flatten().flatten() {
        if !entry.path().is_dir() {
            continue;
        }
        let group = parse(&entry.path())?;
        // Copies of what is here already, for editors and other generators.
        if dependencies
            .iter()
            .all(|known| known.main.name != group.main.name)
        {
            dependencies.push(group);
        }
    }
    let mut resolve = Resolve::default();
    match resolve.push_groups(main, dependencies) {
        Ok(package) => Ok((resolve, package)),
        Err(error) => Err(wrong(error.render(&resolve.source_map))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn world(
        text: &str,
    ) -> (
        tempfile::TempDir,
        Result<(Resolve, PackageId), ContractError>,
    ) {
        let source = tempfile::tempdir().unwrap();
        let folder = source.path().join(FOLDER);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("plugin.wit"), text).unwrap();
        let resolved = resolve(source.path());
        (source, resolved)
    }

    #[test]
    fn every_package_of_the_clone_is_here_under_a_name_of_its_own() {
        let names: Vec<String> = packages().into_iter().map(|(name, _)| name).collect();
        for name in [
            "weihe-plugin",
            "weihe-connection",
            "weihe-store",
            "wasi-config",
        ] {
            assert!(names.iter().any(|known| known == name), "{names:?}");
        }
    }

    #[test]
    fn a_world_may_use_every_package_that_is_in_the_binary() {
        let (_kept, resolved) = world(
            "package example:all;
             world all {
                 include weihe:plugin/plugin@0.1.0;
                 include weihe:connection/imports@0.1.0;
                 include weihe:store/imports@0.1.0;
                 include weihe:store/keyvalue-imports@0.1.0;
             }",
        );
        let (resolve, package) = resolved.unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        assert!(resolve.worlds[world].imports.len() > 8);
    }

    #[test]
    fn a_world_that_names_what_nobody_has_is_told_where() {
        let (_kept, resolved) =
            world("package example:none;\nworld none {\n  import weihe:plugin/rain@0.1.0;\n}");
        let text = resolved.unwrap_err().to_string();
        assert!(
            text.contains("plugin.wit:3") && text.contains("rain"),
            "{text}"
        );
    }

    #[test]
    fn copies_of_known_packages_do_no_harm_and_others_are_taken() {
        let source = tempfile::tempdir().unwrap();
        let folder = source.path().join(FOLDER);
        for (package, files) in packages() {
            let folder = folder.join(DEPENDENCIES).join(package);
            std::fs::create_dir_all(&folder).unwrap();
            for (file, text) in files {
                std::fs::write(folder.join(file), text).unwrap();
            }
        }
        let other = folder.join(DEPENDENCIES).join("rain");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(
            other.join("rain.wit"),
            "package example:rain; interface rain { fall: func(); }",
        )
        .unwrap();
        std::fs::write(
            folder.join("plugin.wit"),
            "package example:mine; world mine { include weihe:plugin/plugin@0.1.0; import example:rain/rain; }",
        )
        .unwrap();
        let resolved = resolve(source.path());
        assert!(resolved.is_ok(), "{}", resolved.unwrap_err());
    }
}
