//! Many clients of one account that come at the same time: all of them get in, whatever else stands before the door.

use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::attach_terminal::{Engine, program, stored};

/// So many come at once.
const CLIENTS: usize = 50;
const PATIENCE: Duration = Duration::from_secs(120);

/// How many connections a process's socket has, whether it has taken them in or not.
fn connections(engine: Pid) -> usize {
    let own: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", engine.as_raw_nonzero()))
        .expect("its descriptors")
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|target| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let sockets = std::fs::read_to_string("/proc/net/unix").expect("the sockets");
    // number, references, protocol, flags, type, state, inode, path; a listening one has the flag 10000
    let rows: Vec<Vec<&str>> = sockets.lines().map(|line| line.split_whitespace().collect()).collect();
    let is_own =
        |row: &&Vec<&str>| row.len() == 8 && row[3] == "00010000" && own.iter().any(|inode| inode == row[6]);
    let listening: Vec<&str> = rows.iter().filter(is_own).map(|row| row[7]).collect();
    rows.iter().filter(|row| row.len() == 8 && row[3] != "00010000" && listening.contains(&row[7])).count()
}

fn command(folder: &std::path::Path) -> Child {
    let mut command = program(folder, &["device", "list"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// Starts so many commands while the engine stands still, and lets it go on when all of them stand before its door.
fn come_at_once(folder: &std::path::Path, engine: &Engine) -> Vec<Child> {
    kill_process(engine.pid(), Signal::STOP).expect("a signal");
    let before = connections(engine.pid());
    let clients = (0..CLIENTS).map(|_| command(folder)).collect();
    let deadline = Instant::now() + PATIENCE;
    while connections(engine.pid()) < before + CLIENTS {
        assert!(Instant::now() < deadline, "{} have come", connections(engine.pid()) - before);
        std::thread::park_timeout(Duration::from_millis(10));
    }
    kill_process(engine.pid(), Signal::CONT).expect("a signal");
    clients
}

fn assert_all_are_served(clients: Vec<Child>) {
    for client in clients {
        let run = client.wait_with_output().expect("its end");
        assert!(run.status.success(), "{run:?}");
        assert!(String::from_utf8_lossy(&run.stdout).contains("core-1"), "{run:?}");
    }
}

#[test]
fn fifty_clients_of_one_account_that_come_at_once_all_get_in() {
    let folder = stored();
    let engine = Engine::start(folder.path());
    assert_all_are_served(come_at_once(folder.path(), &engine));
}

#[test]
fn silent_ones_keep_nobody_out() {
    let folder = stored();
    let engine = Engine::start(folder.path());
    let silent = || UnixStream::connect(folder.path().join("data/engine.sock")).expect("a connection");
    let crowd: Vec<UnixStream> = (0..300).map(|_| silent()).collect();
    // who comes after them is served when they are taken in: none of them waits where the others are to stand
    assert_all_are_served(vec![command(folder.path())]);
    assert_all_are_served(come_at_once(folder.path(), &engine));
    drop(crowd);
}
