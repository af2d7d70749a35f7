//! What an operator does from a shell: the same HTTP calls that anybody may make.
//!
//! A file for each thing that is spoken of: its commands, and Senzu's answers as people read them. With `--json` an answer
//! is Senzu's own.

mod access;
mod alerts;
mod approvals;
mod assets;
mod audit;
mod campaigns;
mod dag;
mod firmware;
mod goals;
mod orders;
mod profiles;
mod table;

pub use access::{OperatorsCommand, TokensCommand};
pub use alerts::{alerts, fleet, resolve};
pub use approvals::{ApprovalsCommand, Ask, ask};
pub use assets::{Listing, asset, assets, hold, release, tag};
pub use audit::{History, audit};
pub use campaigns::CampaignCommand;
pub use dag::DagCommand;
pub use firmware::FirmwareCommand;
pub use orders::OrdersCommand;
pub use profiles::ProfileCommand;

use anyhow::Context;
use clap::Args;
use pious_client::{Content, Http, Method, Operator, Several, read_url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{fs, path::PathBuf, time::Duration};

/// A name server that hangs, and two lost SYNs.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);

/// Which Senzu, and who asks.
#[derive(Args)]
pub struct Desk {
    /// Senzu's URL; more of them, with commas between, where several serve one database.
    #[arg(long = "url", value_name = "URL", env = "SENZU_URL", value_delimiter = ',', required = true)]
    urls: Vec<String>,
    /// The file with the operator's token.
    #[arg(long, value_name = "FILE", env = "SENZU_TOKEN_FILE")]
    token_file: PathBuf,
    /// Senzu's authority, `ca.pem`; not for plain HTTP in a lab.
    #[arg(long, value_name = "FILE", env = "SENZU_CA")]
    ca: Option<PathBuf>,
    /// JSON as Senzu answers it.
    #[arg(long)]
    json: bool,
}

/// What a command prints.
type Said = anyhow::Result<String>;

impl Desk {
    fn senzu(&self) -> anyhow::Result<Operator> {
        let token = fs::read_to_string(&self.token_file)
            .with_context(|| format!("cannot read the token file {}", self.token_file.display()))?;
        let ca = match &self.ca {
            Some(path) => {
                Some(fs::read(path).with_context(|| format!("cannot read the authority {}", path.display()))?)
            }
            None => None,
        };
        let urls = self.urls.iter().map(|url| read_url(url, true)).collect::<Result<Vec<_>, _>>()?;
        if let (None, Some(url)) = (&ca, urls.iter().find(|url| url.scheme() == "https")) {
            anyhow::bail!("{url} is https: --ca is missing, the file ca.pem of Senzu's data directory");
        }
        let http = Http::new(ca.as_deref(), CONNECT_WITHIN, concat!("senzu-stub/", env!("CARGO_PKG_VERSION")))?;
        Ok(Operator::new(http, Several::new(urls)?, token.trim().to_owned()))
    }

    async fn ask(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Value> {
        Ok(self.senzu()?.get(path, query).await?)
    }

    async fn order(&self, method: Method, path: &[&str], content: Content) -> anyhow::Result<Value> {
        Ok(self.senzu()?.order(method, path, &[], &content).await?.unwrap_or_default())
    }

    /// A list of several pages as one: what stands under `list` of each, at most so many.
    async fn pages(&self, path: &[&str], query: &[(&str, String)], list: &str, most: usize) -> anyhow::Result<Value> {
        /// As many as Senzu gives at once.
        const PAGE: usize = 1000;
        let senzu = self.senzu()?;
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let mut query = query.to_vec();
            query.push(("limit", PAGE.min(most - all.len()).to_string()));
            query.extend(after.map(|after| ("after", after)));
            let mut page: Value = senzu.get(path, &query).await?;
            if let Value::Array(items) = page[list].take() {
                all.extend(items);
            }
            match page["next"].take() {
                Value::String(next) if all.len() < most => after = Some(next),
                _ => return Ok(json!({ list: all })),
            }
        }
    }

    /// An answer as it is shown: as it came, or in words.
    fn show<T: DeserializeOwned>(&self, answer: Value, words: impl FnOnce(T) -> String) -> Said {
        match self.json {
            true => Ok(format!("{answer}\n")),
            false => {
                let known = serde_json::from_value(answer).context("Senzu's answer is not what this build knows")?;
                Ok(table::printable(&words(known)))
            }
        }
    }
}
