//! Numbers, bit fields and text in registers, in every order that devices use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use weihe_modbus::{BitRange, DataType, Format, Order, PointValue, Scaling, ValueError};

const ORDERS: [(Order, Order); 4] = [
    (Order::Big, Order::Big),
    (Order::Little, Order::Big),
    (Order::Big, Order::Little),
    (Order::Little, Order::Little),
];

const NUMBERS: [DataType; 8] = [
    DataType::U16,
    DataType::S16,
    DataType::U32,
    DataType::S32,
    DataType::U64,
    DataType::S64,
    DataType::F32,
    DataType::F64,
];

fn ordered(data_type: DataType, orders: (Order, Order)) -> Format {
    Format {
        word_order: orders.0,
        byte_order: orders.1,
        ..Format::plain(data_type)
    }
}

fn scaled(data_type: DataType, scale: f64, offset: f64) -> Format {
    Format {
        scaling: Some(Scaling { scale, offset }),
        ..Format::plain(data_type)
    }
}

fn text(registers: u16, byte_order: Order) -> Format {
    Format {
        registers,
        byte_order,
        ..Format::plain(DataType::Text)
    }
}

fn bits(data_type: DataType, low: u8, high: u8) -> Format {
    Format {
        bits: Some(BitRange { low, high }),
        ..Format::plain(data_type)
    }
}

#[test]
fn the_four_orders_of_a_32_bit_number() {
    let wire = [
        [0x0A0B, 0x0C0D],
        [0x0C0D, 0x0A0B],
        [0x0B0A, 0x0D0C],
        [0x0D0C, 0x0B0A],
    ];
    for (orders, registers) in ORDERS.into_iter().zip(wire) {
        let format = ordered(DataType::U32, orders);
        let value = PointValue::Integer(0x0A0B_0C0D);
        assert_eq!(format.decode(&registers).unwrap(), value);
        assert_eq!(format.encode(&value.to_json(), &[]).unwrap(), registers);
    }
}

#[test]
fn the_four_orders_of_a_64_bit_number() {
    let wire = [
        [0x0102, 0x0304, 0x0506, 0x0708],
        [0x0708, 0x0506, 0x0304, 0x0102],
        [0x0201, 0x0403, 0x0605, 0x0807],
        [0x0807, 0x0605, 0x0403, 0x0201],
    ];
    for (orders, registers) in ORDERS.into_iter().zip(wire) {
        let value = PointValue::Integer(0x0102_0304_0506_0708);
        assert_eq!(
            ordered(DataType::S64, orders).decode(&registers).unwrap(),
            value
        );
    }
}

#[test]
fn known_floats() {
    let format = Format::plain(DataType::F32);
    assert_eq!(
        format.decode(&[0x41C8, 0x0000]).unwrap(),
        PointValue::Float(25.0)
    );
    assert_eq!(format.encode(&json!(25), &[]).unwrap(), [0x41C8, 0x0000]);
    let format = Format::plain(DataType::F64);
    assert_eq!(
        format.decode(&[0x4009, 0x21FB, 0x5444, 0x2D18]).unwrap(),
        PointValue::Float(std::f64::consts::PI)
    );
}

#[test]
fn what_is_no_number_is_unusable() {
    let float = Format::plain(DataType::F32);
    for registers in [[0x7FC0, 0], [0x7F80, 0], [0xFF80, 0]] {
        assert!(matches!(
            float.decode(&registers),
            Err(ValueError::Unusable(_))
        ));
    }
    let huge = [0xFFFF; 4];
    let error = Format::plain(DataType::U64).decode(&huge).unwrap_err();
    assert!(error.to_string().contains("`scale`"), "{error}");
    let scaled = scaled(DataType::U64, 1.0, 0.0).decode(&huge).unwrap();
    assert_eq!(scaled, PointValue::Float(u64::MAX as f64));
    assert!(Format::plain(DataType::U32).decode(&[1]).is_err());
}

#[test]
fn scaled_values_are_the_decimals_that_a_reader_expects() {
    let tenths = scaled(DataType::S16, 0.1, 0.0);
    assert_eq!(tenths.decode(&[3]).unwrap(), PointValue::Float(0.3));
    assert_eq!(tenths.decode(&[0xFFFF]).unwrap(), PointValue::Float(-0.1));
    assert_eq!(
        tenths.encode(&json!(-12.34), &[]).unwrap(),
        [(-123_i16) as u16]
    );
    let kelvin = scaled(DataType::U16, 0.01, -273.15);
    assert_eq!(
        kelvin.decode(&[29315]).unwrap().as_f64().unwrap().round(),
        20.0
    );
    assert_eq!(kelvin.encode(&json!(20), &[]).unwrap(), [29315]);
    let coarse = scaled(DataType::U16, 250.0, 0.0);
    assert_eq!(coarse.decode(&[4]).unwrap(), PointValue::Float(1000.0));
}

#[test]
fn what_does_not_fit_is_refused_with_the_range() {
    let refusal = |format: Format, value: Json| format.encode(&value, &[]).unwrap_err().to_string();
    assert_eq!(
        refusal(Format::plain(DataType::S16), json!(40000)),
        "40000 is outside of -32768 to 32767"
    );
    assert_eq!(
        refusal(Format::plain(DataType::U16), json!(-1)),
        "-1 is outside of 0 to 65535"
    );
    assert_eq!(
        refusal(Format::plain(DataType::U16), json!(1.5)),
        "1.5 is not a whole number"
    );
    assert_eq!(
        refusal(Format::plain(DataType::U16), json!("1")),
        "\"1\" is not a number"
    );
    assert_eq!(
        refusal(Format::plain(DataType::Bool), json!(2)),
        "2 is not true or false"
    );
    assert_eq!(
        refusal(scaled(DataType::U16, 0.1, 0.0), json!(7000)),
        "7000 is outside of 0 to 6553.5"
    );
    assert_eq!(
        refusal(scaled(DataType::S16, -1.0, 0.0), json!(1e300)),
        "1e+300 is outside of -32767 to 32768"
    );
    assert!(refusal(Format::plain(DataType::F32), json!(1e39)).contains("outside"));
    assert_eq!(
        refusal(bits(DataType::U16, 4, 6), json!(8)),
        "8 is outside of 0 to 7"
    );
    assert!(refusal(text(2, Order::Big), json!("soils")).contains("5 characters"));
    assert!(refusal(text(2, Order::Big), json!("土")).contains("ASCII"));
    assert_eq!(
        Format::plain(DataType::U16)
            .encode(&json!(21.0), &[])
            .unwrap(),
        [21]
    );
}

#[test]
fn bit_fields_leave_their_neighbours_alone() {
    let mode = bits(DataType::U16, 4, 6);
    assert_eq!(mode.decode(&[0b0101_1111]).unwrap(), PointValue::Integer(5));
    assert_eq!(
        mode.encode(&json!(2), &[0xFFFF]).unwrap(),
        [0b1111_1111_1010_1111]
    );
    let alarm = bits(DataType::U16, 15, 15);
    assert_eq!(alarm.decode(&[0x8000]).unwrap(), PointValue::Boolean(true));
    assert_eq!(alarm.encode(&json!(false), &[0xFFFF]).unwrap(), [0x7FFF]);
    let signed = bits(DataType::S16, 8, 11);
    assert_eq!(signed.decode(&[0x0F00]).unwrap(), PointValue::Integer(-1));
    assert_eq!(signed.encode(&json!(-8), &[0]).unwrap(), [0x0800]);
    let wide = bits(DataType::U32, 12, 19);
    assert_eq!(
        wide.decode(&[0x000F, 0xF000]).unwrap(),
        PointValue::Integer(0xFF)
    );
}

#[test]
fn text_is_trimmed_and_filled() {
    let format = text(4, Order::Big);
    let registers = format.encode(&json!("SOIL-1"), &[]).unwrap();
    assert_eq!(registers, [0x534F, 0x494C, 0x2D31, 0]);
    assert_eq!(
        format.decode(&registers).unwrap(),
        PointValue::Text("SOIL-1".to_owned())
    );
    assert_eq!(
        text(1, Order::Little).decode(&[0x4241]).unwrap(),
        PointValue::Text("AB".to_owned())
    );
    assert!(format.decode(&[0xFF00, 0, 0, 0]).is_err());
}

proptest! {
    #[test]
    fn every_content_of_every_type_comes_back(
        raw in any::<[u16; 4]>(),
        data_type in prop::sample::select(NUMBERS.to_vec()),
        orders in prop::sample::select(ORDERS.to_vec()),
    ) {
        let format = ordered(data_type, orders);
        let registers = &raw[..usize::from(format.registers)];
        if let Ok(value) = format.decode(registers) {
            prop_assert_eq!(format.encode(&value.to_json(), &[]).unwrap(), registers);
        }
    }

    #[test]
    fn scaled_contents_come_back(raw in any::<u16>(), digits in 0i32..5, offset in -1000i32..1000) {
        for data_type in [DataType::U16, DataType::S16] {
            let format = scaled(data_type, 10f64.powi(-digits), f64::from(offset));
            let value = format.decode(&[raw]).unwrap();
            prop_assert_eq!(format.encode(&value.to_json(), &[]).unwrap(), [raw]);
        }
    }

    #[test]
    fn bit_fields_change_only_their_bits(raw in any::<u16>(), value in any::<u16>(), a in 0u8..16, b in 0u8..16) {
        let (low, high) = (a.min(b), a.max(b));
        let format = bits(DataType::U16, low, high);
        let mask = format.bits.unwrap().mask() as u16;
        let wanted = (value & mask) >> low;
        let json = if low == high { json!(wanted == 1) } else { json!(wanted) };
        let registers = format.encode(&json, &[raw]).unwrap();
        prop_assert_eq!(registers[0] & !mask, raw & !mask);
        prop_assert_eq!(registers[0] & mask, value & mask);
        prop_assert_eq!(format.decode(&registers).unwrap().to_json(), json);
    }

    #[test]
    fn nothing_panics_on_any_number(
        number in any::<f64>(),
        integer in any::<i64>(),
        data_type in prop::sample::select(NUMBERS.to_vec()),
        scale in any::<f64>(),
        offset in any::<f64>(),
        raw in prop::collection::vec(any::<u16>(), 0..6),
    ) {
        for format in [Format::plain(data_type), scaled(data_type, scale, offset)] {
            let _ = format.encode(&json!(number), &raw);
            let _ = format.encode(&json!(integer), &raw);
            if let Ok(PointValue::Float(value)) = format.decode(&raw) {
                prop_assert!(value.is_finite());
            }
        }
    }
}
