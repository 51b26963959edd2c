//! The system that a command is typed for: what its host says, or else its weihe.toml.

use std::cell::OnceCell;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{Global, board, described, directory, remote};
use super::engine::{Live, Typed};
use crate::config::Config;
use crate::output::Failure;

/// How long a host is waited for: who types waits with it.
const PATIENCE: Duration = Duration::from_millis(500);

/// The system at hand.
pub(super) struct System {
    global: Global,
    seen: OnceCell<Option<Value>>,
}

impl System {
    pub(super) fn new(typed: &Typed, global: &Global) -> Self {
        let mut global = global.clone();
        if typed.directory.is_some() {
            global.directory.clone_from(&typed.directory);
        }
        Self {
            global,
            seen: OnceCell::new(),
        }
    }

    /// What the running host answers; none when there is none, or it takes too long.
    fn ask(&self, method: &str, params: Value) -> Option<Value> {
        remote::converse(async {
            let asked = async {
                let mut client = remote::client(&self.global).await?;
                Ok::<Value, Failure>(client.request(method, &params).await?)
            };
            tokio::time::timeout(PATIENCE, asked)
                .await
                .unwrap_or_else(|_| Err(Failure::plain("too slow")))
        })
        .ok()
    }

    fn status(&self) -> Option<&Value> {
        self.seen
            .get_or_init(|| self.ask("ps", Value::Null))
            .as_ref()
    }

    fn config(&self) -> Option<Config> {
        let directory = directory::find(None, &self.global).ok()?;
        Config::load(&directory).ok()
    }

    /// The names in a list of the host's status, each with another of its texts.
    fn listed(&self, list: &str, about: &str) -> Option<Vec<(String, String)>> {
        let listed = self.status()?[list].as_array()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let named = listed.iter();
        Some(
            named
                .map(|one| (text(&one["name"]), text(&one[about])))
                .collect(),
        )
    }

    /// What the plugin of a device says of the device's commands.
    fn described(&self, device: &str) -> &[Value] {
        let status = self.status();
        let commands = status.and_then(|status| described::commands(status, device));
        commands.map_or(&[], |(_, commands)| commands)
    }
}

impl Live for System {
    fn devices(&self) -> Vec<(String, String)> {
        self.listed("devices", "plugin").unwrap_or_else(|| {
            let devices = self.config().map(|config| config.devices);
            let devices = devices.into_iter().flatten();
            devices.map(|device| (device.name, device.plugin)).collect()
        })
    }

    fn plugins(&self) -> Vec<(String, String)> {
        self.listed("plugins", "version").unwrap_or_else(|| {
            let plugins = self.config().map(|config| config.plugins);
            let plugins = plugins.into_iter().flatten();
            plugins.map(|plugin| (plugin.name, String::new())).collect()
        })
    }

    fn topics(&self) -> Vec<(String, String)> {
        let events = self.ask("get", json!({ "filter": "#" }));
        let events = events.as_ref().and_then(Value::as_array);
        let topics = events.into_iter().flatten();
        topics
            .filter_map(|event| Some((event["topic"].as_str()?.to_owned(), String::new())))
            .collect()
    }

    fn parts(&self) -> Vec<(String, String)> {
        let view = self.ask("board", Value::Null);
        let view = view.and_then(|view| serde_json::from_value(view).ok());
        view.map_or_else(Vec::new, |view| board::parts(&view))
    }

    fn commands(&self, device: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let commands = self.described(device).iter();
        commands
            .map(|command| (text(&command["name"]), text(&command["summary"])))
            .collect()
    }

    fn arguments(&self, device: &str, command: &str) -> Vec<(String, String)> {
        let mut commands = self.described(device).iter();
        let command = commands.find(|one| one["name"] == command);
        let arguments = command.map(described::arguments).unwrap_or_default();
        let named = arguments.into_iter();
        named
            .map(|(name, about)| (format!("{name}="), about))
            .collect()
    }
}
