//! Writes the tables of PCI names for `facts/pci/names.rs`: vendors, devices, classes and subclasses of pci.ids, without
//! what is not shown (subsystems, programming interfaces). A line is a key in hexadecimal, two blanks, a name; keys of one
//! table have one width and are sorted, so that a name is found without reading the others.

use std::{env, error::Error, fmt::Write, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
    let vendors = pci_ids::Vendors::iter().map(|vendor| (format!("{:04x}", vendor.id()), vendor.name()));
    let devices = pci_ids::Vendors::iter().flat_map(|vendor| vendor.devices().map(move |device| (vendor, device)));
    let devices = devices.map(|(vendor, device)| (format!("{:04x}{:04x}", vendor.id(), device.id()), device.name()));
    let classes = pci_ids::Classes::iter().map(|class| (format!("{:02x}", class.id()), class.name()));
    let subclasses = pci_ids::Classes::iter().flat_map(|class| class.subclasses().map(move |sub| (class, sub)));
    let subclasses = subclasses.map(|(class, sub)| (format!("{:02x}{:02x}", class.id(), sub.id()), sub.name()));
    for (file, text) in [
        ("pci-vendors.txt", table(vendors)?),
        ("pci-devices.txt", table(devices)?),
        ("pci-classes.txt", table(classes)?),
        ("pci-subclasses.txt", table(subclasses)?),
    ] {
        fs::write(folder.join(file), text)?;
    }
    Ok(())
}

/// Sorted: the crate's maps have no order.
fn table<'name>(names: impl Iterator<Item = (String, &'name str)>) -> Result<String, Box<dyn Error>> {
    let mut names: Vec<_> = names.collect();
    names.sort();
    let mut table = String::new();
    for (key, name) in names {
        writeln!(table, "{key}  {name}")?;
    }
    Ok(table)
}
