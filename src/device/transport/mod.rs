//! Byte streams to a device: SSH and Telnet.

mod known_hosts;
mod ssh;
mod ssh_config;
mod tcp;
mod telnet;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::device::driver::Limits;
use crate::model::{Address, Failure, Secret, TransportKind};

pub use known_hosts::{Fault, Found, FoundKey, KnownHosts, KnownHostsFiles, LARGEST, name_of};
pub use ssh::{Way, fingerprint};
pub use ssh_config::{HostConfig, SshConfig};
pub use telnet::codec::{Codec as TelnetCodec, Decoded as TelnetDecoded};

/// A byte stream to a device's command line.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// The size of a terminal's window, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// A device being told of another window.
pub type ResizeFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A byte stream to a device's command line with a window of its own: a person sits before it.
pub trait TerminalWire: Wire {
    /// Tells the device that the window has another size. What cannot be told is dropped: the stream itself says
    /// that the connection is gone.
    fn resize(&mut self, window: Window) -> ResizeFuture<'_>;
}

/// What is found of a host key. A refusal is stored before it is told, so that somebody can trust the key then.
pub type TrustFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// Says whether a host key may be trusted.
pub trait Trust: Send + Sync {
    /// Looks at `key`, as OpenSSH writes it (`ssh-ed25519 AAAA…`), that `place` (`address:port`) shows; `shown` is
    /// its fingerprint for people (`SHA256:…`).
    ///
    /// # Errors
    /// A failure of the kind `host-key` that says what to do.
    fn check<'a>(&'a self, place: &'a str, key: &'a str, shown: &'a str) -> TrustFuture<'a>;

    /// The keys that are pinned for `place`, as OpenSSH writes them: their algorithms are asked for first, so that a
    /// server with several keys shows the known one.
    fn pinned(&self, place: &str) -> Vec<String> {
        let _ = place;
        Vec::new()
    }
}

/// Where to connect, and what with.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address or name.
    pub address: Address,
    /// The port.
    pub port: u16,
    /// SSH or Telnet.
    pub transport: TransportKind,
    /// The login name; for Telnet it is typed later, by the session.
    pub username: String,
    /// The password; empty for none.
    pub password: Secret,
    /// Private key files, tried in order before the password.
    pub identity_files: Vec<PathBuf>,
    /// The agent's socket. It signs for key files that have a passphrase.
    pub agent: Option<PathBuf>,
    /// Whether all of the agent's keys are tried: each that is refused counts as a wrong password.
    pub offer_agent_keys: bool,
    /// Jump hosts, the nearest one first.
    pub jumps: Vec<Jump>,
    /// Whether SHA-1, CBC and the like may be offered.
    pub legacy_algorithms: bool,
    /// Terminal type; empty is `vt100`.
    pub terminal: String,
}

/// An SSH host on the way. It is logged in to with keys or the agent: a device's password is not for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The address or name.
    pub address: Address,
    /// The port.
    pub port: u16,
    /// The login name.
    pub username: String,
    /// Private key files, tried in order before the agent's keys.
    pub identity_files: Vec<PathBuf>,
    /// The agent's socket.
    pub agent: Option<PathBuf>,
    /// Whether all of the agent's keys are tried.
    pub offer_agent_keys: bool,
}

/// Opens a stream to a device's command line, in a window so wide that the device wraps no line.
///
/// # Errors
/// Unreachable, refused, timeout, host key, algorithms, authentication, disconnected.
pub async fn open(
    target: &Target,
    trust: std::sync::Arc<dyn Trust>,
    limits: &Limits,
) -> Result<Box<dyn Wire>, Failure> {
    Ok(open_terminal(target, trust, limits, WIDE).await?)
}

/// The same for a person, whose window it is told.
///
/// # Errors
/// As [`open`].
pub async fn open_terminal(
    target: &Target,
    trust: std::sync::Arc<dyn Trust>,
    limits: &Limits,
    window: Window,
) -> Result<Box<dyn TerminalWire>, Failure> {
    match target.transport {
        TransportKind::Ssh => ssh::open(target, trust, limits, window).await,
        TransportKind::Telnet => {
            let socket = tcp::connect(&target.address, target.port, limits.connect).await?;
            Ok(Box::new(telnet::TelnetStream::new(socket, window)))
        }
    }
}

/// The window of a session without a person: so many columns that a device wraps no line.
const WIDE: Window = Window { columns: 511, rows: 100 };

/// `10 s`, for messages.
fn seconds(limit: Duration) -> String {
    format!("{:.0?}", limit)
}
