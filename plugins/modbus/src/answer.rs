//! What a command is answered when its exchange was sound.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use weihe_modbus::{Access, Identification, Object, Request};
use weihe_sdk::{Answer, CallError};

use crate::plan::Span;
use crate::point::{Content, Point};

/// Of a read of a point.
pub fn of_point(point: &Point, first: u16, content: &Content) -> Result<Answer, CallError> {
    match point.decode(first, content) {
        Ok(value) => Answer::json(&json!({
            "point": point.name,
            "value": value.to_json(),
            "unit": point.unit,
            "quality": "good",
        })),
        Err(error) => Answer::json(&json!({
            "point": point.name,
            "value": null,
            "unit": point.unit,
            "quality": "bad",
            "reason": error.to_string(),
        })),
    }
}

/// Of a write, to a point when that is given.
pub fn of_write(
    point: Option<&Point>,
    span: Span,
    content: &Content,
    confirmed: bool,
) -> Result<Answer, CallError> {
    let answer = match point {
        Some(point) => {
            let value = point.decode(span.address, content);
            let value = value.map_or(Json::Null, |value| value.to_json());
            json!({"point": point.name, "value": value})
        }
        None => json!({"written": span.quantity}),
    };
    written(answer, confirmed)
}

/// Of a mask. What the register holds now only the unit knows.
pub fn of_mask(
    point: Option<&Point>,
    request: &Request,
    confirmed: bool,
) -> Result<Answer, CallError> {
    let mut answer = json!({});
    if let Some(point) = point {
        answer["point"] = json!(point.name);
    }
    if let Request::MaskRegister { address, and, or } = request {
        answer["address"] = json!(address);
        answer["and"] = json!(and);
        answer["or"] = json!(or);
    }
    written(answer, confirmed)
}

fn written(mut answer: Json, confirmed: bool) -> Result<Answer, CallError> {
    if !confirmed {
        answer["confirmed"] = json!(false);
    }
    Answer::json(&answer)
}

/// Of an identification: the device's level, and all objects by their names.
pub fn of_identification(last: &Identification, objects: &[Object]) -> Result<Answer, CallError> {
    Answer::json(&json!({
        "level": last.level().map_or("not assigned", Access::name),
        "individual": last.has_individual(),
        "objects": named(objects),
    }))
}

/// Objects by their names.
pub fn named(objects: &[Object]) -> BTreeMap<String, String> {
    let pairs = objects.iter();
    pairs.map(|object| (object.name(), object.text())).collect()
}
