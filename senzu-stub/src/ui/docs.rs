//! The API's documentation: the OpenAPI document, as a page to read.

use super::{
    Page,
    frame::{Frame, Here},
    show,
};
use crate::api;
use askama::Template;
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    frame: Frame,
    book: &'static Book,
}

/// All that is said of the API; made once, since the document is the binary's.
#[derive(Debug, Default, PartialEq, Eq)]
struct Book {
    title: String,
    about: Vec<String>,
    /// By tag.
    chapters: BTreeMap<String, Vec<Operation>>,
    schemas: Vec<Schema>,
}

/// A method on a path.
#[derive(Debug, PartialEq, Eq)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: Vec<String>,
    /// Whose token it takes.
    token: &'static str,
    parameters: Vec<Field>,
    body: Vec<Kind>,
    answers: Vec<Answer>,
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: String,
    about: String,
    kinds: Vec<Kind>,
}

/// A parameter, or a property of a schema.
#[derive(Debug, PartialEq, Eq)]
struct Field {
    name: String,
    kind: Kind,
    needed: bool,
    about: String,
}

/// A type in words, and the schema to read on at.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kind {
    words: String,
    schema: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Schema {
    name: String,
    about: String,
    kind: Kind,
    /// Of each alternative.
    shapes: Vec<Vec<Field>>,
}

static BOOK: LazyLock<Book> =
    LazyLock::new(|| serde_json::from_str(&api::document()).map(|document| Book::of(&document)).unwrap_or_default());

pub async fn docs() -> Page {
    Ok(show(&Docs { frame: Frame::of_anybody(Here::Docs), book: &BOOK }))
}

impl Book {
    fn of(document: &Value) -> Self {
        let mut chapters: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        for (path, methods) in entries(&document["paths"]) {
            for (method, operation) in entries(methods) {
                let tag = text(&operation["tags"][0]);
                chapters.entry(tag).or_default().push(Operation::of(path, method, operation));
            }
        }
        let info = &document["info"];
        let schemas = entries(&document["components"]["schemas"]);
        Self {
            title: format!("{} {}", text(&info["title"]), text(&info["version"])),
            about: paragraphs(&info["description"]),
            chapters,
            schemas: schemas.map(|(name, schema)| Schema::of(name, schema)).collect(),
        }
    }
}

impl Operation {
    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let parameter = |parameter: &Value| Field {
            name: text(&parameter["name"]),
            kind: Kind::of(&parameter["schema"]),
            needed: parameter["required"] == true,
            about: about(parameter),
        };
        let answer = |(status, answer): (&str, &Value)| Answer {
            status: status.to_owned(),
            about: about(answer),
            kinds: kinds(&answer["content"]),
        };
        let asked = &operation["security"][0];
        Self {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            about: paragraphs(&operation["description"]),
            token: match (asked.get("session"), asked.get("operator")) {
                (Some(_), _) => "the boot session's token",
                (None, Some(_)) => "an operator's token",
                (None, None) => "no token",
            },
            parameters: items(&operation["parameters"]).map(parameter).collect(),
            body: kinds(&operation["requestBody"]["content"]),
            answers: entries(&operation["responses"]).map(answer).collect(),
        }
    }
}

impl Schema {
    fn of(name: &str, schema: &Value) -> Self {
        let alternatives = ["oneOf", "anyOf"].iter().find_map(|key| schema[key].as_array());
        let shapes = match alternatives {
            Some(alternatives) => alternatives.iter().map(fields).collect(),
            None => vec![fields(schema)],
        };
        let shapes: Vec<_> = shapes.into_iter().filter(|shape: &Vec<Field>| !shape.is_empty()).collect();
        Self { name: name.to_owned(), about: about(schema), kind: Kind::of(schema), shapes }
    }
}

/// The properties of an object, and of those that it is made of.
fn fields(schema: &Value) -> Vec<Field> {
    let needed: Vec<_> = items(&schema["required"]).map(text).collect();
    let own = entries(&schema["properties"]).map(|(name, property)| Field {
        name: name.to_owned(),
        kind: Kind::of(property),
        needed: needed.iter().any(|needed| needed == name),
        about: about(property),
    });
    own.chain(items(&schema["allOf"]).flat_map(fields)).collect()
}

impl Kind {
    fn of(schema: &Value) -> Self {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or(reference).to_owned();
            return Self { words: name.clone(), schema: Some(name) };
        }
        if let Some(words) = schema["const"].as_str() {
            return Self { words: format!("{words:?}"), schema: None };
        }
        let choices: Vec<_> = items(&schema["enum"]).map(Value::to_string).collect();
        if !choices.is_empty() {
            return Self { words: choices.join(" | "), schema: None };
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            let all: Vec<_> = items(&schema[key]).map(Self::of).collect();
            if !all.is_empty() {
                return Self::joined(all);
            }
        }
        match &schema["type"] {
            Value::String(kind) if kind == "array" => {
                let Self { words, schema } = Self::of(&schema["items"]);
                Self { words: format!("list of {words}"), schema }
            }
            Value::String(kind) => Self { words: Self::bounded(kind, schema), schema: None },
            Value::Array(kinds) => {
                let one = |kind| Self::of(&with_type(schema, kind));
                Self::joined(kinds.iter().map(one).collect())
            }
            _ => Self { words: "any JSON".into(), schema: None },
        }
    }

    fn joined(all: Vec<Self>) -> Self {
        let mut words: Vec<_> = Vec::new();
        for kind in &all {
            if !words.contains(&kind.words) {
                words.push(kind.words.clone());
            }
        }
        Self { words: words.join(" | "), schema: all.into_iter().find_map(|kind| kind.schema) }
    }

    /// A plain type with its format and bounds.
    fn bounded(kind: &str, schema: &Value) -> String {
        let told = |key: &str, before: &str| schema.get(key).map(|value| format!("{before}{}", plain(value)));
        let told = [told("format", ""), told("minimum", "≥ "), told("maximum", "≤ "), told("maxLength", "length ≤ ")];
        let told: Vec<_> = told.into_iter().flatten().collect();
        if told.is_empty() { kind.to_owned() } else { format!("{kind} ({})", told.join(", ")) }
    }
}

/// The schema, of one of its types alone.
fn with_type(schema: &Value, kind: &Value) -> Value {
    let mut schema = schema.clone();
    schema["type"] = kind.clone();
    schema
}

fn kinds(content: &Value) -> Vec<Kind> {
    let kind = |(media, body): (&str, &Value)| {
        let Kind { words, schema } = Kind::of(&body["schema"]);
        Kind { words: format!("{words}, {media}"), schema }
    };
    entries(content).map(kind).collect()
}

fn entries(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What it says of itself, or what the one alternative that is no `null` says.
fn about(value: &Value) -> String {
    let of_alternative = || items(&value["oneOf"]).find_map(|alternative| alternative["description"].as_str());
    value["description"].as_str().or_else(of_alternative).unwrap_or_default().to_owned()
}

fn paragraphs(words: &Value) -> Vec<String> {
    words.as_str().unwrap_or_default().split("\n\n").filter(|words| !words.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_told_and_every_schema_that_it_leads_to() {
        let book = &*BOOK;
        let operations: Vec<_> = book.chapters.values().flatten().collect();
        assert!(operations.iter().any(|o| o.method == "POST" && o.path == "/v1/boot-events"), "{operations:?}");
        assert!(operations.iter().all(|o| !o.summary.is_empty() && !o.answers.is_empty()), "{operations:?}");
        let named: Vec<_> = book.schemas.iter().map(|schema| schema.name.as_str()).collect();
        let answers = operations.iter().flat_map(|o| &o.answers).flat_map(|answer| &answer.kinds);
        for kind in operations.iter().flat_map(|o| &o.body).chain(answers) {
            assert!(kind.schema.as_deref().is_none_or(|schema| named.contains(&schema)), "{kind:?}");
        }
    }

    #[test]
    fn a_kind_in_words() {
        for (schema, words, leads_to) in [
            (r##"{"$ref": "#/components/schemas/Asset"}"##, "Asset", Some("Asset")),
            (r##"{"type": "array", "items": {"$ref": "#/components/schemas/Asset"}}"##, "list of Asset", Some("Asset")),
            (r#"{"type": ["string", "null"]}"#, "string | null", None),
            (r#"{"enum": ["NEW", "SPARE"]}"#, "\"NEW\" | \"SPARE\"", None),
            (r#"{"type": "integer", "format": "int32", "minimum": 0}"#, "integer (int32, ≥ 0)", None),
            (r##"{"oneOf": [{"$ref": "#/x/Held"}, {"type": "null"}]}"##, "Held | null", Some("Held")),
            ("{}", "any JSON", None),
        ] {
            let kind = Kind::of(&serde_json::from_str(schema).unwrap());
            assert_eq!((kind.words.as_str(), kind.schema.as_deref()), (words, leads_to), "{schema}");
        }
    }
}
