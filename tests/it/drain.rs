//! SIGTERM while backups run: what can end in time ends, what hangs is marked as broken off, everybody is told.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::attach_terminal::{console, program, run, stored};
use crate::peer::{self, Act, Brain, End};

const PATIENCE: Duration = Duration::from_secs(120);
/// After so long systemd ends it by force: `TimeoutStopSec` of the unit.
const LIMIT: Duration = Duration::from_secs(45);

/// A switch. Asked for its configuration it says so to `asked`, and does as `answers` says: it waits for word from there
/// and answers, or it hangs.
fn switch(asked: mpsc::Sender<()>, answers: Option<mpsc::Receiver<()>>) -> Brain {
    let mut prompt = "\r\nsw>";
    Box::new(move |typed| {
        let answer = match typed {
            None => "\r\nUsername: ",
            Some("operator" | "enable") => "\r\nPassword: ",
            Some("fake-enable") => {
                prompt = "\r\nsw#";
                prompt
            }
            Some("show running-config") => {
                asked.send(()).expect("a test that listens");
                let Some(answers) = &answers else { return Act::End(End::Hang) };
                // what waits behind this one in the runtime must go on
                tokio::task::block_in_place(|| answers.recv_timeout(PATIENCE)).expect("word from the test");
                "\r\nversion 15.2\r\nhostname sw\r\ninterface Gi0/1\r\nend\r\n\r\nsw#"
            }
            Some(_) => prompt,
        };
        Act::Say(answer.as_bytes().to_vec())
    })
}

fn lines_of(told: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(told).lines().map_while(Result::ok).for_each(|line| drop(say.send(line)));
    });
    said
}

/// Waits for a line that contains `text`.
fn wait_for(lines: &mpsc::Receiver<String>, text: &str) {
    while !lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it never said {text:?}")).contains(text) {}
}

fn json(folder: &Path, args: &[&str]) -> Vec<serde_json::Value> {
    let output = run(folder, &[args, &["--json"]].concat());
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn sigterm_lets_a_backup_end_and_marks_one_that_hangs_as_broken_off() {
    let (asked, asks) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let ends = peer::telnet(Vec::new(), switch(asked.clone(), Some(answers))).await;
    let hangs = peer::telnet(Vec::new(), switch(asked, None)).await;
    tokio::task::spawn_blocking(move || {
        let folder = stored();
        let folder = folder.path();
        let settings = "[pulse]\nwatch = false\n[backup]\nretries = 0\ndaily = \"off\"\n";
        std::fs::write(folder.join("config/config.toml"), settings).expect("settings");
        let rows = [("ends-1", ends), ("hangs-1", hangs)].map(|(name, address)| {
            format!(
                "{name},127.0.0.1,{},telnet,cisco_ios,operator,fake-password,fake-enable\n",
                address.port()
            )
        });
        let csv = format!(
            "name,address,port,transport,driver,username,password,enable_password\n{}",
            rows.concat()
        );
        std::fs::write(folder.join("in.csv"), csv).expect("a file");
        let imported = run(folder, &["device", "import", "in.csv"]);
        assert!(imported.status.success(), "{imported:?}");

        let mut engine = program(folder, &["serve"]).stderr(Stdio::piped()).spawn().expect("it starts");
        let log = lines_of(engine.stderr.take().expect("its words"));
        wait_for(&log, "listens on");
        let person = console(folder);
        person.wait_for("hangs-1");
        let mut script: Command = program(folder, &["backup", "run", "ends-1", "hangs-1"]);
        let script = script.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        for _ in 0..2 {
            asks.recv_timeout(PATIENCE).expect("both are at work");
        }

        let told = Instant::now();
        let pid = Pid::from_raw(engine.id().cast_signed()).expect("a process");
        kill_process(pid, Signal::TERM).expect("a signal");
        wait_for(&log, "backups are at work");
        answer.send(()).expect("a switch that listens");
        let status = engine.wait().expect("its end");
        assert_eq!(status.code(), Some(0), "SIGTERM is its usual end");
        assert!(told.elapsed() < LIMIT, "{:?}", told.elapsed());

        // each person is told, the one at a screen and the one who runs a command
        person.wait_for("the engine stops: it was told to (SIGTERM)");
        person.type_keys("\x03");
        person.wait_for("status 130");
        let script = script.wait_with_output().expect("its end");
        let said = String::from_utf8_lossy(&script.stderr);
        assert!(said.contains("the engine stops: it was told to (SIGTERM)"), "{script:?}");
        assert!(
            !script.status.success() && String::from_utf8_lossy(&script.stdout).contains("ends-1"),
            "{script:?}"
        );

        // what stands in the history, and in the audit
        let revisions = json(folder, &["backup", "list", "ends-1"]);
        assert!(revisions.iter().any(|one| one.to_string().contains("\"good\"")), "{revisions:?}");
        let shown = |name: &str| {
            String::from_utf8(run(folder, &["device", "timeline", name, "--json"]).stdout).expect("UTF-8")
        };
        assert!(
            shown("hangs-1").contains("the session was broken off: noctule ended"),
            "{}",
            shown("hangs-1")
        );
        let audit = json(folder, &["audit", "list"]);
        let runs: Vec<String> =
            audit.iter().map(ToString::to_string).filter(|line| line.contains("backup run")).collect();
        for name in ["ends-1", "hangs-1"] {
            assert!(runs.iter().any(|run| run.contains(name)), "{name}: {runs:#?}");
        }
        let verified = run(folder, &["audit", "verify"]);
        assert!(verified.status.success(), "{verified:?}");
    })
    .await
    .expect("a test that ends");
}
