//! A program of this host: the document on its standard input, a few words in its environment, no shell.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::{rejected, shown};
use crate::engine::notify::desk::Failed;
use crate::engine::notify::message::Message;

/// How much of what it says is kept; the rest is read and thrown away.
const MOST_KEPT: usize = 4096;
/// How long its last words are waited for after its end: something that it left behind may hold them open.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What of noctule's own environment it gets; the rest is nobody's business.
const HANDED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER"];

/// Runs the program; what it said.
pub async fn run(argv: &[String], message: &Message) -> Result<String, Failed> {
    let (program, arguments) = argv.split_first().ok_or_else(|| rejected("no program is named"))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs(HANDED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(environment(message));
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    let child = command.spawn().map_err(|error| rejected(format!("starting {program}: {error}")))?;
    Group(child).finish(program, message).await
}

fn environment(message: &Message) -> [(&'static str, String); 7] {
    // text from outside was cleaned: it holds no NUL, which no environment may
    [
        ("NOCTULE_ID", message.id.to_string()),
        ("NOCTULE_SUBJECT", message.subject.clone()),
        ("NOCTULE_SEVERITY", severity(message).to_owned()),
        ("NOCTULE_KINDS", message.kinds.join(" ")),
        ("NOCTULE_DEVICE", message.device.clone().unwrap_or_default()),
        ("NOCTULE_INCIDENT", message.incident.map_or_else(String::new, |incident| incident.to_string())),
        ("NOCTULE_TEXT", message.lines.join("\n")),
    ]
}

fn severity(message: &Message) -> &'static str {
    use crate::model::Severity;
    match message.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A program and what it started; dropped before its end, all of them are killed.
struct Group(Child);

impl Group {
    async fn finish(mut self, program: &str, message: &Message) -> Result<String, Failed> {
        let (stdin, stdout, stderr) = (self.0.stdin.take(), self.0.stdout.take(), self.0.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // one that does not want to read it may say so
                let _ = stdin.write_all(message.json.as_bytes()).await;
                let _ = stdin.write_all(b"\n").await;
            }
        };
        let mut said = (Vec::new(), Vec::new());
        let status = {
            let talk = async { tokio::join!(write, read(stdout, &mut said.0), read(stderr, &mut said.1)) };
            tokio::pin!(talk);
            tokio::select! {
                status = self.0.wait() => {
                    let _ = tokio::time::timeout(LAST_WORDS, talk).await;
                    status
                }
                _ = &mut talk => self.0.wait().await,
            }
        };
        let status = status.map_err(|error| rejected(format!("waiting for {program}: {error}")))?;
        let (out, err) = (String::from_utf8_lossy(&said.0), String::from_utf8_lossy(&said.1));
        if status.success() {
            return Ok(format!("exit status 0 {}", shown(&out)));
        }
        let said = [shown(&err), shown(&out)].into_iter().find(|said| !said.is_empty());
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        Err(rejected(format!("{program} ended with {status}{said}")))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // no number once its end was seen: that might be another's by now
        let leader = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Reads to the end, keeps the beginning.
async fn read(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let room = MOST_KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..read.min(room)]);
    }
}
