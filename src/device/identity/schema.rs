//! The rules as they are written: `inventory/identity/<maker>.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A file of rules, most often one maker's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    /// The maker, as people call it; empty where the rules say it, or nobody can.
    #[serde(default)]
    pub vendor: String,
    /// Its rules; of those that fit equally well, the first one wins.
    #[serde(default)]
    pub rule: Vec<Spanned<Rule>>,
    /// Enterprise numbers (IANA) and the makers that they were given to: the last resort.
    #[serde(default)]
    pub enterprises: BTreeMap<String, Spanned<String>>,
    /// Enterprise numbers of agent software: they say nothing of the device that it runs on.
    #[serde(default)]
    pub agents: BTreeMap<String, Spanned<String>>,
}

/// A family of devices.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rule {
    /// The maker, where it is not the file's; `-` for nobody.
    pub vendor: Option<String>,
    /// Beginnings of sysObjectID, without `1.3.6.1.4.1.`; one of them must fit. A rule without any is asked only where
    /// the number belongs to agent software, or to nobody that is known.
    pub object: Vec<String>,
    /// A pattern that sysDescr must have.
    pub text: Option<String>,
    /// An object that must be there, and that its pattern must fit: for agents whose number and words say nothing. Such a
    /// rule may have neither object nor text.
    pub has: Option<Ask>,
    /// A pattern that sysDescr must not have.
    pub without: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    /// The model, where the family is a single one.
    pub model: Option<String>,
    /// The driver for its command line.
    pub driver: Option<String>,
    /// Patterns for sysDescr with groups named `vendor`, `model`, `os`, `version`, `serial`; the first that has a fact wins.
    pub facts: Vec<String>,
    /// Objects that hold a fact.
    pub ask: Vec<Ask>,
    /// What may be believed of the chassis in ENTITY-MIB: `model`, `serial`, `version`. Model and serial where not told.
    pub entity: Option<Vec<Fact>>,
    /// Patterns, as `facts`, for what ENTITY-MIB says of the chassis beside its model: entPhysicalDescr, entPhysicalName,
    /// entPhysicalSoftwareRev. Some makers leave the model empty, or put the number of a part there.
    pub chassis: Vec<String>,
    /// Where a model is looked for, in this order: `entity`, `ask`, `text`, `chassis`, `table`.
    pub prefer: Option<Vec<Source>>,
    /// sysObjectID, without `1.3.6.1.4.1.`, and the model that it means.
    pub models: BTreeMap<String, String>,
    /// A pattern that makes a model out of what an object or ENTITY-MIB said, by its group `model`.
    pub tidy: Option<String>,
}

/// An object that holds a fact.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    /// Which fact; told by every object but that of `has`.
    #[serde(default)]
    pub fact: Fact,
    /// Its identifier. A leading `@` stands for the device's sysObjectID, a last `*` for the first instance that there is.
    pub oid: String,
    /// A pattern for the answer; its first group is the fact.
    pub find: Option<String>,
}

/// What can be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fact {
    /// The maker.
    #[default]
    Vendor,
    /// The model.
    Model,
    /// The operating system.
    Os,
    /// Its version.
    Version,
    /// The serial number.
    Serial,
}

impl Fact {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Vendor, Self::Model, Self::Os, Self::Version, Self::Serial];

    /// The name of its group in a pattern.
    pub fn group(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Model => "model",
            Self::Os => "os",
            Self::Version => "version",
            Self::Serial => "serial",
        }
    }
}

/// Where a model may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// The chassis in ENTITY-MIB.
    Entity,
    /// What ENTITY-MIB calls the chassis.
    Chassis,
    /// An object of the maker's own.
    Ask,
    /// sysDescr.
    Text,
    /// sysObjectID.
    Table,
}
