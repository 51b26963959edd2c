//! A device on a fake kernel, and a unit that answers it.

use std::collections::{BTreeMap, BTreeSet};

use weihe_modbus::{Bank, Direction, Exception, Frame, Mode, Object, Table, answer, scan, wrap};
use weihe_plugin_modbus::Modbus;
use weihe_sdk::prelude::*;
use weihe_sdk::testing::{Published, Submitted};

/// A unit whose items all exist, but for the `missing` ones.
#[derive(Debug, Default)]
pub struct Unit {
    pub bits: BTreeMap<(Table, u16), bool>,
    pub registers: BTreeMap<(Table, u16), u16>,
    pub missing: BTreeSet<(Table, u16)>,
    /// What it says of itself.
    pub objects: Vec<Object>,
    /// Function codes in the order in which they came.
    pub functions: Vec<u8>,
}

impl Unit {
    fn check(&self, table: Table, address: u16, quantity: usize) -> Result<(), Exception> {
        let gone =
            (0..quantity).any(|index| self.missing.contains(&(table, address + index as u16)));
        if gone {
            Err(Exception::ILLEGAL_DATA_ADDRESS)
        } else {
            Ok(())
        }
    }

    pub fn set(&mut self, table: Table, address: u16, registers: &[u16]) {
        for (index, register) in registers.iter().enumerate() {
            self.registers
                .insert((table, address + index as u16), *register);
        }
    }

    pub fn holding(&self, address: u16) -> u16 {
        self.registers
            .get(&(Table::Holding, address))
            .copied()
            .unwrap_or(0)
    }
}

impl Bank for Unit {
    fn bits(&self, table: Table, address: u16, quantity: u16) -> Result<Vec<bool>, Exception> {
        self.check(table, address, usize::from(quantity))?;
        let bit = |index| {
            self.bits
                .get(&(table, address + index))
                .copied()
                .unwrap_or(false)
        };
        Ok((0..quantity).map(bit).collect())
    }

    fn registers(&self, table: Table, address: u16, quantity: u16) -> Result<Vec<u16>, Exception> {
        self.check(table, address, usize::from(quantity))?;
        let register = |index| {
            self.registers
                .get(&(table, address + index))
                .copied()
                .unwrap_or(0)
        };
        Ok((0..quantity).map(register).collect())
    }

    fn write_coils(&mut self, address: u16, values: &[bool]) -> Result<(), Exception> {
        self.check(Table::Coil, address, values.len())?;
        for (index, value) in values.iter().enumerate() {
            self.bits
                .insert((Table::Coil, address + index as u16), *value);
        }
        Ok(())
    }

    fn write_registers(&mut self, address: u16, values: &[u16]) -> Result<(), Exception> {
        self.check(Table::Holding, address, values.len())?;
        self.set(Table::Holding, address, values);
        Ok(())
    }

    fn identification(&self) -> Vec<Object> {
        self.objects.clone()
    }
}

/// A device `d` on the connection `line`, and a unit.
pub struct Bench {
    pub kernel: FakeKernel<Modbus>,
    pub unit: Unit,
    mode: Mode,
}

impl Bench {
    /// A device whose link is up; its first polls are submitted.
    pub fn up(mode: Mode, config: &str) -> Bench {
        let mut bench = Bench::down(mode, config);
        bench.kernel.link("line", LinkState::Up, "").unwrap();
        bench
    }

    pub fn down(mode: Mode, config: &str) -> Bench {
        Bench::started(FakeKernel::setup("d"), mode, config)
    }

    /// The same wherever the test runs: the sandbox's link comes up by itself.
    pub fn within(setup: Setup<Modbus>, mode: Mode, config: &str) -> Bench {
        let mut bench = Bench::started(setup, mode, config);
        if !bench.kernel.is_sandbox() {
            bench.kernel.link("line", LinkState::Up, "").unwrap();
        }
        bench
    }

    fn started(setup: Setup<Modbus>, mode: Mode, config: &str) -> Bench {
        let config = config.replacen('{', &format!(r#"{{"mode":"{mode}","#), 1);
        let kernel = setup.device("d").connection("line").start(&config).unwrap();
        Bench {
            kernel,
            unit: Unit::default(),
            mode,
        }
    }

    /// What the unit answers to a frame.
    pub fn reply_to(&mut self, bytes: &[u8]) -> Vec<u8> {
        let frame = Frame::parse(self.mode, Direction::Request, bytes).unwrap();
        assert_eq!(frame.length, bytes.len());
        self.unit.functions.push(frame.pdu[0]);
        let pdu = answer(&mut self.unit, frame.pdu).unwrap();
        wrap(self.mode, frame.transaction, frame.unit, &pdu)
    }

    /// What the unit answers to a request.
    pub fn answer(&mut self, submitted: &Submitted) -> Vec<u8> {
        let bytes = &submitted.request.bytes;
        let reply = self.reply_to(bytes);
        if let ReplyRule::Codec(options) = &submitted.request.reply {
            // The rule that the connection is given finds this frame.
            assert_eq!(options, &format!(r#"{{"mode":"{}"}}"#, self.mode));
            let asked = weihe_modbus::Asked::parse(self.mode, bytes).unwrap();
            let found = scan(self.mode, Direction::Reply, Some(&asked), &reply, false);
            assert_eq!((found.skip, found.frame), (0, Some(reply.len())));
        }
        reply
    }

    /// What is submitted next, within two seconds.
    pub fn next_polls(&mut self) -> Vec<Submitted> {
        let span = Duration::from_secs(2);
        let polls = self.kernel.until_submitted(span).unwrap();
        assert!(!polls.is_empty(), "nothing is asked within {span}");
        polls
    }

    /// Answers what is submitted next, and all that follows at once.
    pub fn serve_next(&mut self) {
        for exchange in self.next_polls() {
            let reply = self.answer(&exchange);
            self.kernel.reply(exchange.ticket, Ok(&reply)).unwrap();
        }
        self.serve();
    }

    /// Answers everything that is submitted until nothing more is; gives the number of exchanges.
    pub fn serve(&mut self) -> usize {
        let mut exchanges = 0;
        loop {
            let submitted = self.kernel.take_submitted();
            if submitted.is_empty() {
                return exchanges;
            }
            for exchange in submitted {
                exchanges += 1;
                let reply = self.answer(&exchange);
                self.kernel.reply(exchange.ticket, Ok(&reply)).unwrap();
            }
        }
    }

    /// Fails everything that is submitted until nothing more is; gives the number of exchanges.
    pub fn fail(&mut self, failure: &Failure) -> usize {
        let mut exchanges = 0;
        loop {
            let submitted = self.kernel.take_submitted();
            if submitted.is_empty() {
                return exchanges;
            }
            for exchange in submitted {
                exchanges += 1;
                self.kernel
                    .reply(exchange.ticket, Err(failure.clone()))
                    .unwrap();
            }
        }
    }

    pub fn silence(&mut self) -> usize {
        self.fail(&Failure::Timeout(Vec::new()))
    }

    /// Refuses everything that is submitted with an exception until nothing more is; gives the number of
    /// exchanges.
    pub fn refuse(&mut self, code: u8) -> usize {
        let mut exchanges = 0;
        loop {
            let submitted = self.kernel.take_submitted();
            if submitted.is_empty() {
                return exchanges;
            }
            for exchange in submitted {
                exchanges += 1;
                let bytes = &exchange.request.bytes;
                let frame = Frame::parse(self.mode, Direction::Request, bytes).unwrap();
                let pdu = [frame.pdu[0] | 0x80, code];
                let reply = wrap(self.mode, frame.transaction, frame.unit, &pdu);
                self.kernel.reply(exchange.ticket, Ok(&reply)).unwrap();
            }
        }
    }

    pub fn poll(&mut self) -> usize {
        self.kernel.tick("default", 1).unwrap();
        self.serve()
    }

    /// The answer to a command that goes over the line.
    pub fn call(&mut self, command: &str, arguments: &str) -> Result<serde_json::Value, CallError> {
        if let Some(answer) = self.kernel.call(command, arguments)? {
            return Ok(serde_json::from_str(&answer).unwrap());
        }
        self.serve();
        self.last_answer()
    }

    pub fn last_answer(&mut self) -> Result<serde_json::Value, CallError> {
        let answers = self.kernel.answers();
        let (_, answer) = answers.last().unwrap().clone();
        answer.map(|text| serde_json::from_str(&text).unwrap())
    }

    pub fn last(&self, point: &str) -> Option<ValueBuf> {
        self.kernel.last(&format!("plugin/d/{point}"))
    }

    pub fn samples(&mut self, topic: &str) -> Vec<Published> {
        let all = self.kernel.take_published();
        all.into_iter()
            .filter(|sample| sample.topic == topic)
            .collect()
    }

    pub fn status(&self) -> String {
        match self.last("status") {
            Some(ValueBuf::Text(text)) => text,
            other => panic!("expected a status, found {other:?}"),
        }
    }
}

/// The words of a configuration that is refused.
pub fn refusal(config: &str) -> String {
    match FakeKernel::<Modbus>::setup("d")
        .connection("line")
        .start(config)
    {
        Err(error) => error.to_string(),
        Ok(_) => panic!("accepted: {config}"),
    }
}
