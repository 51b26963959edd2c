//! The slave as its peers see it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use greenhouse_slave::Slave;
use proptest::prelude::*;
use weihe_modbus::{
    Asked, DataType, Format, FrameError, Mode, Order, PointValue, Reply, Request, Table, wrap,
};
use weihe_sdk::prelude::*;

fn start(config: &str) -> FakeKernel<Slave> {
    FakeKernel::<Slave>::setup("slave")
        .connection("listener")
        .start(config)
        .unwrap()
}

fn asked(transaction: u16, request: Request) -> Asked {
    Asked {
        mode: Mode::Tcp,
        transaction,
        unit: 1,
        request,
    }
}

fn read(table: Table, address: u16, quantity: u16) -> Request {
    Request::Read {
        table,
        address,
        quantity,
    }
}

/// Bytes that a peer was sent since this was last asked.
fn sent(kernel: &FakeKernel<Slave>, peer: PeerId, from: usize) -> Vec<u8> {
    kernel.sent()[from..]
        .iter()
        .filter(|sent| sent.peer == Some(peer))
        .flat_map(|sent| sent.bytes.clone())
        .collect()
}

fn ask(kernel: &mut FakeKernel<Slave>, request: Request) -> Reply {
    let asked = asked(77, request);
    let from = kernel.sent().len();
    kernel
        .received("listener", Some(1), &asked.encode().unwrap())
        .unwrap();
    asked.reply(&sent(kernel, 1, from)).unwrap()
}

fn registers(
    kernel: &mut FakeKernel<Slave>,
    table: Table,
    address: u16,
    quantity: u16,
) -> Vec<u16> {
    match ask(kernel, read(table, address, quantity)) {
        Reply::Registers { registers, .. } => registers,
        other => panic!("{other:?}"),
    }
}

fn moisture(kernel: &mut FakeKernel<Slave>) -> f64 {
    let registers = registers(kernel, Table::Input, 0, 2);
    Format::plain(DataType::F32)
        .decode(&registers)
        .unwrap()
        .as_f64()
        .unwrap()
}

/// All that the slave shows.
fn tables(kernel: &mut FakeKernel<Slave>) -> [Reply; 4] {
    [
        (Table::Coil, 3),
        (Table::Discrete, 5),
        (Table::Input, 22),
        (Table::Holding, 11),
    ]
    .map(|(table, quantity)| ask(kernel, read(table, 0, quantity)))
}

#[test]
fn the_soil_dries_until_the_valve_is_opened() {
    let mut kernel = start("{}");
    let first = moisture(&mut kernel);
    kernel.advance(Duration::from_secs(60)).unwrap();
    let dry = moisture(&mut kernel);
    assert!(dry < first - 5.0, "{first} {dry}");
    ask(
        &mut kernel,
        Request::WriteCoil {
            address: 0,
            on: true,
        },
    );
    kernel.advance(Duration::from_secs(5)).unwrap();
    let wet = moisture(&mut kernel);
    assert!(wet > dry + 10.0, "{dry} {wet}");
    let tank = registers(&mut kernel, Table::Input, 5, 2);
    let format = Format {
        word_order: Order::Little,
        ..Format::plain(DataType::F32)
    };
    let PointValue::Float(tank) = format.decode(&tank).unwrap() else {
        panic!()
    };
    assert!(tank < 260.0, "{tank}");
}

#[test]
fn time_lapse_and_step_set_the_pace() {
    let hours = |config: &str| {
        let mut kernel = start(config);
        kernel.advance(Duration::from_secs(10)).unwrap();
        let registers = registers(&mut kernel, Table::Input, 12, 4);
        let seconds = Format::plain(DataType::U64).decode(&registers).unwrap();
        seconds.as_f64().unwrap() / 3600.0 - 8.0
    };
    assert!((hours(r#"{"time-lapse": 3600}"#) - 10.0).abs() < 0.01);
    assert!((hours(r#"{"time-lapse": 360, "step": "1 s"}"#) - 1.0).abs() < 0.01);
}

#[test]
fn requests_in_pieces_and_in_one_piece_are_answered_in_order_to_each_peer() {
    let mut kernel = start("{}");
    let requests: Vec<Asked> = (0..4)
        .map(|n| asked(n, read(Table::Holding, n, 1)))
        .collect();
    let stream: Vec<u8> = requests
        .iter()
        .flat_map(|asked| asked.encode().unwrap())
        .collect();
    for byte in &stream {
        kernel.received("listener", Some(1), &[*byte]).unwrap();
        // Another peer in between has its own stream.
        kernel.received("listener", Some(2), &[]).unwrap();
    }
    kernel.received("listener", Some(2), &stream).unwrap();
    for peer in [1, 2] {
        let mut bytes = sent(&kernel, peer, 0);
        for asked in &requests {
            let reply = asked.reply(&bytes).unwrap();
            let length = wrap(Mode::Tcp, 0, 1, &reply.encode().unwrap()).len();
            bytes.drain(..length);
        }
        assert!(bytes.is_empty());
    }
}

#[test]
fn a_peer_that_is_gone_leaves_no_half_request_behind() {
    let mut kernel = start("{}");
    let request = asked(1, read(Table::Coil, 0, 1)).encode().unwrap();
    kernel.peer("listener", 1, "127.0.0.1:5", true).unwrap();
    kernel.received("listener", Some(1), &request[..7]).unwrap();
    kernel.peer("listener", 1, "127.0.0.1:5", false).unwrap();
    kernel.received("listener", Some(1), &request).unwrap();
    assert_eq!(kernel.sent().len(), 1);
}

#[test]
fn a_peer_that_speaks_something_else_is_closed() {
    let mut kernel = start("{}");
    kernel
        .received("listener", Some(4), &b"GET / HTTP/1.1\r\n".repeat(100))
        .unwrap();
    assert_eq!(kernel.disconnected(), [4]);
    assert!(kernel.sent().is_empty());
}

#[test]
fn only_the_configured_unit_answers() {
    let mut kernel = start(r#"{"unit": 7}"#);
    for (unit, answers) in [(7, 1), (8, 1), (255, 2), (0, 3)] {
        let asked = Asked {
            unit,
            ..asked(1, read(Table::Coil, 0, 1))
        };
        kernel
            .received("listener", Some(1), &asked.encode().unwrap())
            .unwrap();
        assert_eq!(kernel.sent().len(), answers, "unit {unit}");
    }
}

#[test]
fn a_restart_keeps_soil_tank_switches_and_settings() {
    let mut kernel = start("{}");
    ask(
        &mut kernel,
        Request::WriteCoil {
            address: 0,
            on: true,
        },
    );
    ask(
        &mut kernel,
        Request::WriteRegister {
            address: 0,
            value: 415,
        },
    );
    kernel.advance(Duration::from_secs(3)).unwrap();
    let before = tables(&mut kernel);
    kernel.restart(r#"{"start-hour": 3}"#).unwrap();
    assert_eq!(tables(&mut kernel), before);
    assert_eq!(registers(&mut kernel, Table::Holding, 0, 1), [415]);
}

#[test]
fn nature_can_be_helped_along() {
    let mut kernel = start("{}");
    kernel
        .call("set", r#"{"moisture": 12.5, "tank": 5, "hour": 2}"#)
        .unwrap();
    assert_eq!(moisture(&mut kernel), 12.5);
    match ask(&mut kernel, read(Table::Discrete, 0, 5)) {
        Reply::Bits { bits, .. } => assert_eq!(bits, [true, true, false, false, false]),
        other => panic!("{other:?}"),
    }
    let error = kernel.call("set", r#"{"moisture": 101}"#).unwrap_err();
    assert!(error.text().contains("`moisture` is 101"), "{error}");
}

#[test]
fn wrong_configuration_is_named() {
    for (config, words) in [
        (r#"{"time-lapse": 0}"#, "`time-lapse`"),
        (r#"{"start-hour": 24}"#, "`start-hour`"),
        (r#"{"setp": "1 s"}"#, "setp"),
    ] {
        let setup = FakeKernel::<Slave>::setup("slave").connection("listener");
        let error = setup.start(config).err().unwrap();
        assert!(error.text().contains(words), "{error}");
    }
    assert!(
        FakeKernel::<Slave>::start("slave", "{}").is_err(),
        "it needs a connection"
    );
}

#[test]
fn schemas_are_json() {
    for schema in [
        include_str!("../src/schema/config.json"),
        include_str!("../src/schema/set.json"),
    ] {
        assert!(
            serde_json::from_str::<serde_json::Value>(schema)
                .unwrap()
                .is_object()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_survived(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..6)) {
        let mut kernel = start("{}");
        for chunk in chunks {
            kernel.received("listener", Some(1), &chunk).unwrap();
        }
        kernel.advance(Duration::from_secs(1)).unwrap();
        let request = asked(9, read(Table::Coil, 0, 1));
        let from = kernel.sent().len();
        kernel.received("listener", Some(2), &request.encode().unwrap()).unwrap();
        prop_assert!(request.reply(&sent(&kernel, 2, from)).is_ok());
    }

    #[test]
    fn every_request_is_answered_by_a_reply_to_it_or_an_exception(
        table in prop::sample::select(Table::ALL.to_vec()),
        address in 0u16..40,
        quantity in 1u16..40,
    ) {
        let mut kernel = start("{}");
        let request = asked(3, read(table, address, quantity));
        kernel.received("listener", Some(1), &request.encode().unwrap()).unwrap();
        let reply: Result<Reply, FrameError> = request.reply(&sent(&kernel, 1, 0));
        prop_assert!(reply.is_ok(), "{:?}", reply);
    }
}
