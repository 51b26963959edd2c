//! Processors and boards that this machine is not: what `weihe doctor` says of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Board, PC, VIRT, boot};

/// A machine of `identities.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Identity {
    base: Base,
    cpu: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    tree: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Words in files of the booted machine, which say that the disguise works.
    kernel: BTreeMap<String, Vec<String>>,
    /// Words in what `weihe doctor --json` prints.
    doctor: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Base {
    Pc,
    Virt,
}

fn identities() -> BTreeMap<String, Identity> {
    toml::from_str(include_str!("../identities.toml")).expect("identities.toml")
}

/// Boots it for this alone.
fn is_known(name: &str) {
    let identity = identities().remove(name).expect("one of identities.toml");
    let base = match identity.base {
        Base::Pc => &PC,
        Base::Virt => &VIRT,
    };
    let board = Board {
        cpu: Cow::Owned(identity.cpu),
        // Nothing is measured here.
        steady: false,
        arguments: identity.arguments,
        tree: identity.tree.into_iter().collect(),
        files: identity.files.into_iter().collect(),
        ..base.named(name)
    };
    let Some(mut guest) = boot(&board) else {
        return;
    };
    for (file, words) in &identity.kernel {
        let contents = guest.output(&format!("cat {file}")).replace('\0', "\n");
        for words in words {
            assert!(
                contents.contains(words),
                "{file} lacks `{words}`: {contents}"
            );
        }
    }
    let report = guest.weihe("doctor").to_string();
    for words in &identity.doctor {
        assert!(report.contains(words), "no word of `{words}`: {report}");
    }
}

macro_rules! identities {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            is_known($name);
        })*

        #[test]
        fn every_identity_is_checked() {
            let checked = [$($name),*];
            let all = identities();
            assert_eq!(all.keys().map(String::as_str).collect::<Vec<_>>(), checked);
        }
    };
}

identities! {
    hygon_is_known: "hygon",
    kunpeng_920_is_known: "kunpeng-920",
    phytium_d2000_is_known: "phytium-d2000",
    phytium_e2000_is_known: "phytium-e2000",
    zhaoxin_is_known: "zhaoxin",
    zhaoxin_shanghai_is_known: "zhaoxin-shanghai",
}
