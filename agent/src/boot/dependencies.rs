//! What a module needs before it: `modules.dep` and `modules.softdep` (depmod(8), modprobe.d(5)). Pure.

use crate::modalias::module_name;
use std::collections::{HashMap, HashSet};

/// Every module of the image with its file and what belongs before and after it.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    modules: HashMap<String, Module>,
}

#[derive(Debug, Default)]
struct Module {
    /// Relative to the modules' folder, as `kernel/net/8021q/8021q.ko`.
    path: String,
    needs: Vec<String>,
    before: Vec<String>,
    after: Vec<String>,
}

impl Dependencies {
    /// Reads `PATH: PATH…` lines and `softdep NAME pre: NAME… post: NAME…` lines. A line that is neither is left out.
    pub(super) fn parse(modules_dep: &str, modules_softdep: &str) -> Self {
        let mut modules: HashMap<String, Module> = HashMap::new();
        for line in modules_dep.lines() {
            let Some((path, needs)) = line.split_once(':') else { continue };
            // depmod lists what is to be loaded last first.
            let needs = needs.split_ascii_whitespace().rev().map(name_of_path).collect();
            modules.insert(name_of_path(path), Module { path: path.trim().to_owned(), needs, ..Module::default() });
        }
        for line in modules_softdep.lines() {
            read_softdep(line, &mut modules);
        }
        Self { modules }
    }

    /// The module's file, relative to the modules' folder; `None` for a module that the image does not carry.
    pub(super) fn path(&self, module: &str) -> Option<&str> {
        self.modules.get(module).map(|module| module.path.as_str())
    }

    /// Every module of the image that has to be loaded for this one, in order, this one among them. A circle of soft
    /// dependencies is cut where it closes.
    pub(super) fn load_order(&self, module: &str) -> Vec<&str> {
        let mut order = Vec::new();
        if let Some((name, _)) = self.modules.get_key_value(module) {
            self.visit(name, &mut HashSet::new(), &mut order);
        }
        order
    }

    fn visit<'s>(&'s self, module: &'s str, seen: &mut HashSet<&'s str>, order: &mut Vec<&'s str>) {
        let Some(entry) = self.modules.get(module) else { return };
        if !seen.insert(module) {
            return;
        }
        for earlier in entry.before.iter().chain(&entry.needs) {
            self.visit(earlier, seen, order);
        }
        order.push(module);
        for later in &entry.after {
            self.visit(later, seen, order);
        }
    }
}

fn read_softdep(line: &str, modules: &mut HashMap<String, Module>) {
    let mut words = line.split_ascii_whitespace();
    let (Some("softdep"), Some(name)) = (words.next(), words.next()) else { return };
    let Some(module) = modules.get_mut(&*module_name(name)) else { return };
    let mut list = None;
    for word in words {
        match word {
            "pre:" => list = Some(&mut module.before),
            "post:" => list = Some(&mut module.after),
            name => {
                if let Some(list) = &mut list {
                    list.push(module_name(name).into_owned());
                }
            }
        }
    }
}

/// `kernel/drivers/net/virtio-net.ko.xz` → `virtio_net`.
fn name_of_path(path: &str) -> String {
    let file = path.trim().rsplit('/').next().unwrap_or_default();
    let name = file.split_once(".ko").map_or(file, |(name, _)| name);
    module_name(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Dependencies;
    use proptest::prelude::*;

    const DEP: &str = "kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko\n\
                       kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko\n\
                       kernel/net/core/failover.ko:\n\
                       kernel/drivers/scsi/sd-mod.ko.xz:\n\
                       no colon here\n";

    #[test]
    fn needed_ones_come_first() {
        let dependencies = Dependencies::parse(DEP, "");
        assert_eq!(dependencies.load_order("virtio_net"), ["failover", "net_failover", "virtio_net"]);
        assert_eq!(dependencies.load_order("not_in_the_image"), Vec::<&str>::new());
        assert_eq!(dependencies.path("sd_mod"), Some("kernel/drivers/scsi/sd-mod.ko.xz"));
    }

    #[test]
    fn soft_dependencies_where_the_image_has_them() {
        let dependencies = Dependencies::parse(
            DEP,
            "# comment\nsoftdep failover pre: sd-mod absent post: virtio_net\nsoftdep absent pre: x\n",
        );
        assert_eq!(dependencies.load_order("failover"), ["sd_mod", "failover", "net_failover", "virtio_net"]);
    }

    #[test]
    fn a_circle_of_soft_dependencies_ends() {
        let dependencies = Dependencies::parse("a.ko:\nb.ko:\n", "softdep a pre: b\nsoftdep b pre: a\n");
        assert_eq!(dependencies.load_order("a"), ["b", "a"]);
        assert_eq!(dependencies.load_order("b"), ["a", "b"]);
    }

    proptest! {
        /// Any acyclic graph: each edge leads from a module to an earlier one.
        #[test]
        fn every_module_comes_after_what_it_needs(edges in prop::collection::vec((1usize..20, 0usize..20), 0..60)) {
            let edges: Vec<(usize, usize)> = edges.into_iter().map(|(from, to)| (from, to % from)).collect();
            let mut text = String::new();
            for module in 0..20 {
                let needs: Vec<String> =
                    edges.iter().filter(|(from, _)| *from == module).map(|(_, to)| format!("m{to}.ko")).collect();
                text.push_str(&format!("m{module}.ko: {}\n", needs.join(" ")));
            }
            let dependencies = Dependencies::parse(&text, "");
            for module in 0..20 {
                let name = format!("m{module}");
                let order = dependencies.load_order(&name);
                prop_assert_eq!(order.last().copied(), Some(name.as_str()));
                let place = |name: &str| order.iter().position(|loaded| *loaded == name);
                for (from, to) in &edges {
                    if let Some(place_from) = place(&format!("m{from}")) {
                        let place_to = place(&format!("m{to}"));
                        prop_assert!(place_to.is_some_and(|place_to| place_to < place_from));
                    }
                }
            }
        }
    }
}
