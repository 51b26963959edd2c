//! A unit in the field, at the far end of a line: each request has two bytes, and the reply is the same.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Notify;

use crate::connection::{Opened, Opener};

/// How the unit treats requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manners {
    /// It confirms them.
    #[default]
    Polite,
    /// It refuses them.
    Refusing,
    /// It says nothing.
    Silent,
}

/// The unit, and the cable to it.
#[derive(Clone, Default)]
pub struct Field(Arc<Inner>);

#[derive(Default)]
struct Inner {
    manners: Mutex<Manners>,
    unplugged: Mutex<bool>,
    pulled: Notify,
    heard: Mutex<Vec<String>>,
}

impl Field {
    pub fn behave(&self, manners: Manners) {
        *self.0.manners.lock().unwrap() = manners;
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        *self.0.unplugged.lock().unwrap() = true;
        self.0.pulled.notify_waiters();
    }

    pub fn plug_in(&self) {
        *self.0.unplugged.lock().unwrap() = false;
    }

    /// The requests that came since the last look.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.heard.lock().unwrap())
    }

    async fn listen(self, mut stream: DuplexStream) {
        let mut request = [0; 2];
        while stream.read_exact(&mut request).await.is_ok() {
            let text = String::from_utf8(request.to_vec()).unwrap();
            self.0.heard.lock().unwrap().push(text);
            let manners = *self.0.manners.lock().unwrap();
            let reply = match manners {
                Manners::Polite => request,
                Manners::Refusing => [b'!', request[1]],
                Manners::Silent => continue,
            };
            if stream.write_all(&reply).await.is_err() {
                return;
            }
        }
    }
}

#[async_trait]
impl Opener for Field {
    async fn open(&self) -> Result<Opened, String> {
        if *self.0.unplugged.lock().unwrap() {
            return Err("no carrier".into());
        }
        let (near, far) = duplex(1024);
        let unit = self.clone();
        tokio::spawn(async move {
            let pulled = unit.0.clone();
            tokio::select! {
                () = pulled.pulled.notified() => {}
                () = unit.listen(far) => {}
            }
        });
        // Another process could speak on any descriptor.
        let descriptor = std::fs::File::open("/dev/null").unwrap();
        Ok(Opened::with_descriptor(near, descriptor.into()))
    }

    fn describe(&self) -> String {
        "a unit".into()
    }
}
