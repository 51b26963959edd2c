//! QEMU as a process: its arguments, its console, its monitor, and its end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use weihe_tests::target;

use crate::board::{Board, Processor};

/// Until QEMU listens on its sockets, it is up within a second where nothing is wrong.
const START: Duration = Duration::from_secs(30);

/// Memory of a board, in MiB: the file system with a debug build of the host, and a compiler at work.
const MEMORY: &str = "1024";

/// A nanosecond for each instruction, and real time while nothing is to be executed. With the clock of this machine a plugin
/// would have used up its processor time while the emulator translates its code, or while another program has the core.
const CLOCK: &str = "shift=0,sleep=on";

/// The timer of the processor itself would be calibrated in a loop of two hundred million instructions, which is a quarter of
/// a boot.
const UNCALIBRATED: &str = "nolapic_timer";

/// What the name of a folder with sockets begins with; the process that has it comes next.
const FOLDER: &str = "weihe-rig-";

/// Lines of the console that a failure shows.
const SHOWN: usize = 40;

/// A running emulator; killed, by its own id, when it is dropped, and by the kernel when this process ends.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    console: PathBuf,
    /// Holds its sockets.
    folder: TempDir,
    monitor: Option<BufReader<UnixStream>>,
}

impl Emulator {
    /// Boots a board with this kernel and first file system.
    pub fn start(board: &Board, image: &Path, initramfs: &Path) -> Result<Self, String> {
        // Not below the target directory: the path of a socket has a hundred bytes at most.
        sweep();
        let prefix = format!("{FOLDER}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir();
        let folder = folder.map_err(|error| error.to_string())?;
        let consoles = target().join("weihe-rig");
        fs::create_dir_all(&consoles).map_err(|error| error.to_string())?;
        let console = consoles.join(format!("{}.log", board.name));
        fs::write(&console, "").map_err(|error| format!("{}: {error}", console.display()))?;
        let mut command = command(board, folder.path(), &console, image, initramfs)?;
        let errors = fs::File::create(folder.path().join("errors"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors.map_err(|error| error.to_string())?);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = spawn(command).map_err(|error| format!("`{program}`: {error}"))?;
        Ok(Self {
            child,
            console,
            folder,
            monitor: None,
        })
    }

    /// The other end of one of its sockets: `agent`, `port`, `monitor`.
    pub fn socket(&mut self, name: &str) -> UnixStream {
        let path = self.folder.path().join(name);
        let began = Instant::now();
        loop {
            match UnixStream::connect(&path) {
                Ok(stream) => return stream,
                Err(error) => {
                    assert!(
                        began.elapsed() < START && !self.has_ended(),
                        "QEMU does not listen on `{name}`: {error}\n{}",
                        self.last_words()
                    );
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Carries out a command of QEMU's machine protocol, as `system_powerdown`.
    pub fn order(&mut self, command: &str, arguments: &Value) -> Value {
        if self.monitor.is_none() {
            let stream = self.socket("monitor");
            stream.set_read_timeout(Some(START)).expect("a timeout");
            let mut monitor = BufReader::new(stream);
            // It introduces itself, and wants to hear that no capabilities are wanted.
            let mut greeting = String::new();
            monitor.read_line(&mut greeting).expect("a greeting");
            self.monitor = Some(monitor);
            self.order("qmp_capabilities", &json!({}));
        }
        let monitor = self.monitor.as_mut().expect("a monitor");
        let order = json!({ "execute": command, "arguments": arguments });
        writeln!(monitor.get_mut(), "{order}").expect("QEMU reads");
        loop {
            let mut line = String::new();
            monitor.read_line(&mut line).expect("QEMU answers");
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            if let Some(done) = answer.get("return") {
                return done.clone();
            }
            assert!(answer.get("error").is_none(), "{command}: {answer}");
        }
    }

    /// Whether it has come to its end.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of the console, and what QEMU itself has said.
    pub fn last_words(&self) -> String {
        let console = fs::read(&self.console).unwrap_or_default();
        let console = String::from_utf8_lossy(&console).into_owned();
        let lines: Vec<&str> = console.lines().collect();
        let end = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
        let errors = fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default();
        format!(
            "--- the end of {}\n{end}\n--- QEMU: {}",
            self.console.display(),
            errors.trim()
        )
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Only an ended process cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Removes the folders of tests that have ended: what lasts as long as a process is not dropped in it.
fn sweep() {
    let folders = fs::read_dir(std::env::temp_dir()).into_iter().flatten();
    for folder in folders.flatten() {
        let name = folder.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(FOLDER));
        let process = rest.and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // Another user's stays.
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

fn command(
    board: &Board,
    folder: &Path,
    console: &Path,
    image: &Path,
    initramfs: &Path,
) -> Result<Command, String> {
    let (program, machine, terminal, timer) = match board.processor {
        Processor::X86 => ("qemu-system-x86_64", "q35", "ttyS0", UNCALIBRATED),
        Processor::Arm => ("qemu-system-aarch64", "virt", "ttyAMA0", ""),
    };
    let mut command = Command::new(program);
    command
        .args(["-M", machine, "-cpu", &*board.cpu])
        .args(["-accel", "tcg", "-m", MEMORY])
        .args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
        ])
        .arg("-kernel")
        .arg(image)
        .arg("-initrd")
        .arg(initramfs)
        .arg("-append")
        // Programs lie where they lay the last time: what the emulator has translated of them, it takes again.
        .arg(format!(
            "console={terminal} panic=-1 mitigations=off nokaslr norandmaps {timer}"
        ))
        .arg("-chardev")
        .arg(format!("file,id=console,path={}", console.display()));
    let socket = |id: &str, name: &str, listens: bool| {
        let listens = if listens { ",server=on,wait=off" } else { "" };
        let path = folder.join(name);
        format!("socket,id={id},path={}{listens}", path.display())
    };
    command
        .args(["-serial", "chardev:console"])
        .args(["-chardev", &socket("agent", "agent", true)])
        .args(["-device", "virtio-serial-pci"])
        .args(["-device", "virtserialport,chardev=agent,name=weihe.agent"])
        .args(["-chardev", &socket("port", "port", true)])
        .args(["-chardev", &socket("left", "joined", true)])
        .args(["-chardev", &socket("right", "joined", false)])
        .args(["-chardev", &socket("monitor", "monitor", true)])
        .args(["-mon", "monitor,mode=control"]);
    for port in ["port", "left", "right"] {
        match board.processor {
            Processor::X86 => command.args(["-serial", &format!("chardev:{port}")]),
            Processor::Arm => command.args(["-device", &format!("pci-serial,chardev={port}")]),
        };
    }
    if !board.tree.is_empty() {
        let tree = tree(board, program, folder)?;
        command.arg("-dtb").arg(tree);
    }
    if board.steady {
        command.args(["-icount", CLOCK]);
    }
    command.args(&board.arguments);
    Ok(command)
}

/// The device tree of the board, with other properties at its root.
fn tree(board: &Board, program: &str, folder: &Path) -> Result<PathBuf, String> {
    let path = folder.join("tree.dtb");
    let run = |command: &mut Command| -> Result<(), String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = command
            .output()
            .map_err(|error| format!("`{name}` (Debian: device-tree-compiler): {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "`{name}`: {}",
                String::from_utf8_lossy(&output.stderr)
            )),
        }
    };
    run(Command::new(program)
        .arg("-M")
        .arg(format!("virt,dumpdtb={}", path.display()))
        .args(["-cpu", &*board.cpu, "-m", MEMORY])
        .args(["-nodefaults", "-display", "none"]))?;
    for (property, strings) in &board.tree {
        run(Command::new("fdtput")
            .args(["-t", "s"])
            .arg(&path)
            .args(["/", property])
            .args(strings))?;
    }
    Ok(path)
}

/// Starts a program that the kernel kills when this process ends, however it ends. The kernel takes the end of the thread
/// that started it for that: so one thread starts all of them, and stays.
fn spawn(command: Command) -> std::io::Result<Child> {
    type Order = (Command, Sender<std::io::Result<Child>>);
    static STARTER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                // SAFETY: between fork and exec only this is called, which is async-signal-safe.
                unsafe {
                    command.pre_exec(|| {
                        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                        Ok(())
                    });
                }
                // Who ordered it waits for the answer.
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let (sender, answer) = channel();
    let starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    starter.send((command, sender)).expect("the thread stays");
    drop(starter);
    answer.recv().expect("the thread answers")
}
