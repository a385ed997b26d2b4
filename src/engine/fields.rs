//! The fields of a device record as a person writes them: `group=campus/north`.

mod values;

use std::fmt;
use std::str::FromStr;

use crate::model::{Address, Device, DeviceId, DeviceName, Sealed, SnmpAccess, Timestamp, nearest};

use super::error::ActError;

pub use values::{LONGEST_LOCATION, check_secret, set};

/// A field of a device that a person may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The name.
    Name,
    /// Where it is reached.
    Address,
    /// The port; empty is the transport's own.
    Port,
    /// `ssh`, `telnet`, or empty for an unmanaged asset.
    Transport,
    /// The driver's id.
    Driver,
    /// The login name.
    Username,
    /// The login password.
    Password,
    /// The password of the privileged mode.
    EnablePassword,
    /// `campus/north`.
    Group,
    /// Free text.
    Location,
    /// A word.
    Role,
    /// Words with commas between.
    Tags,
    /// The owner's number.
    AssetTag,
    /// Free text.
    Description,
    /// A private key file of the host.
    IdentityFile,
    /// Jump hosts.
    ProxyJump,
    /// `yes` or `no`.
    LegacyAlgorithms,
    /// A WHATWG label.
    Charset,
    /// `yes` or `no`.
    Paused,
    /// The device that it hangs on.
    Parent,
    /// `1`, `2c`, `3`; empty tries what the other fields allow.
    SnmpVersion,
    /// The agent's port; empty is 161.
    SnmpPort,
    /// The community of SNMP 1 and 2c.
    SnmpCommunity,
    /// The user of SNMP 3.
    SnmpUser,
    /// The digest of SNMP 3.
    SnmpAuth,
    /// Its password.
    SnmpAuthPassword,
    /// The cipher of SNMP 3.
    SnmpPriv,
    /// Its password.
    SnmpPrivPassword,
}

impl Field {
    /// Every field, in the order of an export.
    pub const ALL: [Self; 28] = [
        Self::Name,
        Self::Address,
        Self::Port,
        Self::Transport,
        Self::Driver,
        Self::Username,
        Self::Password,
        Self::EnablePassword,
        Self::Group,
        Self::Location,
        Self::Role,
        Self::Tags,
        Self::AssetTag,
        Self::Description,
        Self::IdentityFile,
        Self::ProxyJump,
        Self::LegacyAlgorithms,
        Self::Charset,
        Self::Paused,
        Self::Parent,
        Self::SnmpVersion,
        Self::SnmpPort,
        Self::SnmpCommunity,
        Self::SnmpUser,
        Self::SnmpAuth,
        Self::SnmpAuthPassword,
        Self::SnmpPriv,
        Self::SnmpPrivPassword,
    ];

    /// Its name on a command line, in CSV and in TOML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::Port => "port",
            Self::Transport => "transport",
            Self::Driver => "driver",
            Self::Username => "username",
            Self::Password => "password",
            Self::EnablePassword => "enable_password",
            Self::Group => "group",
            Self::Location => "location",
            Self::Role => "role",
            Self::Tags => "tags",
            Self::AssetTag => "asset_tag",
            Self::Description => "description",
            Self::IdentityFile => "identity_file",
            Self::ProxyJump => "proxy_jump",
            Self::LegacyAlgorithms => "legacy_algorithms",
            Self::Charset => "charset",
            Self::Paused => "paused",
            Self::Parent => "parent",
            Self::SnmpVersion => "snmp_version",
            Self::SnmpPort => "snmp_port",
            Self::SnmpCommunity => "snmp_community",
            Self::SnmpUser => "snmp_user",
            Self::SnmpAuth => "snmp_auth",
            Self::SnmpAuthPassword => "snmp_auth_password",
            Self::SnmpPriv => "snmp_priv",
            Self::SnmpPrivPassword => "snmp_priv_password",
        }
    }

    /// What it must be, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Name => "unique name",
            Self::Address => "IP address or host name",
            Self::Port => "1 to 65535, empty for the usual one",
            Self::Transport => "ssh, telnet, or empty for an asset that is only listed",
            Self::Driver => "driver id, see `driver list`",
            Self::Username => "login name",
            Self::Password => "login password",
            Self::EnablePassword => "password of the privileged mode",
            Self::Group => "group, outer/inner",
            Self::Location => "building, floor, rack, room",
            Self::Role => "core, distribution, access …",
            Self::Tags => "words with commas between",
            Self::AssetTag => "your inventory number",
            Self::Description => "free text",
            Self::IdentityFile => "private key file of this host, for SSH",
            Self::ProxyJump => "jump hosts, as in OpenSSH's ProxyJump",
            Self::LegacyAlgorithms => "yes to offer old SSH algorithms",
            Self::Charset => "character set, such as gbk or windows-1251",
            Self::Paused => "yes to leave it out of scheduled work",
            Self::Parent => "the device that it hangs on, by name",
            Self::SnmpVersion => "1, 2c, 3, or empty to try what the other fields allow",
            Self::SnmpPort => "1 to 65535, empty for 161",
            Self::SnmpCommunity => "community of SNMP 1 and 2c",
            Self::SnmpUser => "user of SNMP 3",
            Self::SnmpAuth => "digest of SNMP 3: md5, sha, sha224, sha256, sha384 or sha512",
            Self::SnmpAuthPassword => "password of SNMP 3's digest",
            Self::SnmpPriv => "cipher of SNMP 3: des, aes, aes192, aes256, aes192-c or aes256-c",
            Self::SnmpPrivPassword => "password of SNMP 3's cipher",
        }
    }

    /// Whether its value must never be shown.
    pub fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Password
                | Self::EnablePassword
                | Self::SnmpCommunity
                | Self::SnmpAuthPassword
                | Self::SnmpPrivPassword
        )
    }

    /// The place of a secret in the record; `None` for a field that is none.
    pub fn sealed_in(self, device: &mut Device) -> Option<&mut Option<Sealed>> {
        match self {
            Self::Password => Some(&mut device.password),
            Self::EnablePassword => Some(&mut device.enable_password),
            Self::SnmpCommunity => Some(&mut device.snmp.community),
            Self::SnmpAuthPassword => Some(&mut device.snmp.auth_password),
            Self::SnmpPrivPassword => Some(&mut device.snmp.privacy_password),
            _ => None,
        }
    }

    /// The sealed secret that `device` has in this field.
    pub fn sealed(self, device: &Device) -> Option<&Sealed> {
        match self {
            Self::Password => device.password.as_ref(),
            Self::EnablePassword => device.enable_password.as_ref(),
            Self::SnmpCommunity => device.snmp.community.as_ref(),
            Self::SnmpAuthPassword => device.snmp.auth_password.as_ref(),
            Self::SnmpPrivPassword => device.snmp.privacy_password.as_ref(),
            _ => None,
        }
    }

    /// The value that `device` has, as it is written; empty for a secret.
    pub fn read(self, device: &Device) -> String {
        let yes_no = |set: bool| if set { "yes" } else { "no" }.to_owned();
        match self {
            Self::Name => device.name.to_string(),
            Self::Address => device.address.to_string(),
            Self::Port => word(&device.port),
            Self::Transport => word(&device.transport),
            Self::Driver => word(&device.driver),
            Self::Username => device.username.clone(),
            Self::Password
            | Self::EnablePassword
            | Self::SnmpCommunity
            | Self::SnmpAuthPassword
            | Self::SnmpPrivPassword => String::new(),
            Self::Group => device.group.clone(),
            Self::Location => device.location.clone(),
            Self::Role => device.role.clone(),
            Self::Tags => device.tags.join(","),
            Self::AssetTag => device.asset_tag.clone(),
            Self::Description => device.description.clone(),
            Self::IdentityFile => device.identity_file.clone(),
            Self::ProxyJump => device.proxy_jump.clone(),
            Self::LegacyAlgorithms => yes_no(device.legacy_algorithms),
            Self::Charset => device.charset.clone(),
            Self::Paused => yes_no(device.paused),
            Self::Parent => word(&device.parent),
            Self::SnmpVersion => word(&device.snmp.version),
            Self::SnmpPort => word(&device.snmp.port),
            Self::SnmpUser => device.snmp.user.clone(),
            Self::SnmpAuth => word(&device.snmp.auth),
            Self::SnmpPriv => word(&device.snmp.privacy),
        }
    }
}

fn word(value: &Option<impl ToString>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Field {
    type Err = ActError;

    fn from_str(text: &str) -> Result<Self, ActError> {
        Self::ALL.into_iter().find(|field| field.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            let hint = nearest(text, names).map_or_else(
                || format!("these are: {}", names.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            ActError::usage(format!("{text:?} is not a field of a device; {hint}"))
        })
    }
}

/// One field and its new value. The value may be a password, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Which field.
    pub field: Field,
    /// What it becomes; empty takes the old value away.
    pub value: String,
}

impl Change {
    /// A change.
    pub fn new(field: Field, value: impl Into<String>) -> Self {
        Self { field, value: value.into() }
    }
}

impl FromStr for Change {
    type Err = ActError;

    /// Reads `field=value`.
    fn from_str(text: &str) -> Result<Self, ActError> {
        let (field, value) = text.split_once('=').ok_or_else(|| {
            ActError::usage(format!("{text:?} is not a change: write field=value, such as group=core"))
        })?;
        Ok(Self::new(field.trim().parse()?, value))
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.field.is_secret() { "…" } else { &self.value };
        write!(f, "{}={shown}", self.field)
    }
}

/// A record with nothing but its name and address.
pub fn blank(id: DeviceId, name: DeviceName, address: Address, at: Timestamp) -> Device {
    Device {
        id,
        name,
        address,
        port: None,
        transport: None,
        driver: None,
        group: String::new(),
        location: String::new(),
        role: String::new(),
        tags: Vec::new(),
        asset_tag: String::new(),
        description: String::new(),
        username: String::new(),
        password: None,
        enable_password: None,
        identity_file: String::new(),
        proxy_jump: String::new(),
        legacy_algorithms: false,
        charset: String::new(),
        paused: false,
        created: at,
        updated: at,
        deleted: None,
        snmp: SnmpAccess::default(),
        parent: None,
        revision: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device {
        blank(DeviceId(1), "sw-1".parse().unwrap(), "127.0.0.1".parse().unwrap(), Timestamp(0))
    }

    fn try_set(text: &str) -> Result<Device, String> {
        let mut device = device();
        let change: Change = text.parse().map_err(|e: ActError| e.message)?;
        set(&mut device, &change).map_err(|e| e.message)?;
        Ok(device)
    }

    #[test]
    fn reads_what_people_write() {
        assert_eq!(try_set("port=2222").unwrap().port, Some(2222));
        assert_eq!(try_set("port=").unwrap().port, None);
        assert_eq!(try_set("group=/campus/north/").unwrap().group, "campus/north");
        assert_eq!(try_set("tags=b, a b").unwrap().tags, ["a", "b"]);
        assert!(try_set("paused=Yes").unwrap().paused);
        assert_eq!(try_set("description=a=b").unwrap().description, "a=b");
    }

    #[test]
    fn says_which_field_is_wrong_and_what_it_must_be() {
        for (text, says) in [
            ("port=0", "port: "),
            ("port=65536", "1 to 65535"),
            ("transport=serial", "ssh and telnet"),
            ("group=a//b", "empty part"),
            ("location=a\rb", "control"),
            ("location=a\u{202e}b", "invisible"),
            ("proxy_jump=-oProxyCommand=x", "jump hosts"),
            ("charset=klingon", "character set"),
            ("paused=maybe", "yes nor no"),
            ("colour=red", "not a field"),
            ("core", "field=value"),
        ] {
            let message = try_set(text).unwrap_err();
            assert!(message.contains(says), "{text:?} said {message:?}");
        }
    }

    #[test]
    fn a_secret_never_shows() {
        let change: Change = "password=not-a-real-one".parse().unwrap();
        assert_eq!(format!("{change:?}"), "password=…");
        assert!(check_secret(Field::Password, "a\nb").is_err());
    }

    #[test]
    fn what_is_read_can_be_set_again() {
        let mut device = device();
        for field in Field::ALL.into_iter().filter(|field| !field.is_secret()) {
            let value = field.read(&device);
            set(&mut device, &Change::new(field, value)).unwrap();
        }
        assert_eq!(device, self::device());
    }

    #[test]
    fn a_record_of_before_is_read_and_has_no_revision() {
        use crate::store::Record;
        let device = Device { revision: 0, ..device() };
        let bytes = postcard::to_stdvec(&device).unwrap();
        let second = &bytes[..bytes.len() - 1];
        assert_eq!(Device::upgrade(2, second).unwrap(), device);
        let added = postcard::to_stdvec(&(SnmpAccess::default(), None::<DeviceName>)).unwrap().len();
        assert_eq!(Device::upgrade(1, &second[..second.len() - added]).unwrap(), device);
        assert!(Device::upgrade(0, &bytes).is_err());
    }
}
