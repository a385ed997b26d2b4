//! The secrets that noctule itself knows: a device may show any of them, whoever it belongs to.

use crate::engine::fields::Field;
use crate::engine::start::Engine;
use crate::model::{Device, Secret};

/// A secret of another device that is shorter, in characters, is a part of too many words.
const SHORTEST_OF_OTHERS: usize = 4;

impl Engine {
    /// Every secret of the device's record, of the vault and of the settings. What does not open cannot be known.
    pub(super) fn known_secrets(&self, device: &Device) -> Vec<Secret> {
        let own = Field::ALL.into_iter().filter(|field| field.is_secret());
        let mut known: Vec<Secret> = own.filter_map(|field| self.secret(device, field).ok()).collect();
        let settings = self.settings();
        let mut others: Vec<Secret> = settings.snmp.every_community().cloned().collect();
        for user in &settings.snmp.users {
            let passwords = [user.auth.as_ref().map(|(_, password)| password.clone())];
            let hidden = user.privacy.as_ref().map(|(_, password)| password.clone());
            others.extend(passwords.into_iter().chain([hidden]).flatten());
        }
        for credential in self.credentials() {
            let parts = credential.secrets.iter().map(|(part, _)| *part);
            others.extend(parts.filter_map(|part| self.opened(&credential, part).ok()));
        }
        others.retain(|secret| secret.expose().chars().count() >= SHORTEST_OF_OTHERS);
        known.extend(others);
        known
    }
}
