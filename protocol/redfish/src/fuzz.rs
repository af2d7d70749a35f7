//! A BMC's answers without a BMC, for the fuzz target that makes them up: each is read as the client reads it.

use crate::discovery::{Found, choose_manager, choose_system};
use crate::error::MAX_WORDS_CHARS;
use crate::http::{Answer, link, links};
use crate::inventory::{Member, oldest};
use crate::task::{Look, Outcome, outcome};
use crate::update::UpdateShape;
use pious_protocol::firmware::FirmwareComponent;
use reqwest::{
    StatusCode, Url,
    header::{HeaderMap, HeaderValue, LOCATION, RETRY_AFTER},
};
use serde_json::Value;

/// How an answer's status comes to be: the client tells these apart.
const STATUSES: [StatusCode; 4] =
    [StatusCode::ACCEPTED, StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE, StatusCode::BAD_REQUEST];

/// Words are cut where they are too long, and that is shown.
const MOST_CHARS: usize = MAX_WORDS_CHARS + 1;

/// Reads answers, one a line: each as the answer to an image that was handed over, as a task, as an UpdateService, as a
/// member of the inventory, and all together as the systems and the managers of one BMC.
pub fn read(lines: &[u8]) {
    let (mut documents, mut members) = (Vec::new(), Vec::new());
    for (number, line) in lines.split(|byte| *byte == b'\n').enumerate() {
        for status in STATUSES {
            of_an_order(answer(status, line));
        }
        if let Ok(document) = serde_json::from_slice::<Value>(line) {
            let path = link(&document, "Links").unwrap_or_else(|| format!("/redfish/v1/{number}"));
            let shape = UpdateShape::of(&document);
            assert!(shape.vendor.values().all(|target| !target.is_empty()), "a way that leads nowhere: {shape:?}");
            members.push(Member::of(path.clone(), &document));
            documents.push(Found { path, document });
        }
    }
    if let Some(system) = choose_system(&documents, &documents, None) {
        let _manager =
            choose_manager(system, &documents, links(&system.document, "Members").first().map(String::as_str));
    } else {
        assert!(documents.is_empty(), "of several systems one is the server");
    }
    if let Ok(found) = oldest(FirmwareComponent::Nic, &members, Some("*"), None) {
        assert!(members.iter().any(|member| member.version.as_ref() == Some(&found.version)), "{found:?}");
    }
}

/// The line is the body, and stands in the headers too, as far as it may.
fn answer(status: StatusCode, line: &[u8]) -> Answer {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(line) {
        headers.insert(LOCATION, value.clone());
        headers.insert(RETRY_AFTER, value);
    }
    let url = Url::parse("http://bmc/redfish/v1/UpdateService/upload").expect("a URL");
    Answer { at: url.to_string(), url, status, headers, body: line.to_vec() }
}

fn of_an_order(answer: Answer) {
    let short = |words: &str| assert!(words.chars().count() <= MOST_CHARS, "too long to be shown: {words}");
    short(&answer.words());
    if answer.status.is_success() {
        match outcome(&answer) {
            Outcome::Follow(followed) => assert!(!followed.at.is_empty(), "a task that is nowhere"),
            Outcome::Refused(words) => short(&words),
            Outcome::Untold => {}
        }
    }
    match Look::of(answer) {
        Look::Running { percent, words, .. } => {
            assert!(percent.is_none_or(|percent| percent <= 100), "{percent:?} %");
            short(&words);
        }
        Look::Ended { words } => short(&words),
        Look::Failed { messages, .. } => short(&messages),
        Look::Gone => {}
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use proptest::{collection::vec, prelude::*, sample::Index};

    const ANSWERS: &str = r##"{"Id": "1", "Version": "2.1", "BiosVersion": "2.1", "Links": {"ManagedBy": [{"@odata.id": "/1"}]}}
{"MultipartHttpPushUri": "/u", "Actions": {"Oem": {"Acme": {"#Acme.Install": {"target": "/i"}}}}}
{"@odata.type": "#Task.v1_7_0.Task", "@odata.id": "/t/1", "TaskState": "Running", "PercentComplete": 60}
{"error": {"code": "Base.1.8.Success", "@Message.ExtendedInfo": [{"MessageId": "Base.1.8.Success", "Message": "Yes."}]}}
7"##;

    proptest! {
        #[test]
        fn anything_is_read(bytes in vec(any::<u8>(), 0..600)) {
            read(&bytes);
        }

        #[test]
        fn answers_with_bytes_changed_are_read(changes in vec(any::<(Index, u8)>(), 0..8)) {
            let mut bytes = ANSWERS.as_bytes().to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            read(&bytes);
        }
    }
}
