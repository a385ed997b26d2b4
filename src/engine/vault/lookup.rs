//! Which credential a device gets, and why: the one place that everything which opens a session asks.
//!
//! What stands in the device's own record comes first. Then the vault's assignments, in their order; the first that is for
//! the device and fits is its login, and of SNMP each that is for the device is tried, in order. Where there is none, it is
//! as if there were no vault: `~/.ssh/config` and keys for a login, the lists of `config.toml` for SNMP.

use std::sync::Arc;

use crate::device::snmp::Credentials;
use crate::engine::error::ActError;
use crate::engine::inventory::Passwords;
use crate::engine::start::Engine;
use crate::model::{Assignment, Credential, CredentialKind, Device, Reach, SecretPart, SnmpVersion, Those};

/// So many ways of the vault an address is asked that is no device yet: each that is not answered takes its time.
const MOST_FOR_ANYBODY: usize = 16;

/// Where a device's credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Its own record.
    Record,
    /// The vault: an assignment of this number, of the credential of this name.
    Vault(u64, String),
    /// Neither; what stands in files of the host is used.
    Host,
}

/// What a session with a device is logged in with.
#[derive(Clone, Debug)]
pub struct Login {
    /// The login name; empty where the host's files say it, or the device asks for none.
    pub username: String,
    /// The passwords.
    pub passwords: Passwords,
    /// Where they come from.
    pub source: Source,
}

/// An assignment that is for a device.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The assignment.
    pub assignment: Assignment,
    /// Its credential.
    pub credential: Arc<Credential>,
    /// Whether it is used; else `why` says why not.
    pub used: bool,
    /// Why it is used or is not, in words.
    pub why: String,
}

/// What a device gets, and why.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Where its login comes from.
    pub login: Source,
    /// Where its SNMP credentials come from; the first that is tried.
    pub snmp: Source,
    /// Every assignment that is for the device, in order, the excepted ones too.
    pub chosen: Vec<Chosen>,
}

impl Explained {
    /// Where its login comes from, in words.
    pub fn login_in_words(&self) -> String {
        self.login.in_words("~/.ssh/config and the keys of the host")
    }

    /// Where its SNMP credentials come from, in words.
    pub fn snmp_in_words(&self) -> String {
        self.snmp.in_words("the lists under [snmp] in config.toml")
    }
}

impl Source {
    fn in_words(&self, of_host: &str) -> String {
        match self {
            Self::Record => "the device's own record".to_owned(),
            Self::Vault(number, name) => format!("{name}, by assignment {number}"),
            Self::Host => of_host.to_owned(),
        }
    }
}

impl Engine {
    /// What a session with the device is logged in with.
    ///
    /// # Errors
    /// When a sealed secret does not open, or the vault is in doubt.
    pub fn login(&self, device: &Device) -> Result<Login, ActError> {
        let own = self.passwords(device)?;
        if has_own_login(device) {
            return Ok(Login { username: device.username.clone(), passwords: own, source: Source::Record });
        }
        let first = self
            .chosen(device)?
            .into_iter()
            .find(|chosen| chosen.used && chosen.credential.kind == CredentialKind::Login);
        let Some(first) = first else {
            return Ok(Login { username: device.username.clone(), passwords: own, source: Source::Host });
        };
        let credential = &first.credential;
        let username = if credential.user.is_empty() { &device.username } else { &credential.user };
        let enable = match own.enable.is_empty() {
            true => self.opened(credential, SecretPart::EnablePassword)?,
            false => own.enable.clone(),
        };
        Ok(Login {
            username: username.clone(),
            passwords: Passwords { login: self.opened(credential, SecretPart::Password)?, enable },
            source: Source::Vault(first.assignment.number, credential.name.clone()),
        })
    }

    /// What the device's SNMP agent is asked with by the vault, in order; none where the vault has nothing for it.
    pub(in crate::engine) fn snmp_of_vault(&self, device: &Device) -> Result<Vec<Credentials>, ActError> {
        let mut ways = Vec::new();
        for chosen in self.chosen(device)? {
            if chosen.used && chosen.credential.kind.is_snmp() {
                ways.extend(self.snmp_ways(&chosen.credential, device.snmp.version)?);
            }
        }
        Ok(ways)
    }

    /// What an address is asked with that is no device yet: what is given to names that fit a pattern, or to everything. What
    /// gives no secret away comes first; else the order is that of the assignments, and no more than a few are tried.
    pub(in crate::engine) fn snmp_of_vault_for_anybody(&self) -> Result<Vec<Credentials>, ActError> {
        let held = self.held();
        if let Some(doubt) = &held.doubt {
            return Err(ActError::storage("looking a credential up", doubt));
        }
        let is_for_anybody =
            |one: &&Assignment| matches!(one.to, Those::Match(_) | Those::Part(Reach::Everything));
        let mut seen = Vec::new();
        let mut ways = Vec::new();
        for assignment in held.list.assignments.iter().filter(is_for_anybody) {
            let credential = held.credential(assignment.credential).filter(|one| one.kind.is_snmp());
            if let Some(credential) = credential.filter(|one| !seen.contains(&one.id)) {
                seen.push(credential.id);
                ways.extend(self.snmp_ways(credential, None)?);
            }
        }
        ways.sort_by_key(|way| matches!(way, Credentials::Community { .. }));
        ways.truncate(MOST_FOR_ANYBODY);
        Ok(ways)
    }

    /// Whether the vault has something for the device's SNMP agent.
    pub(in crate::engine) fn has_snmp_of_vault(&self, device: &Device) -> bool {
        self.chosen(device).is_ok_and(|all| all.iter().any(|one| one.used && one.credential.kind.is_snmp()))
    }

    fn snmp_ways(
        &self,
        credential: &Credential,
        version: Option<SnmpVersion>,
    ) -> Result<Vec<Credentials>, ActError> {
        if credential.kind == CredentialKind::Community {
            let community = self.opened(credential, SecretPart::Community)?;
            let versions: &[bool] = match credential.version.or(version) {
                None => &[false, true],
                Some(SnmpVersion::V1) => &[true],
                Some(SnmpVersion::V2c | SnmpVersion::V3) => &[false],
            };
            let of = |is_v1: &bool| Credentials::Community { is_v1: *is_v1, community: community.clone() };
            return Ok(versions.iter().map(of).collect());
        }
        let password = self.opened(credential, SecretPart::AuthPassword)?;
        let hidden = self.opened(credential, SecretPart::PrivPassword)?;
        // the usual way to have one password for both
        let hidden = if hidden.is_empty() { password.clone() } else { hidden };
        Ok(vec![Credentials::User {
            name: credential.user.clone(),
            auth: credential.auth.map(|auth| (auth, password)),
            privacy: credential.privacy.map(|privacy| (privacy, hidden)),
        }])
    }

    /// Says which credentials the device gets, and why.
    ///
    /// # Errors
    /// When the vault is in doubt.
    pub fn explain_credentials(&self, device: &Device) -> Result<Explained, ActError> {
        let chosen = self.chosen(device)?;
        let first = |fits: fn(CredentialKind) -> bool| {
            let found = chosen.iter().find(|one| one.used && fits(one.credential.kind));
            found
                .map_or(Source::Host, |one| Source::Vault(one.assignment.number, one.credential.name.clone()))
        };
        let login =
            if has_own_login(device) { Source::Record } else { first(|kind| kind == CredentialKind::Login) };
        let snmp = if device.snmp.is_told() { Source::Record } else { first(CredentialKind::is_snmp) };
        Ok(Explained { login, snmp, chosen })
    }

    /// Every assignment that is for the device, in order, and whether it is used.
    fn chosen(&self, device: &Device) -> Result<Vec<Chosen>, ActError> {
        let held = self.held();
        if let Some(doubt) = &held.doubt {
            return Err(ActError::storage("looking a credential up", doubt));
        }
        let order = held.order();
        let chosen = considered(&order, device).map(|(at, passed)| {
            let (assignment, credential) = order[at];
            Chosen {
                assignment: assignment.clone(),
                credential: Arc::clone(credential),
                used: passed.is_none(),
                why: passed.unwrap_or("it is for this device").to_owned(),
            }
        });
        Ok(chosen.collect())
    }
}

/// The assignments of `order` that are for the device: the place of each, and why it is not used where it is not.
pub(super) fn considered<'a>(
    order: &'a [(&'a Assignment, &'a Arc<Credential>)],
    device: &'a Device,
) -> impl Iterator<Item = (usize, Option<&'static str>)> + 'a {
    let mut has_login = false;
    let those = order.iter().enumerate().filter(|(_, (assignment, _))| assignment.to.holds(device));
    those.map(move |(at, (assignment, credential))| {
        let passed = why_not(device, credential, assignment, has_login);
        has_login |= passed.is_none() && credential.kind == CredentialKind::Login;
        (at, passed)
    })
}

/// Why an assignment that is for the device is not used.
fn why_not(
    device: &Device,
    credential: &Credential,
    assignment: &Assignment,
    has_login: bool,
) -> Option<&'static str> {
    if assignment.is_excepted(device) {
        return Some("the device is an exception");
    }
    match credential.kind {
        CredentialKind::Login if has_own_login(device) => Some("the device's own record has a login"),
        CredentialKind::Login if has_login => Some("an assignment before it has given a login"),
        CredentialKind::Login
            if !device.username.is_empty()
                && !credential.user.is_empty()
                && device.username != credential.user =>
        {
            Some("the device's own record names another user")
        }
        CredentialKind::Community | CredentialKind::SnmpUser if device.snmp.is_told() => {
            Some("the device's own record says how its agent is asked")
        }
        CredentialKind::Community if device.snmp.version == Some(SnmpVersion::V3) => {
            Some("the device's own record asks for SNMP 3")
        }
        CredentialKind::SnmpUser if device.snmp.version.is_some_and(|version| version != SnmpVersion::V3) => {
            Some("the device's own record asks for a version that has communities")
        }
        _ => None,
    }
}

/// A password or a key file of its own.
fn has_own_login(device: &Device) -> bool {
    device.password.is_some() || !device.identity_file.is_empty()
}
