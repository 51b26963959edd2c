//! Who may ask what, at the door on the network: one table of all methods.

use std::fmt;
use std::str::FromStr;

/// What a certificate entitles to. Each includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// To look.
    Read,
    /// To act on devices, as their operators do.
    Operate,
    /// To change what runs.
    Admin,
}

impl Role {
    /// As it is written in `weihe.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }

    /// What a request needs at least. What is not in the table is for administrators.
    pub fn least(method: &str) -> Self {
        find(method).map_or(Self::Admin, |known| known.role)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Read, Self::Operate, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(())
    }
}

/// A method of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// The role that it needs at least.
    pub role: Role,
    /// Whether it only looks, and is not recorded.
    pub looks: bool,
}

const fn looking(name: &'static str, role: Role) -> Method {
    Method {
        name,
        role,
        looks: true,
    }
}

const fn acting(name: &'static str, role: Role) -> Method {
    Method {
        name,
        role,
        looks: false,
    }
}

/// All methods.
pub const METHODS: [Method; 20] = [
    looking("hello", Role::Read),
    looking("ps", Role::Read),
    looking("board", Role::Read),
    looking("get", Role::Read),
    looking("events", Role::Read),
    looking("logs", Role::Read),
    looking("dead-list", Role::Read),
    looking("cancel", Role::Read),
    acting("set", Role::Operate),
    acting("call", Role::Operate),
    acting("board-do", Role::Operate),
    acting("dead-retry", Role::Operate),
    acting("dead-drop", Role::Operate),
    acting("restart", Role::Operate),
    // It reads what files a text names, and quotes from them.
    looking("plan", Role::Admin),
    acting("swap", Role::Admin),
    acting("rollback", Role::Admin),
    acting("load", Role::Admin),
    acting("unload", Role::Admin),
    acting("reload", Role::Admin),
];

fn find(method: &str) -> Option<&'static Method> {
    METHODS.iter().find(|known| known.name == method)
}

/// Whether there is a method of this name.
pub fn is_known(method: &str) -> bool {
    find(method).is_some()
}

/// Whether a request only looks. All others are recorded, also those that are added one day.
pub fn looks(method: &str) -> bool {
    find(method).is_some_and(|known| known.looks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_method_that_is_answered_has_a_role() {
        // The arms of the match that answers requests, and the one that sessions answer themselves.
        let source = include_str!("../system/service.rs");
        let arms = source.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("            \"")?.split_once('"')?;
            rest.starts_with(" =>").then_some(name)
        });
        let answered: BTreeSet<&str> = arms.chain(["cancel"]).collect();
        let in_table: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(answered, in_table);
        assert_eq!(in_table.len(), METHODS.len(), "each once");
    }

    #[test]
    fn looking_is_for_all_and_changing_what_runs_for_administrators() {
        for (method, role) in [
            ("ps", Role::Read),
            ("call", Role::Operate),
            ("swap", Role::Admin),
            ("plan", Role::Admin),
            ("made-up-one-day", Role::Admin),
        ] {
            assert_eq!(Role::least(method), role, "{method}");
        }
        assert!(Role::Read < Role::Operate && Role::Operate < Role::Admin);
    }
}
