//! What the tests of devices share: whom to trust, where to connect, and a device read from its login to its end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use noctule::device::capture::{Capture, capture};
use noctule::device::driver::{CompiledDriver, Drivers, Limits};
use noctule::device::session::{Credentials, LoginIn, Session};
use noctule::device::transport::{self, Target, Trust, TrustFuture};
use noctule::model::{Address, Failure, Secret, TransportKind};

/// Takes every host key that has the form of one.
pub struct TrustAll;

impl Trust for TrustAll {
    fn check<'a>(&'a self, _place: &'a str, key: &'a str, shown: &'a str) -> TrustFuture<'a> {
        assert!(transport::fingerprint(key).is_some_and(|print| print.ends_with(shown)), "{key} {shown}");
        Box::pin(async { Ok(()) })
    }
}

/// A driver of the binary.
pub fn driver(id: &str) -> Arc<CompiledDriver> {
    Drivers::embedded().get(&id.parse().unwrap()).unwrap()
}

/// Where to connect as `username`, without a password or a key.
pub fn target(address: SocketAddr, transport: TransportKind, username: &str) -> Target {
    Target {
        address: Address::Ip(address.ip()),
        port: address.port(),
        transport,
        username: username.into(),
        password: Secret::default(),
        identity_files: Vec::new(),
        agent: None,
        offer_agent_keys: false,
        jumps: Vec::new(),
        legacy_algorithms: false,
        terminal: String::new(),
    }
}

/// 127.0.0.1 with this port.
pub fn here(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port)
}

/// Opens a connection, logs in, reads the configuration and leaves. The password of the privileged mode is `enable`.
pub async fn read(
    target: &Target,
    driver: &Arc<CompiledDriver>,
    charset: &str,
    enable: &str,
    limits: Limits,
) -> Result<Capture, Failure> {
    let wire = transport::open(target, Arc::new(TrustAll), &limits).await?;
    let credentials = Credentials {
        username: target.username.trim_end_matches(&driver.ssh.username_suffix).into(),
        password: target.password.clone(),
        enable_password: Secret::new(enable),
    };
    let login_in = match target.transport {
        TransportKind::Ssh => LoginIn::Transport,
        TransportKind::Telnet => LoginIn::Stream,
    };
    let progress = Arc::new(|_: &str| ());
    let opened =
        Session::open(wire, Arc::clone(driver), charset, credentials, limits, login_in, progress).await;
    let mut session = opened.map_err(|(failure, _)| failure)?;
    let captured = capture(&mut session, driver, None).await;
    session.close().await;
    captured
}
