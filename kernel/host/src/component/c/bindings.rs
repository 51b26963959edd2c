//! The world in C: a header, its other half, and an object that tells the wrapping.

use std::path::{Path, PathBuf};

use super::super::contracts::{FOLDER, resolve};
use super::error::CError;
use super::made;

/// What the generator made of the world.
pub(super) struct Bindings {
    /// The world's name, which is the plugin's.
    pub(super) world: String,
    pub(super) source: PathBuf,
    /// Tells the wrapping which world it is.
    pub(super) world_object: PathBuf,
}

impl Bindings {
    pub(super) fn make(directory: &Path, folder: &Path) -> Result<Self, CError> {
        let (mut resolve, package) = resolve(directory)?;
        let fail = |error: &dyn std::fmt::Display| CError::Bindings {
            path: directory.join(FOLDER),
            reason: format!("{error:#}"),
        };
        let world = resolve
            .select_world(&[package], None)
            .map_err(|error| fail(&error))?;
        let name = resolve.worlds[world].name.clone();
        let mut made = Default::default();
        wit_bindgen_c::Opts::default()
            .build()
            .generate(&mut resolve, world, &mut made)
            .map_err(|error| fail(&error))?;
        let files = made.iter().map(|(file, _)| file.to_owned());
        let component = ["wasm", "d"].map(|kind| format!("{name}.{kind}"));
        made::replace(folder, files.chain(component).collect())?;
        for (file, content) in made.iter() {
            let path = folder.join(file);
            // Unchanged files keep their time.
            if std::fs::read(&path).is_ok_and(|old| old == content) {
                continue;
            }
            std::fs::write(&path, content).map_err(|source| CError::Io {
                what: "write",
                path,
                source,
            })?;
        }
        let snake = name.replace('-', "_");
        Ok(Self {
            world: name,
            source: folder.join(format!("{snake}.c")),
            world_object: folder.join(format!("{snake}_component_type.o")),
        })
    }
}
