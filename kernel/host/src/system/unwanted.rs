//! What runs is asked about again when the policy of `[signatures]` changes, and when a version comes back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weihe_guomi::signed::{Gate, Mode};

use super::start::System;
use crate::config::Config;

/// What becomes of a plugin of which no copy is left that could be looked at.
#[derive(Clone, Copy)]
pub(super) enum Uncopied {
    /// The policy is the one that let it in.
    GoesOn,
    /// Nobody can say whether the policy would let it in.
    IsUnwanted,
}

impl System {
    /// The plugins that run and that a gate does not let in, with the reason. They are looked at in their files,
    /// or in the copies that are kept of them.
    pub(super) async fn unwanted(
        &self,
        gate: &Gate,
        config: &Config,
        uncopied: Uncopied,
    ) -> BTreeMap<String, String> {
        let mut unwanted = BTreeMap::new();
        if gate.policy().mode != Mode::Require {
            return unwanted;
        }
        for (name, runs) in self.running().plugins {
            let of_entry = config.plugin(&name).into_iter();
            let mut files: Vec<PathBuf> = of_entry
                .flat_map(|plugin| plugin.files().map(Path::to_path_buf))
                .collect();
            files.push(PathBuf::from(&runs.file));
            files.extend(self.kept.files(&name));
            let mut why = match uncopied {
                Uncopied::GoesOn => None,
                Uncopied::IsUnwanted => {
                    Some("no copy of it is left whose signature could be looked at".to_owned())
                }
            };
            for file in files {
                if !is_copy(&file, &runs.sha256).await {
                    continue;
                }
                let found = self.examine(gate, &name, &file).await.found;
                why = found.err().map(|error| error.to_string());
                break;
            }
            unwanted.extend(why.map(|why| (name, why)));
        }
        unwanted
    }
}

/// Whether a file holds the version of this hash.
async fn is_copy(file: &Path, sha256: &str) -> bool {
    let (file, sha256) = (file.to_path_buf(), sha256.to_owned());
    // A slow disk holds up nobody.
    let same = tokio::task::spawn_blocking(move || {
        weihe_kernel::runtime::Source::read(&file).is_ok_and(|source| source.sha256 == sha256)
    });
    same.await.unwrap_or(false)
}
