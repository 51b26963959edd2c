//! Codecs that do what no codec should.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use weihe_tests::Rig;

/// Accepts one peer and answers each of its bytes.
fn answers(listener: TcpListener, answer: Vec<u8>) {
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        while peer.read_u8().await.is_ok() {
            if peer.write_all(&answer).await.is_err() {
                break;
            }
        }
    });
}

#[tokio::test]
async fn a_codec_that_takes_too_long_is_at_fault_and_other_connections_go_on() {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let (noisy, sound) = (bind().await.unwrap(), bind().await.unwrap());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let rig = Rig::start(&format!(
        r#"
        [plugin]
        raw = "weihe-guest-raw"

        [connection.noisy]
        type = "tcp"
        address = "127.0.0.1:{}"

        [connection.sound]
        type = "tcp"
        address = "127.0.0.1:{}"

        [device.bad]
        plugin = "raw"
        connection = "noisy"

        [device.good]
        plugin = "raw"
        connection = "sound"
        "#,
        port(&noisy),
        port(&sound)
    ))
    .await;
    answers(noisy, vec![b'.'; 60_000]);
    answers(sound, vec![b'!']);
    let mut dead = rig.watch("$dead/bad");
    let mut good = rig.watch("plugin/good/echo");
    // One byte a scan, each of them quick; and one scan without end.
    for way in ["crawl", "spin"] {
        rig.order("bad", &format!("frame {way}"));
        let letter = dead.next().await;
        let error = letter.value["error"].as_str().unwrap();
        assert!(
            error.contains("codec of plugin `raw`") && error.contains("50ms of processor time"),
            "{way}: {error}"
        );
        rig.order("good", "transact");
        good.value("plugin/good/echo", "transact 1").await;
    }
    rig.shutdown().await;
}
