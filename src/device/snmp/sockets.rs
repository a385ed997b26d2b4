//! The sockets that all agents are asked through: one for each family, opened when it is first needed.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use snmp::transport::UdpTransport;
use snmp::{Auth, AuthProtocol, DesSaltState, MasterKeys, PrivProtocol, Retry, UsmConfig};
use tokio::sync::OnceCell;

use super::client::Client;
use super::{Credentials, SnmpLimits};
use crate::model::{Failure, FailureKind, SnmpAuth, SnmpPrivacy};

/// Passwords of v3 become keys by hashing a megabyte: done once for each pair.
const KEYS: usize = 256;

/// A receive buffer that holds the answers of a thousand agents that answer at once; the kernel may give less.
const BUFFER: usize = 4 << 20;

/// See the file's head.
#[derive(Default)]
pub struct Sockets {
    v4: OnceCell<UdpTransport>,
    v6: OnceCell<UdpTransport>,
    keys: Mutex<HashMap<[u8; 32], MasterKeys>>,
    des: Mutex<Option<DesSaltState>>,
}

impl Sockets {
    /// A client of the agent at `address`. Sends nothing yet.
    ///
    /// # Errors
    /// When the host gives no socket, or the credentials cannot be used.
    pub async fn client(
        self: &Arc<Self>,
        address: SocketAddr,
        credentials: Credentials,
        limits: SnmpLimits,
    ) -> Result<Client, Failure> {
        let peer = self.peer(address, &credentials, limits.timeout, limits.retries).await?;
        Ok(Client::new(Arc::clone(self), peer, address, credentials, limits))
    }

    /// A client of the library.
    pub(super) async fn peer(
        &self,
        address: SocketAddr,
        credentials: &Credentials,
        timeout: Duration,
        retries: u32,
    ) -> Result<snmp::UdpClient, Failure> {
        let wrong = |error: &dyn std::fmt::Display| {
            let what = credentials.shown();
            Failure::new(FailureKind::Incomplete, format!("{what} cannot be used: {error}"))
        };
        let retry = Retry::fixed(retries, Duration::ZERO).map_err(|error| wrong(&error))?;
        let builder = snmp::Client::builder(address, self.auth(credentials)?)
            .request_timeout(timeout)
            .send_timeout(timeout)
            .construction_timeout(timeout)
            .strict_source(true)
            .retry(retry);
        let builder = match credentials {
            Credentials::User { privacy: Some((SnmpPrivacy::Des, _)), .. } => {
                builder.des_salt_state(self.des_salts()?)
            }
            _ => builder,
        };
        builder.build_with(self.socket(address.ip()).await?).await.map_err(|error| wrong(&error))
    }

    async fn socket(&self, to: IpAddr) -> Result<&UdpTransport, Failure> {
        let (cell, any) = if to.is_ipv4() { (&self.v4, "0.0.0.0:0") } else { (&self.v6, "[::]:0") };
        let open = || async { UdpTransport::builder().bind(any).recv_buffer_size(BUFFER).build().await };
        cell.get_or_try_init(open).await.map_err(|error| {
            let why = format!("opening a UDP socket for SNMP: {error}");
            Failure::new(FailureKind::Internal, why)
        })
    }

    fn auth(&self, credentials: &Credentials) -> Result<Auth, Failure> {
        match credentials {
            Credentials::Community { is_v1: true, community } => Ok(Auth::v1(community.expose())),
            Credentials::Community { community, .. } => Ok(Auth::v2c(community.expose())),
            Credentials::User { name, .. } => {
                let user = UsmConfig::new(name.clone().into_bytes());
                let wrong = |error: snmp::v3::CryptoError| {
                    Failure::new(
                        FailureKind::Incomplete,
                        format!("the passwords of the SNMP user {name} cannot be used: {error}"),
                    )
                };
                match self.master_keys(credentials).map_err(wrong)? {
                    Some(keys) => Ok(user.with_master_keys(keys).map_err(wrong)?.into()),
                    None => Ok(user.into()),
                }
            }
        }
    }

    fn master_keys(&self, credentials: &Credentials) -> Result<Option<MasterKeys>, snmp::v3::CryptoError> {
        let Credentials::User { auth: Some((auth, password)), privacy, .. } = credentials else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        hash.update(format!("{auth}\0{}\0", password.expose()));
        if let Some((privacy, password)) = privacy {
            hash.update(format!("{privacy}\0{}", password.expose()));
        }
        let name: [u8; 32] = hash.finalize().into();
        let known = |keys: &HashMap<_, MasterKeys>| keys.get(&name).cloned();
        let locked = || self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = known(&locked()) {
            return Ok(Some(keys));
        }
        let mut keys = MasterKeys::new(digest(*auth), password.expose().as_bytes())?;
        if let Some((privacy, password)) = privacy {
            keys = keys.with_privacy(cipher(*privacy), password.expose().as_bytes())?;
        }
        let mut all = locked();
        if all.len() >= KEYS {
            all.clear();
        }
        all.insert(name, keys.clone());
        Ok(Some(keys))
    }

    /// DES salts must not repeat under one key (RFC 3414, 8.1.1.1): they begin at a random epoch in each process.
    fn des_salts(&self) -> Result<DesSaltState, Failure> {
        let mut state = self.des.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = state.as_ref() {
            return Ok(state.clone());
        }
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(FailureKind::Internal, format!("preparing DES for SNMPv3: {error}"))
        };
        let epoch = rand::random::<u32>() >> 1;
        let before = snmp::PersistedDesSaltState::new(epoch.max(1)).map_err(|error| failed(&error))?;
        let fresh = DesSaltState::restart(before, |_| Ok::<(), std::io::Error>(()))
            .map_err(|error| failed(&error))?;
        Ok(state.insert(fresh).clone())
    }
}

fn digest(auth: SnmpAuth) -> AuthProtocol {
    match auth {
        SnmpAuth::Md5 => AuthProtocol::Md5,
        SnmpAuth::Sha1 => AuthProtocol::Sha1,
        SnmpAuth::Sha224 => AuthProtocol::Sha224,
        SnmpAuth::Sha256 => AuthProtocol::Sha256,
        SnmpAuth::Sha384 => AuthProtocol::Sha384,
        SnmpAuth::Sha512 => AuthProtocol::Sha512,
    }
}

fn cipher(privacy: SnmpPrivacy) -> PrivProtocol {
    match privacy {
        SnmpPrivacy::Des => PrivProtocol::Des,
        SnmpPrivacy::Aes128 => PrivProtocol::Aes128,
        SnmpPrivacy::Aes192 => PrivProtocol::Aes192Blumenthal,
        SnmpPrivacy::Aes256 => PrivProtocol::Aes256Blumenthal,
        SnmpPrivacy::Aes192Cisco => PrivProtocol::Aes192Reeder,
        SnmpPrivacy::Aes256Cisco => PrivProtocol::Aes256Reeder,
    }
}
