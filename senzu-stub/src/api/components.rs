//! Gives each object of the OpenAPI document a name of its own: generators of clients stumble over objects that stand
//! within objects, and what stands in ten places is one class for whoever works with it.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

const PLACE: &str = "#/components/schemas/";

/// Moves every object that stands within another schema to the components.
pub(super) fn name_objects(document: &mut Value) {
    let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") else { return };
    let mut named = Map::new();
    for (name, schema) in schemas.iter_mut() {
        name_within(name, schema, &mut named);
    }
    loop {
        let renamed = unify(&mut named, schemas);
        if renamed.is_empty() {
            break;
        }
        schemas.values_mut().chain(named.values_mut()).for_each(|schema| follow(schema, &renamed));
    }
    schemas.extend(named);
}

/// Names the objects within a schema, the innermost first.
fn name_within(name: &str, schema: &mut Value, named: &mut Map<String, Value>) {
    let Value::Object(members) = schema else { return };
    for (member, value) in members.iter_mut() {
        match (member.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (property, inner) in properties.iter_mut() {
                    place(&format!("{name}_{}", capital(property)), inner, named);
                }
            }
            ("items", inner) => place(&format!("{name}_Item"), inner, named),
            ("oneOf" | "anyOf", Value::Array(variants)) => {
                for (at, inner) in variants.iter_mut().enumerate() {
                    place(&format!("{name}_{}", variant(inner).unwrap_or(at.to_string())), inner, named);
                }
            }
            // Of what is flattened, the parts are one object.
            ("allOf", Value::Array(parts)) => parts.iter_mut().for_each(|part| name_within(name, part, named)),
            _ => {}
        }
    }
}

fn place(name: &str, schema: &mut Value, named: &mut Map<String, Value>) {
    name_within(name, schema, named);
    if schema.get("properties").is_none() {
        return;
    }
    let mut name = name.to_owned();
    while named.contains_key(&name) {
        name.push('2');
    }
    let reference = json!({"$ref": format!("{PLACE}{name}")});
    named.insert(name, std::mem::replace(schema, reference));
}

/// What tells a variant from the others: the one value of its tag, or its one property.
fn variant(schema: &Value) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    let tag = |property: &Value| match property.get("enum")?.as_array()?.as_slice() {
        [value] => value.as_str().map(capital),
        _ => None,
    };
    let only = || properties.keys().next().filter(|_| properties.len() == 1).map(|name| capital(name));
    properties.values().find_map(tag).or_else(only)
}

/// `port_id` as `PortId`.
fn capital(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    words.collect()
}

/// Makes one of those that are alike; answers who is whom now.
fn unify(named: &mut Map<String, Value>, schemas: &Map<String, Value>) -> HashMap<String, String> {
    let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, schema) in named.iter() {
        alike.entry(schema.to_string()).or_default().push(name.clone());
    }
    let mut renamed = HashMap::new();
    for names in alike.into_values().filter(|names| names.len() > 1) {
        let kept = common_name(&names, |name| !schemas.contains_key(name) && !named.contains_key(name));
        for name in names {
            if let Some(schema) = named.remove(&name) {
                named.insert(kept.clone(), schema);
            }
            if name != kept {
                renamed.insert(format!("{PLACE}{name}"), format!("{PLACE}{kept}"));
            }
        }
    }
    renamed
}

/// A name for some that are alike: the last part of theirs, or the first and the last, as far as that is free.
fn common_name(names: &[String], is_free: impl Fn(&str) -> bool) -> String {
    let first = names.first().map(String::as_str).unwrap_or_default();
    let last = first.rsplit('_').next().unwrap_or_default().to_owned();
    let ends = format!("{}_{last}", first.split('_').next().unwrap_or_default());
    [last, ends].into_iter().find(|name| is_free(name)).unwrap_or_else(|| first.to_owned())
}

/// Lets references follow those who were renamed.
fn follow(schema: &mut Value, renamed: &HashMap<String, String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(new) = renamed.get(reference)
            {
                reference.clone_from(new);
            }
            members.values_mut().for_each(|inner| follow(inner, renamed));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| follow(inner, renamed)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_within_objects_get_names_and_those_that_are_alike_one() {
        let why = json!({"type": "object", "properties": {"reason": {"type": "string"}}});
        let observed = |value: Value| {
            let seen = json!({"type": "object", "properties": {"value": value}});
            json!({"oneOf": [
                {"type": "object", "properties": {"seen": seen}},
                {"type": "object", "properties": {"absent": why}},
            ]})
        };
        let mut document = json!({"components": {"schemas": {
            "Observed_Cpu": observed(json!({"type": "integer"})),
            "Observed_Bmc": observed(json!({"type": "array", "items": {"$ref": "#/components/schemas/Port"}})),
            "Port": {"type": "object", "properties": {"port_id": {"type": "string"}}},
            "Action": {"oneOf": [{"type": "object", "properties": {"kind": {"enum": ["power_off"]}, "why": {}}}]},
        }}});
        name_objects(&mut document);
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let names: Vec<_> = schemas.keys().map(String::as_str).collect();
        let expected = [
            "Absent",
            "Action",
            "Action_PowerOff",
            "Observed_Absent",
            "Observed_Bmc",
            "Observed_Bmc_Seen",
            "Observed_Bmc_Seen_Seen",
            "Observed_Cpu",
            "Observed_Cpu_Seen",
            "Observed_Cpu_Seen_Seen",
            "Port",
        ];
        assert_eq!(names, expected);
    }
}
