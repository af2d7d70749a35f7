//! How long building an image takes, against `mkinitramfs` on the same kernel with the same modules.

use crate::{
    Place,
    report::{Report, Row, median},
};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

pub fn measure(place: &Place, runs: usize, report: &mut Report) -> Result<()> {
    let bench = Builders::prepare(place)?;
    let (mut theirs, mut ours, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let mut packed = Vec::new();
    let tree = ["--kernel".to_owned(), bench.tree.display().to_string()];
    for run in 0..runs {
        theirs.push(bench.mkinitramfs()?);
        bench.forget();
        ours.push(bench.pious_initrd(&tree, &format!("{run} cold"))?);
        again.push(bench.pious_initrd(&tree, &format!("{run} new agent"))?);
        bench.forget();
        packed.push(bench.pious_initrd(&bench.packages, &format!("{run} packages"))?);
    }
    let (theirs, ours, again, packed) = (median(theirs), median(ours), median(again), median(packed));
    let ratio = |time: Duration| time.as_secs_f64() / theirs.as_secs_f64();
    let detail =
        |time: Duration| format!("{:.2} s against {:.2} s, median of {runs}", time.as_secs_f64(), theirs.as_secs_f64());
    report.add(Row {
        figure: "pious-initrd build against mkinitramfs, same modules, its compression".into(),
        measured: ratio(ours),
        unit: "×",
        budget: Some(1.0 / 3.0),
        detail: detail(ours),
    });
    report.add(Row {
        figure: "the same, after only the agent changed".into(),
        measured: ratio(again),
        unit: "×",
        budget: Some(0.1),
        detail: detail(again),
    });
    report.add(Row {
        figure: "the same, straight from the kernel package, which mkinitramfs can't read".into(),
        measured: ratio(packed),
        unit: "×",
        budget: None,
        detail: detail(packed),
    });
    Ok(())
}

struct Builders<'a> {
    place: &'a Place,
    /// The kernel packages, as `pious-initrd` takes them.
    packages: Vec<String>,
    /// The kernel package, unpacked, with `modules.dep`: where mkinitramfs looks.
    tree: PathBuf,
    release: String,
    /// mkinitramfs's configuration folder, naming the modules that our profile packs.
    configuration: PathBuf,
    cache: PathBuf,
    out: PathBuf,
}

impl<'a> Builders<'a> {
    fn prepare(place: &'a Place) -> Result<Self> {
        let work = place.work.join("builder");
        let (tree, configuration) = (work.join("tree"), work.join("initramfs-tools"));
        let packages = place.kernel_arguments()?;
        std::fs::create_dir_all(&tree)?;
        for package in packages.iter().skip(1).step_by(2) {
            run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&tree))?;
        }
        let manifest: Value = serde_json::from_slice(&std::fs::read(place.target.join("image/manifest.json"))?)?;
        let release = manifest["drivers"]["kernel"].as_str().context("manifest.json names no kernel")?.to_owned();
        run(Command::new("depmod").arg("-b").arg(&tree).arg(&release))?;

        let modules = manifest["drivers"]["modules"].as_array().context("manifest.json lists no modules")?;
        let names: Vec<_> = modules.iter().filter_map(|m| m["name"].as_str()).collect();
        ensure!(!names.is_empty(), "manifest.json lists no modules");
        std::fs::create_dir_all(configuration.join("conf.d"))?;
        for folder in ["scripts", "hooks"] {
            std::fs::create_dir_all(configuration.join(folder))?;
        }
        std::fs::write(
            configuration.join("initramfs.conf"),
            "MODULES=list\nBUSYBOX=auto\nCOMPRESS=zstd\nBOOT=local\n",
        )?;
        std::fs::write(configuration.join("modules"), names.join("\n") + "\n")?;
        Ok(Self { place, packages, tree, release, configuration, cache: work.join("cache"), out: work.join("out") })
    }

    /// mkinitramfs looks in /lib/modules and /boot and nowhere else: it gets its own, in a mount namespace.
    fn mkinitramfs(&self) -> Result<Duration> {
        let script = r#"set -e
            mkdir -p /lib/modules /boot
            mount -t tmpfs none /lib/modules; mkdir "/lib/modules/$1"
            mount --bind "$2/lib/modules/$1" "/lib/modules/$1"; mount --bind "$2/boot" /boot
            exec mkinitramfs -d "$3" -o "$4" "$1""#;
        timed(
            Command::new("unshare")
                .args(["--mount", "--propagation", "private", "sh", "-c", script, "sh", &self.release])
                .args([&self.tree, &self.configuration, &self.place.work.join("mkinitramfs.img")]),
        )
    }

    /// Nothing of an earlier build is left.
    fn forget(&self) {
        let _ = std::fs::remove_dir_all(&self.cache);
    }

    fn pious_initrd(&self, kernel: &[String], nonce: &str) -> Result<Duration> {
        // Bytes behind an ELF's last section change nothing but its digest.
        let agent = self.place.work.join("builder/agent");
        let mut bytes = std::fs::read(&self.place.agent).context("read the agent")?;
        bytes.extend_from_slice(nonce.as_bytes());
        std::fs::write(&agent, bytes)?;
        timed(
            Command::new(self.place.tools.join("pious-initrd"))
                .args(["build", "--agent"])
                .arg(&agent)
                .args(kernel)
                .arg("--cache")
                .arg(&self.cache)
                .arg("--out")
                .arg(&self.out)
                .env("SOURCE_DATE_EPOCH", "0"),
        )
    }
}

fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    run(command)?;
    Ok(start.elapsed())
}

fn run(command: &mut Command) -> Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {name}"))?;
    ensure!(output.status.success(), "{name}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(())
}
