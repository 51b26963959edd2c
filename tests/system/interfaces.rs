//! The interfaces of `wit/` against those that were frozen (`docs/interfaces.md`): what a compiled plugin
//! imports must still be offered, and what a host calls must still be exported by compiled plugins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weihe_tests::workspace;
use wit_component::semver_check;
use wit_parser::{Resolve, SourceMap, UnresolvedPackageGroup};

/// The folder of each package below `wit/` or a copy of it, with its texts by file name.
type Contracts = BTreeMap<PathBuf, BTreeMap<String, String>>;

/// Tells versions of frozen packages from today's.
const BEFORE: &str = "before";

fn frozen() -> Vec<PathBuf> {
    let folder = workspace().join("tests/compat");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut versions: Vec<_> = entries
        .map(|entry| entry.unwrap().path().join("wit"))
        .filter(|wit| wit.is_dir())
        .collect();
    versions.sort();
    versions
}

fn read(root: &Path) -> Contracts {
    fn walk(root: &Path, folder: &Path, found: &mut Contracts) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if path.extension().is_some_and(|kind| kind == "wit") {
                let package = folder.strip_prefix(root).unwrap().to_owned();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                found.entry(package).or_default().insert(name, text);
            }
        }
    }
    let mut found = Contracts::new();
    walk(root, root, &mut found);
    found
}

fn resolve(contracts: &Contracts) -> Result<Resolve, String> {
    let mut groups = Vec::new();
    for (folder, files) in contracts {
        let mut map = SourceMap::default();
        for (name, text) in files {
            map.push_str(&folder.join(name).to_string_lossy(), text.clone());
        }
        groups.push(map.parse().map_err(|(map, error)| error.render(&map))?);
    }
    let main = UnresolvedPackageGroup::parse("all.wit", "package tests:all;");
    let main = main.map_err(|(map, error)| error.render(&map))?;
    let mut resolve = Resolve::default();
    resolve
        .push_groups(main, groups)
        .map_err(|error| error.to_string())?;
    Ok(resolve)
}

/// The frozen packages under other versions, so that they can stand beside today's.
fn as_before(contracts: &Contracts) -> Result<Resolve, String> {
    let mut resolve = resolve(contracts)?;
    resolve.package_names.clear();
    for (id, package) in resolve.packages.iter_mut() {
        if let Some(version) = &mut package.name.version {
            *version = format!("{version}+{BEFORE}").parse().expect("a version");
        }
        resolve.package_names.insert(package.name.clone(), id);
    }
    Ok(resolve)
}

/// What two versions have in common that are one to the linker: below 1.0 the minor number, too; all of a draft.
fn series(version: &str) -> String {
    let version = version.split('+').next().unwrap_or_default();
    let numbers: Vec<&str> = version.split('.').collect();
    match numbers[..] {
        _ if version.contains('-') => version.to_owned(),
        ["0", minor, ..] => format!("0.{minor}"),
        _ => numbers[0].to_owned(),
    }
}

/// What a compiled plugin of `before` would miss in a host of `after`; empty when nothing.
fn breaks(before: &Contracts, after: &Contracts) -> Vec<String> {
    let both = as_before(before).and_then(|old| {
        let mut both = resolve(after)?;
        both.merge(old).map_err(|error| error.to_string())?;
        Ok(both)
    });
    let both = match both {
        Ok(both) => both,
        Err(error) => return vec![error],
    };
    // By version, so that the newest of a series is the one that a plugin meets.
    let mut found: Vec<_> = both
        .worlds
        .iter()
        .filter_map(|(id, world)| {
            let package = &both.packages[world.package?].name;
            let version = package.version.as_ref()?;
            let is_before = version.build.as_str() == BEFORE;
            let name = format!(
                "{}:{}@{} {}",
                package.namespace,
                package.name,
                series(&version.to_string()),
                world.name
            );
            Some((version.clone(), (name, is_before), id))
        })
        .collect();
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let worlds: BTreeMap<(String, bool), _> = found
        .into_iter()
        .map(|(_, world, id)| (world, id))
        .collect();
    let mut breaks = Vec::new();
    for ((world, _), old) in worlds.iter().filter(|((_, is_before), _)| *is_before) {
        match worlds.get(&(world.clone(), false)) {
            None => breaks.push(format!("{world}: it is gone")),
            Some(new) => {
                if let Err(error) = semver_check(both.clone(), *old, *new) {
                    breaks.push(format!("{world}: {error:#}"));
                }
            }
        }
    }
    breaks
}

fn today() -> Contracts {
    read(&workspace().join("wit"))
}

#[test]
fn every_frozen_interface_is_served_and_called_as_it_was() {
    let versions = frozen();
    assert!(!versions.is_empty(), "no interfaces are frozen");
    for before in versions {
        let broken = breaks(&read(&before), &today());
        assert!(
            broken.is_empty(),
            "compiled plugins of {} would no longer run; docs/interfaces.md says what may change:\n{}",
            before.display(),
            broken.join("\n")
        );
    }
}

/// Today's contracts with a change to one file.
fn changed(package: &str, file: &str, change: impl Fn(&str) -> String) -> Contracts {
    let mut contracts = today();
    let texts = contracts.get_mut(Path::new(package)).expect("a package");
    let text = texts.get_mut(file).expect("a file");
    let new = change(text);
    assert_ne!(*text, new, "{package}/{file} has no such place any more");
    *text = new;
    contracts
}

fn replaced(package: &str, file: &str, before: &str, after: &str) -> Vec<String> {
    breaks(
        &today(),
        &changed(package, file, |text| text.replacen(before, after, 1)),
    )
}

/// Whether a break is told that names a world of this package.
fn is_told(broken: &[String], package: &str) -> bool {
    broken.iter().any(|text| text.starts_with(package))
}

#[test]
fn a_function_that_is_removed_or_changed_is_a_break() {
    let unsubscribe = "unsubscribe: func(id: subscription-id);";
    let removed = replaced("plugin", "bus.wit", unsubscribe, "");
    assert!(is_told(&removed, "weihe:plugin"), "{removed:?}");
    assert!(removed[0].contains("unsubscribe"), "{removed:?}");
    let another = "unsubscribe: func(id: subscription-id) -> bool;";
    let changed = replaced("plugin", "bus.wit", unsubscribe, another);
    assert!(is_told(&changed, "weihe:plugin"), "{changed:?}");
    // A draft of WASI that was shipped stays as it was, too.
    let get_all = "get-all: func() -> result<list<tuple<string, string>>, error>;";
    let removed = replaced("deps/wasi-config", "store.wit", get_all, "");
    assert!(is_told(&removed, "weihe:plugin"), "{removed:?}");
}

#[test]
fn a_record_or_a_variant_that_grows_is_a_break() {
    let grown = replaced(
        "plugin",
        "types.wit",
        "attempt: u32,",
        "attempt: u32,\n unit: string,",
    );
    assert!(is_told(&grown, "weihe:plugin"), "{grown:?}");
    let grown = replaced(
        "store",
        "sql.wit",
        "full(string),",
        "full(string),\n slow(string),",
    );
    assert!(is_told(&grown, "weihe:store"), "{grown:?}");
    let grown = replaced(
        "connection",
        "types.wit",
        "        up,\n",
        "        up,\n dozing,\n",
    );
    assert!(is_told(&grown, "weihe:connection"), "{grown:?}");
}

#[test]
fn a_hook_that_wants_more_of_a_plugin_is_a_break() {
    // Another function in an interface that plugins export.
    let wants = replaced(
        "plugin",
        "lifecycle.wit",
        "describe: func() -> description;",
        "describe: func() -> description;\n pause: func();",
    );
    assert!(is_told(&wants, "weihe:plugin"), "{wants:?}");
    // Another export of a world.
    let wants = replaced(
        "plugin",
        "worlds.wit",
        "export codec;",
        "export codec;\n export pausing: func();",
    );
    assert!(is_told(&wants, "weihe:plugin"), "{wants:?}");
    // A world that is gone.
    let gone = replaced(
        "connection",
        "worlds.wit",
        "world handler-hook",
        "world hook",
    );
    assert!(
        is_told(&gone, "weihe:connection") && gone[0].contains("it is gone"),
        "{gone:?}"
    );
}

#[test]
fn what_is_added_to_what_plugins_import_is_none() {
    let function = replaced(
        "plugin",
        "bus.wit",
        "unsubscribe: func(id: subscription-id);",
        "unsubscribe: func(id: subscription-id);\n /// How many there are.\n subscriptions: func() -> u32;",
    );
    assert_eq!(function, [""; 0]);
    // A new interface, imported by a world and in a file of its own.
    let mut contracts = changed("plugin", "worlds.wit", |text| {
        text.replacen("import bus;", "import bus;\n import weather;", 1)
    });
    let package = contracts.get_mut(Path::new("plugin")).unwrap();
    package.insert(
        "weather.wit".to_owned(),
        "interface weather { rain: func() -> bool; }".to_owned(),
    );
    assert_eq!(breaks(&today(), &contracts), [""; 0]);
    // A new hook, in a world of its own.
    let hook = replaced(
        "plugin",
        "worlds.wit",
        "world codec-hook {",
        "world pause-hook { export pausing: func(); }\n world codec-hook {",
    );
    assert_eq!(hook, [""; 0]);
    // A type that only new functions use.
    let noun = replaced(
        "plugin",
        "types.wit",
        "record identity {",
        "record span { since: timestamp, until: timestamp }\n record identity {",
    );
    assert_eq!(noun, [""; 0]);
}

#[test]
fn a_new_package_is_none() {
    let mut contracts = today();
    let text = "package weihe:weather@0.1.0; interface station { rain: func() -> bool; } world imports { import station; }";
    let package = BTreeMap::from([("station.wit".to_owned(), text.to_owned())]);
    contracts.insert(PathBuf::from("weather"), package);
    assert_eq!(breaks(&today(), &contracts), [""; 0]);
}

/// Today's contracts, all of Weihe's packages in another version.
fn in_version(version: &str) -> Contracts {
    let contracts = today().into_iter().map(|(folder, files)| {
        let files = files.into_iter().map(|(name, text)| {
            let text = weihe_in_version(&text, version);
            (name, text)
        });
        (folder, files.collect())
    });
    contracts.collect()
}

fn weihe_in_version(text: &str, version: &str) -> String {
    let lines = text.lines().map(|line| match line.contains("weihe:") {
        true => line.replace("@0.1.0", &format!("@{version}")),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_patch_version_of_a_package_is_none() {
    assert_eq!(breaks(&today(), &in_version("0.1.1")), [""; 0]);
}

#[test]
fn a_minor_version_in_the_place_of_the_one_before_is_a_break() {
    let gone = breaks(&today(), &in_version("0.2.0"));
    for package in [
        "weihe:plugin@0.1",
        "weihe:connection@0.1",
        "weihe:store@0.1",
    ] {
        let told = gone.iter().find(|text| text.starts_with(package));
        assert!(
            told.is_some_and(|text| text.ends_with("it is gone")),
            "{package}: {gone:?}"
        );
    }
}

/// Today's contracts, and another version of Weihe's packages beside them.
fn beside(other: Contracts) -> Contracts {
    let ours = other
        .into_iter()
        .filter(|(folder, _)| !folder.starts_with("deps"));
    let renamed = ours.map(|(folder, files)| (Path::new("next").join(folder), files));
    today().into_iter().chain(renamed).collect()
}

#[test]
fn a_minor_version_beside_the_one_before_is_none_whatever_it_changes() {
    let mut next = in_version("0.2.0");
    let bus = next
        .get_mut(Path::new("plugin"))
        .unwrap()
        .get_mut("bus.wit")
        .unwrap();
    let unsubscribe = "unsubscribe: func(id: subscription-id);";
    assert!(bus.contains(unsubscribe));
    *bus = bus.replace(unsubscribe, "");
    assert_eq!(breaks(&today(), &beside(next.clone())), [""; 0]);
    // Each is held against its own series.
    let broken = breaks(&beside(next), &beside(in_version("0.2.1")));
    assert_eq!(broken, [""; 0]);
    let mut worse = in_version("0.2.1");
    let bus = worse
        .get_mut(Path::new("plugin"))
        .unwrap()
        .get_mut("bus.wit")
        .unwrap();
    *bus = bus.replace(unsubscribe, "");
    let broken = breaks(&beside(in_version("0.2.0")), &beside(worse));
    assert!(is_told(&broken, "weihe:plugin@0.2"), "{broken:?}");
    assert!(!is_told(&broken, "weihe:plugin@0.1"), "{broken:?}");
}
