//! Writes the table of PCI names for `facts/pci/names.rs`: vendors and devices, classes and subclasses of pci.ids, in its
//! own line format, without what is not shown (subsystems, programming interfaces).

use std::{env, error::Error, fmt::Write, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
    fs::write(folder.join("pci-names.txt"), table()?)?;
    Ok(())
}

/// Sorted, so that the same data give the same bytes: the crate's maps have no order.
fn table() -> Result<String, Box<dyn Error>> {
    let mut table = String::new();
    let mut vendors: Vec<_> = pci_ids::Vendors::iter().collect();
    vendors.sort_by_key(|vendor| vendor.id());
    for vendor in vendors {
        writeln!(table, "{:04x}  {}", vendor.id(), vendor.name())?;
        let mut devices: Vec<_> = vendor.devices().collect();
        devices.sort_by_key(|device| device.id());
        for device in devices {
            writeln!(table, "\t{:04x}  {}", device.id(), device.name())?;
        }
    }
    let mut classes: Vec<_> = pci_ids::Classes::iter().collect();
    classes.sort_by_key(|class| class.id());
    for class in classes {
        writeln!(table, "C {:02x}  {}", class.id(), class.name())?;
        let mut subclasses: Vec<_> = class.subclasses().collect();
        subclasses.sort_by_key(|subclass| subclass.id());
        for subclass in subclasses {
            writeln!(table, "\t{:02x}  {}", subclass.id(), subclass.name())?;
        }
    }
    Ok(table)
}
