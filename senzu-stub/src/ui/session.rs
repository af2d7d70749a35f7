//! Signing in on the pages: a form that takes a token once, then a cookie that only this site gets and no script reads.
//! Every form of a session carries the session's own token (`csrf`).

use super::{
    Sorry,
    frame::{Frame, Here},
    show,
};
use crate::{
    access::{Role, Visitor},
    api::{Failure, Shared},
    senzu::Refusal,
};
use askama::Template;
use axum::{
    Extension, Form, Router,
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

/// Whether the cookie may travel without TLS: in the lab alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookies {
    Secure,
    Plain,
}

impl Cookies {
    /// `__Host-`: the browser takes it only by TLS, for this host alone (RFC 6265bis §4.1.3.2).
    fn name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-senzu",
            Self::Plain => "senzu",
        }
    }

    /// A header that sets the cookie, or, with an empty value, removes it.
    fn header(self, value: &str) -> Option<HeaderValue> {
        let (name, secure) = (self.name(), if self == Self::Secure { "; Secure" } else { "" });
        let ends = if value.is_empty() { "; Max-Age=0" } else { "" };
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{ends}")).ok()
    }

    fn read(self, headers: &HeaderMap) -> Option<&str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        let mut pairs = all.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name()).map(|(_, value)| value)
    }
}

/// Who looks at a page, if they signed in. For pages that show forms.
pub struct MaybeVisitor(pub Option<Visitor>);

impl FromRequestParts<Shared> for MaybeVisitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, senzu: &Shared) -> Result<Self, Failure> {
        let cookies = parts.extensions.get::<Cookies>().copied().unwrap_or(Cookies::Secure);
        match cookies.read(&parts.headers) {
            Some(cookie) => Ok(Self(senzu.visitor(cookie).await?)),
            None => Ok(Self(None)),
        }
    }
}

/// Who looks at a page that only operators see; anybody else is asked to sign in.
pub struct SignedIn(pub Visitor);

impl FromRequestParts<Shared> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, senzu: &Shared) -> Result<Self, Response> {
        match MaybeVisitor::from_request_parts(parts, senzu).await {
            Ok(MaybeVisitor(Some(visitor))) => Ok(Self(visitor)),
            Ok(MaybeVisitor(None)) => Err(Redirect::to("/login").into_response()),
            Err(failure) => Err(Sorry::from(failure).into_response()),
        }
    }
}

pub fn router() -> Router<Shared> {
    Router::new().route("/login", get(login).post(sign_in)).route("/logout", post(sign_out))
}

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    problem: Option<String>,
}

async fn login(MaybeVisitor(visitor): MaybeVisitor) -> Response {
    show(&Login { frame: Frame::new(Here::Elsewhere, visitor), problem: None })
}

#[derive(Deserialize)]
struct SignInForm {
    token: String,
}

/// A cross-site form could sign somebody in as another; browsers say where a form comes from (Fetch Metadata).
fn is_ours(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none")
}

async fn sign_in(
    State(senzu): State<Shared>,
    Extension(cookies): Extension<Cookies>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, Failure> {
    if !is_ours(&headers) {
        return Err(Refusal::ForeignForm.into());
    }
    match senzu.sign_in(&form.token).await {
        Ok(cookie) => {
            let mut answer = Redirect::to("/").into_response();
            if let Some(cookie) = cookies.header(&cookie) {
                answer.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Ok(answer)
        }
        Err(refusal @ (Refusal::NotAnOperator | Refusal::TokenEnded { .. })) => {
            let problem = match refusal {
                Refusal::NotAnOperator => "That is no operator's token.".to_owned(),
                ended => format!("{ended}."),
            };
            let page = show(&Login { frame: Frame::new(Here::Elsewhere, None), problem: Some(problem) });
            Ok((StatusCode::UNAUTHORIZED, page).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Deserialize)]
struct SignOutForm {
    csrf: String,
}

async fn sign_out(
    State(senzu): State<Shared>,
    Extension(cookies): Extension<Cookies>,
    MaybeVisitor(visitor): MaybeVisitor,
    headers: HeaderMap,
    Form(form): Form<SignOutForm>,
) -> Result<Response, Failure> {
    if let (Some(visitor), Some(cookie)) = (&visitor, cookies.read(&headers)) {
        visitor.may(&form.csrf, Role::Viewer)?;
        senzu.sign_out(cookie).await?;
    }
    let mut answer = Redirect::to("/login").into_response();
    if let Some(cookie) = cookies.header("") {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}
