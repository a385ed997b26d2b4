//! Starts an engine where none runs: the same program, in a session of its own, so that it outlives this one.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, Command};

use super::connection::{Connection, NoSession};
use super::start::Start;
use super::unlock;
use crate::model::clean_line;
use crate::server::Screen;

/// How long an engine that nobody wants any more stays.
const STAYS: &str = "10m";
/// How long an engine has to listen: a store that was damaged is made anew meanwhile.
const FOR_START: Duration = Duration::from_secs(60);
/// How long another one that has the store has to listen: it may have been started in the same moment.
const FOR_OTHER: Duration = Duration::from_secs(10);
/// From look to look.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The most of what an engine says that does not start, in bytes.
const LONGEST_WORDS: u64 = 16 << 10;

/// What to do where the service of this host does not run.
pub fn host_serves_nobody() -> String {
    "the engine of this host does not run: `systemctl start noctule.socket` as root starts it; for a store of your own: \
     noctule --data DIR"
        .to_owned()
}

/// Engines that this process has started.
#[derive(Default)]
pub struct Starter {
    child: Option<(Child, Option<ChildStderr>)>,
    /// Whether one of them has been attached to.
    pub has_started: bool,
}

impl Starter {
    /// A session with the engine that runs, or else with one that is started for it.
    ///
    /// # Errors
    /// One sentence that says why not.
    pub async fn attach(&mut self, start: &Start, screen: &Screen) -> Result<Connection, String> {
        let mut deadline = Instant::now() + FOR_START;
        let mut said = None;
        let mut own = false;
        loop {
            match Connection::open(start, Some(screen.clone())).await {
                Ok(connection) => {
                    self.has_started |= own;
                    return Ok(connection);
                }
                Err(NoSession::Nobody) if start.place.is_hosts() => return Err(host_serves_nobody()),
                Err(NoSession::Nobody | NoSession::Lost) => {}
                Err(refused) => return Err(refused.to_string()),
            }
            // that of the host is started by systemd
            if !own && !start.place.is_hosts() {
                self.begin(start).await?;
                // a person who is asked for a passphrase takes their time
                deadline = Instant::now() + FOR_START;
                own = true;
            }
            if said.is_none()
                && let Some(why) = self.ended().await
            {
                // somebody else may have been faster
                said = Some(why);
                deadline = deadline.min(Instant::now() + FOR_OTHER);
            }
            if Instant::now() > deadline {
                return Err(said.unwrap_or_else(|| "the engine was started and does not listen".to_owned()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn begin(&mut self, start: &Start) -> Result<(), String> {
        let passphrase = unlock::asked(start).await?.passphrase;
        let failed = |error: std::io::Error| format!("starting an engine: {error}");
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg("--data").arg(&start.options.data_dir).arg("--config").arg(&start.options.config_dir);
        if let Some(socket) = &start.socket {
            command.arg("--socket").arg(socket);
        }
        command.args(["serve", "--until-idle", STAYS]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if passphrase.is_some() {
            command.arg("--passphrase-stdin").stdin(Stdio::piped());
        }
        let mut child = command.spawn().map_err(failed)?;
        if let (Some(passphrase), Some(mut pipe)) = (passphrase, child.stdin.take()) {
            // one that has ended says why
            let _ = pipe.write_all(passphrase.expose().as_bytes()).await;
        }
        let words = child.stderr.take();
        self.child = Some((child, words));
        Ok(())
    }

    /// Why the engine that was started has ended; `None` while it lives.
    async fn ended(&mut self) -> Option<String> {
        let (child, words) = self.child.as_mut()?;
        let status = child.try_wait().ok()??;
        let mut text = Vec::new();
        if let Some(words) = words.take() {
            // its end is closed: this returns at once
            let _ = words.take(LONGEST_WORDS).read_to_end(&mut text).await;
        }
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        let why = last.map_or_else(|| status.to_string(), |line| clean_line(line).into_owned());
        Some(why.strip_prefix("noctule: ").map(str::to_owned).unwrap_or(why))
    }
}
