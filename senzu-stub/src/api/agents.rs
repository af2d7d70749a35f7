//! What agents call.

use super::{
    Answer, Failure, Shared,
    extract::{Asked, Body, MAX_BODY_BYTES, Named, Speaker, count},
    problem::with_problem,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use pious_protocol::{
    firmware::BmcAccess,
    ids::{BootId, InstructionId, Sequence},
    message::{
        BootEvent, FactsAnswer, FactsReport, InstructionsAnswer, Problem, PromotionAnswer, PromotionAsk, Report, Whoami,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// BOOT_EVENT with the fingerprint of the largest server has 10 KiB; last words have 4.
const MAX_BOOT_EVENT_BYTES: usize = 64 * 1024;
/// A report and a promotion are a sentence or two.
const MAX_WORDS_BYTES: usize = 16 * 1024;

/// BOOT_EVENT: who am I, and what is expected of me?
///
/// Idempotent by boot id: sent again, it gets the same answer with a fresh token; the three tokens before it stay good,
/// and generations of facts start anew. Another machine's boot id is refused with 409.
#[utoipa::path(
    post, path = "/v1/boot-events", tag = "agents", request_body = BootEvent,
    responses(
        (status = 200, body = Whoami),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn boot_event(
    State(senzu): State<Shared>,
    Body(event): Body<BootEvent, MAX_BOOT_EVENT_BYTES>,
) -> Answer<Whoami> {
    Ok(Json(senzu.writing(|senzu| async move { senzu.boot_event(&event).await }).await?))
}

/// All facts of this boot, to be judged.
///
/// A generation older than the newest stored one is refused with 409; the same one again is taken. At most 1 MiB.
#[utoipa::path(
    put, path = "/v1/sessions/{boot_id}/facts", tag = "agents", request_body = FactsReport,
    params(("boot_id" = BootId, Path)), security(("session" = [])),
    responses(
        (status = 200, body = FactsAnswer),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Older than the newest facts that are stored", body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn facts(
    State(senzu): State<Shared>,
    Speaker(session): Speaker,
    Body(report): Body<FactsReport, MAX_BODY_BYTES>,
) -> Answer<FactsAnswer> {
    Ok(Json(senzu.writing(|senzu| async move { senzu.facts(&session, &report).await }).await?))
}

/// Where to go on, and how long an answer may be held back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// The sequence of the last instruction that the agent has; 0: it has none.
    #[serde(deserialize_with = "count")]
    after: u64,
    /// How long to hold the answer back while there is no news, in seconds, at most 60.
    #[serde(deserialize_with = "count")]
    wait_s: u64,
}

/// What to do next (long-poll).
///
/// Answered at once if there are instructions behind `after` that have not ended, or if the standing is another than
/// this session was told; else as soon as that comes, or after `wait_s`.
#[utoipa::path(
    get, path = "/v1/sessions/{boot_id}/instructions", tag = "agents",
    params(("boot_id" = BootId, Path), After), security(("session" = [])),
    responses(
        (status = 200, body = InstructionsAnswer),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn instructions(
    State(senzu): State<Shared>,
    Speaker(session): Speaker,
    Asked(asked): Asked<After>,
) -> Answer<InstructionsAnswer> {
    Ok(Json(senzu.instructions(session, Sequence(asked.after), asked.wait_s).await?))
}

/// What became of an instruction.
///
/// Idempotent. The first final report (done, failed, refused) counts: another one is refused with 409; one that is not
/// final and comes late changes nothing. Progress whose phase is `handing_over` asks for the last permission: 204 gives it,
/// 409 takes it back.
#[utoipa::path(
    post, path = "/v1/sessions/{boot_id}/instructions/{id}/reports", tag = "agents", request_body = Report,
    params(("boot_id" = BootId, Path), ("id" = InstructionId, Path)), security(("session" = [])),
    responses(
        (status = 204, description = "Taken"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another final report stands, or the work may not go on", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn report(
    State(senzu): State<Shared>,
    Speaker(session): Speaker,
    names: Named<(BootId, InstructionId)>,
    Body(report): Body<Report, MAX_WORDS_BYTES>,
) -> Result<StatusCode, Failure> {
    let Named((_, id)) = names;
    senzu.writing(|senzu| async move { senzu.report(&session, id, &report).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How do I get into my BMC?
///
/// For an instruction that asks for it (firmware_update, firmware_inventory, bmc_user) and has not ended; 404 for any other.
/// Senzu stores no password: it is derived each time.
#[utoipa::path(
    post, path = "/v1/sessions/{boot_id}/instructions/{id}/bmc-access", tag = "agents",
    params(("boot_id" = BootId, Path), ("id" = InstructionId, Path)), security(("session" = [])),
    responses(
        (status = 200, body = BmcAccess),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn bmc_access(
    State(senzu): State<Shared>,
    Speaker(session): Speaker,
    names: Named<(BootId, InstructionId)>,
) -> Answer<BmcAccess> {
    let Named((_, id)) = names;
    Ok(Json(senzu.bmc_access(&session, id).await?))
}

/// A refused promotion is a problem, and still the answer that was asked for.
#[derive(Serialize, ToSchema)]
struct RefusedPromotion {
    #[serde(flatten)]
    problem: Problem,
    #[serde(flatten)]
    answer: PromotionAnswer,
}

/// A promotion was asked of me; may I?
///
/// 200 is granted: instructions follow. 409 is refused; its body is a problem document that has the members of
/// `PromotionAnswer` as well. One promotion of an asset is under way at a time.
#[utoipa::path(
    post, path = "/v1/sessions/{boot_id}/promotions", tag = "agents", request_body = PromotionAsk,
    params(("boot_id" = BootId, Path)), security(("session" = [])),
    responses(
        (status = 200, body = PromotionAnswer),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Refused", body = RefusedPromotion, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn promotion(
    State(senzu): State<Shared>,
    Speaker(session): Speaker,
    Body(ask): Body<PromotionAsk, MAX_WORDS_BYTES>,
) -> Result<Response, Failure> {
    let answer = senzu.ask_promotion(&session, &ask).await?;
    Ok(match &answer {
        PromotionAnswer::Granted | PromotionAnswer::Unknown => Json(answer).into_response(),
        PromotionAnswer::Refused { reason } => {
            let status = StatusCode::CONFLICT;
            let problem =
                Problem { status: status.as_u16(), title: "Promotion refused".into(), detail: Some(reason.clone()) };
            with_problem(status, &RefusedPromotion { problem, answer })
        }
    })
}
