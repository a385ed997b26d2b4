//! Sessions with software that is not ours: OpenSSH, FRRouting, GNU telnetd, net-snmp, each started for the test that wants it
//! and ended with it. Debian's packages (`.ci/packages`) bring them; where one is missing its tests say so and pass.

mod account;
mod agent;
mod frr;
mod frr_backup;
mod openssh;
mod openssh_engine;
mod openssh_login;
mod openssh_operators;
mod openssh_terminal;
mod openssh_web;
pub mod runs;
mod snmpd;
mod snmpsim;
mod super_server;
mod telnet;
mod tmux;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Mutex;

/// Whether a peer can be started: its programs are here, and so are the rights it needs. If not, that is said once,
/// past the test harness, which swallows what passing tests print.
pub fn is_here(peer: &'static str, programs: &[&str], as_root: bool) -> bool {
    let missing = programs.iter().find(|program| !std::path::Path::new(program).exists());
    let why = match missing {
        Some(program) => format!("{program} is not installed (.ci/packages names the package)"),
        None if as_root && !rustix::process::getuid().is_root() => "it must be started as root".to_owned(),
        None => return true,
    };
    static SAID: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap().insert(peer) {
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: tests against {peer}: {why}");
    }
    false
}
