use super::*;
use crate::firmware::{glob::Glob, recipe::Part};
use pious_protocol::firmware::{Activation, FirmwareComponent, Transfer, VersionSource};
use serde_json::Value;
use std::process::Command;

/// The smallest recipe.
const LEAST: &str = r#"
name = "Acme"
order = ["bmc"]
[match]
manufacturer = ["Acme"]
model = ["Box *"]
[bmc]
version = { from = "inventory", id = "BMC" }
transfer = "multipart_push"
activation = "itself"
flash_within_s = 60
bmc_back_within_s = 60
versions = "as_written"
"#;

fn machine(manufacturer: &str, model: &str) -> Machine {
    Machine { manufacturer: manufacturer.into(), model: model.into() }
}

#[test]
fn ours_are_whole_and_know_their_machines() {
    let ours = Recipes::ours().unwrap();
    for (manufacturer, model, name) in [
        ("Dell Inc.", "PowerEdge R750", "Dell PowerEdge (iDRAC9)"),
        ("HPE", "ProLiant DL365 Gen10 Plus", "HPE ProLiant (iLO 5)"),
        ("Supermicro", "SYS-821GE-TNHR", "Supermicro X12/X13"),
        ("GIGABYTE", "H262-Z63-00", "Gigabyte (AMI MegaRAC)"),
        ("NVIDIA", "N5110_LD", "NVIDIA MGX (OpenBMC)"),
        ("PIOUS", "Lab Server", "PIOUS Lab Server"),
    ] {
        assert_eq!(ours.of(&machine(manufacturer, model)).map(|recipe| recipe.name.as_str()), Ok(name), "{model}");
    }
    // A generation later has another BMC.
    assert_eq!(ours.of(&machine("HPE", "ProLiant DL365 Gen11")).err(), Some(NoRecipe::None));
    for recipe in ours.iter() {
        // The BMC writes what comes behind it.
        assert_eq!(recipe.parts[0].component, FirmwareComponent::Bmc, "{}", recipe.file);
    }
    let lab = ours.of(&machine("PIOUS", "Lab Server")).unwrap();
    let parts: Vec<_> = lab.parts.iter().map(|part| (part.component, part.flash.activation)).collect();
    assert_eq!(
        parts,
        [
            (FirmwareComponent::Bmc, Activation::Itself),
            (FirmwareComponent::Bios, Activation::HostReset),
            (FirmwareComponent::Nic, Activation::Itself),
            (FirmwareComponent::Psu, Activation::Itself),
        ]
    );
    let bmc = &lab.part(FirmwareComponent::Bmc).unwrap().flash;
    assert_eq!(bmc.name, "PIOUS Lab Server, BMC");
    assert_eq!(
        (bmc.transfer, bmc.names_targets, bmc.flash_within_s, bmc.bmc_back_within_s),
        (Transfer::MultipartPush, true, 40, 40)
    );
}

#[test]
fn a_recipe_that_says_nothing_of_it_gives_a_bmc_two_minutes_to_restart() {
    let silent = LEAST.replace("bmc_back_within_s = 60\n", "");
    let recipes = Recipes::parse([("acme.toml", silent.as_str())]).unwrap();
    let acme = recipes.of(&machine("Acme", "Box 1")).unwrap();
    assert_eq!(acme.part(FirmwareComponent::Bmc).unwrap().flash.bmc_back_within_s, 120);
}

#[test]
fn the_one_that_says_most_is_taken() {
    let of_model = |name: &str, model: &str| {
        LEAST.replace("\"Acme\"\norder", &format!("\"{name}\"\norder")).replace("Box *", model)
    };
    let texts =
        [of_model("any", "*"), of_model("boxes", "Box *"), of_model("box 7", "box 7"), of_model("sevens", "B* 7")];
    let files = ["any.toml", "boxes.toml", "7.toml", "sevens.toml"].into_iter().zip(texts.iter().map(String::as_str));
    let recipes = Recipes::parse(files).unwrap();
    let name = |model: &str| recipes.of(&machine(" ACME ", model)).map(|recipe| recipe.name.clone());
    assert_eq!(name("Crate 1"), Ok("any".into()));
    assert_eq!(name("Box 1"), Ok("boxes".into()));
    assert_eq!(name("BOX 7"), Ok("box 7".into()));
    assert_eq!(name("Bag 7"), Ok("sevens".into()));
    let twin = of_model("twin", "* 1234");
    let tied =
        Recipes::parse([("one.toml", of_model("one", "Box 1*").as_str()), ("twin.toml", twin.as_str())]).unwrap();
    assert_eq!(
        tied.of(&machine("Acme", "Box 1234")).err(),
        Some(NoRecipe::Several("one.toml".into(), "twin.toml".into()))
    );
    let same = Recipes::parse([("one.toml", LEAST), ("two.toml", LEAST)]).unwrap_err();
    assert_eq!(same.to_string(), "one.toml and two.toml both have the name \"Acme\": rename one");
}

#[test]
fn a_folders_recipe_takes_the_place_of_ours() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let lab = |seconds: u32| {
        include_str!("../../../recipes/lab.toml").replace("flash_within_s = 40", &format!("flash_within_s = {seconds}"))
    };
    for (folder, seconds) in folders.iter().zip([7, 8]) {
        fs::write(folder.path().join("mine.toml"), lab(seconds)).unwrap();
        fs::write(folder.path().join("notes.txt"), "no recipe").unwrap();
    }
    fs::write(folders[0].path().join("acme.toml"), LEAST).unwrap();
    let paths = folders.each_ref().map(|folder| folder.path().to_owned());
    let recipes = Recipes::load(&paths).unwrap();
    assert_eq!(recipes.iter().count(), OURS.len() + 1);
    let lab = recipes.of(&machine("PIOUS", "Lab Server")).unwrap();
    assert_eq!(lab.part(FirmwareComponent::Bmc).unwrap().flash.flash_within_s, 8);
    assert!(recipes.of(&machine("Acme", "Box 1")).is_ok());

    let nowhere = Recipes::load(&[PathBuf::from("/nowhere")]).unwrap_err();
    assert_eq!(nowhere.to_string(), "cannot read the recipes /nowhere");
    let large = folders[1].path().join("large.toml");
    fs::write(&large, "#".repeat((1 << 20) + 1)).unwrap();
    let refused = Recipes::load(&paths).unwrap_err().to_string();
    assert_eq!(refused, format!("{} has more than 1048576 bytes: a recipe is a page of TOML", large.display()));
}

#[test]
fn what_is_wrong_is_told_by_file_key_and_remedy() {
    let version =
        "write { from = \"inventory\", id = \"…\", name = \"…\" }, { from = \"manager\" } or { from = \"system\" }";
    let versions = "write \"as_written\", or a list of all versions, oldest first";
    let order = "write the components in the order of their updates: order = [\"bmc\", \"bios\"]";
    let seconds = "write seconds, 1 to 86400";
    let source = "{ from = \"inventory\", id = \"BMC\" }";
    let cases = [
        ("name = \"Acme\"", "", "name is missing: name the vendor and the machines".to_owned()),
        ("name = \"Acme\"", "name = 7", "name is 7: name the vendor and the machines".into()),
        ("[match]", "[matches]", "match is missing: say which machines it is for: [match] manufacturer, model".into()),
        ("model = [\"Box *\"]", "", "match.model is missing: write a list of names; * stands for any text".into()),
        ("[\"Box *\"]", "\"Box *\"", "match.model is \"Box *\": write a list of names; * stands for any text".into()),
        ("[\"Box *\"]", "[]", "match.model is an empty list: write a list of names; * stands for any text".into()),
        ("[\"Box *\"]", "[\"B\"]\nserial = 1", "match.serial is not a key: known are manufacturer, model".into()),
        (
            "[\"bmc\"]",
            "[\"toaster\"]",
            "order names \"toaster\": there is no firmware component \"toaster\"; known are bmc, bios, nic, psu, drive".into(),
        ),
        ("[\"bmc\"]", "[\"bmc\", \"BMC\"]", format!("order names \"BMC\" twice: {order}")),
        ("[\"bmc\"]", "[\"bmc\", \"bios\"]", "order names \"bios\", of which there is no table: write [bios]".into()),
        ("[bmc]", "[bios]\n[bmc]", format!("order lacks \"bios\", of which there is a table: {order}")),
        ("[bmc]", "[bcm]\n[bmc]", "bcm is not a key: known are name, match, order, bmc, bios, nic, psu, drive".into()),
        (
            "\"multipart_push\"",
            "\"carrier_pigeon\"",
            "bmc.transfer is \"carrier_pigeon\": write multipart_push, http_push, simple_update or nvme".into(),
        ),
        ("activation = \"itself\"", "", "bmc.activation is missing: write itself, bmc_reset or host_reset".into()),
        ("\"itself\"", "\"itself\"\napply_time = \"Now\"", "bmc.apply_time is \"Now\": write Immediate or OnReset".into()),
        ("\"itself\"", "\"itself\"\nnames_targets = 1", "bmc.names_targets is 1: write true or false".into()),
        ("\"itself\"", "\"itself\"\nresets = true", "bmc.resets is not a key: known are version, transfer, activation, names_targets, apply_time, resets_bmc_before, flash_within_s, bmc_back_within_s, versions, via".into()),
        ("flash_within_s = 60", "flash_within_s = 0", format!("bmc.flash_within_s is 0: {seconds}")),
        ("flash_within_s = 60", "", format!("bmc.flash_within_s is missing: {seconds}")),
        ("bmc_back_within_s = 60", "bmc_back_within_s = 0", format!("bmc.bmc_back_within_s is 0: {seconds}")),
        (source, "\"BMC\"", format!("bmc.version is \"BMC\": {version}")),
        (source, "{ from = \"label\" }", "bmc.version.from is \"label\": write inventory, manager or system".into()),
        (source, "{ id = \"BMC\" }", format!("bmc.version.from is missing: {version}")),
        (
            source,
            "{ from = \"inventory\" }",
            "bmc.version.id is missing, and so is name: write at least one of them".into(),
        ),
        (source, "{ from = \"manager\", id = \"BMC\" }", "bmc.version.id is not a key: known are from".into()),
        ("\"as_written\"", "\"by_feeling\"", format!("bmc.versions is \"by_feeling\": {versions}")),
        ("versions = \"as_written\"", "", format!("bmc.versions is missing: {versions}")),
        ("\"as_written\"", "[\"1\", \" 1\"]", format!("bmc.versions lists \" 1\" twice: {versions}")),
        ("\"as_written\"", "\"as_written\"\nvia = 1", "bmc.via is 1: write [[…via]] with from_below and through".into()),
        (
            "\"as_written\"",
            "\"as_written\"\nvia = [{ from_below = \"2\" }]",
            "bmc.via[0].through is missing: write [[…via]] with from_below and through".into(),
        ),
        (
            "\"as_written\"",
            "[\"1\", \"2\"]\nvia = [{ from_below = \"1\", through = \"3\" }]",
            "bmc.via[0].through is \"3\": name a version that has an order to the others".into(),
        ),
        (
            "\"as_written\"",
            "\"as_written\"\nvia = [{ from_below = \"2\", through = \"1\" }]",
            "bmc.via[0].through is \"1\", which is not newer than from_below: name from_below itself, or a newer version"
                .into(),
        ),
    ];
    for (was, is, words) in cases {
        assert!(LEAST.contains(was), "{was}");
        let refused = Recipes::parse([("acme.toml", LEAST.replacen(was, is, 1).as_str())]).unwrap_err();
        assert_eq!(refused.to_string(), format!("acme.toml: {words}"), "{was} → {is}");
    }
    let refused = Recipes::parse([("acme.toml", "name = \"Acme\"\norder = [")]).unwrap_err().to_string();
    assert!(refused.starts_with("acme.toml: line 2 is no TOML: "), "{refused}");
}

/// Where a recipe's rule finds a component in a real BMC's answers.
fn found(members: &[Value], part: &Part) -> Vec<String> {
    let fits = |pattern: &Option<String>, text: &Value| {
        pattern.as_ref().is_none_or(|pattern| Glob::new(pattern).fits(text.as_str().unwrap_or_default()))
    };
    let of_type = |kind: &str, member: &&Value| {
        member["@odata.type"].as_str().is_some_and(|found| found.starts_with(&format!("#{kind}.")))
    };
    let versions: Vec<&Value> = match &part.flash.version {
        VersionSource::Inventory { id, name } => members
            .iter()
            .filter(|member| {
                of_type("SoftwareInventory", member) && fits(id, &member["Id"]) && fits(name, &member["Name"])
            })
            .map(|member| &member["Version"])
            .collect(),
        VersionSource::Manager => members
            .iter()
            .filter(|member| of_type("Manager", member))
            .map(|member| &member["FirmwareVersion"])
            .collect(),
        VersionSource::System => members
            .iter()
            .filter(|member| of_type("ComputerSystem", member))
            .map(|member| &member["BiosVersion"])
            .collect(),
        VersionSource::Unknown => Vec::new(),
    };
    versions.into_iter().filter_map(|version| version.as_str().map(str::to_owned)).collect()
}

/// Every resource of a folder of `index.json`.
fn resources(folder: &Path, into: &mut Vec<Value>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            resources(&path, into);
        } else if path.file_name().is_some_and(|name| name == "index.json") {
            into.extend(fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()));
        }
    }
}

/// The answers of real BMCs, of which `PIOUS_CORPUS` names the folder.
#[test]
fn each_rule_finds_its_component_in_a_real_bmcs_answers() {
    let Some(corpus) = std::env::var_os("PIOUS_CORPUS") else {
        return println!("redfish: PIOUS_CORPUS not set: 0 cases");
    };
    let ours = Recipes::ours().unwrap();
    let cases = [
        (
            "lr-dell",
            "Dell Inc.",
            "PowerEdge R750",
            vec![vec!["6.00.30.00"], vec!["1.8.2"], vec!["21.80.16.95"; 2], vec!["00.2A.2B"; 2]],
        ),
        (
            "il-DL365_Gen10Plus",
            "HPE",
            "ProLiant DL365 Gen10 Plus -- SIMULATED",
            vec![vec!["iLO 5 v3.14"], vec!["A42 v3.72 (05/16/2025)"], vec!["2.00"; 2]],
        ),
        ("lr-supermicro", "Supermicro", "SYS-821GE-TNHR", vec![vec!["11.01.01"], vec!["1.4"]]),
        ("cr-Gigabyte", "GIGABYTE", "H262-Z63-00", vec![vec!["12.84.13"], vec!["C27"]]),
        ("lr-nvidia_gbswitch", "NVIDIA", "N5110_LD", vec![vec!["88.0002.1950"], vec!["0ACTV_00.01.022"]]),
    ];
    for (name, manufacturer, model, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let archive = Path::new(&corpus).join("redfish").join(format!("{name}.tar.xz"));
        let unpacked = Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(folder.path()).status().unwrap();
        assert!(unpacked.success(), "{}", archive.display());
        let mut members = Vec::new();
        resources(folder.path(), &mut members);
        let recipe = ours.of(&machine(manufacturer, model)).unwrap();
        let versions: Vec<_> = recipe.parts.iter().map(|part| found(&members, part)).collect();
        assert_eq!(versions, expected, "{name}");
    }
}
