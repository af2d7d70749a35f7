//! What a BMC does meanwhile: its tasks (DSP0266 §12.2, DSP2046 Task).

use crate::bmc::Bmc;
use crate::error::{Error, clip};
use crate::http::{Answer, link, messages, text};
use nv_redfish::{
    bmc_http::{decode_modification, success_code},
    core::ModificationResponse,
};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// Tasks that are looked at. BMCs keep the ended ones: the largest list that was seen had 15.
const MAX_TASKS: usize = 256;

/// Where to look for what becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Followed {
    /// The task, or else its monitor.
    pub(crate) at: String,
    pub(crate) retry_after: Option<Duration>,
}

/// What an answer to a request says of its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It goes on there.
    Follow(Followed),
    /// Yes, and nothing to look at.
    Untold,
    /// The status says yes and the body no.
    Refused(String),
}

/// How a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Running {
        /// Whether it waits for something before it begins.
        is_pending: bool,
        percent: Option<u8>,
        words: String,
        retry_after: Option<Duration>,
    },
    Ended {
        words: String,
    },
    Failed {
        state: String,
        messages: String,
    },
    /// There is no such task (any more).
    Gone,
}

impl Look {
    /// Reads a task, or what its monitor answers.
    pub(crate) fn of(answer: Answer) -> Self {
        let (status, retry_after) = (answer.status, answer.retry_after());
        // A monitor may answer with no body, or one that is no task.
        let task = answer.json().unwrap_or_default();
        let (words, percent) = (messages(&task), percent_of(&task));
        match (text(&task, "TaskState"), text(&task, "TaskStatus")) {
            (Some(state), _) if is_running(&state) => {
                Self::Running { is_pending: state == "Pending", percent, words: said(&state, &words), retry_after }
            }
            (Some(state), Some(health)) if state == "Completed" && health == "Critical" => {
                Self::Failed { state: "Completed, Critical".into(), messages: words }
            }
            (Some(state), _) if state == "Completed" => Self::Ended { words: said(&state, &words) },
            (Some(state), _) => Self::Failed { state, messages: words },
            (None, _) if status == StatusCode::ACCEPTED => {
                Self::Running { is_pending: false, percent, words: said("Running", &words), retry_after }
            }
            (None, _) => Self::Ended { words: said("done", &words) },
        }
    }
}

/// Reads what becomes of a request whose answer says yes.
pub(crate) fn outcome(answer: &Answer) -> Outcome {
    match decode_modification::<Value>(&answer.url, answer.status, &answer.headers, &answer.body) {
        Ok(ModificationResponse::Task(task)) => {
            // The task outlives its monitor, and tells more.
            let at = task.task.unwrap_or(task.location.0).to_string();
            Outcome::Follow(Followed { at, retry_after: task.retry_after })
        }
        Ok(ModificationResponse::Entity(document) | ModificationResponse::Message(document)) => {
            let is_task = document.get("TaskState").is_some();
            let is_reference = document.as_object().is_some_and(|all| all.len() == 1);
            match text(&document, "@odata.id").filter(|_| is_task || is_reference) {
                Some(at) => Outcome::Follow(Followed { at, retry_after: answer.retry_after() }),
                None if document.get("error").is_some() && !says_yes(&document) => {
                    Outcome::Refused(messages(&document))
                }
                None => Outcome::Untold,
            }
        }
        // Neither a document nor a place to look: pages and plain words. The status said yes.
        Ok(ModificationResponse::Empty) | Err(_) => Outcome::Untold,
    }
}

/// Whether a document of messages is a good one. Some wrap it in a code of their own (`iLO.0.10.ExtendedInfo`).
fn says_yes(document: &Value) -> bool {
    let told = document.get("error").and_then(|error| error.get("@Message.ExtendedInfo")).and_then(Value::as_array);
    let is_good = |message: &Value| text(message, "MessageId").is_some_and(|id| id.ends_with(".Success"));
    success_code(document).is_some() || told.is_some_and(|told| !told.is_empty() && told.iter().all(is_good))
}

impl Bmc {
    /// Whether a task runs, in words. A BMC without a TaskService says of none.
    pub async fn busy(&self) -> Result<Option<String>, Error> {
        Ok(self.running_task().await?.map(|(_, words)| words))
    }

    /// The first task that runs.
    pub(crate) async fn running_task(&self) -> Result<Option<(String, String)>, Error> {
        let service = match self.service("Tasks").await {
            Ok(service) => service,
            Err(Error::Missing { .. }) => return Ok(None),
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(tasks) = link(&service, "Tasks") else { return Ok(None) };
        for at in self.member_links(&tasks, MAX_TASKS).await? {
            let task = match self.get(&at).await {
                Ok(task) => task,
                // Ended and forgotten between the list and this.
                Err(error) if error.is_gone() => continue,
                Err(error) => return Err(error),
            };
            if let Some(state) = text(&task, "TaskState").filter(|state| is_running(state)) {
                let name = text(&task, "Name").unwrap_or_else(|| "without a name".into());
                let percent = percent_of(&task).map(|percent| format!(" at {percent}%")).unwrap_or_default();
                return Ok(Some((at.clone(), clip(&format!("task {at} ({name}) is {state}{percent}")))));
            }
        }
        Ok(None)
    }

    /// How a task is, read from itself or from its monitor.
    pub(crate) async fn look_at(&self, at: &str) -> Result<Look, Error> {
        let answer = match self.ask(Method::GET, at, None, None).await {
            Ok(answer) => answer,
            Err(error) if error.is_gone() => return Ok(Look::Gone),
            // A monitor of what has ended answers what the request itself would have.
            Err(Error::Status { code: code @ 400..=499, words, .. }) if code != 403 && code != 429 => {
                return Ok(Look::Failed { state: format!("an answer with {code}"), messages: words });
            }
            Err(error) => return Err(error),
        };
        Ok(Look::of(answer))
    }
}

fn said(state: &str, words: &str) -> String {
    match words {
        "" => state.to_owned(),
        words => clip(&format!("{state}: {words}")),
    }
}

/// Of `TaskState`'s values those that will become another one. `Service` is a task that never ends.
fn is_running(state: &str) -> bool {
    !matches!(state, "Completed" | "Killed" | "Exception" | "Cancelled" | "Service")
}

fn percent_of(task: &Value) -> Option<u8> {
    let percent = task.get("PercentComplete")?.as_f64()?;
    Some(percent.clamp(0.0, 100.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::{Followed, Outcome, outcome};
    use crate::http::Answer;
    use reqwest::{StatusCode, header::HeaderMap};
    use std::time::Duration;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.insert(*name, value.parse().unwrap());
        }
        Answer {
            at: String::new(),
            url: "http://bmc/redfish/v1/u/push".parse().unwrap(),
            status: StatusCode::from_u16(status).unwrap(),
            headers: all,
            body: body.into(),
        }
    }

    #[test]
    fn what_becomes_of_a_request_is_read_from_its_answer() {
        let follow = |at: &str, seconds: Option<u64>| {
            Outcome::Follow(Followed { at: at.into(), retry_after: seconds.map(Duration::from_secs) })
        };
        let task = r##"{"@odata.type": "#Task.v1_4_3.Task", "@odata.id": "/redfish/v1/t/1", "TaskState": "New"}"##;
        let wrapped = |id: &str| {
            format!(
                r#"{{"error": {{"code": "iLO.0.10.ExtendedInfo", "message": "See it",
                    "@Message.ExtendedInfo": [{{"MessageId": "{id}"}}]}}}}"#
            )
        };
        let (good, bad) = (wrapped("Base.1.4.Success"), wrapped("iLO.2.14.ImageInvalid"));
        let located = [("location", "/redfish/v1/m/1"), ("retry-after", "7")];
        for (name, answer, expected) in [
            ("a monitor", answer(202, &located, ""), follow("/redfish/v1/m/1", Some(7))),
            ("a monitor and its task", answer(202, &located, task), follow("/redfish/v1/t/1", Some(7))),
            ("a task alone", answer(202, &[], task), follow("/redfish/v1/t/1", None)),
            ("a task at once", answer(200, &[], task), follow("/redfish/v1/t/1", None)),
            ("a place", answer(201, &located[..1], ""), follow("/redfish/v1/m/1", None)),
            ("accepted, no more", answer(202, &[], ""), Outcome::Untold),
            ("nothing", answer(204, &[], ""), Outcome::Untold),
            ("a page", answer(200, &[], "<html>"), Outcome::Untold),
            ("another document", answer(200, &[], r#"{"@odata.id": "/x", "Id": "x"}"#), Outcome::Untold),
            ("a good message", answer(200, &[], &good), Outcome::Untold),
            ("a bad message", answer(200, &[], &bad), Outcome::Refused("iLO.2.14.ImageInvalid".into())),
        ] {
            assert_eq!(outcome(&answer), expected, "{name}");
        }
    }
}
