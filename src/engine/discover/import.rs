//! What was found, for the inventory: as lines of CSV, and at once.

use std::sync::Arc;

use crate::engine::actor::Actor;
use crate::engine::error::ActError;
use crate::engine::fields::{Field, LONGEST_LOCATION};
use crate::engine::import::{Format, Imported, csv_rows};
use crate::engine::start::Engine;
use crate::model::{SNMP_PORT, TransportKind};

use super::Discovered;

/// The columns that are written. No secret is among them: how an agent is asked stands in the settings.
const FIELDS: [Field; 7] = [
    Field::Name,
    Field::Address,
    Field::Transport,
    Field::Driver,
    Field::Group,
    Field::Location,
    Field::SnmpPort,
];

/// What the lines of new devices say beside what was found.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Their group; empty for none.
    pub group: String,
    /// How their command line is reached; `None` makes them assets, which are watched and not backed up.
    pub transport: Option<TransportKind>,
    /// Where their agents listen; `None` is the usual port.
    pub port: Option<u16>,
}

impl Lines {
    /// A file that `device import` reads, with a line for each device that the inventory does not have.
    ///
    /// # Errors
    /// A fault of noctule.
    pub fn csv(&self, devices: &[Discovered]) -> Result<String, ActError> {
        csv_rows(&FIELDS, devices.iter().filter_map(|device| self.row(device)))
    }

    fn row(&self, device: &Discovered) -> Option<Vec<String>> {
        let name = device.name.as_ref()?.to_string();
        let said = device.identity.as_ref();
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        // agents may say more than a record takes
        let location = text(said.and_then(|said| said.location.as_ref()));
        let port = self.port.filter(|port| *port != SNMP_PORT);
        Some(vec![
            name,
            device.address.to_string(),
            self.transport.map(|transport| transport.as_str().to_owned()).unwrap_or_default(),
            text(said.and_then(|said| said.driver.as_ref())),
            self.group.clone(),
            location.chars().take(LONGEST_LOCATION).collect(),
            port.map(|port| port.to_string()).unwrap_or_default(),
        ])
    }
}

impl Engine {
    /// Adds the devices that the inventory does not have, all or none, and keeps who they said they are.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn import_discovered(
        self: &Arc<Self>,
        by: &Actor,
        devices: &[Discovered],
        lines: &Lines,
    ) -> Result<Imported, ActError> {
        let bytes = lines.csv(devices)?.into_bytes();
        let imported = self.import(by, bytes, Format::Csv, false).await?;
        if !imported.applied {
            return Ok(imported);
        }
        for one in devices {
            let (Some(name), Some(identity), Some(way)) = (&one.name, &one.identity, &one.way) else {
                continue;
            };
            let device = self.device(name.as_str())?;
            let mut identity = identity.clone();
            identity.device = device.id;
            self.keep_identity(by, &device, identity, way).await.map_err(|error| {
                let (kind, why) = (error.kind, error.message);
                ActError::new(kind, format!("the devices are imported, but not who {name} says it is: {why}; `identity run --all` asks again"))
            })?;
        }
        Ok(imported)
    }
}
