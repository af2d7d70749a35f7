//! The OpenAPI document: what the routes' own words leave out. Which errors any route of a kind may give is said once,
//! here, as the code that gives them stands once, in `extract` and `problem`.

use super::{components, examples, extract::MAX_NUMBER};
use pious_protocol::{envelope::KeySet, instruction::Instruction, message::Problem};
use serde_json::Value;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document, RefOr,
        content::ContentBuilder,
        path::{Operation, PathItem},
        response::{Response, ResponseBuilder},
        schema::{Ref, Schema},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Senzu",
        description = "What PIOUS agents, PXE and operators say to Senzu. Unknown fields of messages are ignored, and an unknown \
                       enum value is never an error; only in an operator's request, where it may be a misspelt safeguard, \
                       an unknown field is refused with 400. Every error is a problem document (RFC 9457). A held back answer \
                       (long-poll) comes after `wait_s` seconds at the latest; more than 60 is taken as 60.\n\n\
                       A boot session in order: BOOT_EVENT until it is answered; then, side by side, facts (on every \
                       change, and every `facts_period_s`) and the long-poll for instructions. An instruction travels \
                       as a JWS in compact serialization (EdDSA over Ed25519), whose payload is the schema \
                       `Instruction` and whose key is one of `KeySet`. Each one is opened, reported `accepted` or \
                       `refused`, done, and reported `done` or `failed`. All of it may be sent twice. On 401 or 403 an \
                       agent sends BOOT_EVENT again for a fresh token; on 5xx it waits, longer each time, and never \
                       gives up."
    ),
    components(schemas(Problem, Instruction, KeySet)),
    modifiers(&Tokens)
)]
pub(super) struct Described;

/// The two kinds of bearer token.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut Document) {
        let bearer = |words: &str| {
            let mut http = Http::new(HttpAuthScheme::Bearer);
            http.description = Some(words.to_owned());
            SecurityScheme::Http(http)
        };
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", bearer("The session token of Whoami, bound to its boot id"));
        components.add_security_scheme("operator", bearer(
            "An operator's token, of a role: viewer < operator < approver < admin. Each operation names the one that it \
             needs. POST /v1/tokens makes tokens; the first, an admin's, is the file operator-token in Senzu's data \
             directory",
        ));
    }
}

/// The completed document as text.
pub(super) fn text(mut document: Document) -> serde_json::Result<String> {
    complete(&mut document);
    let mut value = serde_json::to_value(document)?;
    bound_numbers(&mut value);
    components::name_objects(&mut value);
    // Through the document's own type, which has its members in the order of the specification.
    serde_json::from_value::<Document>(value)?.to_pretty_json()
}

/// Says what an unsigned number can be: `int32` and `int64` (OpenAPI's registry of formats) are signed.
fn bound_numbers(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let unsigned = match members.get("format").and_then(Value::as_str) {
                Some("int32") => Some(("uint32", u64::from(u32::MAX))),
                // What a database keeps: see `extract`.
                Some("int64") => Some(("uint64", MAX_NUMBER)),
                _ => None,
            };
            if let Some((format, maximum)) = unsigned.filter(|_| members.contains_key("minimum")) {
                members.insert("format".to_owned(), format.into());
                members.entry("maximum").or_insert(maximum.into());
            }
            members.values_mut().for_each(bound_numbers);
        }
        Value::Array(items) => items.iter_mut().for_each(bound_numbers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Completes every route's responses, and says what each status means where the route does not.
fn complete(document: &mut Document) {
    for item in document.paths.paths.values_mut() {
        let PathItem { get, put, post, delete, .. } = item;
        for operation in [get, put, post, delete].into_iter().flatten() {
            name_role(operation);
            add_errors(operation);
            describe(operation);
            add_examples(operation);
        }
    }
}

fn add_errors(operation: &mut Operation) {
    let asks = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let speaks = security(operation);
    let mut statuses = vec![];
    if operation.request_body.is_some() {
        statuses.extend(["400", "408", "413", "415"]);
    }
    if asks {
        statuses.push("400");
    }
    if speaks.is_some() {
        statuses.extend(["401", "403"]);
    }
    // `/healthz` says it by 503.
    if operation.operation_id.as_deref() != Some("health") {
        statuses.push("500");
    }
    for status in statuses {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem()));
    }
}

/// Says in words which role an operation needs: scopes of a bearer scheme (OpenAPI 3.1 §4.8.30) are easily overlooked.
fn name_role(operation: &mut Operation) {
    let Some(role) = role(operation) else { return };
    let words = operation.description.take().map(|words| format!("{words}\n\n")).unwrap_or_default();
    operation.description = Some(format!("{words}Needs the role {role} or a higher one."));
}

fn role(operation: &Operation) -> Option<String> {
    let requirement = serde_json::to_value(operation.security.as_ref()?.first()?).ok()?;
    Some(requirement.get("operator")?.get(0)?.as_str()?.to_owned())
}

/// The kind of token that a route asks for.
fn security(operation: &Operation) -> Option<String> {
    let requirement = serde_json::to_value(operation.security.as_ref()?.first()?).ok()?;
    Some(requirement.as_object()?.keys().next()?.clone())
}

fn problem() -> Response {
    let schema: RefOr<Schema> = Ref::from_schema_name("Problem").into();
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().content("application/problem+json", content).build()
}

fn describe(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        // OpenAPI 3.1 §4.8.17: a response has a description.
        if response.description.is_empty() {
            response.description = meaning(status).to_owned();
        }
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "The answer",
        "204" => "Taken",
        "400" => "The path, the query or the body can't be read",
        "401" => "No token, none of Senzu's, or one that ended",
        "403" => "The token is another boot session's, or its role is too small",
        "404" => "No such thing",
        "408" => "The body did not come whole in time",
        "409" => "It contradicts what is stored",
        "413" => "The body is too large",
        "415" => "The body is not application/json",
        "422" => "A value is out of its bounds",
        "500" => "Senzu is in trouble: send it again later",
        "503" => "Senzu's store does not answer",
        _ => "See its problem document",
    }
}

fn add_examples(operation: &mut Operation) {
    let Some(id) = operation.operation_id.clone() else { return };
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(example) = examples::request(&id)
    {
        // Of what is not JSON, the description says how it is written.
        body.content
            .iter_mut()
            .filter(|(kind, _)| *kind == "application/json")
            .for_each(|(_, content)| put(content, &example));
    }
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200")
        && let Some(example) = examples::answer(&id)
    {
        response.content.values_mut().for_each(|content| put(content, &example));
    }
}

fn put(content: &mut RefOr<utoipa::openapi::Content>, example: &Value) {
    if let RefOr::T(content) = content {
        content.example = Some(example.clone());
    }
}
