//! Redfish's errors: DSP0266 §"Error responses", with messages of DMTF's Base registry. Pure.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// The registry and its version, as message ids begin.
const REGISTRY: &str = "Base.1.18";

/// Why a request is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nobody is logged in.
    NoValidSession,
    /// Name or password are wrong.
    Unauthorized,
    /// There is no such thing.
    Missing(String),
    /// It is there, and can't be treated so.
    Method,
    /// No JSON.
    MalformedJson,
    /// Something that must be said is not.
    PropertyMissing(&'static str),
    /// Something is said that nobody knows.
    PropertyUnknown(String),
    /// A value that can't be.
    Value {
        /// What was said.
        value: String,
        /// Of what.
        property: &'static str,
    },
    /// There is no room for another session.
    SessionLimit,
    /// Another update is under way.
    InUse,
    /// Not now.
    Unavailable,
    /// The task that is asked for ended badly.
    TaskFailed(String),
    /// What was asked for was changed meanwhile, or is of another version.
    Precondition,
    /// Nothing that there is can be had in the type that is asked for.
    NotAcceptable,
    /// A body of a kind that is not taken here.
    MediaType,
    /// A query that is not understood.
    Query(String),
}

impl Problem {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoValidSession | Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MalformedJson
            | Self::PropertyMissing(_)
            | Self::PropertyUnknown(_)
            | Self::Value { .. }
            | Self::TaskFailed(_) => StatusCode::BAD_REQUEST,
            Self::SessionLimit | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::InUse => StatusCode::CONFLICT,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Query(_) => StatusCode::NOT_IMPLEMENTED,
        }
    }

    /// The body.
    pub fn body(&self) -> Value {
        let none = || Vec::<String>::new();
        let (key, text, args) = match self {
            Self::NoValidSession => {
                ("NoValidSession", "There is no valid session established with the implementation.".to_owned(), none())
            }
            Self::Unauthorized => (
                "ResourceAtUriUnauthorized",
                "While accessing the resource, the service received an authorization error.".to_owned(),
                none(),
            ),
            Self::Missing(path) => {
                ("ResourceMissingAtURI", format!("The resource at the URI '{path}' was not found."), vec![path.clone()])
            }
            Self::Method => {
                ("OperationNotAllowed", "The HTTP method is not allowed on this resource.".to_owned(), none())
            }
            Self::MalformedJson => (
                "MalformedJSON",
                "The request body submitted was malformed JSON and could not be parsed by the receiving service."
                    .to_owned(),
                none(),
            ),
            Self::PropertyMissing(property) => (
                "PropertyMissing",
                format!("The property {property} is a required property and must be included in the request."),
                vec![(*property).to_owned()],
            ),
            Self::PropertyUnknown(property) => (
                "PropertyUnknown",
                format!("The property {property} is not in the list of valid properties for the resource."),
                vec![property.clone()],
            ),
            Self::Value { value, property } => (
                "PropertyValueNotInList",
                format!("The value '{value}' for the property {property} is not in the list of acceptable values."),
                vec![value.clone(), (*property).to_owned()],
            ),
            Self::SessionLimit => (
                "SessionLimitExceeded",
                "The session establishment failed due to the number of simultaneous sessions exceeding the limit of \
                 the implementation."
                    .to_owned(),
                none(),
            ),
            Self::InUse => (
                "ResourceInUse",
                "The change to the requested resource failed because the resource is in use or in transition."
                    .to_owned(),
                none(),
            ),
            Self::Unavailable => (
                "ServiceTemporarilyUnavailable",
                "The service is temporarily unavailable.  Retry in 1 seconds.".to_owned(),
                vec!["1".to_owned()],
            ),
            Self::TaskFailed(why) => ("OperationFailed", why.clone(), none()),
            Self::Precondition => (
                "PreconditionFailed",
                "The ETag or the OData-Version supplied did not match the one required.".to_owned(),
                none(),
            ),
            Self::NotAcceptable => (
                "GeneralError",
                "A general error has occurred: nothing is available in the type that is asked for.".to_owned(),
                none(),
            ),
            Self::Query(query) => (
                "QueryParameterUnsupported",
                format!("The query parameter '{query}' is not supported on the requested resource."),
                vec![query.clone()],
            ),
            Self::MediaType => {
                ("GeneralError", "A general error has occurred: the body's type is not supported.".to_owned(), none())
            }
        };
        let id = format!("{REGISTRY}.{key}");
        json!({
            "error": {
                "code": id,
                "message": text,
                "@Message.ExtendedInfo": [{
                    "@odata.type": "#Message.v1_1_2.Message",
                    "MessageId": id,
                    "Message": text,
                    "MessageArgs": args,
                    "MessageSeverity": "Critical",
                    "Resolution": "See the message.",
                }],
            },
        })
    }
}
