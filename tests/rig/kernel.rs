//! Kernels that `prepare` has fetched, and their modules.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder that `prepare` fills.
pub fn cache() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
    let cache = cache.map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME")?;
        Some(Path::new(&home).join(".cache"))
    });
    cache.expect("HOME").join("weihe/rig")
}

/// A kernel.
#[derive(Debug)]
pub struct Kernel {
    pub image: PathBuf,
    /// By their names, with `_` for `-`, as the kernel has it.
    modules: BTreeMap<String, PathBuf>,
}

impl Kernel {
    /// One of those in `kernels`.
    pub fn find(name: &str) -> Result<Self, String> {
        let folder = cache().join("kernels").join(name);
        if !folder.join("packages").is_file() {
            return Err(format!("no kernel `{name}`: run tests/rig/prepare"));
        }
        let mut modules = BTreeMap::new();
        collect(&folder.join("modules"), &mut modules);
        // One that is unpacked already is booted seconds earlier.
        let image = ["vmlinux", "vmlinuz"].map(|name| folder.join(name));
        let image = image.into_iter().find(|image| image.is_file());
        Ok(Self {
            image: image.ok_or_else(|| format!("{}: no kernel", folder.display()))?,
            modules,
        })
    }

    /// The files of these modules and of all that they need, in the order in which they are to be loaded, with their
    /// parameters. What the kernel has built in is left out.
    pub fn modules(&self, wanted: &[&'static str]) -> Vec<(PathBuf, &'static str)> {
        let mut list = Vec::new();
        for wanted in wanted {
            let (name, parameters) = wanted.split_once(' ').unwrap_or((wanted, ""));
            self.with_needs(name, parameters, &mut list);
        }
        list
    }

    fn with_needs(
        &self,
        name: &str,
        parameters: &'static str,
        list: &mut Vec<(PathBuf, &'static str)>,
    ) {
        let Some(path) = self.modules.get(&name.replace('-', "_")) else {
            return;
        };
        if list.iter().any(|(listed, _)| listed == path) {
            return;
        }
        for need in needs(path) {
            self.with_needs(&need, "", list);
        }
        list.push((path.clone(), parameters));
    }
}

fn collect(folder: &Path, modules: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, modules);
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            let stem = path.file_stem().expect("a name").to_string_lossy();
            modules.insert(stem.replace('-', "_"), path.clone());
        }
    }
}

/// The names in a module's line `depends=`, which stands between two zeros in its section `.modinfo`.
fn needs(module: &Path) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let bytes = fs::read(module).expect("a module");
    let Some(at) = bytes.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value = bytes[at + KEY.len()..].split(|byte| *byte == 0).next();
    let value = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
    let names = value.split(',').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}
