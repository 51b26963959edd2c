//! What is kept of released versions, byte by byte: whoever changes it changes what compiled plugins out there are.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use weihe_tests::workspace;

/// As `sha256sum` prints them, by name.
const SUMS: &str = "\
6eac771eec0ad13019830734b4fb0797a2df79e8d29eb2af4cbaf258f34d75c8  0.1.0/raw.wasm
309e7f354c6f05470a0bba3477746dfeae7b9cb9369275285d2279c65a0bdb36  0.1.0/sdk.wasm
c28996143b7f764c4b53694daec22a396a3e77736a7624268bd6c26f4ba491a3  0.1.0/wit/connection/connections.wit
8efe17d0c1de8dcef35312450ba7fdd973d30ffd63c89eac36fe4ecab84c9477  0.1.0/wit/connection/handler.wit
68497694f5f3add8642660caf52017bf5022e65ca6c0165ebc524102800b814e  0.1.0/wit/connection/types.wit
51623f59d36a9afc02a10c92248cc2978be06bbb404f6c861f3fd58c4fb2c180  0.1.0/wit/connection/worlds.wit
0c042c925b053c98ab1121fdbd97dcaf2b301f414d12e59ea8425765c3215479  0.1.0/wit/deps/wasi-config/store.wit
2e528cab9f347a7a0291b4fc7fafb792f614b94cbbdd17fc5283fded188f58d8  0.1.0/wit/deps/wasi-keyvalue/store.wit
ec4a35187a7598e05299b225178f861b831e15755d6090447bce256887786d55  0.1.0/wit/deps/wasi-logging/logging.wit
e76f42d5d2cddd0b2602c5219b9e712a973b2091a75b37e4c3331d1a5bd2507c  0.1.0/wit/plugin/bus.wit
9e54fb8e999b4ba942a44b8bce95ecca16eb7bff62464238e95b34d8270d18cb  0.1.0/wit/plugin/codec.wit
f457a952eb602dbac9e1b25e9a2f14062a1a9206bcdd71a37afba36886e1c8d4  0.1.0/wit/plugin/commands.wit
4a6b1e401514abfd1b693ec8f8c92b3bfb1dd777b297a39844ed469db62e153d  0.1.0/wit/plugin/events-batch.wit
ec7a1a357d0b3e0e6ff0f9f1c3a0571428f85e36936df86ef132252daedce485  0.1.0/wit/plugin/events.wit
26aa5cbe7cc5e13be03bb2b231b8f8b305e26c1030ac3ac397cfc46aa7d3599c  0.1.0/wit/plugin/lifecycle.wit
713dc01b85f3fbea1bf923f88e9165c18ad5f4d232cbfa55dfa0c7e081db83b9  0.1.0/wit/plugin/schedule.wit
2d067fff50c709b816b8d208d61a5b265f8b1b4d572eafd3d7a87539f0011f09  0.1.0/wit/plugin/state.wit
7c43242544daae9a1403e854a7e16b61ed512391a126d34da38bfae06ff57359  0.1.0/wit/plugin/types.wit
79aacc68d6310c19ab641241c041422bf41250546ca4bd920ba3d7b5e137efb7  0.1.0/wit/plugin/worlds.wit
03e61de5da0a8650a138bf79cedb44bf7797e62d9c36ea08b4d56a6e2e3f3d09  0.1.0/wit/store/sql.wit
da5cbf456bf2fc32dc1491dddec68b99c631fae8de6861b39521affba02c6828  0.1.0/wit/store/worlds.wit
";

/// What is in a folder and is kept: interfaces and components, by name. Sources only say where those come from.
fn kept(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            kept(root, &path, found);
        } else if path
            .extension()
            .is_some_and(|kind| kind == "wit" || kind == "wasm")
        {
            let digest = Sha256::digest(fs::read(&path).unwrap());
            let name = path.strip_prefix(root).unwrap().display();
            found.push(format!("{name}\n{digest:x}"));
        }
    }
}

#[test]
fn what_is_kept_of_released_versions_is_as_it_was() {
    let root = workspace().join("tests/compat");
    let mut found = Vec::new();
    kept(&root, &root, &mut found);
    found.sort();
    let lines = found.iter().map(|entry| {
        let (name, digest) = entry.split_once('\n').unwrap();
        format!("{digest}  {name}\n")
    });
    let lines: String = lines.collect();
    assert!(
        lines == SUMS,
        "tests/compat is other than it was; its README says when it may be. It is now:\n{lines}"
    );
}
