//! Promotions asked at the agent's own server: one at a time, and Senzu decides.

use super::{Action, AskerId, Call, Failure, Moment, PromotionOutcome, Reach, State};
use pious_protocol::message::{AssetState, PromotionAnswer, PromotionAsk, PromotionRequest};
use std::net::IpAddr;

impl State {
    pub(super) fn promotion_asked(
        &mut self,
        asker: AskerId,
        request: PromotionRequest,
        source: IpAddr,
        actions: &mut Vec<Action>,
    ) {
        match self.may_promote() {
            Ok(call) => {
                self.promotion = Some(asker);
                actions.push(Action::AskPromotion { call, asker, ask: PromotionAsk { request, source } });
            }
            Err(outcome) => actions.push(Action::AnswerPromotion { asker, outcome }),
        }
    }

    fn may_promote(&self) -> Result<Call, PromotionOutcome> {
        use PromotionOutcome::{Refused, Unavailable};
        if self.farewell.is_some() {
            return Err(Refused("this server is going down".into()));
        }
        if self.promotion.is_some() {
            return Err(Refused("another promotion of this server is being decided".into()));
        }
        let Some(known) = &self.known else {
            return Err(Unavailable("Senzu has not said yet which asset this is".into()));
        };
        match known.standing.state {
            AssetState::Spare => {}
            state @ (AssetState::New | AssetState::Baremetal | AssetState::Retired | AssetState::Unknown) => {
                return Err(Refused(format!("{} is {state}; only a SPARE asset can be promoted", known.name)));
            }
        }
        match (&self.token, &self.reach) {
            (_, Reach::Fails { failure, .. }) => Err(Unavailable(format!("Senzu can't be asked: {failure}"))),
            (None, _) => Err(Unavailable("the session with Senzu is being opened again".into())),
            (Some(token), _) => Ok(Call { senzu: self.senzu, token: token.clone() }),
        }
    }

    pub(super) fn promotion_decided(
        &mut self,
        asker: AskerId,
        answer: Result<PromotionAnswer, Failure>,
        moment: Moment,
        actions: &mut Vec<Action>,
    ) {
        if self.promotion != Some(asker) {
            return;
        }
        self.promotion = None;
        let outcome = match answer {
            Ok(PromotionAnswer::Granted) => PromotionOutcome::Granted,
            Ok(PromotionAnswer::Refused { reason }) => PromotionOutcome::Refused(reason),
            Ok(PromotionAnswer::Unknown) => {
                PromotionOutcome::Refused("Senzu gave an answer that this agent does not know".into())
            }
            Err(Failure::Status { code, words }) if code < 500 && code != 401 => PromotionOutcome::Refused(words),
            Err(failure) => {
                let outcome = PromotionOutcome::Unavailable(format!("Senzu can't be asked: {failure}"));
                if failure.moves_on() {
                    self.fails(self.senzu, failure, moment, actions);
                }
                outcome
            }
        };
        actions.push(Action::AnswerPromotion { asker, outcome });
    }
}
