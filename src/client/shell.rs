//! A command at a shell: its answer on standard output, the rest on standard error, questions on the terminal.

use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::connection::{Connection, NoSession};
use super::signals::Signals;
use super::start::Start;
use super::starter::host_serves_nobody;
use super::{files, prompt, remote, shared_account};
use crate::commands::{self, Door, Exit, Io, Needs};
use crate::model::Secret;

/// How long a command that listens for it has to end after a signal.
const GRACE: Duration = Duration::from_secs(15);
/// The same for one that does not: what it has begun to store is stored in less.
const SHORT_GRACE: Duration = Duration::from_millis(500);

/// Runs a command of the table: in the engine that runs, or in this process.
pub fn run(start: &Start) -> Exit {
    if !start.embedded && wants_engine(&start.words) {
        match run_in_engine(start) {
            Ok(Some(exit)) => return exit,
            Ok(None) => {}
            Err(why) => return super::complain(&why, Exit::Failed),
        }
    }
    run_here(start)
}

/// Whether a line is better off where an engine has the store open. What needs none runs here, with the operator's own
/// folders and rights.
fn wants_engine(words: &[String]) -> bool {
    let has =
        |flags: &[&str]| words.iter().any(|word| flags.contains(&word.split('=').next().unwrap_or_default()));
    // the words that are completed may be for another engine
    let completes_here = || !has(&["--data", "--socket", "--embedded"]);
    !has(&["--help", "-h"])
        && commands::find(words).is_some_and(|(command, _)| {
            matches!(command.needs, Needs::Engine | Needs::EngineIfOpen)
                || command.name == "complete" && completes_here()
        })
}

/// Runs it in the engine that runs; `None` where there is none.
fn run_in_engine(start: &Start) -> Result<Option<Exit>, String> {
    let here = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let here = here.map_err(|error| format!("starting threads: {error}"))?;
    let exit = here.block_on(async {
        let connection = match Connection::open(start, None).await {
            Ok(connection) => connection,
            // somebody who has pressed Tab wants no complaint
            Err(_) if start.words.first().is_some_and(|word| word == "complete") => return Ok(None),
            Err(NoSession::Nobody) if start.place.is_hosts() => return Err(host_serves_nobody()),
            Err(lost @ NoSession::Lost) if start.place.is_hosts() => {
                return Err(format!("{lost}: try again"));
            }
            Err(NoSession::Nobody | NoSession::Lost) => return Ok(None),
            Err(refused) => return Err(refused.to_string()),
        };
        let mut signals = Signals::take().map_err(|error| format!("listening for signals: {error}"))?;
        Ok(Some(remote::run(connection, &mut signals).await))
    });
    // a thread may still read an input that nobody writes to
    here.shutdown_background();
    exit
}

fn run_here(start: &Start) -> Exit {
    let workers = match super::workers() {
        Ok(workers) => workers,
        Err(why) => return super::complain(&why, Exit::Failed),
    };
    let shell = Arc::new(Shell::default());
    let door = Door {
        options: start.options.clone(),
        engine: None,
        person: start.person.clone(),
        links: None,
        io: Arc::clone(&shell) as Arc<dyn Io>,
    };
    let exit = workers.block_on(run_until_ended(door, start.words.clone(), &shell));
    workers.shutdown_timeout(Duration::from_secs(1));
    match shell.lost() {
        Some(why) => super::complain(&format!("writing the answer: {why}"), Exit::Failed),
        None => exit,
    }
}

async fn run_until_ended(door: Door, words: Vec<String>, shell: &Shell) -> Exit {
    let mut signals = match Signals::take() {
        Ok(signals) => signals,
        Err(error) => return super::complain(&format!("listening for signals: {error}"), Exit::Failed),
    };
    // a task of its own: while it waits for an answer, signals are still heard
    let mut running = tokio::spawn(async move { commands::run(door, &words).await });
    let broken_off = tokio::select! {
        // a panic has been said already
        exit = &mut running => return exit.unwrap_or(Exit::Failed),
        signal = signals.ending() => signal,
    };
    shell.interrupted.send_replace(true);
    let listens = shell.listens.load(Ordering::Relaxed);
    let ended = tokio::select! {
        ended = &mut running => ended.unwrap_or(Exit::Failed),
        // asked twice
        signal = signals.ending() => signal,
        () = tokio::time::sleep(if listens { GRACE } else { SHORT_GRACE }) => broken_off,
    };
    match ended {
        Exit::Done => Exit::Done,
        // it has ended as it would have without the signal
        Exit::Failed | Exit::Usage if listens => ended,
        _ => broken_off,
    }
}

/// A line on standard output.
pub fn say(line: &str) -> Exit {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
        _ => Exit::Done,
    }
}

/// A line on standard error. Where that is closed, nobody is there to be told.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The process's own terminal or pipes.
struct Shell {
    /// Why standard output takes no more.
    closed: Mutex<Option<io::Error>>,
    interrupted: watch::Sender<bool>,
    /// The command has asked to be told of an interruption.
    listens: AtomicBool,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            closed: Mutex::default(),
            interrupted: watch::Sender::new(false),
            listens: AtomicBool::new(false),
        }
    }
}

impl Shell {
    fn write(&self, write: impl FnOnce(&mut io::StdoutLock<'_>) -> io::Result<()>) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if closed.is_none() {
            let mut out = io::stdout().lock();
            *closed = write(&mut out).and_then(|()| out.flush()).err();
        }
    }

    /// Why the answer is not whole. A reader that has seen enough (`| head`) is no fault.
    fn lost(&self) -> Option<String> {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.as_ref().filter(|error| error.kind() != io::ErrorKind::BrokenPipe).map(io::Error::to_string)
    }

    /// Comes with a signal.
    async fn broken_off(&self) {
        // the sender lives in self
        let _ = self.interrupted.subscribe().wait_for(|interrupted| *interrupted).await;
    }

    /// Waits for a person's answer, but not longer than for a signal.
    fn ask<T>(&self, question: impl Future<Output = Option<T>>) -> Option<T> {
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                tokio::select! {
                    biased;
                    () = self.broken_off() => None,
                    answer = question => answer,
                }
            })
        })
    }
}

impl Io for Shell {
    fn line(&self, line: &str) {
        self.write(|out| writeln!(out, "{line}"));
    }

    fn note(&self, line: &str) {
        note(line);
    }

    fn bytes(&self, bytes: &[u8]) {
        self.write(|out| out.write_all(bytes));
    }

    fn is_person(&self) -> bool {
        io::stdout().is_terminal()
    }

    fn read_file(&self, path: &str, at_most: usize) -> Result<Vec<u8>, String> {
        tokio::task::block_in_place(|| match path {
            "-" => files::read_bounded(io::stdin(), at_most)
                .map_err(|error| format!("cannot read standard input: {error}")),
            // a path that noctule names itself, or that was quoted
            path => shared_account::own_or_refuse("opening a file")
                .and_then(|()| files::read(&files::from_home(path), at_most)),
        })
    }

    fn write_file(&self, path: &str, bytes: &[u8], private: bool) -> Result<(), String> {
        shared_account::own_or_refuse("writing a file")?;
        tokio::task::block_in_place(|| files::write(Path::new(path), bytes, private))
    }

    fn confirm(&self, question: &str) -> Option<bool> {
        // Ctrl-C is a no
        prompt::has_person().then(|| self.ask(prompt::confirm(question)).unwrap_or(false))
    }

    fn secret(&self, prompt: &str) -> Option<Secret> {
        prompt::has_person().then(|| self.ask(prompt::secret(prompt)))?
    }

    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.listens.store(true, Ordering::Relaxed);
        Box::pin(self.broken_off())
    }
}
