//! 10,000 Modbus registers a second from one simulated device, and commands that write while it polls.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weihe_kernel::audit::NoAudit;
use weihe_kernel::bus::Overflow;
use weihe_kernel::connection::Kinds;
use weihe_kernel::device::{MemoryCheckpoints, MemoryDeadLetters};
use weihe_kernel::{Compiler, DeviceSpec, Kernel, KernelOptions, SystemClock};
use weihe_modbus::{Bank, Exception, Table, answer};

use crate::Anyhow;

/// The argument that makes this program the simulated device, in a process of its own.
pub const SLAVE: &str = "slave";

/// Registers that are read each second, one point each.
const REGISTERS: usize = 10_000;

/// How long polling is watched.
const WATCH: Duration = Duration::from_secs(20);

/// Writes whose time is taken.
const WRITES: usize = 500;

struct Counting(Vec<u16>);

impl Bank for Counting {
    fn bits(&self, _: Table, _: u16, _: u16) -> Result<Vec<bool>, Exception> {
        Err(Exception::ILLEGAL_DATA_ADDRESS)
    }

    fn registers(&self, _: Table, address: u16, quantity: u16) -> Result<Vec<u16>, Exception> {
        let first = usize::from(address);
        let found = self.0.get(first..first + usize::from(quantity));
        found
            .map(<[u16]>::to_vec)
            .ok_or(Exception::ILLEGAL_DATA_ADDRESS)
    }

    fn write_coils(&mut self, _: u16, _: &[bool]) -> Result<(), Exception> {
        Err(Exception::ILLEGAL_DATA_ADDRESS)
    }

    fn write_registers(&mut self, address: u16, values: &[u16]) -> Result<(), Exception> {
        let first = usize::from(address);
        let place = self
            .0
            .get_mut(first..first + values.len())
            .ok_or(Exception::ILLEGAL_DATA_ADDRESS)?;
        place.copy_from_slice(values);
        Ok(())
    }
}

/// The simulated device: prints its port, serves one peer, and ends with it.
pub fn serve() -> Anyhow<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut bank = Counting((0..=u16::MAX).collect());
    while let Some(reply) = exchange(&mut stream, &mut bank)? {
        stream.write_all(&reply)?;
    }
    Ok(())
}

fn exchange(stream: &mut TcpStream, bank: &mut Counting) -> Anyhow<Option<Vec<u8>>> {
    let mut header = [0_u8; 7];
    if stream.read_exact(&mut header).is_err() {
        return Ok(None);
    }
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let mut pdu = vec![0; length - 1];
    stream.read_exact(&mut pdu)?;
    let pdu = answer(bank, &pdu).ok_or("a request that cannot be answered")?;
    let mut reply = header.to_vec();
    reply[4..6].copy_from_slice(&(pdu.len() as u16 + 1).to_be_bytes());
    reply.extend(pdu);
    Ok(Some(reply))
}

struct Slave {
    process: Child,
    address: String,
}

impl Slave {
    fn start() -> Anyhow<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(SLAVE)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut address)?;
        Ok(Self {
            process,
            address: address.trim().to_owned(),
        })
    }
}

impl Drop for Slave {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Processor time of this process, in seconds.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    // utime and stime, in ticks of 10 ms (USER_HZ is 100 on every Linux).
    (ticks(11) + ticks(12)) / 100.0
}

/// Resident memory of this process, in MiB.
pub fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches(" kB")
            .trim()
            .parse::<f64>()
            .ok()
    });
    kib.unwrap_or(0.0) / 1024.0
}

fn device(file_config: serde_json::Value) -> Anyhow<DeviceSpec> {
    let mut spec = DeviceSpec::new("meter", "modbus");
    spec.connection = Some("field".to_owned());
    spec.config = file_config;
    spec.grants.publish.push("meter/#".parse()?);
    Ok(spec)
}

/// Measures.
pub fn run(file: &Path) -> Anyhow<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let slave = Slave::start()?;
        let directory = tempfile::tempdir()?;
        let mut kinds = Kinds::new();
        kinds.register(weihe_link::TcpClient::default());
        let options = |cache: &Path| KernelOptions {
            cache: cache.to_owned(),
            boot: 1,
            clock: Arc::new(SystemClock::new()),
            // So the resident memory below includes the compiler's.
            compiler: Compiler::InProcess,
            checkpoints: Arc::new(MemoryCheckpoints::default()),
            quarantine: cache.join("quarantine.json"),
            letters: Arc::new(MemoryDeadLetters::default()),
            guard: None,
            audit: Arc::new(NoAudit),
            memory: None,
            admission: None,
        };
        let kernel = Kernel::start(options(directory.path()), Vec::new(), kinds)?;
        let connection = format!("type = \"tcp\"\naddress = \"{}\"", slave.address);
        kernel.add_connection("field", &toml::from_str(&connection)?)?;
        kernel.load_plugin("modbus", file).await?;
        let points: Vec<serde_json::Value> = (0..REGISTERS)
            .map(|address| serde_json::json!({"name": format!("r{address}"), "table": "holding", "address": address, "type": "u16"}))
            .collect();
        let config = serde_json::json!({"period": "1 s", "topic-prefix": "meter", "points": points});
        let sink = kernel.bus().subscribe("sink", "meter/#".parse()?, Overflow::DropOldest, 65_536, false, Arc::default());
        kernel.add_device(device(config)?).await?;
        let mut events = Vec::with_capacity(65_536);
        // The first round, so that all is warm.
        while events.len() < REGISTERS {
            sink.recv(&mut events, 65_536).await;
        }
        events.clear();
        let (processor, began) = (processor_seconds(), Instant::now());
        let mut seen = 0;
        while began.elapsed() < WATCH {
            sink.recv(&mut events, 65_536).await;
            seen += events.len();
            events.clear();
        }
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "polling: {:.0} registers/s, {:.1} % of one core, {:.1} MiB resident (compiler included)",
            seen as f64 / seconds,
            (processor_seconds() - processor) / seconds * 100.0,
            resident_mib(),
        );
        let mut spans = Vec::with_capacity(WRITES);
        for round in 0..WRITES {
            let arguments = format!("{{\"point\":\"r7\",\"value\":{}}}", round % 1000);
            let began = Instant::now();
            kernel.call("meter", "write", &arguments, "operator", Duration::from_secs(5)).await?;
            spans.push(began.elapsed());
            // Anywhere in the second, so that some meet the polls.
            tokio::time::sleep(Duration::from_millis(7 + (round as u64 * 13) % 23)).await;
        }
        spans.sort_unstable();
        println!(
            "writes while polling: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            spans[WRITES / 2].as_secs_f64() * 1e3,
            spans[WRITES * 99 / 100].as_secs_f64() * 1e3,
            spans[WRITES - 1].as_secs_f64() * 1e3,
        );
        kernel.shutdown().await;
        Ok(())
    })
}
