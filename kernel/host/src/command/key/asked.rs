//! The key store of a command, and the passphrases that it asks for.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use weihe_guomi::keys::folder::{Folder, Journal, Kind, Passphrase, Protection};
use weihe_guomi::keys::{KeyError, KeyStore};
use zeroize::Zeroizing;

use super::super::{Global, directory};
use super::failed;
use crate::config::{Config, KeysEntry};
use crate::keys::{self, FILE_PASSPHRASE, NEW_PASSPHRASE};
use crate::language::{Text, say};
use crate::output::Failure;

/// The key store of the system that the command is about.
pub(in crate::command) struct Opened {
    pub(super) entry: KeysEntry,
    pub(super) folder: Arc<Folder>,
    pub(in crate::command) store: KeyStore,
    journal: Arc<Journal>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        // What was done is done; that the trail will not have it is said.
        if let Some(error) = self.journal.problem() {
            let why = Text::told(error);
            eprintln!("{}", say::key_notice(say::key_unrecorded(why)));
        }
    }
}

impl Opened {
    pub(in crate::command) fn of(global: &Global) -> Result<Self, Failure> {
        let entry = entry(global)?;
        let asked = entry.clone();
        let passphrases = move |folder: &Path| match keys::passphrase(&asked)? {
            Some(words) => Ok(words),
            None => prompt(&say::key_passphrase(folder.display()))?
                .ok_or_else(|| KeyError::NoPassphrase(folder.to_owned())),
        };
        let folder = Arc::new(Folder::new(keys::folder(&entry), Arc::new(passphrases)));
        let journal = Arc::new(Journal::new(folder.clone()));
        let store = keys::open(&entry, folder.clone()).audited(journal.clone());
        for notice in store.notices() {
            eprintln!("{}", say::key_notice(Text::told(notice)));
        }
        Ok(Self {
            entry,
            folder,
            store,
            journal,
        })
    }

    /// Whether what was done is written down for the audit trail.
    pub(super) fn written_down(&self) -> Result<(), Failure> {
        match self.journal.problem() {
            Some(error) => Err(failed(error)),
            None => Ok(()),
        }
    }

    /// Makes the store, where there is none yet. Says whether it did.
    pub(super) fn ensure(&self, machine_bound: bool) -> Result<Option<Kind>, Failure> {
        let there = self.folder.protection().map_err(failed)?;
        match (there, machine_bound) {
            (Some(Kind::Passphrase), true) => Err(Failure::new(
                say::key_not_machine(self.folder.path().display()),
                say::key_not_machine_help(),
            )),
            (Some(_), _) => Ok(None),
            (None, true) => self.create(&Protection::Machine, Kind::Machine),
            (None, false) => {
                let words = match keys::passphrase(&self.entry).map_err(failed)? {
                    Some(words) => words,
                    None => self.twice()?,
                };
                let protection = Protection::Passphrase(words, self.entry.rounds);
                self.create(&protection, Kind::Passphrase)
            }
        }
    }

    fn create(&self, protection: &Protection, kind: Kind) -> Result<Option<Kind>, Failure> {
        self.folder.create(protection).map_err(failed)?;
        Ok(Some(kind))
    }

    /// A new passphrase for the store, typed in twice.
    fn twice(&self) -> Result<Passphrase, Failure> {
        let place = self.folder.path().display();
        repeated(&say::key_new_passphrase(place)).and_then(|words| {
            words.ok_or_else(|| {
                Failure::new(
                    say::key_no_passphrase(self.folder.path().display()),
                    say::key_no_passphrase_help(),
                )
            })
        })
    }

    /// The passphrase that the store is to have from now on.
    pub(super) fn next(&self) -> Result<Passphrase, Failure> {
        match std::env::var(NEW_PASSPHRASE) {
            Ok(words) => Passphrase::new(words).map_err(failed),
            Err(_) => self.twice(),
        }
    }
}

/// What `[keys]` says; what it would say without a system, where the folder is named.
fn entry(global: &Global) -> Result<KeysEntry, Failure> {
    let named = std::env::var_os(keys::KEYSTORE).is_some_and(|folder| !folder.is_empty());
    match directory::find(None, global) {
        Ok(directory) => match Config::load(&directory) {
            Ok(config) => Ok(config.keys),
            Err(_) if named => Ok(KeysEntry::within(&directory)),
            Err(error) => Err(error.into()),
        },
        Err(_) if named => Ok(KeysEntry::within(Path::new("."))),
        Err(failure) => Err(failure),
    }
}

/// Asks without showing what is typed; none where nobody is there to ask.
fn prompt(question: &Text) -> Result<Option<Passphrase>, KeyError> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let words =
        rpassword::prompt_password(question.to_string()).map_err(|source| KeyError::File {
            what: "cannot read",
            path: "/dev/tty".into(),
            source,
        })?;
    Passphrase::new(words).map(Some)
}

fn repeated(question: &Text) -> Result<Option<Passphrase>, Failure> {
    let Some(words) = prompt(question).map_err(failed)? else {
        return Ok(None);
    };
    match prompt(&say::key_again()).map_err(failed)? {
        Some(again) if again == words => Ok(Some(words)),
        _ => Err(Failure::plain(say::key_differ())),
    }
}

/// The passphrase of the file of a key that is read.
pub(super) fn of_file(file: &Path) -> Result<Passphrase, Failure> {
    if let Ok(words) = std::env::var(FILE_PASSPHRASE) {
        return Passphrase::new(words).map_err(failed);
    }
    let words = prompt(&say::key_file_passphrase(file.display())).map_err(failed)?;
    words.ok_or_else(|| Failure::new(say::key_file_locked(file.display()), say::key_file_help()))
}

/// The passphrase of the file of a key that is written.
pub(super) fn for_file() -> Result<Passphrase, Failure> {
    if let Ok(words) = std::env::var(FILE_PASSPHRASE) {
        return Passphrase::new(words).map_err(failed);
    }
    let words = repeated(&say::key_file_new_passphrase())?;
    words.ok_or_else(|| Failure::new(say::key_file_open(), say::key_file_help()))
}

/// Whether somebody at a terminal types the name of what is to be destroyed.
pub(super) fn confirmed(question: &Text, name: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            say::key_unconfirmed(name),
            say::key_unconfirmed_help(),
        ));
    }
    eprint!("{question}");
    // Without it, the question is seen later.
    let _ = std::io::stderr().flush();
    let mut typed = Zeroizing::new(String::new());
    match std::io::stdin().read_line(&mut typed) {
        Ok(_) => Ok(typed.trim() == name),
        Err(_) => Ok(false),
    }
}
