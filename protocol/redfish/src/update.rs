//! How a BMC takes an image, and giving it one.

use crate::bmc::Bmc;
use crate::error::Error;
use crate::flash_error::{Begun, FlashError};
use crate::http::{Answer, text};
use crate::image::{Frame, Image, pump};
use crate::patience::Patience;
use crate::task::{Outcome, outcome};
use pious_protocol::firmware::{Artifact, Transfer};
use reqwest::{Body, Method, RequestBuilder, StatusCode, header};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};

/// What a transfer is that no BMC takes part in.
const NOT_BY_BMC: &str = "how a BMC would get an image that the server itself writes";

/// How deep vendors nest their actions: `Oem`, the vendor, the action.
const MAX_OEM_DEPTH: u32 = 3;

/// What of a file's name reaches the BMC.
const MAX_FILE_NAME_CHARS: usize = 100;

/// How a BMC can be given an image (DSP2046, UpdateService).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateShape {
    /// `MultipartHttpPushUri`.
    pub multipart_uri: Option<String>,
    /// `HttpPushUri`.
    pub http_push_uri: Option<String>,
    /// The target of `UpdateService.SimpleUpdate`.
    pub simple_update: Option<String>,
    /// The targets of the vendor's own actions, by name: `SmcUpdateService.Install`.
    pub vendor: BTreeMap<String, String>,
    /// `MaxImageSizeBytes`, where it is said.
    pub max_image_bytes: Option<u64>,
}

/// What is handed over, and how.
pub(crate) struct HandOver<'a> {
    pub(crate) transfer: Transfer,
    pub(crate) artifact: &'a Artifact,
    pub(crate) image: &'a dyn Image,
    pub(crate) targets: &'a [String],
    pub(crate) apply_time: Option<&'a str>,
    /// For all of it, the BMC's answer included, which some give only once they have written the image.
    pub(crate) within: Duration,
    pub(crate) patience: &'a Patience,
}

/// What the BMC said to it.
pub(crate) enum HandedOver {
    Taken(Outcome),
    /// Not yet: it has taken nothing.
    NotReady {
        retry_after: Duration,
        words: String,
    },
}

impl UpdateShape {
    /// Reads an UpdateService.
    pub(crate) fn of(service: &Value) -> Self {
        let actions = service.get("Actions");
        let simple = actions.and_then(|actions| actions.get("#UpdateService.SimpleUpdate"));
        let mut vendor = BTreeMap::new();
        if let Some(oem) = actions.and_then(|actions| actions.get("Oem")).and_then(Value::as_object) {
            vendor_actions(oem, MAX_OEM_DEPTH, &mut vendor);
        }
        Self {
            multipart_uri: text(service, "MultipartHttpPushUri"),
            http_push_uri: text(service, "HttpPushUri"),
            simple_update: simple.and_then(|simple| text(simple, "target")),
            vendor,
            max_image_bytes: service.get("MaxImageSizeBytes").and_then(Value::as_u64),
        }
    }
}

impl Bmc {
    /// How it takes an image.
    pub async fn update_shape(&self) -> Result<UpdateShape, Error> {
        let service = self.service("UpdateService").await?;
        Ok(UpdateShape::of(&service))
    }

    /// Where an image goes by a way; an error where the BMC does not have that way.
    pub(crate) fn way(&self, shape: &UpdateShape, transfer: Transfer) -> Result<String, Error> {
        let (way, name) = match transfer {
            Transfer::MultipartPush => (&shape.multipart_uri, "UpdateService.MultipartHttpPushUri"),
            Transfer::HttpPush => (&shape.http_push_uri, "UpdateService.HttpPushUri"),
            Transfer::SimpleUpdate => (&shape.simple_update, "UpdateService.SimpleUpdate"),
            Transfer::Nvme => return Err(Error::Unknown { what: NOT_BY_BMC }),
            Transfer::Unknown => return Err(Error::Unknown { what: "this way of giving a BMC an image" }),
        };
        way.clone().ok_or_else(|| self.missing(name))
    }

    /// Gives the BMC an image. It is tried once: what the BMC has of it when it fails is not known.
    pub(crate) async fn hand_over(&self, way: &str, it: &HandOver<'_>) -> Result<HandedOver, FlashError> {
        let begun = FlashError::at("being given the image", Begun::No);
        let doing = name(it.transfer);
        let parameters = parameters(it);
        let answer = match it.transfer {
            Transfer::SimpleUpdate => {
                let mut body = parameters;
                body.insert("ImageURI".into(), it.artifact.url.clone().into());
                let body = Value::Object(body);
                let sent = match self.http.request(Method::POST, way, &self.auth()) {
                    Ok(asking) => asking.with(|request| request.timeout(it.within).json(&body)).send().await,
                    Err(error) => return Err(begun(error)),
                };
                sent.map_err(|error| broke(error, 0, it.artifact.size_bytes))?
            }
            Transfer::MultipartPush => {
                // The digest of a file is not found in the file.
                let boundary = format!("pious{}", it.artifact.sha256.get(..40).unwrap_or("-image"));
                let frame = multipart(&boundary, &Value::Object(parameters), &it.artifact.url);
                self.push(way, format!("multipart/form-data; boundary={boundary}"), frame, it).await?
            }
            Transfer::HttpPush => {
                self.say_targets(it).await.map_err(begun)?;
                self.push(way, "application/octet-stream".into(), Frame::default(), it).await?
            }
            Transfer::Nvme => return Err(begun(Error::Unknown { what: NOT_BY_BMC })),
            Transfer::Unknown => return Err(begun(Error::Unknown { what: "this way of giving a BMC an image" })),
        };
        match (answer.status, answer.retry_after()) {
            (StatusCode::SERVICE_UNAVAILABLE, Some(retry_after)) => {
                Ok(HandedOver::NotReady { retry_after, words: answer.words() })
            }
            (status, _) if status.is_success() => match outcome(&answer) {
                Outcome::Refused(words) => Err(FlashError::Refused { transfer: doing, code: status.as_u16(), words }),
                taken => Ok(HandedOver::Taken(taken)),
            },
            (status, _) => Err(FlashError::Refused { transfer: doing, code: status.as_u16(), words: answer.words() }),
        }
    }

    /// For a push without parameters of its own, they are properties of the service (DSP2046, `HttpPushUriTargets`).
    async fn say_targets(&self, it: &HandOver<'_>) -> Result<(), Error> {
        let mut change = Map::new();
        if !it.targets.is_empty() {
            change.insert("HttpPushUriTargets".into(), json!(it.targets));
        }
        if let Some(time) = it.apply_time {
            change.insert("HttpPushUriOptions".into(), json!({ "HttpPushUriApplyTime": { "ApplyTime": time } }));
        }
        if change.is_empty() {
            return Ok(());
        }
        let service = self.service("UpdateService").await?;
        let at = text(&service, "@odata.id").ok_or_else(|| self.missing("UpdateService"))?;
        self.patch(&at, &service, &Value::Object(change)).await
    }

    async fn push(&self, way: &str, kind: String, frame: Frame, it: &HandOver<'_>) -> Result<Answer, FlashError> {
        let of = it.artifact.size_bytes;
        let long = frame.before.len() as u64 + of + frame.behind.len() as u64;
        let (pump, chunks) = pump();
        let body = |request: RequestBuilder| {
            let request = request.header(header::CONTENT_TYPE, kind);
            // Said beforehand: some BMCs take no chunked body.
            request.header(header::CONTENT_LENGTH, long).body(Body::wrap_stream(chunks))
        };
        let asking = self.http.request(Method::POST, way, &self.auth());
        let asking = asking.map_err(FlashError::at("being given the image", Begun::No))?.with(body);
        let mut sent = 0;
        let (pumped, answer) =
            tokio::join!(pump.run(it.image, it.artifact, frame, it.patience, &mut sent), asking.send_long(it.within));
        match (pumped, answer) {
            // The BMC had said no before the image was through.
            (Ok(()), Ok(answer)) => Ok(answer),
            (Err(error), Ok(answer)) if answer.status.is_success() => Err(error),
            (Err(_), Ok(answer)) => Ok(answer),
            (Err(error), Err(_)) => Err(error),
            (Ok(()), Err(error)) => Err(broke(error, sent, of)),
        }
    }
}

/// A request that got no answer. Where there was no connection, nothing was handed over.
fn broke(error: Error, sent: u64, of: u64) -> FlashError {
    match error {
        error @ (Error::Connect { .. } | Error::Certificate { .. }) => {
            FlashError::at("being given the image", Begun::No)(error)
        }
        source => FlashError::HandOverBroke { sent, of, source },
    }
}

pub(crate) fn name(transfer: Transfer) -> &'static str {
    match transfer {
        Transfer::MultipartPush => "MultipartHttpPush",
        Transfer::HttpPush => "HttpPush",
        Transfer::SimpleUpdate => "SimpleUpdate",
        Transfer::Nvme => "NVMe commands",
        Transfer::Unknown => "an unknown way",
    }
}

/// `UpdateParameters` of a push (DSP0266 §"Software update"), and what `SimpleUpdate` takes beside the URI.
fn parameters(it: &HandOver<'_>) -> Map<String, Value> {
    let mut parameters = Map::new();
    if !it.targets.is_empty() {
        parameters.insert("Targets".into(), json!(it.targets));
    }
    if let Some(time) = it.apply_time {
        parameters.insert("@Redfish.OperationApplyTime".into(), time.into());
    }
    parameters
}

fn multipart(boundary: &str, parameters: &Value, url: &str) -> Frame {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    // Some BMCs go by the name's end.
    let file: String = path.rsplit('/').next().unwrap_or_default().chars().filter(is_plain).collect();
    let file = file.get(file.len().saturating_sub(MAX_FILE_NAME_CHARS)..).filter(|file| !file.is_empty());
    let file = file.unwrap_or("image.bin");
    let before = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"UpdateParameters\"\r\nContent-Type: application/json\
         \r\n\r\n{parameters}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"UpdateFile\"; \
         filename=\"{file}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    Frame { before: before.into_bytes(), behind: format!("\r\n--{boundary}--\r\n").into_bytes() }
}

/// Vendors write theirs as `#Service.Action`, or with a version before the `#`, at different depths.
fn vendor_actions(within: &Map<String, Value>, depth: u32, found: &mut BTreeMap<String, String>) {
    for (name, value) in within {
        match (name.split_once('#'), text(value, "target"), value.as_object()) {
            (Some((_, name)), Some(target), _) => {
                found.insert(name.to_owned(), target);
            }
            (_, _, Some(inner)) if depth > 1 => vendor_actions(inner, depth - 1, found),
            (_, _, Some(_) | None) => {}
        }
    }
}
