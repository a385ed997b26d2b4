//! What systemd gives and wants: a socket that it listens on, and word when the engine is ready, alive, stopping.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::time::Duration;

use rustix::net::sockopt::{socket_acceptconn, socket_domain};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// The first descriptor that systemd hands over: `SD_LISTEN_FDS_START` of sd_listen_fds(3).
const FIRST: i32 = 3;

/// The socket that systemd listens on for this process, if it does.
///
/// # Errors
/// When what was handed over is not one Unix socket that is listened on.
pub fn given_socket() -> io::Result<Option<UnixListener>> {
    let said = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u32>().ok());
    if said("LISTEN_PID") != Some(std::process::id()) {
        return Ok(None);
    }
    match said("LISTEN_FDS") {
        None | Some(0) => return Ok(None),
        Some(1) => {}
        Some(more) => return Err(io::Error::other(format!("systemd gave {more} sockets: name one alone"))),
    }
    // a copy that no child gets, and the first one closed: what is inherited would speak for this process
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    let socket = pidfd_getfd(&own, FIRST, PidfdGetfdFlags::empty())?;
    nix::unistd::close(FIRST)?;
    if socket_domain(&socket)? != rustix::net::AddressFamily::UNIX || !socket_acceptconn(&socket)? {
        return Err(io::Error::other("what systemd gave is no Unix socket that is listened on"));
    }
    Ok(Some(UnixListener::from(socket)))
}

/// Tells systemd how it goes: `READY=1`, `STOPPING=1`. Where nothing wants to know, nothing happens.
pub fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&name),
    };
    // a manager that does not listen is nothing to end for
    let _ = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
}

/// Tells systemd that the settings are read anew, until `READY=1` says that they are. It wants to know when that began.
pub fn tell_reloading() {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let microseconds = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
    tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
}

/// How often systemd wants to hear `WATCHDOG=1`: twice as often as it waits.
pub fn watchdog() -> Option<Duration> {
    let microseconds: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    let for_us = std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
    (for_us && microseconds > 0).then(|| Duration::from_micros(microseconds / 2))
}
