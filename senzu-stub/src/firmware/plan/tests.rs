use super::*;
use crate::firmware::version_order::VersionOrder;
use FirmwareComponent::{Bios, Bmc, Nic, Psu};
use proptest::prelude::*;

/// A recipe whose BMC has two vias, and whose BIOS lists its versions.
const RECIPE: &str = r#"
name = "Acme"
order = ["psu", "bmc", "bios"]
[match]
manufacturer = ["Acme"]
model = ["Box *"]
[psu]
version = { from = "inventory", name = "PSU*" }
transfer = "http_push"
activation = "itself"
flash_within_s = 60
bmc_back_within_s = 60
versions = "as_written"
[bmc]
version = { from = "manager" }
transfer = "multipart_push"
activation = "itself"
flash_within_s = 60
bmc_back_within_s = 60
versions = "as_written"
via = [{ from_below = "6.00", through = "6.10" }, { from_below = "3.0", through = "4.0" }]
[bios]
version = { from = "system" }
transfer = "multipart_push"
activation = "host_reset"
flash_within_s = 60
bmc_back_within_s = 60
versions = ["R9", "C1", "C2", "C3"]
"#;

fn recipes() -> Recipes {
    Recipes::parse([("acme.toml", RECIPE)]).unwrap()
}

fn machine() -> Machine {
    Machine { manufacturer: "ACME".into(), model: "Box 1".into() }
}

fn wanted(component: FirmwareComponent, version: &str) -> Wanted {
    Wanted { component, version: version.into(), downgrade: false }
}

fn installed(component: FirmwareComponent, version: &str) -> InstalledFirmware {
    InstalledFirmware { component, version: version.into(), source: "a test".into() }
}

fn image(component: FirmwareComponent, version: &str) -> ArtifactInfo {
    ArtifactInfo {
        sha256: format!("{}-{version}", component.name()),
        vendor: "Acme".into(),
        model: Glob::new("Box *"),
        component,
        version: version.into(),
        has_image: true,
    }
}

fn one(wanted: Wanted, now: &str, artifacts: &[ArtifactInfo]) -> Planned {
    let installed = [installed(wanted.component, now)];
    let mut planned = plan(&[wanted], &installed, &machine(), &recipes(), artifacts);
    assert_eq!(planned.len(), 1);
    planned.remove(0).1
}

/// The versions that are written, or why none is.
fn way(planned: &Planned) -> String {
    match planned {
        Planned::Done { version } => format!("done: {version}"),
        Planned::NotDone { steps } => {
            let step = |step: &Step| format!("{} → {} by {}", step.from, step.to, step.artifact);
            steps.iter().map(step).collect::<Vec<_>>().join(", ")
        }
        Planned::Impossible { why, .. } => format!("no: {why}"),
    }
}

#[test]
fn what_is_installed_against_what_is_wanted() {
    let bmc: Vec<_> = ["2.5", "4.0", "5.0", "6.00", "6.10", "7.0"].map(|version| image(Bmc, version)).into();
    let down = |version: &str| Wanted { downgrade: true, ..wanted(Bmc, version) };
    let cases = [
        (wanted(Bmc, "7.0"), "7.0", "done: 7.0"),
        (wanted(Bmc, "7.0"), "v7", "done: v7"),
        (wanted(Bmc, "7.0"), "6.10", "6.10 → 7.0 by bmc-7.0"),
        (wanted(Bmc, "7.0"), "6.05", "6.05 → 7.0 by bmc-7.0"),
        (wanted(Bmc, "7.0"), "5.99", "5.99 → 6.10 by bmc-6.10, 6.10 → 7.0 by bmc-7.0"),
        (wanted(Bmc, "7.0"), "2.0", "2.0 → 4.0 by bmc-4.0, 4.0 → 6.10 by bmc-6.10, 6.10 → 7.0 by bmc-7.0"),
        (wanted(Bmc, "6.10"), "5.99", "5.99 → 6.10 by bmc-6.10"),
        (wanted(Bmc, "6.00"), "5.99", "5.99 → 6.00 by bmc-6.00"),
        (wanted(Bmc, "5.0"), "2.9", "2.9 → 4.0 by bmc-4.0, 4.0 → 5.0 by bmc-5.0"),
        (wanted(Bmc, "2.5"), "2.4", "2.4 → 2.5 by bmc-2.5"),
        (wanted(Bmc, "2.5"), "7.0", "no: BMC runs 7.0, which is newer than 2.5"),
        (down("2.5"), "7.0", "7.0 → 2.5 by bmc-2.5"),
        (down("7.0"), "5.0", "5.0 → 6.10 by bmc-6.10, 6.10 → 7.0 by bmc-7.0"),
        (wanted(Bmc, "7.0-rc1"), "7.0", "no: BMC runs 7.0, and nobody can say whether 7.0-rc1 is newer"),
        (down("7.0-rc1"), "7.0", "no: BMC runs 7.0, and nobody can say whether 7.0-rc1 is newer"),
        (wanted(Bmc, "8.0"), "7.0", "no: there is no artifact with BMC 8.0 for \"ACME\" \"Box 1\""),
        (wanted(Nic, "1"), "0", "no: the recipe acme.toml says nothing of NIC"),
        (wanted(Bios, "C3"), "R9", "R9 → C3 by bios-C3"),
        (wanted(Bios, "R9"), "C1", "no: BIOS runs C1, which is newer than R9"),
        (wanted(Bios, "C3"), "C7", "no: BIOS runs C7, and nobody can say whether C3 is newer"),
        (wanted(Bios, "C7"), "C7", "done: C7"),
    ];
    let artifacts = [bmc, vec![image(Bios, "C3")]].concat();
    for (wanted, now, way_there) in cases {
        let case = format!("{wanted:?} at {now}");
        assert_eq!(way(&one(wanted, now, &artifacts)), way_there, "{case}");
    }
}

#[test]
fn which_artifact_is_taken() {
    let stranger = ArtifactInfo { vendor: "Other".into(), sha256: "stranger".into(), ..image(Bmc, "7.0") };
    let elsewhere = ArtifactInfo { model: Glob::new("Crate *"), sha256: "elsewhere".into(), ..image(Bmc, "7.0") };
    let exact = ArtifactInfo { model: Glob::new("box 1"), sha256: "exact".into(), ..image(Bmc, "7.00") };
    let coming = ArtifactInfo { has_image: false, ..image(Bmc, "7.0") };
    let twin = ArtifactInfo { sha256: "twin".into(), ..image(Bmc, "7") };
    let name = "BMC 7.0 for \"ACME\" \"Box 1\"";
    for (artifacts, way_there) in [
        (vec![stranger.clone(), elsewhere], format!("no: there is no artifact with {name}")),
        (vec![image(Bmc, "7.0"), exact.clone(), twin.clone()], "6.10 → 7.0 by exact".into()),
        (vec![coming], format!("no: the image of {name} (bmc-7.0) has not come")),
        (
            vec![stranger, image(Bmc, "7.0"), twin],
            format!("no: the artifacts bmc-7.0 and twin are both {name}: one has to go"),
        ),
    ] {
        assert_eq!(way(&one(wanted(Bmc, "7.0"), "6.10", &artifacts)), way_there);
    }
    let missing = one(wanted(Bmc, "7.0"), "5.0", &[exact]);
    let why = "no: there is no artifact with BMC 6.10 for \"ACME\" \"Box 1\", through which 7.0 is reached";
    assert_eq!(way(&missing), why);
}

#[test]
fn what_is_missing_is_told_with_who_acts() {
    let ask = [wanted(Bmc, "7.0")];
    let of = |machine: &Machine, recipes: &Recipes, installed: &[InstalledFirmware]| {
        let planned = plan(&ask, installed, machine, recipes, &[]);
        match &planned[..] {
            [(Bmc, Planned::Impossible { why, who_acts })] => format!("{why}; {who_acts}"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        of(&machine(), &recipes(), &[installed(Bios, "C1")]),
        "the inventory has no BMC: the recipe acme.toml looks for FirmwareVersion of the manager; whoever looks after the \
         machine finds out whether it has one; else platform engineering corrects the recipe"
    );
    let other = Machine { model: "Crate".into(), ..machine() };
    assert_eq!(
        of(&other, &recipes(), &[]),
        "no recipe is for \"ACME\" \"Crate\"; platform engineering writes one (senzu-stub serve --recipes)"
    );
    let twin = RECIPE.replace("\"Acme\"\norder", "\"Twin\"\norder");
    let twins = Recipes::parse([("acme.toml", RECIPE), ("twin.toml", &twin)]).unwrap();
    assert_eq!(
        of(&machine(), &twins, &[]),
        "acme.toml and twin.toml are alike for \"ACME\" \"Box 1\"; platform engineering lets one of them name the model \
         more closely"
    );
}

#[test]
fn components_come_in_the_recipes_order_and_once() {
    let ask = [wanted(Nic, "1"), wanted(Bios, "C1"), wanted(Bmc, "1"), wanted(Psu, "1"), wanted(Psu, "1")];
    let have = [installed(Bios, "C1"), installed(Bmc, "1"), installed(Psu, "1")];
    let order = |planned: Vec<(FirmwareComponent, Planned)>| planned.iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(order(plan(&ask, &have, &machine(), &recipes(), &[])), [Psu, Bmc, Bios, Nic]);
    assert_eq!(order(plan(&ask, &have, &Machine::default(), &recipes(), &[])), [Bmc, Bios, Nic, Psu]);
    let planned = plan(&[wanted(Bmc, "1"), wanted(Bmc, "2")], &have, &machine(), &recipes(), &[]);
    assert_eq!(
        planned.iter().map(|(_, planned)| way(planned)).collect::<Vec<_>>(),
        ["no: BMC is wanted in 1 and in 2", "no: BMC is wanted in 2 and in 1"]
    );
}

/// A fleet is planned in one pass; what is counted here is that nothing in it grows with the fleet.
#[test]
fn a_hundred_thousand_machines_are_planned_at_once() {
    let ours = Recipes::ours().unwrap();
    let ask = [wanted(Bmc, "7.10.30.00"), wanted(Bios, "1.9.2")];
    let have = [installed(Bmc, "6.00.30.00"), installed(Bios, "1.8.2")];
    let artifact = |n: usize, component, version: &str| ArtifactInfo {
        sha256: n.to_string(),
        vendor: "Dell Inc.".into(),
        model: Glob::new(&format!("PowerEdge R7{n}")),
        component,
        version: version.into(),
        has_image: true,
    };
    let artifacts: Vec<_> =
        (0..50).flat_map(|n| [artifact(n, Bmc, "7.10.30.00"), artifact(n + 100, Bios, "1.9.2")]).collect();
    let machine = Machine { manufacturer: "Dell Inc.".into(), model: "PowerEdge R742".into() };
    let begun = std::time::Instant::now();
    let steps: usize = (0..100_000)
        .map(|_| match &plan(&ask, &have, &machine, &ours, &artifacts)[..] {
            [(Bmc, Planned::NotDone { steps }), (Bios, Planned::Impossible { .. })] => steps.len(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(steps, 100_000);
    println!("100000 machines planned in {} ms", begun.elapsed().as_millis());
}

fn version() -> impl Strategy<Value = String> {
    (0..9u8, 0..4u8).prop_map(|(major, minor)| format!("{major}.{minor}"))
}

proptest! {
    #[test]
    fn steps_lead_from_what_is_installed_to_what_is_wanted(
        now in version(),
        to in version(),
        downgrade: bool,
        vias in proptest::collection::vec((version(), version()), 0..5),
        images in proptest::collection::vec(version(), 0..12),
        has_all: bool,
    ) {
        let mut recipe = RECIPE.replace("via = [{ from_below = \"6.00\", through = \"6.10\" }, { from_below = \"3.0\", through = \"4.0\" }]", "");
        let order = |one: &str, other: &str| VersionOrder::AsWritten.compare(one, other).unwrap();
        for (one, other) in &vias {
            let (from_below, through) = if order(one, other).is_le() { (one, other) } else { (other, one) };
            recipe.push_str(&format!("[[bmc.via]]\nfrom_below = \"{from_below}\"\nthrough = \"{through}\"\n"));
        }
        let recipes = Recipes::parse([("acme.toml", recipe.as_str())]).unwrap();
        let mut artifacts: Vec<_> = images.iter().map(|version| image(Bmc, version)).collect();
        if has_all {
            artifacts = (0..9).flat_map(|a| (0..4).map(move |b| image(Bmc, &format!("{a}.{b}")))).collect();
        }
        artifacts.dedup_by(|a, b| a.version == b.version);
        let ask = [Wanted { downgrade, ..wanted(Bmc, &to) }];
        let planned = plan(&ask, &[installed(Bmc, &now)], &machine(), &recipes, &artifacts).remove(0).1;
        let is_older = order(&to, &now).is_lt();
        prop_assert_eq!(matches!(planned, Planned::Done { .. }), order(&now, &to).is_eq());
        if has_all {
            prop_assert_eq!(matches!(planned, Planned::Impossible { .. }), is_older && !downgrade);
        }
        if let Planned::NotDone { steps } = planned {
            prop_assert_eq!(&steps.first().unwrap().from, &now);
            prop_assert_eq!(&steps.last().unwrap().to, &to);
            for pair in steps.windows(2) {
                prop_assert_eq!(&pair[0].to, &pair[1].from);
            }
            for step in &steps {
                prop_assert!(order(&step.from, &step.to).is_lt() || (downgrade && is_older && steps.len() == 1));
                // No via was passed over.
                for (one, other) in &vias {
                    let (from_below, through) = if order(one, other).is_le() { (one, other) } else { (other, one) };
                    let passes = order(&step.from, from_below).is_lt()
                        && order(&step.from, through).is_lt()
                        && order(through, &step.to).is_lt();
                    prop_assert!(!passes, "{:?} passes over {}", step, through);
                }
            }
        }
    }

    /// Whatever is asked of whatever is installed, each component is answered once, in the recipe's order.
    #[test]
    fn the_order_is_the_recipes(asked in proptest::sample::subsequence(vec![Bios, Nic, Psu, Bmc], 0..=4).prop_shuffle()) {
        let ask: Vec<_> = asked.iter().map(|component| wanted(*component, "2")).collect();
        let planned = plan(&ask, &[], &machine(), &recipes(), &[]);
        let expected: Vec<_> = [Psu, Bmc, Bios, Nic].into_iter().filter(|component| asked.contains(component)).collect();
        prop_assert_eq!(planned.iter().map(|one| one.0).collect::<Vec<_>>(), expected);
    }

    /// Versions are anybody's text.
    #[test]
    fn no_text_makes_it_panic(now: String, to: String, downgrade: bool) {
        let ask = [Wanted { component: Bmc, version: to, downgrade }];
        plan(&ask, &[installed(Bmc, &now)], &machine(), &recipes(), &[image(Bmc, &now)]);
    }
}
