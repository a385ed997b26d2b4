//! What a person writes into a field, checked and in the form in which it is kept.

use std::str::FromStr;

use super::{Change, Field};
use crate::engine::error::ActError;
use crate::model::{Device, DeviceName, DriverId, Secret, is_hostile};

/// The most characters of a device's location.
pub const LONGEST_LOCATION: usize = 200;

/// Puts a value that is not a secret into `device`.
///
/// # Errors
/// One sentence that names the field and says what it must be. Secrets are refused: they are sealed by
/// `engine/inventory.rs`, after [`check_secret`].
pub fn set(device: &mut Device, change: &Change) -> Result<(), ActError> {
    let field = change.field;
    let value = change.value.trim();
    let wrong = |why: String| ActError::usage(format!("{field}: {why}"));
    match field {
        Field::Name => device.name = value.parse().map_err(wrong)?,
        Field::Address => device.address = value.parse().map_err(wrong)?,
        Field::Port => device.port = optional(value, port).map_err(wrong)?,
        Field::Transport => device.transport = optional(value, FromStr::from_str).map_err(wrong)?,
        Field::Driver => device.driver = optional(value, DriverId::from_str).map_err(wrong)?,
        Field::Username => device.username = line(value, 128).map_err(wrong)?,
        Field::Password
        | Field::EnablePassword
        | Field::SnmpCommunity
        | Field::SnmpAuthPassword
        | Field::SnmpPrivPassword => return Err(wrong("a secret is sealed, not set".into())),
        Field::Group => device.group = group(value).map_err(wrong)?,
        Field::Location => device.location = line(value, LONGEST_LOCATION).map_err(wrong)?,
        Field::Role => device.role = line(value, 40).map_err(wrong)?,
        Field::Tags => device.tags = tags(value).map_err(wrong)?,
        Field::AssetTag => device.asset_tag = line(value, 64).map_err(wrong)?,
        Field::Description => device.description = line(value, 1000).map_err(wrong)?,
        Field::IdentityFile => device.identity_file = line(value, 1000).map_err(wrong)?,
        Field::ProxyJump => device.proxy_jump = proxy_jump(value).map_err(wrong)?,
        Field::LegacyAlgorithms => device.legacy_algorithms = yes_no(value).map_err(wrong)?,
        Field::Charset => device.charset = charset(value).map_err(wrong)?,
        Field::Paused => device.paused = yes_no(value).map_err(wrong)?,
        Field::Parent => device.parent = optional(value, DeviceName::from_str).map_err(wrong)?,
        Field::SnmpVersion => device.snmp.version = optional(value, FromStr::from_str).map_err(wrong)?,
        Field::SnmpPort => device.snmp.port = optional(value, port).map_err(wrong)?,
        // RFC 3414: SnmpAdminString (SIZE(0..32))
        Field::SnmpUser => device.snmp.user = line(value, 32).map_err(wrong)?,
        Field::SnmpAuth => device.snmp.auth = optional(value, FromStr::from_str).map_err(wrong)?,
        Field::SnmpPriv => device.snmp.privacy = optional(value, FromStr::from_str).map_err(wrong)?,
    }
    Ok(())
}

/// Checks a password as it is typed.
///
/// # Errors
/// When it is longer than 1 024 bytes or holds a control character, which no device takes at a prompt; or is shorter
/// than the eight characters that RFC 3414 wants of a password of SNMPv3.
pub fn check_secret(field: Field, value: &str) -> Result<Secret, ActError> {
    if value.len() > 1024 {
        return Err(ActError::usage(format!("{field}: longer than 1024 bytes")));
    }
    if value.chars().any(char::is_control) {
        return Err(ActError::usage(format!("{field}: holds a control character")));
    }
    let has_least = matches!(field, Field::SnmpAuthPassword | Field::SnmpPrivPassword);
    if has_least && (1..8).contains(&value.len()) {
        return Err(ActError::usage(format!("{field}: shorter than the 8 characters that SNMPv3 asks for")));
    }
    Ok(Secret::new(value))
}

fn optional<T>(value: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if value.is_empty() { Ok(None) } else { read(value).map(Some) }
}

fn port(value: &str) -> Result<u16, String> {
    match value.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("{value:?} is not a port: 1 to 65535 are")),
    }
}

fn line(value: &str, most: usize) -> Result<String, String> {
    if value.chars().any(is_hostile) {
        return Err("holds a control or invisible character".into());
    }
    if value.chars().count() > most {
        return Err(format!("longer than {most} characters"));
    }
    Ok(value.to_owned())
}

fn group(value: &str) -> Result<String, String> {
    let value = line(value.trim_matches('/'), 200)?;
    if !value.is_empty() && value.split('/').any(|part| part.trim() != part || part.is_empty()) {
        return Err(format!("{value:?} has an empty part or blanks around a /; write outer/inner"));
    }
    Ok(value)
}

fn tags(value: &str) -> Result<Vec<String>, String> {
    let mut tags = Vec::new();
    for tag in value.split([',', ' ', ';']).filter(|tag| !tag.is_empty()) {
        let tag = line(tag, 40)?;
        tags.push(tag);
    }
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > 50 {
        return Err("more than 50 tags".into());
    }
    Ok(tags)
}

/// The value reaches `ssh_config` rules, so only what a jump list is made of may stand in it.
fn proxy_jump(value: &str) -> Result<String, String> {
    let well_made = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-@:,[]%/".contains(&b))
        && !value.starts_with('-');
    if well_made && value.len() <= 500 {
        Ok(value.to_owned())
    } else {
        Err(format!("{value:?} is not a list of jump hosts: [user@]host[:port], with commas between"))
    }
}

fn charset(value: &str) -> Result<String, String> {
    if value.is_empty() || encoding_rs::Encoding::for_label(value.as_bytes()).is_some() {
        Ok(value.to_ascii_lowercase())
    } else {
        Err(format!("{value:?} is not a character set: utf-8, gbk, windows-1251 … are"))
    }
}

fn yes_no(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "on" => Ok(true),
        "no" | "false" | "0" | "off" | "" => Ok(false),
        _ => Err(format!("{value:?} is neither yes nor no")),
    }
}
