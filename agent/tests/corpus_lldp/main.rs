//! Real captures, and one of our own with every TLV that lldpd sends, compared with what tshark and lldpd make of them:
//! field by field, and each difference is a failure.

#[path = "../corpus/mod.rs"]
mod corpus;
mod lldpd;
mod tshark;

use pious_agent::{capture, decode, facts::lldp};
use pious_protocol::facts::Neighbour;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

fn captures(folder: &Path) -> Vec<PathBuf> {
    let folders = corpus::entries(folder).into_iter().filter(|path| path.is_dir());
    folders.flat_map(|folder| captures_in(&folder)).collect()
}

fn captures_in(folder: &Path) -> Vec<PathBuf> {
    let files = corpus::entries(folder).into_iter();
    files.filter(|file| file.extension().is_some_and(|extension| extension == "pcap")).collect()
}

/// An lldpd with every TLV switched on that it can send, recorded at the other end of a cable.
fn own() -> Vec<PathBuf> {
    captures_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lldp"))
}

/// Frame number → the neighbour; `None` for a frame refused.
fn decoded(file: &Path) -> BTreeMap<u64, Option<Neighbour>> {
    let output = decode::lldp(file);
    let lines = output.text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let neighbour =
        |line: &Value| line.get("neighbour").map(|n| serde_json::from_value(n.clone()).expect("a neighbour"));
    lines.map(|line| (line["frame"].as_u64().expect("a number"), neighbour(&line))).collect()
}

/// How much was compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Compared {
    captures: usize,
    frames: usize,
    refused: usize,
    fields: usize,
}

impl Compared {
    fn with_tshark(&mut self, file: &Path) {
        let ours = decoded(file);
        let mut numbers = Vec::new();
        for packet in corpus::json(&file.with_extension("tshark.json")).as_array().expect("packets") {
            let layers = &packet["_source"]["layers"];
            let Some(dissected) = layers.get("lldp") else { continue };
            let number: u64 = layers["frame"]["frame.number"].as_str().expect("text").parse().expect("a number");
            numbers.push(number);
            let context = format!("{} frame {number}", file.display());
            self.frame(ours.get(&number).expect(&context).as_ref(), dissected, &context);
        }
        assert_eq!(ours.keys().copied().collect::<Vec<_>>(), numbers, "{}", file.display());
        self.captures += 1;
    }

    fn frame(&mut self, ours: Option<&Neighbour>, layer: &Value, context: &str) {
        self.frames += 1;
        let theirs = tshark::dissected(layer);
        let has_ttl = theirs.iter().flatten().any(|(name, _)| name == "lldp.time_to_live");
        // tshark dissects up to where it is malformed: without a TTL there is no LLDPDU to believe.
        let Some(ours) = ours else {
            assert!(!has_ttl, "{context}: refused");
            self.refused += 1;
            return;
        };
        assert!(!tshark::is_malformed(layer), "{context}");
        agree(&tshark::told(ours), &theirs, context);
        self.fields += theirs.iter().map(Vec::len).sum::<usize>();
    }
}

#[test]
fn frames_agree_with_tshark() {
    let Some(folder) = corpus::folder("lldp") else { return };
    let mut compared = Compared::default();
    captures(&folder).iter().for_each(|file| compared.with_tshark(file));
    let Compared { captures, frames, refused, fields } = compared;
    corpus::say(&format!(
        "lldp: {frames} frames of {captures} captures as tshark dissects them: {fields} fields, {refused} frames refused"
    ));
    assert!(fields > 0, "the corpus in {} is empty", folder.display());
}

#[test]
fn our_own_recording_agrees_with_tshark_and_lldpd() {
    let (mut compared, mut told) = (Compared::default(), 0);
    for file in own() {
        compared.with_tshark(&file);
        told += with_lldpd(&file);
    }
    assert_eq!(compared, Compared { captures: 1, frames: 1, refused: 0, fields: 166 });
    assert_eq!(told, 55);
}

/// Both tell the same, each thing as often; what only one of them tells is named.
fn agree<T: PartialEq + Clone + Debug>(ours: &[T], theirs: &[T], context: &str) {
    let (mut only_ours, mut only_theirs) = (ours.to_vec(), theirs.to_vec());
    only_ours.retain(|told| match only_theirs.iter().position(|other| other == told) {
        Some(at) => {
            only_theirs.remove(at);
            false
        }
        None => true,
    });
    assert_eq!(only_ours, only_theirs, "{context}: only ours, only theirs");
}

/// How many facts were compared.
fn with_lldpd(file: &Path) -> usize {
    // As lldpd keeps them: the last frame of a chassis and port stands.
    let last: BTreeMap<_, _> = decoded(file)
        .into_values()
        .flatten()
        .map(|neighbour| ((neighbour.chassis_id.clone(), neighbour.port_id.clone()), neighbour))
        .collect();
    let lldpcli = corpus::json(&file.with_extension("lldpcli.json"));
    let interfaces = lldpcli["lldp"][0]["interface"].as_array().cloned().unwrap_or_default();
    let mut ours: Vec<_> = last.values().map(lldpd::ours).collect();
    let mut theirs: Vec<_> = interfaces.iter().map(lldpd::theirs).collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours.len(), theirs.len(), "{}: neighbours", file.display());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        agree(ours, theirs, &file.display().to_string());
    }
    theirs.iter().map(Vec::len).sum()
}

#[test]
fn neighbours_agree_with_lldpd() {
    let Some(folder) = corpus::folder("lldp") else { return };
    let files = captures(&folder);
    let told: usize = files.iter().map(|file| with_lldpd(file)).sum();
    corpus::say(&format!("lldp: {told} facts of the neighbours in {} captures as lldpd has them", files.len()));
    assert!(told > 0, "the corpus in {} is empty", folder.display());
}

#[test]
fn captures_cut_at_every_byte_and_frames_changed_anywhere_never_panic() {
    let Some(folder) = corpus::folder("lldp") else { return };
    let mut runs = 0;
    for file in captures(&folder) {
        let bytes = fs::read(&file).expect("a capture");
        for cut in 0..bytes.len() {
            if let Ok(capture) = capture::read(bytes.get(..cut).unwrap_or_default()) {
                capture.frames.iter().for_each(|frame| drop(lldp::decode(frame.bytes)));
            }
            runs += 1;
        }
        for frame in capture::read(&bytes).expect("a capture").frames {
            for at in 0..frame.bytes.len() {
                for value in [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff] {
                    let mut changed = frame.bytes.to_vec();
                    changed[at] = value;
                    let _ = lldp::decode(&changed);
                    runs += 1;
                }
            }
        }
    }
    corpus::say(&format!("lldp: {runs} cut captures and changed frames, no panic"));
}
