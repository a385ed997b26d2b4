//! A person at a terminal: runs a program on a PTY, answers what a terminal is asked, types, waits for text.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// The longest that any wait may take before the test fails, with the screen in the message.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a terminal answers to DA1 (`CSI c`).
const DEVICE_ATTRIBUTES: &[u8] = b"\x1b[?62;22c";

/// A program on a terminal of its own.
pub struct Terminal {
    /// Gone, once the program's end is waited for.
    child: Option<Box<dyn Child + Send + Sync>>,
    /// Gone, once the window is closed.
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    watcher: Option<JoinHandle<()>>,
}

struct Seen {
    screen: vt100::Parser,
    /// Every byte that the program has written.
    bytes: Vec<u8>,
    /// When the terminal was asked what it is: after each frame.
    asked: Vec<Instant>,
    answers: bool,
    /// The window closes with the next bytes.
    closing: bool,
    ended: bool,
}

impl Terminal {
    /// Starts `command` on a screen of `columns` × `rows`.
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        Self::begin(command, columns, rows, true)
    }

    /// The same, on a terminal that answers no question.
    pub fn start_mute(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        Self::begin(command, columns, rows, false)
    }

    fn begin(command: CommandBuilder, columns: u16, rows: u16, answers: bool) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a PTY");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().expect("a reader");
        let keyboard = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let seen = Arc::new((
            Mutex::new(Seen {
                screen: vt100::Parser::new(nonzero(rows), nonzero(columns), 0),
                bytes: Vec::new(),
                asked: Vec::new(),
                answers,
                closing: false,
                ended: false,
            }),
            Condvar::new(),
        ));
        let (keys, shared) = (Arc::clone(&keyboard), Arc::clone(&seen));
        let watcher = std::thread::spawn(move || watch(reader, &keys, &shared));
        Self { child: Some(child), master: Some(pair.master), keyboard, seen, watcher: Some(watcher) }
    }

    /// Types bytes: text, or escape sequences of keys.
    pub fn type_keys(&self, keys: &str) {
        let mut keyboard = self.keyboard.lock().expect("keyboard");
        keyboard.write_all(keys.as_bytes()).and_then(|()| keyboard.flush()).expect("typing");
    }

    /// Closes the list of actions. What is typed at once after an Esc would be read as one key with it.
    pub fn close_help(&self) {
        self.wait_for("What can be done here");
        self.type_keys("\x1b");
        self.wait_until("the list of actions closed", |screen| !screen.contains("What can be done here"));
    }

    /// Waits until the screen contains `text`, and returns the screen.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} on the screen"), |screen| screen.contains(text))
    }

    /// Waits until the screen satisfies `wanted`, and returns it.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait(what, |seen| Some(seen.screen.screen().contents()).filter(|screen| wanted(screen)))
    }

    /// Waits until the program has written `sequence` after its first `from` bytes.
    pub fn wait_for_bytes(&self, from: usize, sequence: &str) {
        self.wait(&format!("{sequence:?} after byte {from}"), |seen| {
            find(seen.bytes.get(from..).unwrap_or_default(), sequence.as_bytes())
        });
    }

    /// Waits until the terminal was asked `count` times what it is, and says when each time was.
    pub fn wait_for_questions(&self, count: usize) -> Vec<Instant> {
        self.wait(&format!("{count} questions"), |seen| {
            Some(seen.asked.clone()).filter(|asked| asked.len() >= count)
        })
    }

    fn wait<T>(&self, what: &str, wanted: impl Fn(&Seen) -> Option<T>) -> T {
        let (lock, changed) = &*self.seen;
        let deadline = Instant::now() + PATIENCE;
        let mut seen = lock.lock().expect("screen");
        loop {
            if let Some(found) = wanted(&seen) {
                return found;
            }
            let screen = seen.screen.screen().contents();
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.ended, "waited in vain for {what}; the screen is:\n{screen}");
            seen = changed.wait_timeout(seen, left).expect("screen").0;
        }
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.seen.0.lock().expect("screen").screen.screen_mut().set_size(nonzero(rows), nonzero(columns));
        let master = self.master.as_ref().expect("an open window");
        master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).expect("a new size");
    }

    /// The bytes that the program has written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().expect("screen").bytes.clone()
    }

    /// Fails unless the terminal is as a shell wants it, whatever a full-screen program had set.
    pub fn assert_given_back(&self) {
        let seen = self.seen.0.lock().expect("screen");
        let screen = seen.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "bracketed paste is off");
        assert_eq!(
            screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "the mouse is the terminal's"
        );
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().and_then(|child| child.process_id()).expect("a process number")
    }

    /// Waits for the program to end.
    pub fn wait_for_end(mut self) -> ExitStatus {
        let (lock, changed) = &*self.seen;
        let seen = lock.lock().expect("screen");
        let (seen, wait) = changed.wait_timeout_while(seen, PATIENCE, |seen| !seen.ended).expect("screen");
        assert!(
            !wait.timed_out(),
            "the program did not end; the screen is:\n{}",
            seen.screen.screen().contents()
        );
        drop(seen);
        self.exit_status()
    }

    /// Closes the window, which the program notices by SIGHUP and by a terminal that is gone, and waits for its end.
    /// The program must draw something when its size changes.
    pub fn close(mut self) -> ExitStatus {
        self.close_window();
        self.exit_status()
    }

    /// Closes the window, whatever the program makes of that; it must draw something when its size changes.
    pub fn close_window(&mut self) {
        self.seen.0.lock().expect("screen").closing = true;
        // wakes the thread that has the window open too
        self.resize(81, 25);
        self.wait("the last bytes", |seen| seen.ended.then_some(()));
        self.watcher.take().expect("a watcher").join().expect("it ends");
        drop(self.master.take());
        *self.keyboard.lock().expect("keyboard") = Box::new(std::io::sink());
    }

    /// Waits for the end of a program whose window may be closed.
    pub fn exit_status(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a child");
        let mut killer = child.clone_killer();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || tell.send(child.wait()));
        let status = told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = killer.kill();
            panic!("the program did not end");
        });
        status.expect("an exit status")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
        }
    }
}

fn find(bytes: &[u8], sequence: &[u8]) -> Option<usize> {
    bytes.windows(sequence.len()).position(|window| window == sequence)
}

fn watch(
    mut reader: Box<dyn Read + Send>,
    keyboard: &Mutex<Box<dyn Write + Send>>,
    (lock, changed): &(Mutex<Seen>, Condvar),
) {
    let mut chunk = [0; 16 * 1024];
    let mut tail = Vec::new();
    loop {
        let count = reader.read(&mut chunk).unwrap_or(0);
        let mut seen = lock.lock().expect("screen");
        if count == 0 {
            seen.ended = true;
            changed.notify_all();
            return;
        }
        seen.screen.process(&chunk[..count]);
        seen.bytes.extend_from_slice(&chunk[..count]);
        tail.extend_from_slice(&chunk[..count]);
        let questions = take_questions(&mut tail);
        seen.asked.extend(std::iter::repeat_n(Instant::now(), questions));
        let answers = if seen.answers { questions } else { 0 };
        seen.ended = seen.closing;
        let ended = seen.ended;
        drop(seen);
        changed.notify_all();
        if ended {
            return;
        }
        for _ in 0..answers {
            let mut keyboard = keyboard.lock().expect("keyboard");
            let _ = keyboard.write_all(DEVICE_ATTRIBUTES).and_then(|()| keyboard.flush());
        }
    }
}

/// Takes each whole `CSI c` from `tail`, and keeps what may be the beginning of the next.
fn take_questions(tail: &mut Vec<u8>) -> usize {
    const QUESTION: &[u8] = b"\x1b[c";
    let mut count = 0;
    while let Some(at) = find(tail, QUESTION) {
        tail.drain(..at + QUESTION.len());
        count += 1;
    }
    let keep = tail.len().min(QUESTION.len() - 1);
    tail.drain(..tail.len() - keep);
    count
}

fn nonzero(length: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(length).expect("a size above zero")
}

#[test]
fn reads_the_screen_of_a_program_and_types_to_it() {
    let mut cat = CommandBuilder::new("sh");
    cat.args(["-c", "printf 'ready\\033[c'; read -r line; echo \"got $line\"; read -r rest"]);
    let terminal = Terminal::start(cat, 80, 24);
    terminal.wait_for("ready");
    terminal.type_keys("\rhello\r");
    terminal.wait_for("got");
    assert!(!terminal.bytes().is_empty() && terminal.pid() > 0);
    assert_eq!(terminal.wait_for_questions(1).len(), 1);
    terminal.assert_given_back();
    terminal.resize(100, 30);
    terminal.type_keys("\r");
    assert!(terminal.wait_for_end().success());
}
