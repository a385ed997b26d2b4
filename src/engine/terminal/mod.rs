//! A person's own session with a device, as a stream of bytes: opened by the way and with the credentials of backups,
//! recorded without secrets, journalled when it begins and when it ends.

mod cast;
mod keep;
mod known;
mod line;
mod redact;
mod run;

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::device::transport::Window;
use crate::model::Role;

pub use cast::{Cast, CastEvent, CastRecorder};
use run::Ahead;

use super::error::ActError;
use super::start::Engine;
use super::users::Person;

/// Who may open a terminal: there it is the device that says what may be done.
pub const ROLE: Role = Role::Engineer;

/// The most messages that wait for a session, and for whoever reads what it says.
const QUEUE: usize = 32;

/// What a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Keys, as the bytes of a terminal.
    Bytes(Vec<u8>),
    /// Their window has another size.
    Resize(Window),
    /// They want the stored enable password typed, which they need not know, where the device asks for it.
    EnablePassword,
}

/// What comes of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The connection stands.
    Open,
    /// The device sent this. It may be anything: only a terminal emulator looks at it.
    Bytes(Vec<u8>),
    /// The session goes on, and the person should know this: a clean sentence.
    Told(String),
    /// The session is over; the clean sentence says why.
    Closed(String),
}

/// A session that goes on. Dropping it ends the session.
#[derive(Debug)]
pub struct TerminalHandle {
    typed: mpsc::Sender<Typed>,
}

impl TerminalHandle {
    /// Hands something on to the device.
    ///
    /// # Errors
    /// The device takes nothing now, or the session is over: it is lost.
    pub fn send(&self, typed: Typed) -> Result<(), &'static str> {
        self.typed.try_send(typed).map_err(|_| "the device takes nothing that is typed now")
    }
}

impl Engine {
    /// Begins a session of `person` with the device of that name; `said` is told what comes of it. Whether they may, and how
    /// it goes, is said there too.
    pub fn open_terminal(
        self: &Arc<Self>,
        person: &Person,
        device: &str,
        window: Window,
        said: mpsc::Sender<Said>,
    ) -> TerminalHandle {
        let (typed, hear) = mpsc::channel(QUEUE);
        let (engine, person, device) = (Arc::clone(self), person.clone(), device.to_owned());
        tokio::spawn(async move {
            let work = tokio::spawn(run::work(engine, person, device, window, hear, said.clone()));
            let why = match work.await {
                Ok(why) => why,
                Err(_) => "the terminal broke down; this is a fault of noctule".to_owned(),
            };
            // whoever asked may be gone
            let _ = said.send(Said::Closed(why)).await;
        });
        TerminalHandle { typed }
    }

    /// Whether the person may open a terminal on a device, as of this moment.
    pub(super) async fn may_open_terminal(
        &self,
        person: &Person,
        device: &str,
    ) -> Result<(Person, Arc<crate::model::Device>), ActError> {
        let person = self.readmit(person).map_err(|refused| ActError::usage(refused.0))?;
        let by = person.actor("", &format!("terminal open {device}"));
        let within = person.rights.within(ROLE);
        let found = self.device(device);
        let why = match &found {
            _ if !person.rights.may(ROLE) => {
                format!("terminal open needs the role {ROLE}, {} has {}", person.name, person.rights)
            }
            Ok(known) if within.holds(known) => return Ok((person, Arc::clone(known))),
            Err(_) if within.is_everything() => return found.map(|known| (person, known)),
            _ => format!("the device {device:?} is not yours: {} has {}", person.name, person.rights),
        };
        // it is refused also where that cannot be journalled
        let _ = self.note_refused(&by, &why).await;
        Err(ActError::usage(why))
    }
}
