//! WHOAMI: is it certain which asset this is, and that only one machine says so?

use crate::dag::{Bean, BeanFuture, Outcome, Run, Situation};

pub struct Whoami;

impl Bean for Whoami {
    fn name(&self) -> &'static str {
        "WHOAMI"
    }

    fn about(&self) -> &'static str {
        "Recognizes the machine by its fingerprint"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        Run::from(outcome(situation)).into()
    }
}

fn outcome(situation: &Situation) -> Outcome {
    let Some(session) = &situation.session else {
        return Outcome::Wait { what: "its first boot".into(), until: None };
    };
    if let Some(doubt) = &situation.asset.doubt {
        return Outcome::Blocked {
            by: doubt.clone(),
            who_acts: "an operator imports an asset whose serial, UUID or MACs name this machine alone".into(),
        };
    }
    match situation.rivals.as_slice() {
        [] => Outcome::Done { words: "recognized by its fingerprint".into() },
        [rival, ..] => Outcome::Wait {
            what: format!(
                "one of two machines that both speak as this asset to be switched off (boot {} and boot {})",
                rival.boot.short(),
                session.boot_id.short()
            ),
            until: Some(rival.until),
        },
    }
}
