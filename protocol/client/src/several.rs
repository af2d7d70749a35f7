//! Several addresses of one Senzu: whoever answers is asked until it does not.

use crate::error::Error;
use reqwest::Url;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The addresses, the preferred one first; clones remember together which one answered last.
#[derive(Clone, Debug)]
pub struct Several {
    urls: Arc<[Url]>,
    answers: Arc<AtomicUsize>,
}

/// One try.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who is asked.
    pub url: Url,
    /// Whether somebody else was asked before, who is another process though the same Senzu.
    pub is_other: bool,
}

impl Several {
    /// At least one.
    pub fn new(urls: Vec<Url>) -> Result<Self, Error> {
        if urls.is_empty() {
            return Err(Error::NoUrl);
        }
        Ok(Self { urls: urls.into(), answers: Arc::default() })
    }

    /// Asks the one that answered last, and where that fails each of the others once; the last failure where all fail.
    pub async fn ask<T, F>(&self, ask: impl Fn(Turn) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.ask_while(Error::moves_on, ask).await
    }

    /// The same, for what must not be done twice: another is asked only where the one before can't have heard.
    pub async fn order<T, F>(&self, ask: impl Fn(Turn) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.ask_while(Error::was_unheard, ask).await
    }

    async fn ask_while<T, F>(&self, moves_on: fn(&Error) -> bool, ask: impl Fn(Turn) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let first = self.answers.load(Ordering::Relaxed);
        let mut failed = Error::NoUrl;
        for turn in 0..self.urls.len() {
            let at = (first + turn) % self.urls.len();
            match ask(Turn { url: self.urls[at].clone(), is_other: turn > 0 }).await {
                Err(error) if moves_on(&error) => failed = error,
                answer => {
                    self.answers.store(at, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        // Whoever asks again later begins with the next one: none of them is known to be better.
        self.answers.store((first + 1) % self.urls.len(), Ordering::Relaxed);
        Err(failed)
    }
}
