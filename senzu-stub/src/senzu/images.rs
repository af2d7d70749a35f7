//! Images on their way to assets: for which instruction, and how fast.

use super::{Refusal, Senzu, now};
use crate::{
    campaign::rates,
    firmware::{Lane, Sha256Hex},
    store::instructions::{self, Status},
};
use pious_protocol::instruction::{Action, Instruction};

impl Senzu {
    /// Where the image that a ticket is for goes.
    pub async fn lane_of(&self, ticket: &str, sha256: &Sha256Hex) -> Result<Lane, Refusal> {
        let id = self.image_tickets.instruction(ticket).ok_or(Refusal::NoTicket)?;
        let mut conn = self.db.read().await?;
        let issued = instructions::by_id(&mut conn, id).await?.filter(|issued| {
            let is_open = matches!(issued.status, Status::Issued | Status::Accepted);
            let is_its = matches!(&issued.instruction.action, Action::FirmwareUpdate(update)
                if update.artifact.sha256 == sha256.as_str());
            is_open && is_its
        });
        let asset = issued.ok_or(Refusal::NoTicket)?.instruction.asset;
        Ok(rates::lane(&mut conn, asset, now()).await?)
    }

    /// The path of an instruction's image, with its ticket.
    pub(super) fn image_path(&self, instruction: &Instruction, sha256: &str) -> String {
        format!("/v1/artifacts/{sha256}/for/{}/image", self.image_tickets.of(instruction.id))
    }

    /// An instruction as it is handed out: its image is fetched by a ticket.
    pub(super) fn with_ticket(&self, mut instruction: Instruction) -> Instruction {
        let path = match &instruction.action {
            Action::FirmwareUpdate(update) => self.image_path(&instruction, &update.artifact.sha256),
            _ => return instruction,
        };
        if let Action::FirmwareUpdate(update) = &mut instruction.action {
            update.artifact.url = path;
        }
        instruction
    }
}
