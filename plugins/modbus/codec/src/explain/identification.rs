//! Function 43/14 in words.

use super::{Fields, Raw, Reading};
use crate::identification::{Access, Identification, MEI_IDENTIFICATION, Object};

pub(super) fn explain_request(access: Access, object: u8, fields: &mut Fields) {
    head(access, fields);
    let name = Object::new(object, "").name();
    let meaning = match access {
        Access::Individual => format!("{object} ({name})"),
        _ => format!("{object} ({name}): the first that is wanted"),
    };
    fields.add(1, "object id", meaning);
}

pub(super) fn explain_reply(
    identification: &Identification,
    fields: &mut Fields,
    readings: &mut Vec<Reading>,
) {
    head(identification.access, fields);
    let level = identification.level().map_or("not assigned", Access::name);
    let single = if identification.has_individual() {
        "single objects, too"
    } else {
        "streams only"
    };
    let conformity = identification.conformity;
    fields.add(
        1,
        "conformity level",
        format!("{conformity:02X} hex: {level}, {single}"),
    );
    match identification.next {
        Some(next) => {
            fields.add(1, "more follows", "FF hex: yes".to_owned());
            fields.add(1, "next object id", next.to_string());
        }
        None => {
            fields.add(1, "more follows", "00 hex: no".to_owned());
            fields.add(1, "next object id", "of no meaning".to_owned());
        }
    }
    fields.add(
        1,
        "number of objects",
        identification.objects.len().to_string(),
    );
    for object in &identification.objects {
        let (name, text) = (object.name(), object.text());
        fields.add(1, "object id", format!("{} ({name})", object.id));
        fields.add(1, "object length", object.value.len().to_string());
        if !object.value.is_empty() {
            fields.add(object.value.len(), name.clone(), format!("\"{text}\""));
        }
        readings.push(Reading {
            name,
            value: Raw::Text(text),
        });
    }
}

fn head(access: Access, fields: &mut Fields) {
    let mei = format!("{MEI_IDENTIFICATION} (Read Device Identification)");
    fields.add(1, "MEI type", mei);
    let meaning = format!("{} ({})", access.code(), access.name());
    fields.add(1, "read device id code", meaning);
}
