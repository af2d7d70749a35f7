//! One Senzu, a simulated server for each case, and what happens to them.

use crate::{
    another,
    cases::{Case, Strikes, Trouble},
};
use anyhow::{Context, Result, ensure};
use pious_lab::{
    bmc::{
        image::Label,
        redfish::{Fault, Noted},
    },
    fleet::{
        self, Death, Firmware, Fleet, Machine, Running, Server,
        bmc::{MODEL, Pace},
    },
    lab::{handle, programs},
};
use pious_protocol::firmware::{FirmwareComponent, FlashPhase};
use pious_redfish::Patience;
use pious_tests::{
    images::Signer,
    recipe,
    senzu::{self, Process},
};
use sqlx::{Connection, SqliteConnection};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// What an update may take, and a BMC to come back.
pub const WITHIN_S: u32 = 5;
const RESTART: Duration = Duration::from_millis(300);
const IMAGE_BYTES: u64 = 256 * 1024;
/// Short enough to be sent as a whole before an answer comes: a server that answers early and hangs up may break what is
/// still on its way, and its answer is lost with it.
const SHORT_IMAGE_BYTES: u64 = 4 * 1024;
/// Long enough to be cut.
const LONG_IMAGE_BYTES: u64 = 32 * 1024 * 1024;
const SPARE_WITHIN: Duration = Duration::from_secs(120);
const ENDED_WITHIN: Duration = Duration::from_secs(300);
/// How often Senzu is asked how far the cases are, and its waits before another try are made to be over.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// As quick as these BMCs.
pub fn patience() -> Patience {
    Patience {
        poll: Duration::from_millis(100),
        longest_retry_after: Duration::from_secs(1),
        again: Duration::from_millis(300),
        tries: 6,
        gone_within: Duration::from_secs(3),
        settles_within: Duration::from_secs(2),
    }
}

/// How a case ended.
pub struct Ended {
    pub status: String,
    pub words: String,
    /// Whole images of what is wanted that the BMC got.
    pub images: usize,
    /// What runs, by the BMC's own account.
    pub runs: String,
    /// Logins that it refused.
    pub refused: usize,
}

pub struct Scene {
    senzu: Process,
    operator: handle::Senzu,
    data: PathBuf,
    signer: Arc<Signer>,
    machines: Vec<Arc<Machine>>,
    /// SHA-256 of the images, by component and version.
    images: BTreeMap<(FirmwareComponent, String), String>,
    /// Somebody wants Senzu to be killed.
    kill: mpsc::UnboundedSender<()>,
    kills: mpsc::UnboundedReceiver<()>,
    // Before its folder.
    _running: Running,
    _dir: TempDir,
}

impl Scene {
    /// All servers are SPARE and held, and Senzu has the images.
    pub async fn set(cases: &[Case]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let program = programs::own(&programs::directory(), "senzu-stub")?;
        let data = dir.path().join("data");
        senzu::init(&program, &data)?;
        recipe::write(&data, WITHIN_S)?;
        let signer = Arc::new(Signer::new(&dir.path().join("key"))?);
        fs::write(data.join("firmware.pub"), &signer.key)?;
        let servers = u32::try_from(cases.len())?;
        senzu::import(&program, &data, &fleet::plan(servers, true))?;
        // Facts bring a walk with them, and with it another try.
        let senzu = Process::serve(&program, &data, &["--facts-period-s", "5"])?;
        let operator = senzu.operator()?;
        let images = bring(cases, &operator, &signer).await?;
        let machine = |(number, case): (u32, &Case)| {
            let pace = Pace { flash: case.flash, restart: RESTART };
            Machine::with_bmc(Server::new(number), pace).map(Arc::new)
        };
        let machines = (0..).zip(cases).map(machine).collect::<Result<Vec<_>, _>>()?;
        let fleet = Fleet {
            servers,
            senzu: vec![pious_client::read_url(senzu.url(), false)?],
            ca: Some(data.join("ca.pem")),
            keys: data.join("instruction-keys.json"),
            at_once: cases.len(),
            within: SPARE_WITHIN,
            stay: Duration::MAX,
            firmware: Some(Firmware { key: signer.key.clone(), patience: patience() }),
        };
        let running = fleet.switch_on(&machines)?;
        tokio::time::timeout(SPARE_WITHIN, running.spare()).await.context("not all are SPARE")?;
        let (kill, kills) = mpsc::unbounded_channel();
        Ok(Self { senzu, operator, data, signer, machines, images, kill, kills, _running: running, _dir: dir })
    }

    /// Lets everything happen, all at once, until each case has ended.
    pub async fn play(&mut self, cases: &[Case]) -> Result<Vec<Ended>> {
        for (case, machine) in cases.iter().zip(&self.machines) {
            self.prepare(case, machine)?;
        }
        for (case, machine) in cases.iter().zip(&self.machines) {
            self.want(case, machine).await?;
        }
        let names = |is: fn(&Case) -> bool| -> Vec<usize> {
            (0..).zip(cases).filter(|(_, case)| is(case)).map(|(place, _)| place).collect()
        };
        self.until_ended(cases, &names(|_| true)).await?;
        // Once more, for those that are to be asked for again.
        let repeated = names(|case| case.trouble == Trouble::Repeated);
        for &place in &repeated {
            self.repeat(&cases[place], &self.machines[place]).await?;
        }
        self.until_ended(cases, &repeated).await?;
        let mut ended = Vec::new();
        for (case, machine) in cases.iter().zip(&self.machines) {
            ended.push(self.ended(case, machine).await?);
        }
        Ok(ended)
    }

    fn prepare(&self, case: &Case, machine: &Arc<Machine>) -> Result<()> {
        let bmc = machine.bmc().context("it has no BMC")?;
        let told = machine.clone();
        let tell = move |fault| told.bmc().into_iter().for_each(|bmc| bmc.fault(Some(fault), is_sticky(fault)));
        let kill = self.kill.clone();
        let kill_senzu = move |_: &Machine| {
            // Nobody plays any more when nobody hears it.
            let _over = kill.send(());
        };
        match case.trouble {
            Trouble::Fault(fault, Strikes::Inventory | Strikes::Flash) => bmc.fault(Some(fault), is_sticky(fault)),
            Trouble::Fault(fault, Strikes::Update) => machine.hold_update(async move { tell(fault) }),
            Trouble::Fault(fault, Strikes::Push) => machine.at(FlashPhase::HandingOver, 0, move |_| tell(fault)),
            Trouble::Moves => {
                let (machine, signer, component) = (machine.clone(), self.signer.clone(), case.component);
                machine.clone().hold_update(async move {
                    // What became of it is seen by what runs.
                    let _ = another::updates(&machine, component, &signer, &patience()).await;
                });
            }
            Trouble::SenzuDiesAtFetch => machine.at(FlashPhase::Fetching, 10, kill_senzu),
            Trouble::SenzuDiesAtFlash => machine.at(FlashPhase::Flashing, 10, kill_senzu),
            Trouble::AgentDiesAtFlash => machine.at(FlashPhase::Flashing, 0, |machine| machine.die(Death::Process)),
            Trouble::PowerFailsAtFlash => machine.at(FlashPhase::Flashing, 0, |machine| machine.die(Death::Power)),
            Trouble::PowerFailsAtPush => {
                bmc.fault(Some(Fault::SlowLink { bytes_per_s: 100_000 }), false);
                let machine_too = machine.clone();
                machine.at(FlashPhase::HandingOver, 0, move |_| {
                    tokio::spawn(async move {
                        // Some of the image is there by then, and not all.
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        machine_too.die(Death::Power);
                    });
                });
            }
            Trouble::Nothing | Trouble::RunsAlready | Trouble::OtherModel | Trouble::Repeated => {}
        }
        Ok(())
    }

    async fn want(&self, case: &Case, machine: &Machine) -> Result<()> {
        let wanted = [(case.component.name(), case.wanted())];
        let asset = machine.server().name();
        self.operator.shall_run(&asset, &wanted, &case.name()).await.with_context(|| format!("{asset}'s goal"))?;
        Ok(())
    }

    /// Asks for the same again. Where no other boot came between, the update that was done is handed out once more too, to
    /// an agent that knows nothing of it.
    async fn repeat(&self, case: &Case, machine: &Machine) -> Result<()> {
        self.want(case, machine).await?;
        if case.component == FirmwareComponent::Bios {
            return Ok(());
        }
        let asset = self.operator.asset(&machine.server().name()).await?;
        let id = asset["id"].as_str().context("it has no id")?;
        let of_updates = format!("asset_id = '{id}' AND kind = 'firmware_update'");
        self.change(&format!(
            "DELETE FROM reports WHERE instruction_id IN (SELECT id FROM instructions WHERE {of_updates})"
        ))
        .await?;
        let later = "expires_ms = expires_ms + 600000";
        self.change(&format!("UPDATE instructions SET status = 'issued', {later} WHERE {of_updates}")).await?;
        machine.die(Death::Process);
        let begun = Instant::now();
        // Its mark says that it began in this boot: it is not begun again, whatever became of it.
        let ended = format!("SELECT count(*) FROM instructions WHERE {of_updates} AND status IN ('done', 'failed')");
        while self.count(&ended).await? == 0 {
            ensure!(begun.elapsed() < ENDED_WITHIN, "the update that was handed out again does not end");
            tokio::time::sleep(ASK_EVERY).await;
        }
        Ok(())
    }

    async fn until_ended(&mut self, cases: &[Case], places: &[usize]) -> Result<()> {
        let begun = Instant::now();
        let mut open = places.to_vec();
        while !open.is_empty() {
            if let Ok(Some(())) = tokio::time::timeout(ASK_EVERY, self.kills.recv()).await {
                // Several at once are one.
                while self.kills.try_recv().is_ok() {}
                self.senzu.kill_and_start_again()?;
            }
            self.waits_are_over().await?;
            let mut still = Vec::new();
            for place in open {
                let (status, words) = self.goal(&self.machines[place]).await?;
                if !matches!(status.as_str(), "done" | "recovery" | "withdrawn") {
                    ensure!(
                        begun.elapsed() < ENDED_WITHIN,
                        "{} of the {} does not end: {status} {words}\n{:#?}",
                        cases[place].name(),
                        cases[place].component,
                        self.machines[place].bmc().map(|bmc| bmc.log())
                    );
                    still.push(place);
                }
            }
            open = still;
        }
        Ok(())
    }

    async fn goal(&self, machine: &Machine) -> Result<(String, String)> {
        let asset = machine.server().name();
        let firmware = self.operator.firmware(&asset).await.with_context(|| format!("{asset}'s firmware"))?;
        let goal = &firmware["goals"][0];
        let text = |name: &str| goal[name].as_str().unwrap_or_default().to_owned();
        let (status, words) = (text("status"), text("words"));
        if status == "open" {
            let standing = self.operator.asset(&asset).await?["standing"].clone();
            return Ok((status, standing.to_string()));
        }
        Ok((status, words))
    }

    async fn ended(&self, case: &Case, machine: &Machine) -> Result<Ended> {
        let (status, words) = self.goal(machine).await?;
        let bmc = machine.bmc().context("it has no BMC")?;
        let (log, mut runs) = (bmc.log(), bmc.versions());
        let wanted = self.images.get(&(case.component, case.wanted().to_owned()));
        let is_whole = |noted: &Noted| match noted {
            Noted::PushEnded { complete: true, sha256, .. } => Some(sha256) == wanted,
            _ => false,
        };
        Ok(Ended {
            status,
            words,
            images: log.iter().filter(|entry| is_whole(&entry.what)).count(),
            runs: runs.remove(&case.component).unwrap_or_default(),
            refused: log.iter().filter(|entry| matches!(entry.what, Noted::Login { admitted: false, .. })).count(),
        })
    }

    /// Senzu waits a minute and more before it tries again what failed; here it need not. What nobody saw the end of keeps its
    /// time: a BMC may be writing.
    async fn waits_are_over(&self) -> Result<()> {
        self.change("UPDATE instructions SET changed_ms = changed_ms - 7200000 WHERE status = 'failed'").await
    }

    async fn change(&self, sql: &str) -> Result<()> {
        let mut database = self.database().await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut database).await?;
        Ok(database.close().await?)
    }

    async fn count(&self, sql: &str) -> Result<i64> {
        let mut database = self.database().await?;
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut database).await?;
        database.close().await?;
        Ok(count)
    }

    async fn database(&self) -> Result<SqliteConnection> {
        let file = format!("sqlite://{}", self.data.join("senzu.sqlite").display());
        let mut database = SqliteConnection::connect(&file).await?;
        // Senzu may be writing.
        sqlx::raw_sql("PRAGMA busy_timeout = 30000").execute(&mut database).await?;
        Ok(database)
    }
}

/// Whether a BMC goes on with it until somebody repairs it.
fn is_sticky(fault: Fault) -> bool {
    matches!(fault, Fault::RefusesCredentials)
}

/// Makes and brings each image once; answers their digests.
async fn bring(
    cases: &[Case],
    operator: &handle::Senzu,
    signer: &Signer,
) -> Result<BTreeMap<(FirmwareComponent, String), String>> {
    let mut images = BTreeMap::new();
    for case in cases.iter().filter(|case| case.trouble != Trouble::RunsAlready) {
        let key = (case.component, case.wanted().to_owned());
        if images.contains_key(&key) {
            continue;
        }
        let model = if case.trouble == Trouble::OtherModel { "Other Server" } else { MODEL };
        let size_bytes = match case.trouble {
            Trouble::SenzuDiesAtFetch => LONG_IMAGE_BYTES,
            Trouble::Fault(_, Strikes::Push) => SHORT_IMAGE_BYTES,
            _ => IMAGE_BYTES,
        };
        let label = Label::new(case.component, model, case.wanted());
        images.insert(key, signer.bring(operator, &label, size_bytes).await?);
    }
    Ok(images)
}
