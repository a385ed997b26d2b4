//! A key held over a real SSH session, whose link is a TCP relay of so many bytes a second and so much delay.
//!
//! The relay keeps no more than the link itself holds; what waits before it waits in the kernel's TCP buffers and in
//! OpenSSH, as it does in front of a real slow link.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::{COLUMNS, ROWS, noctule};

const SSHD: &str = "/usr/sbin/sshd";
/// One way.
const DELAY: Duration = Duration::from_millis(150);
const RATE: f64 = 9_600.0;
const HELD: Duration = Duration::from_secs(5);

/// Holds a key, three times, and says how long after its release the screen still moved.
pub fn report(socket: &Path) {
    if !Path::new(SSHD).exists() || !rustix::process::getuid().is_root() {
        println!("\nover OpenSSH: not measured, it needs root and {SSHD}");
        return;
    }
    println!(
        "\nover OpenSSH at {:.1} kB/s, {} ms one way, {COLUMNS}×{ROWS}, `j` held for {} s at 30/s",
        RATE / 1000.0,
        DELAY.as_millis(),
        HELD.as_secs()
    );
    let folder = tempfile::tempdir().expect("a folder");
    let screen = Screen::start(folder.path(), socket);
    screen.wait_for("asset-00000");
    screen.type_keys(":sort name\r");
    screen.wait_until_still();
    for _ in 0..3 {
        let before = screen.bytes();
        let began = Instant::now();
        for pressed in 0..u32::try_from(HELD.as_secs() * 30).expect("a few") {
            std::thread::sleep((Duration::from_secs(1) * pressed / 30).saturating_sub(began.elapsed()));
            screen.type_keys("j");
        }
        let released = Instant::now();
        let still = screen.wait_until_still().saturating_duration_since(released);
        println!(
            "  still after {:>5.2} s, {:>6} bytes of the terminal, {:>6} on the link since the login",
            still.as_secs_f64(),
            screen.bytes() - before,
            *screen.passed.lock().expect("bytes")
        );
    }
}

/// An SSH client's terminal, far from the engine.
struct Screen {
    keyboard: mpsc::Sender<Vec<u8>>,
    seen: Arc<Mutex<Seen>>,
    passed: Arc<Mutex<u64>>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

struct Seen {
    bytes: u64,
    terminal: vt100::Parser,
}

impl Screen {
    fn start(folder: &Path, socket: &Path) -> Self {
        let key = key(folder, "user");
        let server = serve(folder);
        let passed = Arc::default();
        let link = relay(server, Arc::clone(&passed));
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a PTY");
        let mut ssh = CommandBuilder::new("ssh");
        ssh.args([
            "-tt",
            "-F",
            "none",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]);
        ssh.args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-p", &link.port().to_string(), "-i"]);
        ssh.arg(&key);
        ssh.arg(format!("root@{}", link.ip()));
        ssh.arg(format!("COLORTERM=truecolor {} --socket {}", noctule(), socket.display()));
        ssh.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(ssh).expect("ssh starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let mut writer = pair.master.take_writer().expect("a writer");
        let (keyboard, keys) = mpsc::channel::<Vec<u8>>();
        std::thread::spawn(move || {
            while let Ok(bytes) = keys.recv() {
                if writer.write_all(&bytes).is_err() {
                    return;
                }
            }
        });
        let side = |length: u16| std::num::NonZeroU16::new(length).expect("a size");
        let terminal = vt100::Parser::new(side(ROWS), side(COLUMNS), 0);
        let seen = Arc::new(Mutex::new(Seen { bytes: 0, terminal }));
        let (answers, shown) = (keyboard.clone(), Arc::clone(&seen));
        std::thread::spawn(move || {
            let (mut chunk, mut tail) = ([0; 4096], Vec::new());
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                let mut seen = shown.lock().expect("seen");
                seen.bytes += count as u64;
                seen.terminal.process(&chunk[..count]);
                drop(seen);
                tail.extend_from_slice(&chunk[..count]);
                while let Some(at) = tail.windows(3).position(|window| window == b"\x1b[c") {
                    tail.drain(..at + 3);
                    let _ = answers.send(b"\x1b[?62;22c".to_vec());
                }
                let keep = tail.len().min(2);
                tail.drain(..tail.len() - keep);
            }
        });
        Self { keyboard, seen, passed, child, _master: pair.master }
    }

    fn type_keys(&self, keys: &str) {
        let _ = self.keyboard.send(keys.as_bytes().to_vec());
    }

    fn bytes(&self) -> u64 {
        self.seen.lock().expect("seen").bytes
    }

    fn wait_for(&self, text: &str) {
        let began = Instant::now();
        loop {
            let shown = self.seen.lock().expect("seen").terminal.screen().contents();
            if shown.contains(text) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "no {text} within 60 s:\n{shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the list has stood still for 2.5 s; the moment of its last movement, to 5 ms.
    fn wait_until_still(&self) -> Instant {
        let mut rows = self.rows();
        let mut moved = Instant::now();
        while moved.elapsed() < Duration::from_millis(2_500) {
            std::thread::sleep(Duration::from_millis(5));
            let now = self.rows();
            if now != rows {
                (rows, moved) = (now, Instant::now());
            }
        }
        moved
    }

    /// The list and its cursor, without the lines above and below that tell the time.
    fn rows(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("seen");
        let screen = seen.terminal.screen();
        let styled = |row: u16| -> String {
            let cell = |column: u16| screen.cell(row, column);
            let cells = (0..COLUMNS).filter_map(cell);
            cells.map(|cell| format!("{}{:?}{}", cell.contents(), cell.bgcolor(), cell.inverse())).collect()
        };
        (3..ROWS - 3).map(styled).collect()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn key(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&file).status();
    assert!(made.expect("ssh-keygen runs").success());
    file
}

/// An OpenSSH server for one connection, started with the socket as inetd does.
fn serve(folder: &Path) -> SocketAddr {
    let host = key(folder, "host");
    let config = folder.join("sshd_config");
    let text = format!(
        "HostKey {}\nAuthorizedKeysFile {}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPrintMotd no\n\
         PrintLastLog no\n",
        host.display(),
        folder.display()
    );
    std::fs::write(&config, text).expect("a file");
    // it separates its privileges in there
    std::fs::create_dir_all("/run/sshd").expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a connection");
        let input = OwnedFd::from(socket);
        let output = input.try_clone().expect("a socket");
        let child = Command::new(SSHD)
            .args(["-i", "-e", "-f"])
            .arg(config)
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(output))
            .stderr(Stdio::null())
            .spawn();
        let _ = child.expect("sshd starts").wait();
    });
    address
}

/// The slow link, for one connection; counts in `passed` what came down to the client.
fn relay(server: SocketAddr, passed: Arc<Mutex<u64>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (near, _) = listener.accept().expect("a connection");
        let far = TcpStream::connect(server).expect("sshd listens");
        for socket in [&near, &far] {
            socket.set_nodelay(true).expect("a socket");
        }
        let (near_too, far_too) = (near.try_clone().expect("a socket"), far.try_clone().expect("a socket"));
        std::thread::spawn(move || carry(near_too, far_too, None));
        carry(far, near, Some(&passed));
    });
    address
}

/// Carries bytes one way. A packet is taken when the one before it has gone out, and arrives after the delay.
fn carry(mut from: TcpStream, mut to: TcpStream, passed: Option<&Mutex<u64>>) {
    let (sent, on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>();
    let arrive = std::thread::spawn(move || {
        for (due, packet) in on_the_way {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&packet).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut packet = [0; 1_400];
    while let Ok(count @ 1..) = from.read(&mut packet) {
        std::thread::sleep(Duration::from_secs_f64(count as f64 / RATE));
        if let Some(passed) = passed {
            *passed.lock().expect("bytes") += count as u64;
        }
        if sent.send((Instant::now() + DELAY, packet[..count].to_vec())).is_err() {
            break;
        }
    }
    drop(sent);
    let _ = arrive.join();
}
