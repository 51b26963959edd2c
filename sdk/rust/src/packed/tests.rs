use super::*;
use crate::{Sample, ValueBuf};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = ValueBuf> {
    prop_oneof![
        Just(ValueBuf::None),
        any::<bool>().prop_map(ValueBuf::Boolean),
        any::<i64>().prop_map(ValueBuf::Integer),
        any::<f64>().prop_map(ValueBuf::Float),
        any::<String>().prop_map(ValueBuf::Text),
        any::<Vec<u8>>().prop_map(ValueBuf::Bytes),
        any::<String>().prop_map(ValueBuf::Json),
    ]
}

fn quality() -> impl Strategy<Value = Quality> {
    prop_oneof![
        Just(Quality::Good),
        Just(Quality::Uncertain),
        Just(Quality::Bad)
    ]
}

prop_compose! {
    fn event()(
        topic: u32, time: u64, quality in quality(), attempt: u16, value in value(),
        sequence: u64, source: u32, cause in proptest::option::of((0..NONE, any::<u64>())),
    ) -> (u32, u64, Quality, u16, ValueBuf, u64, u32, Option<(u32, u64)>) {
        (topic, time, quality, attempt, value, sequence, source, cause)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(events in proptest::collection::vec(event(), 0..20)) {
        let mut writer = Writer::default();
        let records: Vec<Record<'_>> = events.iter().map(|event| Record {
            topic: event.0,
            time: Timestamp::from_nanos(event.1),
            quality: event.2,
            attempt: event.3,
            value: event.4.as_value(),
            sequence: event.5,
            source: event.6,
            cause: event.7,
        }).collect();
        for record in &records {
            writer.push(record).unwrap();
        }
        let batch = writer.batch();
        let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
        prop_assert_eq!(reader.len(), records.len());
        for (record, read) in records.iter().zip(reader.iter()) {
            let read = read.unwrap();
            // NaN is equal to nothing, so compare as text too.
            prop_assert_eq!(format!("{record:?}"), format!("{read:?}"));
        }
    }

    #[test]
    fn any_words_are_read_without_a_panic(
        count in 0_u32..5, stride in 4_u16..9, version in 0_u16..3,
        words in proptest::collection::vec(any::<u64>(), 0..40),
        bytes in any::<Vec<u8>>(),
    ) {
        let mut head = vec![
            u64::from(version) | u64::from(stride) << 16 | u64::from(count) << 32,
        ];
        head.extend(words);
        for head in [&head[..], &head[1..]] {
            if let Ok(reader) = Reader::new(head, &bytes) {
                prop_assert_eq!(reader.iter().count(), reader.len());
                prop_assert!(reader.get(reader.len()).is_none());
            }
        }
    }

    #[test]
    fn plausible_events_are_read_without_a_panic(
        kinds in proptest::collection::vec((0_u64..9, 0_u64..5, 0_u64..40, 0_u64..40), 1..8),
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut head = vec![1 | 6 << 16 | (kinds.len() as u64) << 32];
        for (kind, quality, offset, length) in &kinds {
            head.extend([kind << 32 | quality << 40, 0, offset | length << 32, 0, 0, 0]);
        }
        let reader = Reader::new(&head, &bytes).unwrap();
        prop_assert_eq!(reader.iter().count(), kinds.len());
    }
}

#[test]
fn a_longer_stride_is_stepped_over() {
    let head = [
        1 | 8 << 16 | 2 << 32,
        5 | 2 << 32,
        0,
        7,
        0,
        0,
        0,
        99,
        99,
        6 | 2 << 32,
        0,
        8,
        0,
        0,
        0,
        99,
        99,
    ];
    let reader = Reader::new(&head, &[]).unwrap();
    let values: Vec<_> = reader.iter().map(|record| record.unwrap().value).collect();
    assert_eq!(values, [Value::Integer(7), Value::Integer(8)]);
}

#[test]
fn a_header_that_lies_is_refused() {
    assert_eq!(Reader::new(&[], &[]).unwrap_err(), LayoutError::Empty);
    assert_eq!(
        Reader::new(&[2 | 6 << 16], &[]).unwrap_err(),
        LayoutError::Version(2)
    );
    assert_eq!(
        Reader::new(&[1 | 5 << 16], &[]).unwrap_err(),
        LayoutError::Stride(5)
    );
    let header = 1 | 6 << 16 | u64::from(u32::MAX) << 32;
    assert_eq!(
        Reader::new(&[header], &[]).unwrap_err(),
        LayoutError::Length {
            events: u32::MAX,
            words: 0
        }
    );
}

#[test]
fn a_publication_has_zeros_where_the_layout_says_so() {
    let mut writer = Writer::default();
    writer.publish(3, &Sample::from(1.5), 4).unwrap();
    assert_eq!(
        writer.batch().head,
        [
            1 | 6 << 16 | 1 << 32,
            3 | 3 << 32,
            0,
            1.5_f64.to_bits(),
            0,
            4,
            0
        ]
    );
}

#[test]
fn rewinding_drops_events_with_their_bytes() {
    let mut writer = Writer::default();
    writer.publish(1, &Sample::from("kept"), NONE).unwrap();
    let mark = writer.mark();
    writer.publish(1, &Sample::from("dropped"), NONE).unwrap();
    writer.rewind(mark);
    assert_eq!(writer.len(), 1);
    assert_eq!(writer.batch().bytes, b"kept");
    writer.publish(1, &Sample::from("more"), NONE).unwrap();
    let batch = writer.batch();
    let reader = Reader::new(&batch.head, &batch.bytes).unwrap();
    let values: Vec<_> = reader.iter().map(|record| record.unwrap().value).collect();
    assert_eq!(values, [Value::Text("kept"), Value::Text("more")]);
}
