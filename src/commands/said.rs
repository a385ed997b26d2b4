//! What a device says it is, as the answers of commands show it.

use serde::Serialize;

use crate::model::Identity;

/// The facts of an identity that every `--json` has under the same names; what is unknown is null.
#[derive(Default, Serialize)]
pub struct Said<'a> {
    /// See [`Identity`], as for the rest.
    pub vendor: Option<&'a str>,
    /// Its model.
    pub model: Option<&'a str>,
    /// Its operating system.
    pub os: Option<&'a str>,
    /// The version of that.
    pub version: Option<&'a str>,
    /// Its serial number.
    pub serial: Option<&'a str>,
    /// What it calls itself.
    pub sysname: Option<&'a str>,
    /// Where it says it is.
    pub location: Option<&'a str>,
    /// Whom it names.
    pub contact: Option<&'a str>,
    /// Its base address.
    pub mac: Option<&'a str>,
    /// Its sysObjectID.
    pub sysobjectid: Option<&'a str>,
}

impl<'a> Said<'a> {
    /// What this identity says; nothing of nobody.
    pub fn of(identity: Option<&'a Identity>) -> Self {
        let Some(identity) = identity else { return Self::default() };
        Self {
            vendor: identity.vendor.as_deref(),
            model: identity.model.as_deref(),
            os: identity.os.as_deref(),
            version: identity.version.as_deref(),
            serial: identity.serial.as_deref(),
            sysname: identity.sysname.as_deref(),
            location: identity.location.as_deref(),
            contact: identity.contact.as_deref(),
            mac: identity.mac.as_deref(),
            sysobjectid: identity.sysobjectid.as_deref(),
        }
    }
}

/// A cell of a table: a hyphen where nothing was said.
pub fn cell(value: Option<&str>) -> String {
    value.unwrap_or("-").to_owned()
}
