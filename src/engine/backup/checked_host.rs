//! The hosts on the way to a device whose keys are checked, and where OpenSSH would look them up.

use std::path::{Path, PathBuf};

use crate::device::transport::{HostConfig, name_of};
use crate::model::{Address, Device, TransportKind};

/// The user's files of known hosts, in `.ssh`, where none is named.
const USUAL_KNOWN: [&str; 2] = ["known_hosts", "known_hosts2"];

/// The machine's.
const GLOBAL_KNOWN: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/// A host on the way to a device whose key is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedHost {
    /// `address:port`: where its key is pinned.
    pub place: String,
    /// What known_hosts files call it.
    pub known_as: String,
    /// The known_hosts files that ssh would look into.
    pub files: Vec<PathBuf>,
}

impl CheckedHost {
    /// A host that is reached at this address and port; `found` is what `~/.ssh/config` says of it, `home` the user's
    /// folder. Without one no file is looked into: that is a network which noctule simulates itself.
    pub(super) fn new(address: &Address, port: u16, found: &HostConfig, home: Option<&Path>) -> Self {
        let host = address.to_string();
        // as with OpenSSH, an alias stands without a port
        let alias = found.host_key_alias.as_ref().map(|name| name_of(name, 22));
        let mut files = Vec::new();
        if let Some(home) = home {
            let usual = || USUAL_KNOWN.map(|name| home.join(".ssh").join(name)).to_vec();
            files = found.user_known_hosts.clone().unwrap_or_else(usual);
            let global = || GLOBAL_KNOWN.map(PathBuf::from).to_vec();
            files.extend(found.global_known_hosts.clone().unwrap_or_else(global));
        }
        let known_as = alias.unwrap_or_else(|| name_of(&host, port));
        Self { place: format!("{host}:{port}"), known_as, files }
    }

    /// The device itself, by its record alone.
    pub(super) fn own(device: &Device) -> Self {
        let port = device.port.unwrap_or(TransportKind::Ssh.default_port());
        Self::new(&device.address, port, &HostConfig::default(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_looked_up_as_openssh_would() {
        let address: Address = "Core-1.example".parse().unwrap();
        let home = Path::new("/home/ann");
        let usual = CheckedHost::new(&address, 2222, &HostConfig::default(), Some(home));
        assert_eq!(usual.known_as, "[core-1.example]:2222");
        assert_eq!(usual.files[0], home.join(".ssh/known_hosts"));
        assert_eq!(usual.files.last().unwrap(), Path::new("/etc/ssh/ssh_known_hosts2"));
        let said = HostConfig {
            host_key_alias: Some("lab".into()),
            user_known_hosts: Some(Vec::new()),
            global_known_hosts: Some(vec!["/k".into()]),
            ..HostConfig::default()
        };
        let said = CheckedHost::new(&address, 2222, &said, Some(home));
        assert_eq!((said.known_as.as_str(), said.files), ("lab", vec![PathBuf::from("/k")]));
        assert!(CheckedHost::new(&address, 22, &HostConfig::default(), None).files.is_empty());
    }
}
