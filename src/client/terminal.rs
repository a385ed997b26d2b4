//! The operator's terminal while a session has it: copies bytes both ways, and gives it back on every way out.

use std::io::{self, Write};
use std::time::Duration;

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::process::{Pid, Signal as Number, getpgrp, getpid, kill_current_process_group};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::editor;
use super::signals::{HUNG_UP, Signals};
use super::tty::Tty;
use crate::commands::Exit;
use crate::console::term::sequence::LEAVE;
use crate::server::{ClientEnd, FromClient, Leave, ToClient};

/// The most bytes read at once: a large paste comes in parts.
const CHUNK: usize = 16 * 1024;
/// How long a terminal that takes no more bytes is waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long its answer to the last frame is waited for then.
const LAST_ANSWER: Duration = Duration::from_millis(500);
/// How the answer ends: DA1, `CSI ? … c`.
const ANSWER_END: &[u8] = b"c";
/// The size of a terminal that does not know its own.
const USUAL_SIZE: (u16, u16) = (80, 24);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its operator has quit.
    Quit,
    /// A signal came, or the terminal has gone: how that ends the program.
    Gone(Exit),
    /// It broke down.
    Broken,
}

/// The terminal's columns and rows.
pub fn size() -> (u16, u16) {
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns > 0 && rows > 0 => (columns, rows),
        _ => USUAL_SIZE,
    }
}

/// Gives the terminal to the session behind `link` until it ends. Call it inside a tokio runtime.
///
/// # Errors
/// When there is no terminal, or it cannot be had.
pub async fn attach(link: ClientEnd, signals: &mut Signals) -> io::Result<Ended> {
    let mut terminal = Terminal {
        raw: Raw::begin(Tty::open()?)?,
        say: Some(link.say),
        told: link.told,
        outgoing: Vec::new(),
        resized: signal(SignalKind::window_change())?,
        stop: signal(SignalKind::from_raw(Number::TSTP.as_raw()))?,
        go_on: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
    };
    Ok(terminal.copy(signals).await)
}

struct Terminal {
    raw: Raw,
    /// Gone, once the terminal is.
    say: Option<mpsc::Sender<FromClient>>,
    told: mpsc::Receiver<ToClient>,
    /// What is left of a frame that the terminal has not taken yet.
    outgoing: Vec<u8>,
    resized: Signal,
    stop: Signal,
    go_on: Signal,
}

impl Terminal {
    async fn copy(&mut self, signals: &mut Signals) -> Ended {
        let mut chunk = vec![0; CHUNK];
        loop {
            let writing = !self.outgoing.is_empty();
            tokio::select! {
                biased;
                exit = signals.ending() => return self.hang_up(exit).await,
                written = self.raw.tty.write(&self.outgoing), if writing => match written {
                    Ok(count) => drop(self.outgoing.drain(..count)),
                    Err(_) => return self.hang_up(HUNG_UP).await,
                },
                told = self.told.recv(), if !writing => {
                    let Some(told) = told else { return Ended::Broken };
                    if let Some(ended) = self.obey(told, signals).await {
                        return ended;
                    }
                }
                _ = self.resized.recv() => {
                    let (width, height) = size();
                    self.say(FromClient::Size(width, height)).await;
                }
                _ = self.stop.recv() => self.say(FromClient::Suspend).await,
                // stopped by SIGSTOP: the shell has had the terminal
                _ = self.go_on.recv() => self.return_to_session(Ok(None)).await,
                count = self.raw.tty.read(&mut chunk) => match count {
                    Ok(count @ 1..) => self.say(FromClient::Input(chunk[..count].to_vec())).await,
                    _ => return self.hang_up(HUNG_UP).await,
                },
            }
        }
    }

    /// Does what the session wants. Says how it ended, if it did.
    async fn obey(&mut self, told: ToClient, signals: &mut Signals) -> Option<Ended> {
        match told {
            ToClient::Screen(bytes) => {
                self.raw.shows_session = true;
                self.outgoing = bytes;
            }
            ToClient::End { leave } => {
                self.give_back(&leave).await;
                return Some(Ended::Quit);
            }
            ToClient::Suspend { leave } => {
                self.give_back(&leave).await;
                self.stop_until_continued().await;
                self.return_to_session(Ok(None)).await;
            }
            ToClient::Edit { leave, name, text } => {
                self.give_back(&leave).await;
                match editor::open(&name, &text, signals, &mut self.stop).await {
                    Ok(edited) => self.return_to_session(edited.map(Some)).await,
                    Err(exit) => return Some(self.hang_up(exit).await),
                }
            }
        }
        None
    }

    async fn say(&self, what: FromClient) {
        if let Some(say) = &self.say {
            // a session that is gone is noticed by its silence
            let _ = say.send(what).await;
        }
    }

    /// The operator has gone: the session ends, and the terminal is given back as far as there still is one.
    async fn hang_up(&mut self, exit: Exit) -> Ended {
        self.say = None;
        let last = async {
            while let Some(told) = self.told.recv().await {
                if let ToClient::End { leave } = told {
                    return Some(leave);
                }
            }
            None
        };
        if let Ok(Some(leave)) = tokio::time::timeout(LAST_WORDS, last).await
            && self.raw.shows_session
        {
            self.give_back(&leave).await;
        }
        Ended::Gone(exit)
    }

    /// Writes what gives the terminal back, and takes it out of raw mode.
    async fn give_back(&mut self, leave: &Leave) {
        let written = tokio::time::timeout(LAST_WORDS, self.raw.tty.write_all(&leave.bytes)).await;
        self.raw.shows_session = !matches!(written, Ok(Ok(())));
        if leave.answer_due && written.is_ok() {
            let _ = tokio::time::timeout(LAST_ANSWER, self.swallow_answer()).await;
        }
        // a terminal that is gone needs nothing
        let _ = disable_raw_mode();
    }

    /// Reads on until the terminal has answered the last frame; what is typed meanwhile was meant for that frame.
    async fn swallow_answer(&mut self) {
        let mut chunk = [0; 256];
        while let Ok(count @ 1..) = self.raw.tty.read(&mut chunk).await {
            if chunk[..count].ends_with(ANSWER_END) {
                return;
            }
        }
    }

    /// The terminal is the session's again, whoever had it.
    async fn return_to_session(&mut self, edited: Result<Option<String>, String>) {
        let _ = disable_raw_mode();
        let raw = enable_raw_mode().map_err(|error| format!("The terminal's raw mode: {error}"));
        let (width, height) = size();
        self.say(FromClient::Returned { width, height, edited: raw.and(edited) }).await;
    }

    /// Stops the whole job, as Ctrl-Z does, where there is a shell that can continue it.
    async fn stop_until_continued(&mut self) {
        if has_shell() && kill_current_process_group(Number::STOP).is_ok() {
            self.go_on.recv().await;
        }
    }
}

/// Raw mode: as long as this is. Whatever ends it, the terminal is as before.
struct Raw {
    tty: Tty,
    /// The screen is the session's: what it has set must be taken back.
    shows_session: bool,
}

impl Raw {
    fn begin(tty: Tty) -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self { tty, shows_session: false })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if self.shows_session {
            // as much as the terminal takes: nothing waits any more
            let _ = self.tty.file().write_all(LEAVE.as_bytes());
        }
        let _ = disable_raw_mode();
    }
}

/// Whether somebody could continue this job: an ancestor outside of its process group, in the same session. The
/// kernel looks for the same before it lets Ctrl-Z stop a group.
fn has_shell() -> bool {
    let Some(own) = getsid(None) else { return false };
    let mut process = parent_of(getpid());
    while let Some(ancestor) = process {
        if getsid(Some(ancestor)) != Some(own) {
            return false;
        }
        if rustix::process::getpgid(Some(ancestor)).is_ok_and(|group| group != getpgrp()) {
            return true;
        }
        process = parent_of(ancestor);
    }
    false
}

fn getsid(process: Option<Pid>) -> Option<Pid> {
    rustix::process::getsid(process).ok()
}

fn parent_of(process: Pid) -> Option<Pid> {
    if process == getpid() {
        return rustix::process::getppid();
    }
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    // after the name, which may contain anything: state, then parent
    let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
    Pid::from_raw(parent.parse().ok()?)
}
