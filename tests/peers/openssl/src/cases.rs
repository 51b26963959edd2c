//! What is tried, once with our client and once with our server.

use std::net::TcpListener;

use rustls::{CipherSuite, HandshakeKind};
use rustls_guomi::{TLS_SM4_CCM_SM3, TLS_SM4_GCM_SM3};

use crate::ours::{self, Ours};
use crate::stack::Stack;
use crate::theirs::Theirs;
use crate::{pki, text};

pub const SUITES: [(&str, CipherSuite); 2] = [
    ("TLS_SM4_GCM_SM3", TLS_SM4_GCM_SM3),
    ("TLS_SM4_CCM_SM3", TLS_SM4_CCM_SM3),
];

type Attempt = fn(&Stack, &str, CipherSuite) -> Result<(), String>;

pub struct Case {
    pub name: &'static str,
    pub client: Attempt,
    pub server: Attempt,
}

pub const CASES: [Case; 6] = [
    Case {
        name: "handshake and data",
        client: |stack, name, suite| {
            let (mut theirs, port) = Theirs::server(stack, name, false)?;
            let mut ours = Ours::connect(&ours::client(suite)?, port)?;
            ours.expect(suite, HandshakeKind::Full)?;
            talk(&mut ours, &mut theirs)
        },
        server: |stack, name, suite| {
            let (mut ours, mut theirs) = visited(stack, name, suite, false, stack.group, &[])?;
            ours.expect(suite, HandshakeKind::Full)?;
            talk(&mut ours, &mut theirs)
        },
    },
    Case {
        name: "certificates on both sides",
        client: |stack, name, suite| {
            let (mut theirs, port) = Theirs::server(stack, name, true)?;
            let mut ours = Ours::connect(&ours::client(suite)?, port)?;
            talk(&mut ours, &mut theirs)
        },
        server: |stack, name, suite| {
            let (certificate, key) = (pki("client.pem"), pki("client.key.pem"));
            let shown = ["-cert", &certificate, "-key", &key];
            let (mut ours, mut theirs) = visited(stack, name, suite, true, stack.group, &shown)?;
            ours.peer_is_known()?;
            talk(&mut ours, &mut theirs)
        },
    },
    Case {
        name: "resumption",
        client: |stack, name, suite| {
            let (mut theirs, port) = Theirs::server(stack, name, false)?;
            let config = ours::client(suite)?;
            for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
                let mut ours = Ours::connect(&config, port)?;
                ours.expect(suite, kind)?;
                talk(&mut ours, &mut theirs)?;
                ours.end()?;
            }
            Ok(())
        },
        server: |stack, name, suite| {
            let file =
                std::env::temp_dir().join(format!("weihe-tls-session-{}", std::process::id()));
            let session = file.display().to_string();
            let config = ours::server(suite, false)?;
            let result = [
                (HandshakeKind::Full, "-sess_out"),
                (HandshakeKind::Resumed, "-sess_in"),
            ]
            .into_iter()
            .try_for_each(|(kind, option)| {
                let (listener, port) = listener()?;
                let mut theirs =
                    Theirs::client(stack, name, port, stack.group, &[option, &session])?;
                let mut ours = Ours::accept(&config, &listener)?;
                ours.expect(suite, kind)?;
                talk(&mut ours, &mut theirs)
            });
            let _ = std::fs::remove_file(file);
            result
        },
    },
    Case {
        name: "HelloRetryRequest",
        client: |stack, name, suite| {
            let (mut theirs, port) = Theirs::server(stack, name, false)?;
            let mut ours = Ours::connect(&ours::client_that_begins_wrongly(suite)?, port)?;
            ours.expect(suite, HandshakeKind::FullWithHelloRetryRequest)?;
            talk(&mut ours, &mut theirs)
        },
        server: |stack, name, suite| {
            let groups = format!("P-256:{}", stack.group);
            let (mut ours, mut theirs) = visited(stack, name, suite, false, &groups, &[])?;
            ours.expect(suite, HandshakeKind::FullWithHelloRetryRequest)?;
            talk(&mut ours, &mut theirs)
        },
    },
    Case {
        name: "key update, asked by us",
        client: |stack, name, suite| {
            let (mut theirs, port) = Theirs::server(stack, name, false)?;
            let mut ours = Ours::connect(&ours::client(suite)?, port)?;
            renewed(&mut ours, &mut theirs, true)
        },
        server: |stack, name, suite| {
            let (mut ours, mut theirs) = visited(stack, name, suite, false, stack.group, &[])?;
            renewed(&mut ours, &mut theirs, true)
        },
    },
    Case {
        name: "key update, asked by them",
        client: |stack, name, suite| {
            let (mut theirs, port) = Theirs::server(stack, name, false)?;
            let mut ours = Ours::connect(&ours::client(suite)?, port)?;
            renewed(&mut ours, &mut theirs, false)
        },
        server: |stack, name, suite| {
            let (mut ours, mut theirs) = visited(stack, name, suite, false, stack.group, &[])?;
            renewed(&mut ours, &mut theirs, false)
        },
    },
];

fn listener() -> Result<(TcpListener, u16), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(text)?;
    let port = listener.local_addr().map_err(text)?.port();
    Ok((listener, port))
}

/// Our server, visited by their client.
fn visited(
    stack: &Stack,
    name: &str,
    suite: CipherSuite,
    mutual: bool,
    groups: &str,
    more: &[&str],
) -> Result<(Ours, Theirs), String> {
    let (listener, port) = listener()?;
    let theirs = Theirs::client(stack, name, port, groups, more)?;
    let ours = Ours::accept(&ours::server(suite, mutual)?, &listener)
        .map_err(|error| format!("{error}; they said: {}", theirs.said()))?;
    Ok((ours, theirs))
}

/// A line in each direction.
fn talk(ours: &mut Ours, theirs: &mut Theirs) -> Result<(), String> {
    ours.say("open the valve")?;
    theirs.wait("open the valve")?;
    theirs.type_line("it is open")?;
    ours.hear("it is open")
}

fn renewed(ours: &mut Ours, theirs: &mut Theirs, by_us: bool) -> Result<(), String> {
    talk(ours, theirs)?;
    for _ in 0..2 {
        if by_us {
            ours.renew_keys()?;
        } else {
            // A command of theirs: renew, and ask the other side to. What is typed before it was carried out would be
            // taken for a part of it.
            theirs.type_line("K")?;
            ours.hear_no_text()?;
        }
        talk(ours, theirs)?;
    }
    Ok(())
}
