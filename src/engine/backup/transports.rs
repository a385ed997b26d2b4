//! The connections of production: what a device's record and its driver say, as a target of the transports.

use std::path::PathBuf;

use crate::device::transport::{self, Jump, Target};
use crate::model::{Address, Failure, FailureKind, TransportKind};

use super::network::{Connect, WireFuture};
use super::reader::Call;

/// SSH and Telnet over the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transports;

impl Connect for Transports {
    fn open<'a>(&'a self, call: &'a Call) -> WireFuture<'a> {
        Box::pin(async {
            let target = target(call)?;
            transport::open(&target, call.trust.clone(), &call.limits).await
        })
    }
}

fn target(call: &Call) -> Result<Target, Failure> {
    let (device, ssh) = (&call.device, &call.driver.ssh);
    let transport = device
        .transport
        .ok_or_else(|| Failure::new(FailureKind::Incomplete, format!("{} has no transport", device.name)))?;
    let identity_files = match device.identity_file.as_str() {
        "" => Vec::new(),
        file => vec![at_home(file)],
    };
    Ok(Target {
        address: device.address.clone(),
        port: device.port.unwrap_or(transport.default_port()),
        transport,
        username: device.username.clone(),
        password: call.passwords.login.clone(),
        // keys are offered only where no password is at hand: each one that is refused counts as a wrong password
        agent: identity_files.is_empty() && call.passwords.login.is_empty(),
        jumps: jumps(&device.proxy_jump, &device.username, &identity_files)?,
        identity_files,
        legacy_algorithms: device.legacy_algorithms || ssh.legacy_algorithms,
        terminal: ssh.terminal.clone(),
    })
}

/// Reads `[user@]host[:port]`, with commas between, as OpenSSH's ProxyJump has it; `none` is none.
fn jumps(text: &str, username: &str, identity_files: &[PathBuf]) -> Result<Vec<Jump>, Failure> {
    if text.is_empty() || text.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    let read = |hop: &str| {
        jump(hop.trim(), username, identity_files).ok_or_else(|| {
            let message =
                format!("the jump host {hop:?} is not [user@]host[:port]; see proxy_jump of the device");
            Failure::new(FailureKind::Incomplete, message)
        })
    };
    text.split(',').map(read).collect()
}

fn jump(hop: &str, username: &str, identity_files: &[PathBuf]) -> Option<Jump> {
    let hop = hop.strip_prefix("ssh://").unwrap_or(hop);
    let (user, place) = hop.rsplit_once('@').unwrap_or((username, hop));
    let (host, port) = host_and_port(place)?;
    let address: Address = host.parse().ok()?;
    Some(Jump { address, port, username: user.to_owned(), identity_files: identity_files.to_vec() })
}

/// `host`, `host:22`, `[2001:db8::1]:22`; an IPv6 address without a port needs no brackets.
fn host_and_port(place: &str) -> Option<(&str, u16)> {
    let usual = TransportKind::Ssh.default_port();
    if let Some(bracketed) = place.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, port.parse().ok()?)),
            None => rest.is_empty().then_some((host, usual)),
        };
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, port.parse().ok()?)),
        _ => Some((place, usual)),
    }
}

/// A leading `~/` is the home folder of the user that runs the engine.
fn at_home(file: &str) -> PathBuf {
    match (file.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jump_hosts_are_read_as_openssh_writes_them() {
        let read = |text: &str| {
            let hops = jumps(text, "noc", &[]).map_err(|failure| failure.message)?;
            Ok(hops
                .iter()
                .map(|hop| format!("{}@{} {}", hop.username, hop.address, hop.port))
                .collect::<Vec<_>>())
        };
        let good: [(&str, &[&str]); 6] = [
            ("", &[]),
            ("none", &[]),
            ("jump", &["noc@jump 22"]),
            ("ann@a:2222,b", &["ann@a 2222", "noc@b 22"]),
            ("[2001:db8::1]:2222", &["noc@2001:db8::1 2222"]),
            ("2001:db8::1", &["noc@2001:db8::1 22"]),
        ];
        for (text, hops) in good {
            assert_eq!(
                read(text).as_deref(),
                Ok(&hops.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
            );
        }
        for bad in ["a:b", "a:99999", "[::1", "a,,b", "[::1]x"] {
            let error: Result<Vec<String>, String> = read(bad);
            assert!(error.is_err(), "{bad}");
        }
    }
}
