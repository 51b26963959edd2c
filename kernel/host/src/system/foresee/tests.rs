#![allow(clippy::unwrap_used)]

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::{fs, path::Path};

use weihe_guomi::signed::Mode;

use super::*;
use crate::config::Config;
use crate::system::DataDirectory;

/// A component as far as a first look goes: it is let in or not, and then compiled, which takes its time.
const BEGINNING: &[u8] = b"\0asm\x0d\0\x01\0";

fn requiring(directory: &Path) -> std::sync::Arc<System> {
    let key = weihe_sm::sm2::PrivateKey::generate().unwrap();
    let now = std::time::SystemTime::now();
    let order = weihe_sm::certificate::Order {
        subject: "CN=Plant".to_owned(),
        profile: weihe_sm::certificate::Profile::Authority { path_length: None },
        hosts: Vec::new(),
        not_before: now,
        not_after: now + std::time::Duration::from_secs(3600),
    };
    let root = weihe_sm::certificate::self_signed(&key, &order).unwrap();
    fs::write(directory.join("root.pem"), root.to_pem().unwrap()).unwrap();
    let text = "[signatures]\npolicy = \"require\"\ntrust = [\"root.pem\"]\n";
    fs::write(directory.join("weihe.toml"), text).unwrap();
    let config = Config::parse(directory, text).unwrap();
    let data = DataDirectory::take(&config.host.data).unwrap();
    System::start(config, data).unwrap()
}

#[tokio::test]
async fn a_plan_that_nobody_waits_for_leaves_the_policy_in_force() {
    let directory = tempfile::tempdir().unwrap();
    let system = requiring(directory.path());
    fs::create_dir(directory.path().join("plugins")).unwrap();
    let file = directory.path().join("plugins/relay.wasm");
    fs::write(&file, BEGINNING).unwrap();
    let refused = async || {
        let found = system.kernel().load_plugin("relay", &file).await;
        found.unwrap_err().to_string().contains("is not admitted")
    };
    {
        let text = "[signatures]\npolicy = \"off\"\n[plugin.relay]\n".to_owned();
        let mut plan = pin!(system.foresee(Some(text)));
        let mut once = Context::from_waker(Waker::noop());
        assert!(
            matches!(plan.as_mut().poll(&mut once), Poll::Pending),
            "compiling takes its time"
        );
        assert_eq!(system.gate.policy().mode, Mode::Require);
        assert!(refused().await, "while the plan is made");
    }
    assert!(refused().await, "after whoever asked for the plan has gone");
    system.kernel().shutdown().await;
}
