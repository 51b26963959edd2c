//! The packed batch, which kernel and SDK each read by its text alone: both take the same batches, and see
//! the same events in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_kernel::event::Value as Kept;
use weihe_kernel::runtime::packed;
use weihe_sdk::Value;
use weihe_sdk::packed::Reader;

fuzz_target!(|input: (bool, u8, Vec<u64>, Vec<u8>)| {
    let (plausible, stride, mut head, bytes) = input;
    if plausible && !head.is_empty() {
        let stride = u64::from(stride).clamp(6, 9);
        let count = (head.len() as u64 - 1) / stride;
        head.truncate((1 + count * stride) as usize);
        head[0] = 1 | stride << 16 | count << 32;
        // Kinds and qualities that exist, or nearly nothing would get through.
        for event in head[1..].chunks_mut(stride as usize) {
            let (kind, quality) = (event[0] >> 32 & 7, event[0] >> 40 & 3);
            event[0] = event[0] & 0xffff_ffff | kind << 32 | quality << 40;
        }
    }
    let mut kernel = Vec::new();
    let taken = packed::unpack(&head, &bytes, 0, |event, _| {
        kernel.push(event);
        Ok(())
    });
    let sdk =
        Reader::new(&head, &bytes).and_then(|reader| reader.iter().collect::<Result<Vec<_>, _>>());
    assert_eq!(taken.is_ok(), sdk.is_ok(), "{taken:?}, {sdk:?}");
    let (Ok(()), Ok(sdk)) = (taken, sdk) else {
        return;
    };
    assert_eq!(kernel.len(), sdk.len());
    for (event, record) in kernel.iter().zip(&sdk) {
        assert_eq!(event.topic.0, record.topic);
        assert_eq!(event.time, record.time.as_nanos());
        let same = match (&event.value, record.value) {
            (Kept::None, Value::None) => true,
            (Kept::Boolean(a), Value::Boolean(b)) => *a == b,
            (Kept::Integer(a), Value::Integer(b)) => *a == b,
            (Kept::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Kept::Text(a), Value::Text(b)) | (Kept::Json(a), Value::Json(b)) => **a == *b,
            (Kept::Bytes(a), Value::Bytes(b)) => **a == *b,
            _ => false,
        };
        assert!(same, "{event:?} is not {record:?}");
    }
});
