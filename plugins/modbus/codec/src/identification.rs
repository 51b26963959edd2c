//! Read Device Identification: function 43 with MEI type 14 (MODBUS Application Protocol V1.1b3, 6.21).

use crate::function::{Exception, Function};
use crate::pdu::{MAX_PDU, PduError, PduLength};

/// The MEI type of Read Device Identification (V1.1b3, 6.21).
pub const MEI_IDENTIFICATION: u8 = 14;

/// The last object of the basic category: major and minor revision.
const LAST_BASIC: u8 = 0x02;

/// The last object of the regular category; those after it are the maker's own.
const LAST_REGULAR: u8 = 0x7F;

/// A bit of the conformity level: single objects can be asked for, too.
const INDIVIDUAL: u8 = 0x80;

/// Bytes of a reply before its objects.
const HEAD: usize = 7;

/// Says in a reply that more objects follow.
const MORE: u8 = 0xFF;

/// What is asked for: the "Read Device ID code".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Access {
    /// 1: the basic objects as a stream: vendor name, product code and revision.
    Basic = 1,
    /// 2: basic and regular objects as a stream: names and the address of the vendor, too.
    Regular = 2,
    /// 3: all objects as a stream, those of the maker's own, too.
    Extended = 3,
    /// 4: one object.
    Individual = 4,
}

impl Access {
    /// Every kind.
    pub const ALL: [Access; 4] = [
        Access::Basic,
        Access::Regular,
        Access::Extended,
        Access::Individual,
    ];

    /// The access of this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Access> {
        Access::ALL.into_iter().find(|known| *known as u8 == code)
    }

    /// Its code.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The access of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Access> {
        Access::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Its name in JSON and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Access::Basic => "basic",
            Access::Regular => "regular",
            Access::Extended => "extended",
            Access::Individual => "individual",
        }
    }

    /// The last object of its stream.
    fn last(self) -> u8 {
        match self {
            Access::Basic => LAST_BASIC,
            Access::Regular => LAST_REGULAR,
            Access::Extended | Access::Individual => u8::MAX,
        }
    }
}

/// What a device says of itself under one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its number (V1.1b3, 6.21, table of objects).
    pub id: u8,
    /// Its value, ASCII by the standard.
    pub value: Vec<u8>,
}

impl Object {
    /// An object with text.
    #[must_use]
    pub fn new(id: u8, text: &str) -> Object {
        Object {
            id,
            value: text.as_bytes().to_vec(),
        }
    }

    /// Its name, as in `vendor-name`; `object-128` when the standard gives it none.
    #[must_use]
    pub fn name(&self) -> String {
        object_name(self.id).map_or_else(|| format!("object-{}", self.id), str::to_owned)
    }

    /// Its value as text, without padding at its end; bytes that are no printable ASCII as `\x00`.
    #[must_use]
    pub fn text(&self) -> String {
        let end = self
            .value
            .iter()
            .rposition(|byte| !matches!(byte, 0 | b' '))
            .map_or(0, |last| last + 1);
        let mut text = String::new();
        for byte in &self.value[..end] {
            match byte {
                b' '..=b'~' => text.push(char::from(*byte)),
                other => text.push_str(&format!("\\x{other:02x}")),
            }
        }
        text
    }

    /// What it takes in a reply.
    fn size(&self) -> usize {
        2 + self.value.len()
    }
}

/// The standard's name of an object (V1.1b3, 6.21), in the form that commands use.
#[must_use]
pub fn object_name(id: u8) -> Option<&'static str> {
    Some(match id {
        0 => "vendor-name",
        1 => "product-code",
        2 => "revision",
        3 => "vendor-url",
        4 => "product-name",
        5 => "model-name",
        6 => "user-application-name",
        _ => return None,
    })
}

/// A reply of function 43/14: some objects, and whether there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification {
    /// What was asked for.
    pub access: Access,
    /// What the device can: 1 basic, 2 regular, 3 extended; with bit 7 single objects as well.
    pub conformity: u8,
    /// The object to ask for next; none when these were the last.
    pub next: Option<u8>,
    /// The objects.
    pub objects: Vec<Object>,
}

impl Identification {
    /// Most of what the device can identify itself with; none when its conformity level is not one of
    /// the standard's.
    #[must_use]
    pub fn level(&self) -> Option<Access> {
        Access::from_code(self.conformity & !INDIVIDUAL)
            .filter(|level| *level != Access::Individual)
    }

    /// Whether single objects can be asked for.
    #[must_use]
    pub fn has_individual(&self) -> bool {
        self.conformity & INDIVIDUAL != 0
    }

    /// Everything behind the function code.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, PduError> {
        let size: usize = self.objects.iter().map(Object::size).sum();
        if HEAD + size > MAX_PDU || self.objects.iter().any(|object| object.value.len() > 255) {
            return Err(PduError::value(
                6,
                format!("the objects make a reply longer than {MAX_PDU} bytes"),
            ));
        }
        let mut bytes = vec![
            MEI_IDENTIFICATION,
            self.access.code(),
            self.conformity,
            if self.next.is_some() { MORE } else { 0 },
            self.next.unwrap_or(0),
            self.objects.len() as u8,
        ];
        for object in &self.objects {
            bytes.extend([object.id, object.value.len() as u8]);
            bytes.extend(&object.value);
        }
        Ok(bytes)
    }

    /// Reads a PDU whose length is what its objects make it.
    pub(crate) fn parse(pdu: &[u8]) -> Result<Identification, PduError> {
        let byte = |at: usize| pdu.get(at).copied().unwrap_or(0);
        let access = check_access(byte(2))?;
        let next = match byte(4) {
            0 => None,
            MORE => Some(byte(5)),
            other => {
                return Err(PduError::value(
                    4,
                    format!("\"more follows\" is {other:02X} hex, expected 00 or FF"),
                ));
            }
        };
        let mut objects = Vec::new();
        let mut rest = pdu.get(HEAD..).unwrap_or(&[]);
        while let [id, length, tail @ ..] = rest {
            let (value, tail) = tail.split_at(usize::from(*length).min(tail.len()));
            objects.push(Object {
                id: *id,
                value: value.to_vec(),
            });
            rest = tail;
        }
        Ok(Identification {
            access,
            conformity: byte(3),
            next,
            objects,
        })
    }

    /// What a server that has these objects answers (V1.1b3, 6.21, state diagram). They are in order of their
    /// numbers; those that do not fit are left for another request.
    ///
    /// # Errors
    /// The exception to answer.
    pub fn answer(has: &[Object], access: Access, object: u8) -> Result<Identification, Exception> {
        let level = match has.last().map(|last| last.id) {
            None => return Err(Exception::ILLEGAL_FUNCTION),
            Some(0..=LAST_BASIC) => Access::Basic,
            Some(..=LAST_REGULAR) => Access::Regular,
            Some(_) => Access::Extended,
        };
        let conformity = level.code() | INDIVIDUAL;
        if access == Access::Individual {
            let found = has.iter().find(|known| known.id == object);
            return Ok(Identification {
                access,
                conformity,
                next: None,
                objects: vec![found.cloned().ok_or(Exception::ILLEGAL_DATA_ADDRESS)?],
            });
        }
        // What lies beyond the device's level is answered at its level. A stream that begins at an object
        // that is not there begins at the first.
        let stream: Vec<&Object> = has
            .iter()
            .filter(|known| known.id <= access.last())
            .collect();
        let start = stream.iter().position(|known| known.id == object);
        let mut room = MAX_PDU - HEAD;
        let mut objects = Vec::new();
        let mut next = None;
        for known in stream.into_iter().skip(start.unwrap_or(0)) {
            let Some(left) = room.checked_sub(known.size()) else {
                next = Some(known.id);
                break;
            };
            room = left;
            objects.push(known.clone());
        }
        if objects.is_empty() {
            return Err(Exception::SERVER_DEVICE_FAILURE);
        }
        Ok(Identification {
            access,
            conformity,
            next,
            objects,
        })
    }
}

/// The access of a request or a reply.
pub(crate) fn check_access(code: u8) -> Result<Access, PduError> {
    Access::from_code(code).ok_or_else(|| {
        PduError::value(
            2,
            format!(
                "Read Device ID code {code}, expected 1 (basic), 2 (regular), 3 (extended) or 4 (one object)"
            ),
        )
    })
}

/// Why an MEI type other than 14 is refused.
pub(crate) fn wrong_mei(found: u8) -> PduError {
    PduError {
        offset: 1,
        reason: format!(
            "MEI type {found} of function {} is not supported; supported is {MEI_IDENTIFICATION} (Read \
             Device Identification)",
            Function::ReadDeviceIdentification
        ),
        exception: Exception::ILLEGAL_FUNCTION,
    }
}

/// The length of a reply, which only its objects tell.
pub(crate) fn identification_length(pdu: &[u8]) -> PduLength {
    match pdu.get(1) {
        None => return PduLength::After(2),
        Some(&MEI_IDENTIFICATION) => {}
        Some(_) => return PduLength::Unknown,
    }
    let Some(count) = pdu.get(HEAD - 1) else {
        return PduLength::After(HEAD);
    };
    let mut length = HEAD;
    for _ in 0..*count {
        match pdu.get(length + 1) {
            Some(value) => length += 2 + usize::from(*value),
            // A PDU that is too long already is told as it is, so that nothing more is awaited.
            None if length + 2 > MAX_PDU => return PduLength::Known(length + 2),
            None => return PduLength::After(length + 2),
        }
    }
    PduLength::Known(length)
}
