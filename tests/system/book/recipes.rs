//! Recipes that need nothing but a host, tried as their rendered pages say.

use weihe_tests::{Book, component};

use super::shell::Reader;
use super::tutorial::{Step, steps};

/// (Not those whose pages tell what happens in a certain time, or at a fixed port.)
const TRIED: [&str; 2] = ["totaliser", "vote"];

#[test]
fn recipes_do_what_their_rendered_pages_say() {
    let Some(book) = Book::render() else { return };
    for name in TRIED {
        let mut reader = Reader::new(&[]);
        // Built by the tests: `weihe dev` would do so in the clone.
        let built = component(&format!("cookbook-{name}"));
        reader.put(&format!("plugins/{name}.wasm"), &built);
        let page = book.page("en", &format!("cookbook/{name}"));
        let mut typed = 0;
        for step in steps(&page.blocks) {
            match step {
                Step::Look(language, system) if language == "toml" => {
                    reader.save("weihe.toml", &system.replace("source = \".\"\n", ""));
                    reader.console('B', "$ weihe run .\n  Ctrl-C stops it\n");
                }
                Step::Console(terminal, block) => {
                    reader.console(terminal, &block);
                    typed += 1;
                }
                other => assert!(matches!(other, Step::Look(..)), "{name}: {other:?}"),
            }
        }
        assert!(typed > 0, "{name}");
        reader.console('B', "^C\n");
    }
}

/// The world that a page shows to those who have only the WIT is one, and has what a plugin needs.
#[test]
fn the_world_of_another_language_is_one_for_a_plugin() {
    let Some(book) = Book::render() else { return };
    let steps = steps(&book.page("en", "other-languages").blocks);
    let worlds: Vec<&String> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Look(language, text) if language == "wit" => Some(text),
            _ => None,
        })
        .collect();
    let [world] = worlds.as_slice() else {
        panic!("one world: {worlds:?}");
    };
    let exported = weihe_tests::exports(world);
    assert!(
        exported.contains(&"weihe:plugin/lifecycle@0.1.0".to_owned()),
        "{exported:?}"
    );
}
