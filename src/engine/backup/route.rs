//! The way to a device: its record says it, and where the record is silent, `~/.ssh/config`.

use std::path::{Path, PathBuf};

use crate::device::transport::{HostConfig, Jump, SshConfig, Target};
use crate::model::{Address, Device, Failure, FailureKind, TransportKind};

use super::checked_host::CheckedHost;
use super::reader::Call;

/// The most jump hosts on a way.
const MOST_JUMPS: usize = 8;

/// The key files that OpenSSH tries where none is named.
const USUAL_KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// Whose files and keys are used.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// The home folder; its `.ssh` is looked into.
    pub home: Option<PathBuf>,
    /// The agent's socket.
    pub agent: Option<PathBuf>,
}

/// What is connected to, and what with.
pub(super) fn target(call: &Call, person: &Person, config: &SshConfig) -> Result<Target, Failure> {
    let (device, ssh) = (&call.device, &call.driver.ssh);
    let transport = device
        .transport
        .ok_or_else(|| Failure::new(FailureKind::Incomplete, format!("{} has no transport", device.name)))?;
    let way = Way::new(device, transport, person, config)?;
    let password = call.passwords.login.clone();
    let keys = match device.identity_file.as_str() {
        // keys are offered only where no password is at hand: each one that is refused counts as a wrong password
        "" if !password.is_empty() => KeyChoice { agent: way.agent(person), ..KeyChoice::default() },
        "" => way.keys(person),
        file => KeyChoice { files: vec![person.at_home(file)], agent: way.agent(person), offer_agent: false },
    };
    Ok(Target {
        address: way.address,
        port: way.port,
        transport,
        username: format!("{}{}", way.user, ssh.username_suffix),
        password,
        identity_files: keys.files,
        agent: keys.agent,
        offer_agent_keys: keys.offer_agent,
        jumps: way.hops.into_iter().map(|hop| hop.jump).collect(),
        legacy_algorithms: device.legacy_algorithms || ssh.legacy_algorithms,
        terminal: ssh.terminal.clone(),
    })
}

/// The hosts on the way to a device whose keys are checked, the device itself last.
pub(super) fn hosts(
    device: &Device,
    person: &Person,
    config: &SshConfig,
) -> Result<Vec<CheckedHost>, Failure> {
    let way = Way::new(device, device.transport.unwrap_or(TransportKind::Ssh), person, config)?;
    let own = CheckedHost::new(&way.address, way.port, &way.config, person.home.as_deref());
    Ok(way.hops.into_iter().map(|hop| hop.checked).chain([own]).collect())
}

/// Where a device is, and the jump hosts on the way there: those of its SSH session.
pub(super) fn jumps(
    device: &Device,
    person: &Person,
    config: &SshConfig,
) -> Result<(Address, Vec<Jump>), Failure> {
    let way = Way::new(device, device.transport.unwrap_or(TransportKind::Ssh), person, config)?;
    Ok((way.address, way.hops.into_iter().map(|hop| hop.jump).collect()))
}

struct Way {
    address: Address,
    port: u16,
    user: String,
    hops: Vec<Hop>,
    config: HostConfig,
}

/// A jump host, and how its key is checked.
struct Hop {
    jump: Jump,
    checked: CheckedHost,
}

#[derive(Default)]
struct KeyChoice {
    files: Vec<PathBuf>,
    agent: Option<PathBuf>,
    offer_agent: bool,
}

impl Way {
    fn new(
        device: &Device,
        transport: TransportKind,
        person: &Person,
        config: &SshConfig,
    ) -> Result<Self, Failure> {
        let typed = device.address.to_string();
        let found = match transport {
            TransportKind::Ssh => config.host(&typed, &device.username),
            TransportKind::Telnet => HostConfig::default(),
        };
        let hops = match (transport, device.proxy_jump.as_str()) {
            (TransportKind::Telnet, _) => Vec::new(),
            (TransportKind::Ssh, "") => {
                refuse_proxy_command(&typed, &found)?;
                let list = found.proxy_jump.clone().unwrap_or_default();
                Jumps { device, person, config }.all(&list, &mut vec![typed.clone()])?
            }
            (TransportKind::Ssh, list) => Jumps { device, person, config }.all(list, &mut Vec::new())?,
        };
        Ok(Self {
            address: real_address(&device.address, &found)?,
            port: device.port.or(found.port).unwrap_or(transport.default_port()),
            user: chosen(&device.username, &found),
            hops,
            config: found,
        })
    }

    fn agent(&self, person: &Person) -> Option<PathBuf> {
        agent(&self.config, person)
    }

    fn keys(&self, person: &Person) -> KeyChoice {
        keys(&self.config, person)
    }
}

/// Reads `[user@]host[:port]`, with commas between, as OpenSSH's ProxyJump has it; `none` is none.
struct Jumps<'a> {
    device: &'a Device,
    person: &'a Person,
    config: &'a SshConfig,
}

impl Jumps<'_> {
    /// The hosts of a list. Like OpenSSH, the first of them is reached as its own part of the file says; `seen` are
    /// the hosts whose part has led here.
    fn all(&self, list: &str, seen: &mut Vec<String>) -> Result<Vec<Hop>, Failure> {
        if list.is_empty() || list.eq_ignore_ascii_case("none") {
            return Ok(Vec::new());
        }
        let mut jumps: Vec<Hop> = Vec::new();
        for (place, hop) in list.split(',').enumerate() {
            let (user, host, port) = parts(hop.trim()).ok_or_else(|| {
                let message =
                    format!("the jump host {hop:?} is not [user@]host[:port]; see proxy_jump of the device");
                Failure::new(FailureKind::Incomplete, message)
            })?;
            let found = self.config.host(host, user.unwrap_or(""));
            if place == 0 {
                refuse_proxy_command(host, &found)?;
                jumps = self.before(host, &found, seen)?;
            }
            jumps.push(self.jump(user, host, port, &found)?);
            if jumps.len() > MOST_JUMPS {
                let message =
                    format!("the way to {} has more than {MOST_JUMPS} jump hosts", self.device.name);
                return Err(Failure::new(FailureKind::Incomplete, message));
            }
        }
        Ok(jumps)
    }

    /// What lies before the first host of a list.
    fn before(&self, host: &str, found: &HostConfig, seen: &mut Vec<String>) -> Result<Vec<Hop>, Failure> {
        let list = found.proxy_jump.clone().unwrap_or_default();
        // `Host *` with a ProxyJump names the jump host for itself, too.
        let to_itself = parts(&list).is_some_and(|(_, jump, _)| jump.eq_ignore_ascii_case(host));
        if to_itself {
            return Ok(Vec::new());
        }
        if seen.iter().any(|seen| seen.eq_ignore_ascii_case(host)) {
            let message = format!("the jump hosts of ~/.ssh/config lead in a circle at {host}");
            return Err(Failure::new(FailureKind::Incomplete, message));
        }
        seen.push(host.to_owned());
        self.all(&list, seen)
    }

    fn jump(
        &self,
        user: Option<&str>,
        host: &str,
        port: Option<u16>,
        found: &HostConfig,
    ) -> Result<Hop, Failure> {
        let typed = host.parse().map_err(|why| Failure::new(FailureKind::Incomplete, why))?;
        let mut keys = keys(found, self.person);
        if found.identity_files.is_empty() && !self.device.identity_file.is_empty() {
            keys.files = vec![self.person.at_home(&self.device.identity_file)];
        }
        let address = real_address(&typed, found)?;
        let port = port.or(found.port).unwrap_or(TransportKind::Ssh.default_port());
        let checked = CheckedHost::new(&address, port, found, self.person.home.as_deref());
        let jump = Jump {
            address,
            port,
            username: user
                .map(str::to_owned)
                .or_else(|| found.user.clone())
                .unwrap_or_else(|| self.device.username.clone()),
            identity_files: keys.files,
            agent: keys.agent,
            offer_agent_keys: keys.offer_agent,
        };
        Ok(Hop { jump, checked })
    }
}

impl Person {
    /// A leading `~/` is the home folder.
    fn at_home(&self, file: &str) -> PathBuf {
        match (file.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(file),
        }
    }
}

/// The files that ssh would try, as far as they are there, and the agent.
fn keys(found: &HostConfig, person: &Person) -> KeyChoice {
    let usual = || -> Vec<PathBuf> {
        let folder = person.home.as_deref().map(|home| home.join(".ssh"));
        folder.iter().flat_map(|folder: &PathBuf| USUAL_KEYS.map(|name| folder.join(name))).collect()
    };
    let named = if found.identity_files.is_empty() { usual() } else { found.identity_files.clone() };
    KeyChoice {
        files: named.into_iter().filter(|file| is_there(file)).collect(),
        agent: agent(found, person),
        offer_agent: found.identities_only != Some(true),
    }
}

fn is_there(file: &Path) -> bool {
    file.is_file()
}

fn agent(found: &HostConfig, person: &Person) -> Option<PathBuf> {
    match found.identity_agent.as_deref() {
        None | Some("SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK") => person.agent.clone(),
        Some(none) if none.eq_ignore_ascii_case("none") => None,
        Some(socket) => Some(PathBuf::from(socket)),
    }
}

fn chosen(username: &str, found: &HostConfig) -> String {
    match username {
        "" => found.user.clone().unwrap_or_default(),
        name => name.to_owned(),
    }
}

fn real_address(typed: &Address, found: &HostConfig) -> Result<Address, Failure> {
    let Some(name) = &found.host_name else { return Ok(typed.clone()) };
    name.parse().map_err(|why| {
        Failure::new(FailureKind::Incomplete, format!("HostName of {typed} in ~/.ssh/config: {why}"))
    })
}

fn refuse_proxy_command(host: &str, found: &HostConfig) -> Result<(), Failure> {
    match &found.proxy_command {
        Some(command) if !command.eq_ignore_ascii_case("none") => {
            let message = format!(
                "~/.ssh/config reaches {host} by a ProxyCommand, which noctule does not run; name the jump host by ProxyJump there, or in the device's proxy_jump (`none` for the straight way)"
            );
            Err(Failure::new(FailureKind::Incomplete, message))
        }
        _ => Ok(()),
    }
}

/// User, host and port of a jump host.
fn parts(hop: &str) -> Option<(Option<&str>, &str, Option<u16>)> {
    let hop = hop.strip_prefix("ssh://").unwrap_or(hop);
    let (user, place) = match hop.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, hop),
    };
    let (host, port) = host_and_port(place)?;
    (!host.is_empty()).then_some((user, host, port))
}

/// `host`, `host:22`, `[2001:db8::1]:22`; an IPv6 address without a port needs no brackets.
fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    if let Some(bracketed) = place.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        _ => Some((place, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fields::blank;
    use crate::model::{DeviceId, Timestamp};

    fn device(address: &str, proxy_jump: &str) -> Device {
        Device {
            transport: Some(TransportKind::Ssh),
            username: "noc".into(),
            proxy_jump: proxy_jump.into(),
            ..blank(DeviceId(1), "core-1".parse().unwrap(), address.parse().unwrap(), Timestamp(0))
        }
    }

    /// The way, as `user@host port` for each host on it.
    fn way(device: &Device, config: &str) -> Result<Vec<String>, String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".ssh")).unwrap();
        let file = home.path().join(".ssh/config");
        std::fs::write(&file, config).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let config = SshConfig::read(home.path())?;
        let person = Person { home: Some(home.path().to_owned()), agent: None };
        let way =
            Way::new(device, TransportKind::Ssh, &person, &config).map_err(|failure| failure.message)?;
        let jumps = way.hops.iter().map(|hop| hop.jump.to_string());
        Ok(jumps.chain([format!("{}@{}:{}", way.user, way.address, way.port)]).collect())
    }

    #[test]
    fn jump_hosts_are_read_as_openssh_writes_them() {
        let good: [(&str, &[&str]); 6] = [
            ("", &[]),
            ("none", &[]),
            ("jump", &["noc@jump:22"]),
            ("ann@a:2222,b", &["ann@a:2222", "noc@b:22"]),
            ("[2001:db8::1]:2222", &["noc@2001:db8::1:2222"]),
            ("2001:db8::1", &["noc@2001:db8::1:22"]),
        ];
        for (text, hops) in good {
            let expected: Vec<String> =
                hops.iter().copied().chain(["noc@192.0.2.1:22"]).map(str::to_owned).collect();
            assert_eq!(way(&device("192.0.2.1", text), "").as_deref(), Ok(&expected[..]), "{text}");
        }
        for bad in ["a:b", "a:99999", "[::1", "a,,b", "[::1]x"] {
            assert!(way(&device("192.0.2.1", bad), "").is_err(), "{bad}");
        }
    }

    #[test]
    fn where_the_record_is_silent_the_file_says_the_way() {
        let config = "Host core\n HostName 192.0.2.7\n Port 830\n User file\n ProxyJump far\n\
                      Host far\n HostName far.example\n ProxyJump ann@near:2200\n\
                      Host near\n User other\n HostName 192.0.2.9\n";
        let silent = Device { username: String::new(), ..device("core", "") };
        let found = way(&silent, config).unwrap();
        assert_eq!(found, ["ann@192.0.2.9:2200", "@far.example:22", "file@192.0.2.7:830"]);
        let spoken = Device { port: Some(22), ..device("core", "none") };
        assert_eq!(way(&spoken, config).unwrap(), ["noc@192.0.2.7:22"]);
        assert_eq!(way(&device("core", "near,x"), config).unwrap()[..2], ["other@192.0.2.9:22", "noc@x:22"]);
    }

    #[test]
    fn ways_in_a_circle_and_by_a_program_are_refused_in_words() {
        let star = "Host *\n ProxyJump gate\n";
        assert_eq!(way(&device("core", ""), star).unwrap(), ["noc@gate:22", "noc@core:22"]);
        let circle = "Host a\n ProxyJump b\nHost b\n ProxyJump a\n";
        assert!(way(&device("a", ""), circle).unwrap_err().contains("circle"));
        let program = "Host a\n ProxyCommand nc %h %p\n";
        assert!(way(&device("a", ""), program).unwrap_err().contains("ProxyCommand"));
        assert_eq!(way(&device("a", "none"), program).unwrap(), ["noc@a:22"]);
    }
}
