//! A booted board: commands, files, systems of the host, the far end of a serial port.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use weihe_tests::target;

use crate::agent::{Agent, Ran};
use crate::board::{Board, Lines};
use crate::compiled::{compiled, sha256};
use crate::emulator::Emulator;
use crate::initramfs;
use crate::kernel::Kernel;

/// A boot takes three to ten seconds; a machine that is shared may need far longer.
const BOOT: Duration = Duration::from_secs(120);

/// For one command, on a machine that has other things to do.
const COMMAND: Duration = Duration::from_secs(120);

/// How long something is awaited.
const AWAIT: Duration = Duration::from_secs(120);

/// What the module of the rig shows of its lines, and where it is told.
const LEVELS: &str = "/sys/devices/platform/weihe-rig/levels";

/// The folder of a line of `gpio-sim`.
fn simulated(line: u32) -> String {
    format!("$(echo /sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio{line})")
}

/// The exit code of a command that looks at a host which has ended: none that `weihe` has.
const GONE: i32 = 99;

/// Magic number, version and layer, and no section.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A board that has come up.
#[derive(Debug)]
pub struct Guest {
    emulator: Emulator,
    agent: Agent,
    /// Names of the systems that were started.
    systems: Vec<String>,
    /// Packages whose components are in there.
    provided: BTreeSet<String>,
    board: Board,
    /// What it adds to the names of compiled code, once that is known.
    compatibility: Option<String>,
}

impl Guest {
    /// Boots it. `Err` says what is missing on this machine.
    pub fn boot(board: &Board) -> Result<Self, String> {
        let kernel = Kernel::find(board.kernel)?;
        let folder = tempfile::tempdir_in(target()).map_err(|error| error.to_string())?;
        let archive = folder.path().join("initramfs");
        initramfs::write(board, &kernel, &archive)?;
        let began = Instant::now();
        let mut emulator = Emulator::start(board, &kernel.image, &archive)?;
        let line = emulator.socket("agent");
        let agent = Agent::greet(line, BOOT, || !emulator.has_ended())
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", board.name, emulator.last_words()));
        println!("{} is up after {:.1?}", board.name, began.elapsed());
        let mut guest = Self {
            emulator,
            agent,
            systems: Vec::new(),
            provided: BTreeSet::new(),
            board: board.clone(),
            compatibility: None,
        };
        guest.output(&format!("{}\n", board.setup));
        Ok(guest)
    }

    /// Runs a command of the shell there.
    pub fn run(&mut self, command: &str) -> Ran {
        self.run_with(command, &[])
    }

    fn run_with(&mut self, command: &str, input: &[u8]) -> Ran {
        let emulator = &mut self.emulator;
        let ran = self
            .agent
            .run(command, input, COMMAND, || !emulator.has_ended());
        ran.unwrap_or_else(|error| {
            panic!(
                "{}: `{command}`: {error}\n{}",
                self.board.name,
                self.emulator.last_words()
            )
        })
    }

    /// What a command prints, which must succeed.
    pub fn output(&mut self, command: &str) -> String {
        let ran = self.run(command);
        assert!(ran.status == 0, "`{command}`: {ran:?}");
        ran.output
    }

    /// Writes a file there.
    pub fn put(&mut self, path: &str, contents: &[u8]) {
        let ran = self.run_with(&format!("cat >'{path}'"), contents);
        assert!(ran.status == 0, "`{path}`: {ran:?}");
    }

    /// Looks again and again until `look` finds what it wants.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            if began.elapsed() > AWAIT {
                let logs = self.run("tail -n 30 /systems/*/log").output;
                panic!(
                    "this never came: {what}\n--- logs\n{logs}\n{}",
                    self.emulator.last_words()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Starts the host with a system of its own: its `weihe.toml` and components (name of the plugin, package), and waits
    /// until all devices run.
    pub fn start(&mut self, system: &str, config: &str, plugins: &[(&str, &str)]) {
        self.start_under("", system, config, plugins);
    }

    /// The same, with words before the command that starts the host, as `older v1`; also when it is started again.
    pub fn start_under(
        &mut self,
        words: &str,
        system: &str,
        config: &str,
        plugins: &[(&str, &str)],
    ) {
        let folder = format!("/systems/{system}");
        // Private, or the host doesn't trust the code in it. Each command costs the guest some processes of its shell: so
        // there are few.
        self.output(&format!(
            "mkdir -p {folder}/plugins && mkdir -m 700 {folder}/data {folder}/data/cache && echo '{words}' >{folder}/under"
        ));
        for (name, package) in plugins {
            let provide = self.provide(package, system);
            self.output(&format!(
                "{provide} && ln -s /components/{package}.wasm {folder}/plugins/{name}.wasm"
            ));
        }
        self.put(&format!("{folder}/weihe.toml"), config.as_bytes());
        self.systems.push(system.to_owned());
        self.without_compiling(system, |guest| guest.start_again(system));
    }

    /// Has the running host take another version of a plugin, between two events, as an operator does.
    pub fn swap(&mut self, system: &str, plugin: &str, package: &str) {
        let provide = self.provide(package, system);
        self.output(&provide);
        let order = format!("weihe -C /systems/{system} swap {plugin} /components/{package}.wasm");
        self.without_compiling(system, |guest| guest.output(&order));
    }

    fn without_compiling<T>(&mut self, system: &str, act: impl FnOnce(&mut Self) -> T) -> T {
        let code = format!("ls /systems/{system}/data/cache/*.cwasm");
        let before = self.run(&code).output;
        let done = act(self);
        let after = self.run(&code).output;
        assert_eq!(before, after, "the host has compiled something itself");
        done
    }

    /// Puts a component into the machine, and what was compiled of it. The command puts that into a system's cache.
    fn provide(&mut self, package: &str, system: &str) -> String {
        let compiled = compiled(package, self.board.processor)
            .unwrap_or_else(|reason| panic!("{package}: {reason}"));
        let there = format!("/components/{package}");
        if self.provided.insert(package.to_owned()) {
            self.put(&format!("{there}.wasm"), &compiled.component);
            self.put(&format!("{there}.code"), &compiled.code);
        }
        let sum = sha256(&compiled.code);
        let file = format!(
            "/systems/{system}/data/cache/{}-{}",
            compiled.sha256,
            self.compatibility()
        );
        format!("cp {there}.code {file}.cwasm && echo -n {sum} >{file}.sum")
    }

    /// What the host there adds to the names of code in its cache: engine and processor. It is seen from code that it has
    /// compiled itself, of a component with nothing in it.
    fn compatibility(&mut self) -> String {
        if let Some(known) = &self.compatibility {
            return known.clone();
        }
        self.output("mkdir -p /tmp/empty/plugins && : >/tmp/empty/weihe.toml");
        self.put("/tmp/empty/plugins/empty.wasm", EMPTY_COMPONENT);
        let said = self.run("weihe check /tmp/empty");
        let files = self.output("ls /tmp/cache/weihe/components");
        let start = format!("{}-", sha256(EMPTY_COMPONENT));
        let rest = files.lines().find_map(|file| file.strip_prefix(&start));
        let rest = rest.and_then(|rest| rest.split('.').next());
        let known = rest.unwrap_or_else(|| panic!("no code in the cache: {files} {said:?}"));
        self.compatibility = Some(known.to_owned());
        known.to_owned()
    }

    /// Starts a system that was stopped or killed.
    pub fn start_again(&mut self, system: &str) {
        let folder = format!("/systems/{system}");
        self.output(&format!(
            "setsid $(cat {folder}/under) weihe run --no-build {folder} </dev/null >>{folder}/log 2>&1 & echo $! >{folder}/pid"
        ));
        self.until(&format!("all devices of `{system}` run"), |guest| {
            let ran = guest.run(&format!(
                "kill -0 $(cat {folder}/pid) || exit {GONE}; weihe -C {folder} --json ps"
            ));
            assert!(
                ran.status != GONE,
                "the host has ended: {}",
                guest.log(system)
            );
            // Until its socket is there, what comes is an error.
            let ps: Value = serde_json::from_str(&ran.output).ok()?;
            let failed = ps["failed"].as_array()?;
            assert!(failed.is_empty(), "{failed:?}\n{}", guest.log(system));
            let devices = ps["devices"].as_array()?;
            let up = devices.iter().all(|device| device["state"] == "running");
            (up && !devices.is_empty()).then_some(())
        });
    }

    /// What the host of a system has logged.
    pub fn log(&mut self, system: &str) -> String {
        self.run(&format!("cat /systems/{system}/log")).output
    }

    /// Runs a command of `weihe` in a system; the answer to `--json`, if it is one.
    pub fn ask(&mut self, system: &str, command: &str) -> Option<Value> {
        let ran = self.run(&format!("weihe -C /systems/{system} --json {command}"));
        serde_json::from_str(&ran.output).ok()
    }

    /// Runs a command of `weihe` outside of any system, and takes its JSON.
    pub fn weihe(&mut self, command: &str) -> Value {
        let ran = self.run(&format!("cd /root && weihe --json {command}"));
        serde_json::from_str(&ran.output)
            .unwrap_or_else(|error| panic!("{command}: {error}: {ran:?}"))
    }

    /// What the open files of a host are, as the kernel names them.
    pub fn descriptors(&mut self, system: &str) -> String {
        self.output(&format!("ls -l /proc/$(cat /systems/{system}/pid)/fd"))
    }

    /// Asks a host to end, and waits for it.
    pub fn stop(&mut self, system: &str) {
        self.signal(system, "TERM");
    }

    /// Ends a host as a power failure would.
    pub fn kill(&mut self, system: &str) {
        self.signal(system, "KILL");
    }

    fn signal(&mut self, system: &str, signal: &str) {
        let pid = format!("/systems/{system}/pid");
        let ended = format!(
            "pid=$(cat {pid}); kill -{signal} $pid 2>/dev/null; while [ -d /proc/$pid ]; do \
             grep -q '^State:.Z' /proc/$pid/status && break; sleep 0.05; done"
        );
        self.run(&ended);
    }

    /// The far end of the serial port that [`Guest::ports`] names first, for one at a time: until it is closed.
    pub fn far_end(&mut self) -> UnixStream {
        self.emulator.socket("port")
    }

    /// Serial ports: one that leads to [`Guest::far_end`], then two that are joined.
    pub fn ports(&self) -> [&'static str; 3] {
        self.board.ports
    }

    /// The number of the I2C bus whose name has these words in it.
    pub fn i2c(&mut self, name: &str) -> u32 {
        let names = self.output("grep -H '' /sys/bus/i2c/devices/i2c-*/name");
        let line = names.lines().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("no I2C bus `{name}`: {names}"));
        let number = line
            .split("i2c-")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        number
            .and_then(|digits| digits.parse().ok())
            .expect("a number")
    }

    /// Moves a line from outside: 16 to 23 of the chip `weihe-rig`, each of the chip `sim`.
    pub fn drive(&mut self, line: u32, high: bool) {
        let order = self.driving(line, high);
        self.output(&order);
    }

    /// Moves a line so many times that the host of a system does not look meanwhile: it is held, and let go of at the end.
    /// The first time it rises.
    pub fn drive_behind_the_back_of(&mut self, system: &str, line: u32, times: u32) {
        let moves: Vec<String> = (0..times)
            .map(|time| self.driving(line, time % 2 == 0))
            .collect();
        self.output(&format!(
            "pid=$(cat /systems/{system}/pid); kill -STOP $pid
             until grep -q '^State:.T' /proc/$pid/status; do sleep 0.01; done
             {}
             kill -CONT $pid",
            moves.join("\n")
        ));
    }

    /// The command of the shell that moves a line.
    fn driving(&self, line: u32, high: bool) -> String {
        match self.board.lines {
            Lines::Wired => format!("echo {line} {} >{LEVELS}", u8::from(high)),
            Lines::Simulated => {
                let pull = if high { "pull-up" } else { "pull-down" };
                format!("echo {pull} >{}/pull", simulated(line))
            }
            Lines::Closed => panic!("nothing moves the lines of {}", self.board.name),
        }
    }

    /// Whether a line is high, whoever holds it, and also when nobody does.
    pub fn level(&mut self, line: u32) -> bool {
        match self.board.lines {
            Lines::Wired => {
                // "LINE in|out LEVEL"
                let levels = self.output(&format!("cat {LEVELS}"));
                let text = levels.lines().nth(line as usize).map(str::to_owned);
                let text = text.unwrap_or_else(|| panic!("no line {line}: {levels}"));
                text.ends_with('1')
            }
            Lines::Simulated => {
                let value = self.output(&format!("cat {}/value", simulated(line)));
                value.trim() == "1"
            }
            Lines::Closed => panic!("nothing looks at the lines of {}", self.board.name),
        }
    }

    /// Presses the power key, which on `virt` is line 3 of the PL061: the line rises, and falls a tenth of a second later.
    pub fn press_power_key(&mut self) {
        self.emulator
            .order("system_powerdown", &serde_json::json!({}));
    }

    /// The end of the console.
    pub fn last_words(&self) -> String {
        self.emulator.last_words()
    }

    /// Stops what a check has started, and removes what it has left.
    pub fn clean_up(&mut self) {
        for system in std::mem::take(&mut self.systems) {
            self.stop(&system);
        }
        // The guard of a host that was killed holds the port for a while.
        self.run("killall -KILL weihe; rm -rf /systems/*");
    }
}
