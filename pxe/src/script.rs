//! iPXE scripts. Pure: text in, text out.
//!
//! For iPXE as Debian 12 builds it (1.0.0+git-20190125): no HTTPS. A script never ends in a dead end: it says on the
//! screen what failed and why that may be, tries again for a while, and then leaves with a failure, upon which firmware
//! goes on to its next boot device.

use crate::{
    config::{INITRD, KERNEL},
    decide::{Decision, boot_words},
};
use pious_protocol::{ids::MacAddress, message::Boot};
use std::fmt::Write;

/// Between two tries. Long enough to be read, short enough not to be power-cycled.
const RETRY_S: u32 = 5;

/// Tries before leaving to the next boot device: a minute, in which a restarted service is back.
const TRIES: u32 = 12;

/// The image's files as they lay there when a script was written. The script names their editions, so that kernel and
/// initrd are of one build even if a build puts new ones in their place between the two downloads: the second one is
/// then refused, and the script asks for its successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editions {
    /// Of the kernel.
    pub kernel: String,
    /// Of the initrd.
    pub initrd: String,
}

/// What is the same in each script.
#[derive(Clone, Debug)]
pub struct Scripts {
    /// This service, as clients reach it.
    pub url: String,
    /// `pious.senzu=` words.
    pub senzu: Vec<String>,
    /// Words to add to the kernel's command line.
    pub cmdline: String,
}

impl Scripts {
    /// The script that DHCP names: the same for all, it asks for the one of its own NIC.
    ///
    /// `netX` is the interface that was opened last, which is the one that this script came through; `net0` would be
    /// wrong on a server that booted from its second NIC.
    pub fn first(&self) -> String {
        let url = &self.url;
        let mut text = String::from("#!ipxe\n# The first script: asks for this server's own.\n");
        let failed = format!("no boot script came from {url} for ${{netX/mac}}. Is pious-pxe running there?");
        let body = format!("chain --replace {url}/boot/${{netX/mac:hexhyp}}.ipxe || goto failed\n");
        with_retries(&mut text, "set tries:int32 0\n", &body, &failed, "");
        text
    }

    /// One server's script. Without editions (no image lies there) it asks for whatever will lie there then.
    pub fn own(&self, mac: MacAddress, decision: &Decision, editions: Option<&Editions>, now_unix_s: u64) -> String {
        let name = decision.name.as_deref().and_then(plain_word);
        let mut text = format!("#!ipxe\n# {mac}");
        if let Some(name) = name {
            write!(text, " ({name})").ok();
        }
        writeln!(text, ": {}. {}.", boot_words(decision.boot), decision.why).ok();
        match decision.boot {
            Boot::Pious => self.pious(&mut text, mac, name, editions, now_unix_s),
            Boot::LocalDisk => local_disk(&mut text, name.unwrap_or("this server")),
        }
        text
    }

    fn pious(
        &self,
        text: &mut String,
        mac: MacAddress,
        name: Option<&str>,
        editions: Option<&Editions>,
        now_unix_s: u64,
    ) {
        let url = &self.url;
        let (kernel, initrd) = match editions {
            Some(Editions { kernel, initrd }) => (format!("{kernel}/{KERNEL}"), format!("{initrd}/{INITRD}")),
            None => (KERNEL.to_owned(), INITRD.to_owned()),
        };
        // `initrd=` names the file to the kernel's EFI stub, which loads it through the file system that iPXE offers;
        // on BIOS iPXE hands it over itself and the word does nothing.
        let mut words = format!("initrd={INITRD} console=tty0 console=ttyS0,115200 quiet loglevel=3 consoleblank=0");
        for senzu in &self.senzu {
            write!(words, " pious.senzu={senzu}").ok();
        }
        write!(words, " pious.now={now_unix_s}").ok();
        if let Some(name) = name {
            write!(words, " pious.name={name}").ok();
        }
        if !self.cmdline.is_empty() {
            write!(words, " {}", self.cmdline).ok();
        }
        let body = format!(
            "imgfree\n\
             kernel {url}/image/{kernel} {words} || goto failed\n\
             initrd --name {INITRD} {url}/image/{initrd} || goto failed\n\
             boot || goto failed\n"
        );
        // The tries of the scripts before this one count, too.
        let begin = "isset ${tries} || set tries:int32 0\n";
        let failed = format!("kernel or initrd could not be fetched from {url}, or not started.");
        let successor = format!("chain --replace {url}/boot/{}.ipxe ||\n", mac.to_string().replace(':', "-"));
        with_retries(text, begin, &body, &failed, &successor);
    }
}

/// BIOS: the first disk, by INT 13h. UEFI: leave with a failure, upon which the boot manager takes its next option. Left
/// with a success, OVMF opens its setup screen and stays there (seen with Debian's 2022.11). How soon the disk's turn
/// comes is the firmware's boot order: OVMF tries IPv6 and HTTP first, for minutes, when they stand before the disk.
fn local_disk(text: &mut String, name: &str) {
    write!(
        text,
        "echo PIOUS: {name} is in production and boots its local disk.\n\
         iseq ${{platform}} efi && goto next_device ||\n\
         sanboot --no-describe --drive 0x80 ||\n\
         echo\n\
         echo PIOUS: the first disk does not boot. The next boot device follows in {RETRY_S} s.\n\
         sleep {RETRY_S}\n\
         :next_device\n\
         exit 1\n"
    )
    .ok();
}

/// A body that says `goto failed` on failure, tried [`TRIES`] times, then left. `begin` sets the count of tries, if it
/// is not to go on; `again` is done before each further try.
fn with_retries(text: &mut String, begin: &str, body: &str, failed: &str, again: &str) {
    let next = format!(
        "{begin}\
         :try\n\
         {body}\
         :failed\n\
         echo\n\
         echo PIOUS: {failed}\n\
         inc tries\n\
         iseq ${{tries}} {TRIES} && goto give_up ||\n\
         echo PIOUS: trying again in {RETRY_S} s.\n\
         sleep {RETRY_S}\n\
         {again}\
         goto try\n\
         :give_up\n\
         echo PIOUS: giving up; the next boot device follows.\n\
         exit 1\n"
    );
    text.push_str(&next);
}

/// The name, if it is one word that neither iPXE nor the kernel takes for anything else. A name is for people; a boot
/// does not fail for one.
fn plain_word(name: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    (!name.is_empty() && name.len() <= 64 && name.bytes().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Why;
    use pious_protocol::message::LeaseTier;

    const MAC: MacAddress = MacAddress([0x52, 0x54, 0, 1, 0x10, 1]);

    fn scripts() -> Scripts {
        Scripts {
            url: "http://10.77.0.1:8081".into(),
            senzu: vec!["https://10.77.0.1:8443".into(), "https://10.77.0.2:8443".into()],
            cmdline: "pious.console=serial".into(),
        }
    }

    fn editions() -> Editions {
        Editions { kernel: "1-2-3-4".into(), initrd: "5-6-7-8".into() }
    }

    fn decision(boot: Boot, name: Option<&str>, why: Why) -> Decision {
        Decision { boot, tier: LeaseTier::Recognized, name: name.map(Into::into), why }
    }

    #[test]
    fn first_script() {
        insta::assert_snapshot!(scripts().first());
    }

    #[test]
    fn pious_script() {
        let decision = decision(Boot::Pious, Some("r1-u10"), Why::SenzuSays);
        insta::assert_snapshot!(scripts().own(MAC, &decision, Some(&editions()), 1_795_417_200));
    }

    #[test]
    fn pious_script_for_a_stranger() {
        let scripts = Scripts { cmdline: String::new(), ..scripts() };
        let decision = decision(Boot::Pious, None, Why::NeverHeardOf);
        insta::assert_snapshot!(scripts.own(MAC, &decision, None, 1_795_417_200));
    }

    #[test]
    fn local_disk_script() {
        let decision = decision(Boot::LocalDisk, Some("r1-u10"), Why::SenzuSaidLast);
        insta::assert_snapshot!(scripts().own(MAC, &decision, Some(&editions()), 1_795_417_200));
    }

    #[test]
    fn a_name_can_not_become_a_command() {
        for name in ["", "a b", "a\nshell", "${mac}", "a||shell", "é", &"x".repeat(65)] {
            for boot in [Boot::Pious, Boot::LocalDisk] {
                let named = scripts().own(MAC, &decision(boot, Some(name), Why::SenzuSays), None, 1);
                let nameless = scripts().own(MAC, &decision(boot, None, Why::SenzuSays), None, 1);
                assert_eq!(named, nameless, "{name:?}");
            }
        }
    }
}
