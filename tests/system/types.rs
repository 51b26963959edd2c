//! Every data type in every order of words and bytes, and every function code: written and read by
//! pymodbus, published and written by the plugin.

use serde_json::{Value, json};
use weihe_tests::{Client, Python, Relay, Rig, Slave};

const ORDERS: [&str; 2] = ["big", "little"];

/// Types with a first and a second value. None reads the same in another order.
fn types() -> Vec<(&'static str, Value, Value)> {
    vec![
        ("u16", json!(0xabcd), json!(65_000)),
        ("s16", json!(-12_345), json!(258)),
        ("u32", json!(0x0a0b_0c0d), json!(4_294_967_000_u32)),
        ("s32", json!(-123_456_789), json!(16_909_060)),
        (
            "u64",
            json!(0x0102_0304_0506_0708_u64),
            json!(9_223_372_036_854_775_000_u64),
        ),
        (
            "s64",
            json!(-1_234_567_890_123_456_789_i64),
            json!(72_623_859_790_382_856_i64),
        ),
        ("f32", json!(-12.375), json!(3.5e-3_f32)),
        ("f64", json!(1.0e-7), json!(-6.674_300_000_123_456)),
        ("text", json!("WEIHE-01"), json!("bed two!")),
    ]
}

/// A typed value in holding and input registers.
struct Typed {
    name: String,
    kind: &'static str,
    words: &'static str,
    bytes: &'static str,
    address: usize,
    first: Value,
    second: Value,
}

impl Typed {
    fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for words in ORDERS {
            for bytes in ORDERS {
                for (kind, first, second) in types() {
                    let name = format!("{kind}-{words}-{bytes}");
                    let address = all.len() * 4;
                    all.push(Self {
                        name,
                        kind,
                        words,
                        bytes,
                        address,
                        first,
                        second,
                    });
                }
            }
        }
        all
    }

    /// Registers that it takes.
    fn length(&self) -> usize {
        match self.kind {
            "u16" | "s16" => 1,
            "u32" | "s32" | "f32" => 2,
            _ => 4,
        }
    }

    /// Its points in `weihe.toml`: one in each table of registers.
    fn points(&self) -> String {
        let Self {
            name,
            kind,
            words,
            bytes,
            address,
            ..
        } = self;
        let length = if *kind == "text" { ", length = 4" } else { "" };
        let point = |table: &str| {
            format!(
                "{{ name = \"{table}-{name}\", table = \"{table}\", address = {address}, type = \"{kind}\", \
                 word-order = \"{words}\", byte-order = \"{bytes}\"{length} }},\n"
            )
        };
        point("holding") + &point("input")
    }

    /// How pymodbus is told of it.
    fn order(&self, table: &str) -> Value {
        json!({
            "table": table, "address": self.address, "count": self.length(),
            "type": self.kind, "word_order": self.words, "byte_order": self.bytes,
        })
    }
}

/// Bits and parts of registers.
const PARTS: &str = r#"
{ name = "coil", table = "coil", address = 3 },
{ name = "switch", table = "discrete", address = 5 },
{ name = "scaled", table = "holding", address = 200, type = "s16", scale = 0.1, offset = -5.0 },
{ name = "bit", table = "holding", address = 201, bit = 9 },
{ name = "bits", table = "holding", address = 201, bits = [4, 7] },
{ name = "signed-bits", table = "holding", address = 202, type = "s16", bits = [8, 11] },
"#;

fn device(connection: &str, mode: &str) -> String {
    let points: String = Typed::all().iter().map(Typed::points).collect();
    format!(
        r#"
        [plugin]
        modbus = "weihe-plugin-modbus"

        [connection.field]
        {connection}

        [device.meter]
        plugin = "modbus"
        connection = "field"

        [device.meter.config]
        mode = "{mode}"
        period = "200 ms"
        timeout = "5 s"
        max-gap = 3
        points = [
        {points}
        {PARTS}
        ]
        "#
    )
}

async fn check(rig: &Rig, slave: &mut Slave, client: &mut Client) {
    let mut bus = rig.watch("plugin/meter/+");
    for typed in Typed::all() {
        for table in ["holding", "input"] {
            let topic = format!("plugin/meter/{table}-{}", typed.name);
            bus.value(&topic, typed.first.clone()).await;
        }
    }
    for (topic, value) in [
        ("coil", json!(true)),
        ("switch", json!(true)),
        ("scaled", json!(18.5)),
        ("bit", json!(true)),
        ("bits", json!(5)),
        ("signed-bits", json!(-2)),
    ] {
        bus.value(&format!("plugin/meter/{topic}"), value).await;
    }
    for typed in Typed::all() {
        let arguments =
            json!({ "point": format!("holding-{}", typed.name), "value": typed.second });
        rig.ask("meter", "write", arguments).await;
        let found = client.ask(typed.order("holding"))["value"].clone();
        match typed.kind {
            "f32" => assert_eq!(
                found.as_f64().map(|f| f as f32),
                typed.second.as_f64().map(|f| f as f32)
            ),
            _ => assert_eq!(found, typed.second, "{}", typed.name),
        }
    }
    for (point, value, table, address, content) in [
        ("coil", json!(false), "coil", 3, json!(false)),
        ("scaled", json!(-7.5), "holding", 200, json!(65_511)),
        ("bit", json!(false), "holding", 201, json!(0x0050)),
        ("bits", json!(10), "holding", 201, json!(0x00a0)),
        ("signed-bits", json!(-8), "holding", 202, json!(0x0800)),
    ] {
        rig.ask("meter", "write", json!({ "point": point, "value": value }))
            .await;
        let found = client.ask(json!({ "table": table, "address": address }));
        assert_eq!(found["values"], json!([content]), "{point}");
        bus.value(&format!("plugin/meter/{point}"), value).await;
    }
    for (function, table, address, values) in [
        (5, "coil", 20, json!([true])),
        (6, "holding", 300, json!([0x1234])),
        (
            15,
            "coil",
            30,
            json!([true, false, true, true, false, false, true, false, true]),
        ),
        (16, "holding", 310, json!([1, 65_535, 3])),
    ] {
        let count = values.as_array().unwrap().len();
        let arguments = json!({ "function": function, "address": address, "values": values });
        rig.ask("meter", "write-raw", arguments).await;
        let look = json!({ "table": table, "address": address, "count": count });
        assert_eq!(
            client.ask(look.clone())["values"],
            values,
            "function {function}"
        );
        assert_eq!(rig.ask("meter", "read", look).await["values"], values);
    }
    let functions: Vec<u64> = slave
        .requests()
        .iter()
        .map(|(_, function)| *function)
        .collect();
    assert_eq!(functions, [1, 2, 3, 4, 5, 6, 15, 16]);
    assert_eq!(
        bus.so_far()
            .iter()
            .filter(|event| event.value.is_null())
            .count(),
        0,
        "every read was sound"
    );
}

fn fill(slave: &mut Slave) {
    for typed in Typed::all() {
        for table in ["holding", "input"] {
            let mut order = typed.order(table);
            order["value"] = typed.first.clone();
            slave.put(order);
        }
    }
    slave.put(json!({ "table": "coil", "address": 3, "values": [true] }));
    slave.put(json!({ "table": "discrete", "address": 5, "values": [true] }));
    slave.put(json!({ "table": "holding", "address": 200, "values": [235, 0x0250, 0x0e00] }));
}

#[tokio::test]
async fn every_function_and_data_type_passes_over_tcp() {
    let Some(python) = Python::find() else { return };
    let mut slave = Slave::start(&python);
    fill(&mut slave);
    let connection = format!("type = \"tcp\"\naddress = \"127.0.0.1:{}\"", slave.port());
    let rig = Rig::start(&device(&connection, "tcp")).await;
    let mut client = Client::start(&python, slave.port());
    check(&rig, &mut slave, &mut client).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn every_function_and_data_type_passes_over_a_serial_line() {
    let Some(python) = Python::find() else { return };
    let line = Relay::serial();
    let mut slave = Slave::with(&python, &["--serial", &line.slave().display().to_string()]);
    fill(&mut slave);
    let connection = format!(
        "type = \"uart\"\nport = \"{}\"\nbaud = 115200",
        line.master().display()
    );
    let rig = Rig::start(&device(&connection, "rtu")).await;
    let mut client = Client::start(&python, slave.port());
    check(&rig, &mut slave, &mut client).await;
    rig.shutdown().await;
}
