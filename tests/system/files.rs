//! Files that are no plugins, or no good ones. Each is refused with a sentence that names it; what
//! was loaded before stays.

use std::fs;
use std::path::PathBuf;

use weihe_kernel::LoadError;
use weihe_tests::{Rig, component, wrong};

async fn refused(rig: &Rig, file: &str, bytes: &[u8]) -> String {
    let path = rig.file(file);
    fs::write(&path, bytes).unwrap();
    let error = rig.kernel().load_plugin("broken", &path).await.err();
    let error = error.unwrap_or_else(|| panic!("{file} was taken for a plugin"));
    let text = error.to_string();
    assert!(text.contains(file), "{text}");
    text
}

fn sound() -> Vec<u8> {
    fs::read(component("weihe-guest-raw")).unwrap()
}

#[tokio::test]
async fn a_file_that_is_no_webassembly_is_refused() {
    let rig = Rig::bare();
    assert!(
        refused(&rig, "empty.wasm", b"")
            .await
            .contains("it is empty")
    );
    assert!(
        refused(&rig, "text.wasm", b"[plugin.modbus]\n")
            .await
            .contains("not a WebAssembly file")
    );
    assert!(
        refused(&rig, "elf.wasm", b"\x7fELF\x02\x01\x01\0\0\0\0\0")
            .await
            .contains("00 61 73 6D")
    );
    let missing = rig
        .kernel()
        .load_plugin("missing", &rig.file("missing.wasm"))
        .await
        .err()
        .unwrap();
    assert!(missing.to_string().contains("missing.wasm"), "{missing}");
    rig.shutdown().await;
}

#[tokio::test]
async fn a_core_module_is_refused_with_what_to_do() {
    let rig = Rig::bare();
    let text = refused(&rig, "core.wasm", b"\0asm\x01\0\0\0").await;
    assert!(
        text.contains("core module") && text.contains("wasm32-wasip2"),
        "{text}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_truncated_file_is_refused_wherever_it_ends() {
    let rig = Rig::bare();
    let whole = sound();
    for length in [
        1,
        4,
        7,
        9,
        100,
        1000,
        whole.len() / 2,
        whole.len() - 100,
        whole.len() - 1,
    ] {
        refused(&rig, "truncated.wasm", &whole[..length]).await;
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn a_corrupt_file_is_refused_or_harmless() {
    let rig = Rig::bare();
    let whole = sound();
    let path = rig.file("corrupt.wasm");
    let mut refused = 0;
    for part in 0..24 {
        let mut bytes = whole.clone();
        let at = 8 + part * (bytes.len() - 8) / 24;
        for byte in &mut bytes[at..at + 4] {
            *byte ^= 0xa5;
        }
        fs::write(&path, &bytes).unwrap();
        // Some bytes are a constant or a name: then it is another sound component.
        if let Err(error) = rig.kernel().load_plugin("corrupt", &path).await {
            assert!(error.to_string().contains("corrupt.wasm"), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 12, "only {refused} of 24 were noticed");
    rig.shutdown().await;
}

#[tokio::test]
async fn a_component_of_another_world_is_refused_by_what_it_lacks() {
    let rig = Rig::bare();
    let bytes = fs::read(wrong("other-world")).unwrap();
    let text = refused(&rig, "other.wasm", &bytes).await;
    assert!(
        text.contains("not a Weihe plugin") && text.contains("weihe:plugin/lifecycle@0.1.0"),
        "{text}"
    );
    assert!(text.contains("it exports run"), "{text}");
    rig.shutdown().await;
}

#[tokio::test]
async fn an_import_that_the_host_does_not_offer_is_named() {
    let rig = Rig::bare();
    let bytes = fs::read(wrong("unknown-import")).unwrap();
    let text = refused(&rig, "fortune.wasm", &bytes).await;
    assert!(
        text.contains("imports `test:fortune/teller`") && text.contains("does not offer"),
        "{text}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_hook_of_another_shape_is_refused() {
    let rig = Rig::bare();
    let bytes = fs::read(wrong("other-shape")).unwrap();
    let text = refused(&rig, "old.wasm", &bytes).await;
    assert!(text.contains("another version of an interface"), "{text}");
    rig.shutdown().await;
}

#[tokio::test]
async fn a_trap_in_describe_is_a_refusal() {
    let rig = Rig::bare();
    let bytes = fs::read(wrong("mute")).unwrap();
    let text = refused(&rig, "mute.wasm", &bytes).await;
    assert!(
        text.contains("`describe` may only return constants") && text.contains("unreachable"),
        "{text}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_bad_file_leaves_the_loaded_plugin_and_its_devices_alone() {
    let rig =
        Rig::start("[plugin]\nraw = \"weihe-guest-raw\"\n[device.good]\nplugin = \"raw\"").await;
    let mut bus = rig.watch("plugin/good/echo");
    let path: PathBuf = rig.file("raw.wasm");
    fs::write(&path, &sound()[..500]).unwrap();
    let error = rig.kernel().load_plugin("raw", &path).await.err().unwrap();
    assert!(matches!(error, LoadError::Compile(_)), "{error}");
    rig.order("good", "well");
    bus.value("plugin/good/echo", "well 1").await;
    rig.add("[device.another]\nplugin = \"raw\"").await;
    rig.shutdown().await;
}
