//! Debian's Chromium, driven through its own ChromeDriver; both end with the test.

use crate::missing;
use fantoccini::{
    Client, ClientBuilder, Locator, elements::Element, error::CmdError, key::Key, wd::TimeoutConfiguration,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A page's script looks for news every 2 s; on a busy machine all takes a multiple of its time.
const WITHIN: Duration = Duration::from_secs(40);

/// A browser with a fresh profile.
pub struct Browser {
    pub client: Client,
    _driver: Driver,
    _profile: TempDir,
}

/// The ChromeDriver, and with it the browsers that it started.
struct Driver {
    process: Child,
    port: u16,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Killed, it would leave its browsers behind; asked to shut down, it ends them.
        let asked = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).and_then(|mut stream| {
            stream.set_read_timeout(Some(WITHIN))?;
            stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            stream.read_to_end(&mut Vec::new())
        });
        if asked.is_err() {
            // It may be gone already.
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// How big the window is, and which of the style sheet's colours it takes.
#[derive(Clone, Copy)]
pub struct Looks {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

pub const DESK: Looks = Looks { width: 1280, height: 900, dark: false };

impl Browser {
    /// Starts one. Where Chromium is not here, the test fails, or says loudly that it is skipped.
    pub async fn start(looks: Looks) -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        let mut process = match Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn() {
            Ok(process) => process,
            Err(_) => {
                missing::skip("chromium", "a test in Chromium");
                return None;
            }
        };
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // Nobody reads on; the driver must not stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let driver = Driver { process, port: port.expect("ChromeDriver tells its port") };
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-quic".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            "--hide-scrollbars".into(),
            format!("--window-size={},{}", looks.width, looks.height),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        if looks.dark {
            arguments.push("--force-dark-mode".into());
        }
        let wanted = json!({
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": arguments },
        });
        let Value::Object(wanted) = wanted else { unreachable!("it is an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .expect("a browser");
        let patience = TimeoutConfiguration::new(None, Some(WITHIN), None);
        client.update_timeouts(patience).await.unwrap();
        Some(Self { client, _driver: driver, _profile: profile })
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Does something with an element, as soon as there is one; once more where the page was drawn anew in between.
    async fn with<T>(&self, looked_for: Locator<'_>, act: impl AsyncFn(Element) -> Result<T, CmdError>) -> T {
        let begun = Instant::now();
        loop {
            let done = match self.client.wait().at_most(WITHIN).for_element(looked_for).await {
                Ok(element) => act(element).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(done) => return done,
                Err(error) if error.is_stale_element_reference() && begun.elapsed() < WITHIN => {}
                Err(error) => {
                    panic!("{looked_for:?} on {:?}: {error}\n{}", self.client.current_url().await, self.text().await)
                }
            }
        }
    }

    /// The element, as soon as there is one.
    pub async fn find(&self, css: &str) -> Element {
        self.with(Locator::Css(css), async |element| Ok(element)).await
    }

    /// Whether it can be seen, as soon as it is there.
    pub async fn shows(&self, css: &str) -> bool {
        self.with(Locator::Css(css), async |element| element.is_displayed().await).await
    }

    /// Clicks the link or button with these words.
    pub async fn click_words(&self, words: &str) {
        let xpath = format!("//main//*[self::a or self::button][contains(normalize-space(.), {words:?})]");
        self.with(Locator::XPath(&xpath), async |element| element.click().await).await;
    }

    pub async fn fill(&self, css: &str, text: &str) {
        self.with(Locator::Css(css), async |element| element.send_keys(text).await).await;
    }

    pub async fn press(&self, key: Key) {
        self.keys(&char::from(key).to_string()).await;
    }

    /// Keys for whatever has the focus.
    pub async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// All that can be read.
    pub async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for words on the page, wherever they come from.
    pub async fn says(&self, words: &str) {
        let xpath = format!("//body[contains(normalize-space(.), {words:?})]");
        let found = self.client.wait().at_most(WITHIN).for_element(Locator::XPath(&xpath)).await;
        assert!(found.is_ok(), "the page never says {words:?}:\n{}", self.text().await);
    }

    /// Waits until a bean is drawn that came out so.
    pub async fn draws(&self, bean: &str, outcome: &str) {
        let text = |words: &str| format!("[*[local-name()='text'][contains(., {words:?})]]");
        let xpath = format!("//*[local-name()='g']{}{}", text(bean), text(outcome));
        self.with(Locator::XPath(&xpath), async |_| Ok(())).await;
    }

    /// The words of a drawing's boxes that are nearer than 8 to their edge, or over it.
    pub async fn cramped(&self) -> Value {
        let script = "return [...document.querySelectorAll('.bean, .device')].flatMap((box) => {
            const frame = box.querySelector('rect').getBBox();
            const words = [...box.querySelectorAll('text')].filter((words) => {
                const at = words.getBBox();
                return at.x < frame.x + 8 || at.x + at.width > frame.x + frame.width - 8;
            });
            return words.map((words) => words.textContent);
        })";
        self.run(script).await
    }

    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// A picture for people, in `target/pages`.
    pub async fn picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }

    pub async fn end(self) {
        self.client.clone().close().await.unwrap();
    }
}
