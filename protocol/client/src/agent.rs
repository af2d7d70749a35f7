//! What an agent asks and tells: one function per route, one try each. Retries, fail-over and what an answer means are its
//! state machine's.

use crate::{
    download::Download,
    error::Error,
    http::{Asking, Http, read_url, route},
};
use pious_protocol::{
    firmware::BmcAccess,
    ids::{BootId, InstructionId, Sequence},
    message::{BootEvent, FactsAnswer, FactsReport, InstructionsAnswer, PromotionAnswer, PromotionAsk, Report, Whoami},
};
use reqwest::{Method, Url};
use std::time::Duration;

/// The longest answer that is read. An expectation of a large server is some ten KiB; a whole MiB is an attack or a
/// mistake.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For a whole answer that Senzu does not hold back.
    pub answer: Duration,
    /// How long Senzu may hold back a long-poll, in seconds.
    pub hold_s: u32,
}

impl Default for Patience {
    /// 4 s spans two lost SYNs (1 s and 2 s more). An answer is a database write away; 5 s also leaves a final report two tries
    /// before the machine goes down. 30 s of holding is the protocol's figure.
    fn default() -> Self {
        Self { connect: Duration::from_secs(4), answer: Duration::from_secs(5), hold_s: 30 }
    }
}

/// Which of Senzu's URLs a request goes to, by its place in the list, and with which session token.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// The URL's place.
    pub senzu: usize,
    /// The token that whoami gave.
    pub token: &'a str,
}

/// Senzu, as an agent of one boot knows it.
#[derive(Clone, Debug)]
pub struct Agent {
    http: Http,
    urls: Vec<Url>,
    boot: BootId,
    patience: Patience,
}

impl Agent {
    /// Asks these, as this boot.
    pub fn new(http: Http, urls: Vec<Url>, boot: BootId, patience: Patience) -> Self {
        Self { http, urls, boot, patience }
    }

    /// `POST /v1/boot-events`.
    pub async fn boot_event(&self, senzu: usize, event: &BootEvent) -> Result<Whoami, Error> {
        let url = route(self.senzu(senzu)?, &["boot-events"]);
        self.http.request(Method::POST, url, self.patience.answer).json(event).ask(MAX_ANSWER_BYTES).await
    }

    /// `PUT /v1/sessions/{boot_id}/facts`.
    pub async fn facts(&self, via: Via<'_>, report: &FactsReport) -> Result<FactsAnswer, Error> {
        self.request(Method::PUT, via, &["facts"])?.json(report).ask(MAX_ANSWER_BYTES).await
    }

    /// `GET /v1/sessions/{boot_id}/instructions`, held back while there is nothing.
    pub async fn poll(&self, via: Via<'_>, after: Sequence) -> Result<InstructionsAnswer, Error> {
        let mut url = self.session_url(via, &["instructions"])?;
        let (after, hold_s) = (after.0.to_string(), self.patience.hold_s.to_string());
        url.query_pairs_mut().append_pair("after", &after).append_pair("wait_s", &hold_s);
        let hold = Duration::from_secs(self.patience.hold_s.into());
        let within = hold + self.patience.connect + self.patience.answer;
        self.http.request(Method::GET, url, within).bearer(via.token).ask(MAX_ANSWER_BYTES).await
    }

    /// `POST /v1/sessions/{boot_id}/instructions/{id}/reports`.
    pub async fn report(&self, via: Via<'_>, id: InstructionId, report: &Report) -> Result<(), Error> {
        let path = ["instructions", &id.to_string(), "reports"];
        self.request(Method::POST, via, &path)?.json(report).send(MAX_ANSWER_BYTES).await?.good()?;
        Ok(())
    }

    /// `POST /v1/sessions/{boot_id}/instructions/{id}/bmc-access`: how the BMC is got at, for this instruction.
    pub async fn bmc_access(&self, via: Via<'_>, id: InstructionId) -> Result<BmcAccess, Error> {
        let path = ["instructions", &id.to_string(), "bmc-access"];
        self.request(Method::POST, via, &path)?.ask(MAX_ANSWER_BYTES).await
    }

    /// An artifact from its byte `from` on. A path is one of Senzu's, at whose URLs the tries take turns. Senzu's servers
    /// are believed as everywhere here; plain HTTP is good enough where it is for Senzu itself.
    pub async fn artifact(&self, turn: usize, url: &str, from: u64) -> Result<Download, Error> {
        let url = self.artifact_url(turn, url)?;
        self.http.download(url, from, self.patience.connect + self.patience.answer).await
    }

    /// Where an artifact is: see [`Self::artifact`].
    pub fn artifact_url(&self, turn: usize, url: &str) -> Result<Url, Error> {
        let is_plain = self.urls.iter().any(|senzu| senzu.scheme() == "http");
        match url.strip_prefix('/') {
            Some(path) => {
                let path: Vec<&str> = path.split('/').collect();
                let mut at = self.senzu(turn % self.urls.len().max(1))?.clone();
                at.path_segments_mut().map_err(|()| Error::NoSuchUrl(turn))?.pop_if_empty().extend(path);
                Ok(at)
            }
            None => read_url(url, is_plain),
        }
    }

    /// `POST /v1/sessions/{boot_id}/promotions`. A refusal travels as 409, and is an answer too.
    pub async fn promotion(&self, via: Via<'_>, ask: &PromotionAsk) -> Result<PromotionAnswer, Error> {
        let answer = self.request(Method::POST, via, &["promotions"])?.json(ask).send(MAX_ANSWER_BYTES).await?;
        if answer.code != 409 {
            return answer.good()?.read();
        }
        let reason = answer.words();
        Ok(answer.read().unwrap_or(PromotionAnswer::Refused { reason }))
    }

    fn request(&self, method: Method, via: Via<'_>, path: &[&str]) -> Result<Asking, Error> {
        let url = self.session_url(via, path)?;
        Ok(self.http.request(method, url, self.patience.answer).bearer(via.token))
    }

    fn session_url(&self, via: Via<'_>, path: &[&str]) -> Result<Url, Error> {
        let boot = self.boot.to_string();
        let path: Vec<&str> = ["sessions", &boot].into_iter().chain(path.iter().copied()).collect();
        Ok(route(self.senzu(via.senzu)?, &path))
    }

    fn senzu(&self, senzu: usize) -> Result<&Url, Error> {
        self.urls.get(senzu).ok_or(Error::NoSuchUrl(senzu))
    }
}
