//! SSH 2, by russh. Its API moves monthly: only the files of this folder and `lab/ssh.rs` know it.

mod algorithms;
mod auth;
mod handler;
mod keys;
mod shell;
mod way;

use std::sync::Arc;

use russh::Channel;
use russh::client::{self, Handle, Msg};
use tokio::io::BufReader;

use super::{Jump, Target, TerminalWire, Trust, Window, Wire, seconds, tcp};
use crate::device::driver::Limits;
use crate::model::{Address, Failure, FailureKind};
use handler::{Broken, Keys};
use shell::Shell;

pub use way::Way;

/// The bytes that are read from a socket at once, where they are few.
const READ_AT_ONCE: usize = 4096;

/// A host key, as OpenSSH writes it, in the form that people compare: `ssh-ed25519 SHA256:…`; `None` where it is none.
pub fn fingerprint(key: &str) -> Option<String> {
    let key = russh::keys::PublicKey::from_openssh(key).ok()?;
    Some(format!("{} {}", key.algorithm(), key.fingerprint(russh::keys::HashAlg::Sha256)))
}

/// A public key as OpenSSH writes it, without its comment; `None` where it is none.
pub fn public_key(text: &str) -> Option<String> {
    let mut key = russh::keys::PublicKey::from_openssh(text).ok()?;
    key.set_comment("");
    Some(key.to_openssh().ok()?.trim().to_owned())
}

/// Opens a shell on the device, through its jump hosts.
pub async fn open(
    target: &Target,
    trust: Arc<dyn Trust>,
    limits: &Limits,
    window: Window,
) -> Result<Box<dyn TerminalWire>, Failure> {
    let mut path = over(&target.jumps, &trust, limits).await?;
    let stream = reach(path.last(), &target.address, target.port, limits).await?;
    let mut handle =
        shake_hands(stream, &target.address, target.port, target.legacy_algorithms, &trust, limits).await?;
    auth::device(&mut handle, target, limits).await?;
    let channel = open_shell(&handle, target, limits, window).await?;
    path.push(handle);
    Ok(Box::new(Shell::new(channel, path)))
}

/// The connections to these jump hosts, each of them through the one before.
async fn over(jumps: &[Jump], trust: &Arc<dyn Trust>, limits: &Limits) -> Result<Vec<Handle<Keys>>, Failure> {
    let mut path: Vec<Handle<Keys>> = Vec::new();
    for jump in jumps {
        let stream = reach(path.last(), &jump.address, jump.port, limits).await?;
        let mut handle = shake_hands(stream, &jump.address, jump.port, false, trust, limits).await?;
        auth::jump(&mut handle, jump, limits).await?;
        path.push(handle);
    }
    Ok(path)
}

/// A TCP connection, or a channel through the last jump host.
async fn reach(
    through: Option<&Handle<Keys>>,
    address: &Address,
    port: u16,
    limits: &Limits,
) -> Result<Box<dyn Wire>, Failure> {
    let Some(through) = through else {
        let socket = tcp::connect(address, port, limits.connect).await?;
        // russh reads the length of each packet by itself
        return Ok(Box::new(BufReader::with_capacity(READ_AT_ONCE, socket)));
    };
    let host = address.to_string();
    let opening = through.channel_open_direct_tcpip(host.clone(), u32::from(port), "127.0.0.1", 0);
    match tokio::time::timeout(limits.connect, opening).await {
        Ok(Ok(channel)) => Ok(Box::new(channel.into_stream())),
        Ok(Err(error)) => {
            let message = format!("the jump host could not connect to {host} port {port}: {error}");
            Err(Failure::new(FailureKind::Unreachable, message))
        }
        Err(_) => Err(timeout("the jump host's connection to", &host, port, limits.connect)),
    }
}

/// Version exchange, key exchange and the host key's check.
async fn shake_hands(
    stream: Box<dyn Wire>,
    address: &Address,
    port: u16,
    legacy: bool,
    trust: &Arc<dyn Trust>,
    limits: &Limits,
) -> Result<Handle<Keys>, Failure> {
    let host = address.to_string();
    let place = format!("{host}:{port}");
    let config = client::Config {
        preferred: algorithms::preferred(legacy, &trust.pinned(&place)),
        gex: algorithms::group_sizes(),
        window_size: 256 << 10,
        channel_buffer_size: 32,
        inactivity_timeout: None,
        nodelay: true,
        ..client::Config::default()
    };
    let keys = Keys::new(place, Arc::clone(trust));
    let shaking = client::connect_stream(Arc::new(config), stream, keys);
    // A peer that accepts and then says nothing would hold russh for ever.
    match tokio::time::timeout(limits.connect, shaking).await {
        Ok(Ok(handle)) => Ok(handle),
        Ok(Err(Broken::Trust(failure))) => Err(failure),
        Ok(Err(Broken::Ssh(error))) => Err(handler::explain(&error, &host, port, legacy)),
        Err(_) => Err(timeout("the SSH key exchange with", &host, port, limits.connect)),
    }
}

async fn open_shell(
    handle: &Handle<Keys>,
    target: &Target,
    limits: &Limits,
    window: Window,
) -> Result<Channel<Msg>, Failure> {
    let terminal = if target.terminal.is_empty() { "vt100" } else { &target.terminal };
    let opening = async {
        let channel = handle.channel_open_session().await?;
        let (columns, rows) = (u32::from(window.columns), u32::from(window.rows));
        // Neither is waited for: some devices never answer the one, and refuse the other only by closing.
        channel.request_pty(false, terminal, columns, rows, 0, 0, &[]).await?;
        channel.request_shell(false).await?;
        Ok::<_, russh::Error>(channel)
    };
    let host = target.address.to_string();
    match tokio::time::timeout(limits.login, opening).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => {
            let message = format!("{host} gave no shell after the login: {error}; may this user have one?");
            Err(Failure::new(FailureKind::Disconnected, message))
        }
        Err(_) => Err(timeout("the shell of", &host, target.port, limits.login)),
    }
}

fn timeout(what: &str, host: &str, port: u16, limit: std::time::Duration) -> Failure {
    let message = format!("{what} {host} port {port} took longer than {}", seconds(limit));
    Failure::new(FailureKind::Timeout, message)
}

impl std::fmt::Display for Jump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}:{}", self.username, self.address, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_as_ssh_keygen_names_it() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICfuGH/TR37NHrqy57j9zANVFwKkZJHuVIo1C2PgVZYN";
        let named = "ssh-ed25519 SHA256:kfmvDxV1sVSixhgrcjQMjVWfCbBbETxJOLvYgYZ7wic";
        assert_eq!(fingerprint(key).as_deref(), Some(named));
        assert_eq!(fingerprint("ssh-ed25519 AAAAno"), None);
    }
}
