//! How a device's agent may be asked: as its record says, else by the vault, else by the list of the settings.

use std::net::SocketAddr;
use std::time::Duration;

use crate::device::snmp::Credentials;
use crate::engine::fields::Field;
use crate::engine::start::Engine;
use crate::model::{Address, Device, Failure, FailureKind, SNMP_PORT, SnmpVersion};

/// How long a host name may take to resolve.
const RESOLVE: Duration = Duration::from_secs(5);

/// Where the device's agent listens.
pub(super) async fn address_of(device: &Device) -> Result<SocketAddr, Failure> {
    let port = device.snmp.port.unwrap_or(SNMP_PORT);
    let name = match &device.address {
        Address::Ip(ip) => return Ok(SocketAddr::new(*ip, port)),
        Address::Host(name) => name,
    };
    let failed = |why: String| Failure::new(FailureKind::Unreachable, format!("resolving {name}: {why}"));
    let found = tokio::time::timeout(RESOLVE, tokio::net::lookup_host((name.as_str(), port))).await;
    let mut found = found
        .map_err(|_| failed(format!("no answer within {} s", RESOLVE.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    found.next().ok_or_else(|| failed("it has no address".to_owned()))
}

impl Engine {
    /// Whether there is a way to ask the device: somebody who only has an address is not asked by itself.
    pub(super) fn has_snmp_credentials(&self, device: &Device) -> bool {
        device.snmp.is_told()
            || self.has_snmp_of_vault(device)
            || !listed(self, device.snmp.version).is_empty()
    }
}

/// What is tried, in this order, until something works.
pub(super) fn ways(engine: &Engine, device: &Device) -> Result<Vec<Credentials>, Failure> {
    let ways =
        if device.snmp.is_told() { told(engine, device)? } else { of_vault_or_listed(engine, device)? };
    if ways.is_empty() {
        let what = match device.snmp.version {
            Some(SnmpVersion::V3) => "snmp_user=NAME".to_owned(),
            _ => format!("a community: `device edit {} --snmp-community`", device.name),
        };
        return Err(Failure::new(
            FailureKind::Incomplete,
            format!(
                "{} has no SNMP credentials: give it {what}, assign it one of the vault (`credential assign`), or list users and communities under [snmp] in config.toml",
                device.name
            ),
        ));
    }
    Ok(ways)
}

fn of_vault_or_listed(engine: &Engine, device: &Device) -> Result<Vec<Credentials>, Failure> {
    let ways = engine.snmp_of_vault(device);
    let ways = ways.map_err(|error| Failure::new(FailureKind::Storage, error.message))?;
    Ok(if ways.is_empty() { listed(engine, device.snmp.version) } else { ways })
}

fn told(engine: &Engine, device: &Device) -> Result<Vec<Credentials>, Failure> {
    let secret = |field: Field| {
        let secret = engine.secret(device, field);
        secret.map_err(|error| Failure::new(FailureKind::Storage, error.message))
    };
    let access = &device.snmp;
    let mut ways = Vec::new();
    if !access.user.is_empty() && access.version.is_none_or(|version| version == SnmpVersion::V3) {
        let password = secret(Field::SnmpAuthPassword)?;
        let auth = access.auth.map(|auth| (auth, password.clone()));
        if auth.is_none() && (access.privacy.is_some() || !password.is_empty()) {
            return Err(missing(device, "snmp_auth: a cipher and a password need to know the digest"));
        }
        if auth.is_some() && password.is_empty() {
            return Err(missing(
                device,
                "snmp_auth_password: `device edit NAME --snmp-auth-password` asks for it",
            ));
        }
        let hidden = secret(Field::SnmpPrivPassword)?;
        if access.privacy.is_none() && !hidden.is_empty() {
            return Err(missing(device, "snmp_priv: its password is there, but not which cipher it is"));
        }
        // the usual way to have one password for both
        let hidden = if hidden.is_empty() { password } else { hidden };
        let privacy = access.privacy.map(|privacy| (privacy, hidden));
        ways.push(Credentials::User { name: access.user.clone(), auth, privacy });
    }
    if access.community.is_some() && access.version != Some(SnmpVersion::V3) {
        let community = secret(Field::SnmpCommunity)?;
        ways.extend(of_community(access.version, &community));
    }
    Ok(ways)
}

/// The list of the settings: the users, then every community with 2c, then with 1. What gives no secret away comes
/// first; a device is remembered with what it answered, so that it waits for the others once.
pub(in crate::engine) fn listed(engine: &Engine, version: Option<SnmpVersion>) -> Vec<Credentials> {
    let settings = engine.settings();
    let snmp = &settings.snmp;
    let may_be_user = version.is_none_or(|version| version == SnmpVersion::V3);
    let users = snmp.users.iter().filter(|_| may_be_user).cloned().map(Credentials::from);
    let communities = snmp.every_community();
    users.chain(communities.flat_map(|community| of_community(version, community))).collect()
}

fn of_community(
    version: Option<SnmpVersion>,
    community: &crate::model::Secret,
) -> impl Iterator<Item = Credentials> {
    let versions: &[bool] = match version {
        None => &[false, true],
        Some(SnmpVersion::V1) => &[true],
        Some(SnmpVersion::V2c) => &[false],
        Some(SnmpVersion::V3) => &[],
    };
    versions.iter().map(|is_v1| Credentials::Community { is_v1: *is_v1, community: community.clone() })
}

fn missing(device: &Device, what: &str) -> Failure {
    Failure::new(FailureKind::Incomplete, format!("{} lacks {what}", device.name))
}
