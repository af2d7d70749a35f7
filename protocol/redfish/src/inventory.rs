//! Which firmware there is.

use crate::bmc::Bmc;
use crate::error::{Error, list};
use crate::http::{link, text};
use pious_protocol::{
    firmware::{FirmwareComponent, InstalledFirmware, VersionSource},
    instruction::VersionQuestion,
    version,
};
use serde_json::Value;
use std::cmp::Ordering;

/// Members of a FirmwareInventory. A server with eight GPUs has some 110.
const MAX_MEMBERS: usize = 512;

/// One firmware (DSP2046, SoftwareInventory).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// What the BMC calls it.
    pub name: String,
    /// Its version, where there is one.
    pub version: Option<String>,
    /// The resource.
    pub odata_id: String,
    /// Whether the BMC can update it; `None`: it does not say.
    pub updateable: Option<bool>,
}

impl Member {
    /// Reads a SoftwareInventory.
    pub(crate) fn of(odata_id: String, document: &Value) -> Self {
        Self {
            id: text(document, "Id").unwrap_or_else(|| last_segment(&odata_id).to_owned()),
            name: text(document, "Name").unwrap_or_default(),
            version: text(document, "Version"),
            updateable: document.get("Updateable").and_then(Value::as_bool),
            odata_id,
        }
    }
}

impl Bmc {
    /// All that the BMC lists.
    pub async fn inventory(&self) -> Result<Vec<Member>, Error> {
        let service = self.service("UpdateService").await?;
        let Some(collection) = link(&service, "FirmwareInventory") else {
            return Err(self.missing("FirmwareInventory"));
        };
        let mut members = Vec::new();
        for odata_id in self.member_links(&collection, MAX_MEMBERS).await? {
            match self.get(&odata_id).await {
                Ok(document) => members.push(Member::of(odata_id, &document)),
                // Linked to and not there: a part that was pulled, or a slot for one.
                Err(error) if error.is_gone() => tracing::debug!(%error, "an inventory's member"),
                Err(error) => return Err(error),
            }
        }
        Ok(members)
    }

    /// The version of each component; of several parts, the oldest.
    pub async fn versions(&self, questions: &[VersionQuestion]) -> Result<Vec<InstalledFirmware>, Error> {
        let mut inventory = None;
        let mut versions = Vec::with_capacity(questions.len());
        for VersionQuestion { component, version } in questions {
            versions.push(match version {
                VersionSource::Inventory { id, name } => {
                    let members = match inventory.take() {
                        Some(members) => members,
                        None => self.inventory().await?,
                    };
                    let found = oldest(*component, &members, id.as_deref(), name.as_deref());
                    inventory = Some(members);
                    found?
                }
                VersionSource::Manager => {
                    let manager = self.host().await?.manager.ok_or_else(|| self.missing("Manager"))?;
                    self.property(*component, manager, "FirmwareVersion").await?
                }
                VersionSource::System => {
                    let system = self.host().await?.system;
                    self.property(*component, system, "BiosVersion").await?
                }
                VersionSource::Unknown => return Err(Error::Unknown { what: "the place of a version" }),
            });
        }
        Ok(versions)
    }

    async fn property(&self, component: FirmwareComponent, at: String, name: &str) -> Result<InstalledFirmware, Error> {
        let document = self.get(&at).await?;
        let source = format!("{}.{name}", last_segment(&at));
        match text(&document, name) {
            Some(version) => Ok(InstalledFirmware { component, version, source }),
            None => Err(Error::NoVersion { component, looked_for: format!("{at} {name}"), there: "none".into() }),
        }
    }

    /// The resources that an image for a component is for.
    pub(crate) async fn targets(&self, question: &VersionQuestion) -> Result<Vec<String>, Error> {
        match &question.version {
            VersionSource::Inventory { id, name } => {
                let members = self.inventory().await?;
                let found = matching(&members, id.as_deref(), name.as_deref());
                Ok(found.map(|member| member.odata_id.clone()).collect())
            }
            VersionSource::Manager => Ok(self.host().await?.manager.into_iter().collect()),
            VersionSource::System => Ok(vec![self.host().await?.system]),
            VersionSource::Unknown => Err(Error::Unknown { what: "the place of a version" }),
        }
    }
}

fn matching<'a>(members: &'a [Member], id: Option<&'a str>, name: Option<&'a str>) -> impl Iterator<Item = &'a Member> {
    let fits = |pattern: Option<&str>, text: &str| pattern.is_none_or(|pattern| matches(pattern, text));
    members.iter().filter(move |member| fits(id, &member.id) && fits(name, &member.name))
}

pub(crate) fn oldest(
    component: FirmwareComponent,
    members: &[Member],
    id: Option<&str>,
    name: Option<&str>,
) -> Result<InstalledFirmware, Error> {
    let mut oldest: Option<(&Member, &str)> = None;
    // A part without a version is not there: an empty slot.
    let versions = matching(members, id, name).filter_map(|member| Some((member, member.version.as_deref()?)));
    for (member, found) in versions {
        let is_older = match oldest {
            None => true,
            Some((_, known)) if known == found => false,
            Some((_, known)) => match version::compare(found, known) {
                Some(order) => order == Ordering::Less,
                None => return Err(Error::NoOldest { component, one: known.into(), other: found.into() }),
            },
        };
        if is_older {
            oldest = Some((member, found));
        }
    }
    let Some((member, version)) = oldest else {
        let looked_for = match (id, name) {
            (None, None) => "FirmwareInventory".to_owned(),
            (Some(id), None) => format!("FirmwareInventory, Id {id}"),
            (None, Some(name)) => format!("FirmwareInventory, Name {name}"),
            (Some(id), Some(name)) => format!("FirmwareInventory, Id {id} and Name {name}"),
        };
        let there = list(members.iter().map(|member| format!("{} ({})", member.id, member.name)));
        return Err(Error::NoVersion { component, looked_for, there });
    };
    let source = format!("FirmwareInventory/{}", member.id);
    Ok(InstalledFirmware { component, version: version.to_owned(), source })
}

fn last_segment(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Whether a text is what a pattern says, in which `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        match (parts.peek(), text.find(part)) {
            (None, _) => return text.ends_with(part),
            (Some(_), None) => return false,
            (Some(_), Some(at)) => text = text.get(at + part.len()..).unwrap_or_default(),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{Member, matches, oldest};
    use crate::error::Error;
    use pious_protocol::firmware::FirmwareComponent;
    use proptest::{collection::vec, prelude::*};

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("BMC", "BMC", true),
            ("BMC", "Backup_BMC", false),
            ("*", "", true),
            ("*BMC", "Backup_BMC", true),
            ("BMC*", "BMC_0", true),
            ("Installed-*iDRAC*", "Installed-25227-6.00.30.00__iDRAC.Embedded.1-1", true),
            ("Installed-*iDRAC*", "Previous-25227-4.40.29.00__iDRAC.Embedded.1-1", false),
            ("a*a", "a", false),
            ("a*b*c", "abbc", true),
            ("a**c", "ac", true),
            ("*é*", "né", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_with_parts_replaced_by_stars_is_still_that_text(parts in vec(any::<(bool, String)>(), 0..6)) {
            let text: String = parts.iter().map(|(_, part)| part.replace('*', "")).collect();
            let star = |(is_star, part): &(bool, String)| if *is_star { "*".into() } else { part.replace('*', "") };
            let pattern: String = parts.iter().map(star).collect();
            prop_assert!(matches(&pattern, &text), "{pattern:?} {text:?}");
        }
    }

    fn member(id: &str, version: Option<&str>) -> Member {
        Member {
            id: id.into(),
            name: String::new(),
            version: version.map(str::to_owned),
            odata_id: id.into(),
            updateable: None,
        }
    }

    #[test]
    fn of_several_parts_the_oldest_counts() {
        let members =
            [member("NIC1", Some("2.10")), member("NIC2", Some("2.9")), member("NIC3", None), member("X", Some("1"))];
        let found = oldest(FirmwareComponent::Nic, &members, Some("NIC*"), None).unwrap();
        assert_eq!((found.version.as_str(), found.source.as_str()), ("2.9", "FirmwareInventory/NIC2"));
    }

    #[test]
    fn what_has_no_order_has_no_oldest() {
        let members = [member("1", Some("P79 v1.1")), member("2", Some("U32 v1.0"))];
        let refused = oldest(FirmwareComponent::Bios, &members, None, None);
        assert!(matches!(refused, Err(Error::NoOldest { .. })), "{refused:?}");
    }

    #[test]
    fn what_is_not_there_is_said_with_what_is() {
        let refused = oldest(FirmwareComponent::Psu, &[member("BMC", Some("1"))], Some("PSU*"), None).unwrap_err();
        let words = "no version of the PSU at FirmwareInventory, Id PSU*; there is BMC ()";
        assert_eq!(refused.to_string(), words);
    }
}
