//! What russh asks us, and what its errors mean.

use std::sync::Arc;

use russh::client::Handler;
use russh::keys::HashAlg;
use russh::keys::PublicKeyOrCertificate;

use crate::device::transport::Trust;
use crate::model::{Failure, FailureKind};

/// Checks host keys.
pub struct Keys {
    place: String,
    trust: Arc<dyn Trust>,
}

impl Keys {
    /// For the host at `place`, `address:port`.
    pub fn new(place: String, trust: Arc<dyn Trust>) -> Self {
        Self { place, trust }
    }
}

/// Why a handshake ended.
#[derive(Debug)]
pub enum Broken {
    /// The host key.
    Trust(Failure),
    /// Anything else.
    Ssh(russh::Error),
}

impl From<russh::Error> for Broken {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl Handler for Keys {
    type Error = Broken;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Broken> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let mut bare = key.clone();
        bare.set_comment("");
        let line = bare.to_openssh().map_err(|error| Broken::Ssh(error.into()))?;
        let fingerprint = bare.fingerprint(HashAlg::Sha256).to_string();
        match self.trust.check(&self.place, line.trim(), &fingerprint).await {
            Ok(()) => Ok(true),
            Err(failure) => Err(Broken::Trust(failure)),
        }
    }
}

/// A handshake's error in words a person can act on.
pub fn explain(error: &russh::Error, host: &str, port: u16, legacy: bool) -> Failure {
    match error {
        russh::Error::NoCommonAlgo { kind, ours, theirs } => {
            let advice = if legacy {
                "nothing that noctule can speak is on the device's list".to_owned()
            } else {
                "if the device is old, allow it: `device edit NAME legacy_algorithms=true`".to_owned()
            };
            let message = format!(
                "{host} port {port} and noctule share no SSH {kind:?} algorithm: the device offers {}, noctule {}; {advice}",
                theirs.join(", "),
                ours.join(", ")
            );
            Failure::new(FailureKind::Algorithms, message)
        }
        russh::Error::Version => {
            let message =
                format!("what answers on {host} port {port} does not speak SSH; is the port right?");
            Failure::new(FailureKind::Disconnected, message)
        }
        other => {
            let message = format!("the SSH key exchange with {host} port {port} broke off: {other}");
            Failure::new(FailureKind::Disconnected, message)
        }
    }
}
