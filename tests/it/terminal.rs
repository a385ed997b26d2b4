//! A person at a terminal: runs a program on a PTY, answers what a terminal is asked, types, waits for text.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// The longest that any wait may take before the test fails, with the screen in the message.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a terminal answers to DA1 (`CSI c`).
const DEVICE_ATTRIBUTES: &[u8] = b"\x1b[?62;22c";

/// A program on a terminal of its own.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

struct Seen {
    screen: vt100::Parser,
    bytes: u64,
    ended: bool,
}

impl Terminal {
    /// Starts `command` on a screen of `columns` × `rows`.
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a PTY");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().expect("a reader");
        let keyboard = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let seen = Arc::new((
            Mutex::new(Seen {
                screen: vt100::Parser::new(nonzero(rows), nonzero(columns), 0),
                bytes: 0,
                ended: false,
            }),
            Condvar::new(),
        ));
        let (keys, shared) = (Arc::clone(&keyboard), Arc::clone(&seen));
        std::thread::spawn(move || watch(reader, &keys, &shared));
        Self { child, master: pair.master, keyboard, seen }
    }

    /// Types bytes: text, or escape sequences of keys.
    pub fn type_keys(&self, keys: &str) {
        let mut keyboard = self.keyboard.lock().expect("keyboard");
        keyboard.write_all(keys.as_bytes()).and_then(|()| keyboard.flush()).expect("typing");
    }

    /// Waits until the screen contains `text`, and returns the screen.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} on the screen"), |screen| screen.contains(text))
    }

    /// Waits until the screen satisfies `wanted`, and returns it.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let (lock, changed) = &*self.seen;
        let deadline = Instant::now() + PATIENCE;
        let mut seen = lock.lock().expect("screen");
        loop {
            let screen = seen.screen.screen().contents();
            if wanted(&screen) {
                return screen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.ended, "waited in vain for {what}; the screen is:\n{screen}");
            seen = changed.wait_timeout(seen, left).expect("screen").0;
        }
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.seen.0.lock().expect("screen").screen.screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master
            .resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })
            .expect("a new size");
    }

    /// Bytes that the program has written so far.
    pub fn bytes(&self) -> u64 {
        self.seen.0.lock().expect("screen").bytes
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process number")
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
        self.child.wait().expect("an exit status")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
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
        seen.bytes += count as u64;
        drop(seen);
        changed.notify_all();
        tail.extend_from_slice(&chunk[..count]);
        answer_queries(&mut tail, keyboard);
    }
}

/// Answers each whole `CSI c` in `tail`, and keeps what may be the beginning of the next.
fn answer_queries(tail: &mut Vec<u8>, keyboard: &Mutex<Box<dyn Write + Send>>) {
    const QUERY: &[u8] = b"\x1b[c";
    while let Some(at) = tail.windows(QUERY.len()).position(|window| window == QUERY) {
        tail.drain(..at + QUERY.len());
        let mut keyboard = keyboard.lock().expect("keyboard");
        let _ = keyboard.write_all(DEVICE_ATTRIBUTES).and_then(|()| keyboard.flush());
    }
    let keep = tail.len().min(QUERY.len() - 1);
    tail.drain(..tail.len() - keep);
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
    assert!(terminal.bytes() > 0 && terminal.pid() > 0);
    terminal.resize(100, 30);
    terminal.type_keys("\r");
    assert!(terminal.wait_for_end().success());
}
