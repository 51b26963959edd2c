//! The C library in a plugin of the SDK, whose allocator serves both.

use weihe_kernel::event::Value;
use weihe_tests::Rig;

const LIBC: &str = r#"
[plugin]
libc = "weihe-guest-libc"

[device.libc]
plugin = "libc"
"#;

#[tokio::test]
async fn what_the_host_returns_to_the_c_library_is_given_back_without_harm() {
    let rig = Rig::start(LIBC).await;
    let mut out = rig.watch("plugin/libc/out");
    for (call, said) in [
        ("entropy", "true"),
        // Plugins have neither.
        ("environment", "0"),
        ("arguments", "0"),
        ("random", "10"),
        ("folder", "false"),
        ("line", "true"),
        ("own blocks", "true"),
    ] {
        rig.publish("plugin/libc/in", [Value::Text(call.into())]);
        assert_eq!(out.next().await.value, format!("{call}: {said}"));
    }
    assert_eq!(rig.device("libc").traps, 0);
    rig.shutdown().await;
}
