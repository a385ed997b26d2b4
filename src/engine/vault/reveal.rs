//! Showing what a credential holds: an act, with a reason, that is journalled before anything is opened.

use crate::engine::actor::Actor;
use crate::engine::audit::AuditNote;
use crate::engine::error::ActError;
use crate::engine::events::with_events;
use crate::engine::inventory::entry_of_note;
use crate::engine::start::Engine;
use crate::model::{EventKind, Secret, SecretPart, Severity, clean_line};

/// What was opened.
#[derive(Clone, Debug)]
pub struct Revealed {
    /// The credential.
    pub name: String,
    /// Its user.
    pub user: String,
    /// Its secrets, in the clear.
    pub secrets: Vec<(SecretPart, Secret)>,
}

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

impl Engine {
    /// Opens a credential for a person, and tells everybody that it was.
    ///
    /// # Errors
    /// When there is no reason or no such credential, the journal does not take it, or a secret does not open.
    pub async fn reveal_credential(
        &self,
        by: &Actor,
        name: &str,
        reason: &str,
    ) -> Result<Revealed, ActError> {
        let reason = clean_line(reason.trim());
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
            return Err(ActError::usage(format!(
                "a secret is shown for a reason, which the journal keeps: --reason TEXT, at most {LONGEST_REASON} characters"
            )));
        }
        let credential = self.credential(name)?;
        let now = self.now();
        let message = format!("credential {name} revealed to {}", by.name);
        let note = AuditNote::read(by, &format!("the credential {name} is revealed: {reason}"));
        let events = vec![self.event(now, EventKind::System, Severity::Warning, None, &message)];
        let entry = entry_of_note(now, by, "credential reveal").put(&"read".to_owned(), &note);
        let noted = self.commit(with_events(entry, &events), "writing the journal").await;
        noted.map_err(|error| {
            let why = format!("a secret is not shown where that cannot be journalled: {error}");
            ActError::new(error.kind, why)
        })?;
        self.tell(events);
        self.publish_now();
        let parts = credential.secrets.iter().map(|(part, _)| *part);
        let open = |part| self.opened(&credential, part).map(|secret| (part, secret));
        let secrets = parts.map(open).collect::<Result<_, _>>()?;
        Ok(Revealed { name: credential.name.clone(), user: credential.user.clone(), secrets })
    }
}
