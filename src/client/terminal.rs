//! The operator's terminal while a session has it: copies bytes both ways, and gives it back on every way out.

use std::io;
use std::time::Duration;

use rustix::process::{Signal as Number, kill_current_process_group};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::editor;
use super::home::Home;
use super::process::Process;
use super::raw::Raw;
use super::signals::{HUNG_UP, Signals};
use super::tty::Tty;
use crate::commands::Exit;
use crate::server::{ClientEnd, FromClient, Leave, ToClient};

/// The most bytes read at once: a large paste comes in parts.
const CHUNK: usize = 16 * 1024;
/// How long a terminal that takes no more bytes is waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long its answer to the last frame is waited for then.
const LAST_ANSWER: Duration = Duration::from_millis(500);
/// How the answer ends: DA1, `CSI ? … c`.
const ANSWER_END: &[u8] = b"c";
/// How often a terminal that has gone is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
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

/// Gives the terminal to the session behind `link` until it ends. What outlives its terminal takes it up again where it
/// comes back: see [`Home`]. Call it inside a tokio runtime.
///
/// # Errors
/// When there is no terminal, or it cannot be had.
pub async fn attach(link: ClientEnd, signals: &mut Signals) -> io::Result<Ended> {
    let tty = Tty::open()?;
    let home = Home::of(tty.path());
    let mut terminal = Terminal {
        raw: Raw::begin(tty)?,
        home,
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
    home: Home,
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
                    Err(_) => if let Some(ended) = self.lose(signals).await { return ended },
                },
                told = self.told.recv(), if !writing => {
                    let Some(told) = told else { return Ended::Broken };
                    if let Some(ended) = self.obey(told, signals).await {
                        return ended;
                    }
                }
                _ = self.resized.recv() => {
                    let (width, height) = self.size();
                    self.say(FromClient::Size(width, height)).await;
                }
                _ = self.stop.recv() => self.say(FromClient::Suspend).await,
                // stopped by SIGSTOP: the shell has had the terminal
                _ = self.go_on.recv() => self.return_to_session(Ok(None)).await,
                count = self.raw.tty.read(&mut chunk) => match count {
                    Ok(count @ 1..) => self.say(FromClient::Input(chunk[..count].to_vec())).await,
                    _ => if let Some(ended) = self.lose(signals).await { return ended },
                },
            }
        }
    }

    fn size(&self) -> (u16, u16) {
        self.raw.tty.size().unwrap_or(USUAL_SIZE)
    }

    /// The terminal has gone. Says how the session ended, if it did; else there is a terminal again.
    async fn lose(&mut self, signals: &mut Signals) -> Option<Ended> {
        if !signals.outlives_terminal() {
            return Some(self.hang_up(HUNG_UP).await);
        }
        self.outgoing = Vec::new();
        self.raw.shows_session = false;
        loop {
            tokio::select! {
                biased;
                exit = signals.ending() => return Some(self.hang_up(exit).await),
                () = closed(self.say.as_ref()) => return Some(Ended::Broken),
                () = tokio::time::sleep(LOOK_AGAIN) => {
                    if let Some(raw) = self.home.find().and_then(|tty| Raw::begin(tty).ok()) {
                        self.raw = raw;
                        // a frame for the terminal of before; nothing is awaited until the session knows better
                        while self.told.try_recv().is_ok() {}
                        let (width, height) = self.size();
                        self.say(FromClient::Returned { width, height, edited: Ok(None) }).await;
                        return None;
                    }
                }
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
        self.raw.end();
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
        self.raw.end();
        let raw = self.raw.enter().map_err(|error| format!("The terminal's raw mode: {error}"));
        let (width, height) = self.size();
        self.say(FromClient::Returned { width, height, edited: raw.and(edited) }).await;
    }

    /// Stops the whole job, as Ctrl-Z does, where there is a shell that can continue it.
    async fn stop_until_continued(&mut self) {
        if has_shell() && kill_current_process_group(Number::STOP).is_ok() {
            self.go_on.recv().await;
        }
    }
}

/// Waits until nobody listens to the client any more.
async fn closed(say: Option<&mpsc::Sender<FromClient>>) {
    if let Some(say) = say {
        say.closed().await;
    }
}

/// Whether somebody could continue this job: an ancestor outside of its process group, in the same session. The
/// kernel looks for the same before it lets Ctrl-Z stop a group.
fn has_shell() -> bool {
    let Some(own) = Process::own() else { return false };
    let mut process = Process::of(own.parent);
    while let Some(ancestor) = process {
        if ancestor.session != own.session {
            return false;
        }
        if ancestor.group != own.group {
            return true;
        }
        process = Process::of(ancestor.parent);
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use portable_pty::{MasterPty, PtyPair, PtySize, native_pty_system};

    use super::*;
    use crate::server::{ServerEnd, link};

    /// A terminal whose name is `path`, as that of a serial line whose other end is pulled out and put in again.
    fn plug_in(path: &Path) -> PtyPair {
        let pair = native_pty_system().openpty(PtySize::default()).expect("a PTY");
        let _ = std::fs::remove_file(path);
        symlink(pair.master.tty_name().expect("a name"), path).expect("a link");
        pair
    }

    fn terminal(path: &Path) -> (Terminal, ServerEnd) {
        let (client, server) = link();
        let terminal = Terminal {
            raw: Raw::begin(Tty::open_at(path).expect("a terminal")).expect("raw mode"),
            home: Home::of(path),
            say: Some(client.say),
            told: client.told,
            outgoing: Vec::new(),
            resized: signal(SignalKind::window_change()).expect("a handler"),
            stop: signal(SignalKind::from_raw(Number::TSTP.as_raw())).expect("a handler"),
            go_on: signal(SignalKind::from_raw(Number::CONT.as_raw())).expect("a handler"),
        };
        (terminal, server)
    }

    fn outliving() -> Signals {
        let mut signals = Signals::take().expect("handlers");
        signals.outlive_terminal();
        signals
    }

    async fn read(master: &dyn MasterPty, count: usize) -> Vec<u8> {
        let mut reader = master.try_clone_reader().expect("a reader");
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; count];
            reader.read_exact(&mut bytes).expect("bytes");
            bytes
        });
        read.await.expect("a read")
    }

    /// Waits for the terminal; signals that are meant for the whole process, such as a resize, may be told before it.
    async fn until_returned(server: &mut ServerEnd) {
        let returned = FromClient::Returned { width: 80, height: 24, edited: Ok(None) };
        let mut said = Vec::new();
        while said.last() != Some(&returned) {
            match server.heard.recv().await {
                Some(what) => said.push(what),
                None => panic!("the client ended after {said:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_terminal_that_comes_back_is_taken_up_and_gets_nothing_that_was_for_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tty");
        let first = plug_in(&path);
        let (mut terminal, mut server) = terminal(&path);
        drop(first.slave);
        let mut signals = outliving();
        let session = async {
            server.tell.send(ToClient::Screen(b"one".to_vec())).await.expect("a client");
            assert_eq!(read(&*first.master, 3).await, b"one", "on the first terminal");
            drop(first.master);
            server.tell.send(ToClient::Screen(b"two".to_vec())).await.expect("a client");
            let second = plug_in(&path);
            until_returned(&mut server).await;
            server.tell.send(ToClient::Screen(b"three".to_vec())).await.expect("a client");
            assert_eq!(read(&*second.master, 5).await, b"three", "on the second one");
            let leave = Leave { bytes: b"bye".to_vec(), answer_due: false };
            server.tell.send(ToClient::End { leave }).await.expect("a client");
            assert_eq!(read(&*second.master, 3).await, b"bye", "at its end");
        };
        let (ended, ()) = tokio::join!(terminal.copy(&mut signals), session);
        assert_eq!(ended, Ended::Quit);
    }

    #[tokio::test]
    async fn a_session_that_breaks_down_without_a_terminal_ends_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tty");
        let pair = plug_in(&path);
        let (mut terminal, server) = terminal(&path);
        std::fs::remove_file(&path).expect("a link");
        drop(pair);
        let mut signals = outliving();
        let (ended, ()) = tokio::join!(terminal.lose(&mut signals), async { drop(server) });
        assert_eq!(ended, Some(Ended::Broken));
    }

    #[tokio::test]
    async fn a_terminal_that_takes_no_bytes_holds_up_neither_its_keys_nor_more_than_a_frame() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tty");
        let pair = plug_in(&path);
        let (mut terminal, mut server) = terminal(&path);
        let mut signals = outliving();
        let session = async {
            // more than any terminal has room for
            server.tell.send(ToClient::Screen(vec![b'x'; 1 << 20])).await.expect("a client");
            server.tell.send(ToClient::Screen(b"next".to_vec())).await.expect("a client");
            let mut keyboard = pair.master.take_writer().expect("a keyboard");
            keyboard.write_all(b"q").expect("typing");
            assert_eq!(server.heard.recv().await, Some(FromClient::Input(b"q".to_vec())));
            assert!(server.tell.try_reserve().is_err(), "no second frame waits");
        };
        tokio::select! {
            ended = terminal.copy(&mut signals) => panic!("it ended: {ended:?}"),
            () = session => {}
        }
    }
}
