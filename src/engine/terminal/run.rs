//! One session from its beginning to its end: whether it may be, the way to the device, the journal.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::line::Line;
use super::{ROLE, Said, Typed};
use crate::device::driver::CompiledDriver;
use crate::device::transport::Window;
use crate::engine::actor::Actor;
use crate::engine::audit::AuditNote;
use crate::engine::backup::Call;
use crate::engine::error::ActError;
use crate::engine::inventory::Passwords;
use crate::engine::start::Engine;
use crate::engine::trust::StoredTrust;
use crate::engine::users::Person;
use crate::model::{Device, clean_line};

/// The most bytes that are kept of what is typed before the device may have it.
const MOST_AHEAD: usize = 4 << 10;

/// What was typed and may not go to the device yet.
#[derive(Default)]
pub(super) struct Ahead {
    /// The keys; those beyond [`MOST_AHEAD`] are lost.
    pub bytes: Vec<u8>,
    /// The window, where it has changed.
    pub window: Option<Window>,
}

impl Ahead {
    /// More keys.
    pub fn add(&mut self, bytes: &[u8]) {
        let room = MOST_AHEAD.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// A session that somebody has opened.
pub(super) struct Opened<'a> {
    /// The engine.
    pub engine: &'a Arc<Engine>,
    person: &'a Person,
    by: &'a Actor,
    device: &'a Arc<Device>,
    said: &'a mpsc::Sender<Said>,
}

impl Opened<'_> {
    /// Whether the person may have the session still, as of this moment.
    ///
    /// # Errors
    /// They may not, or the device is put away; the sentence says which.
    pub fn still_may(&self) -> Result<(), String> {
        let name = &self.device.name;
        let person =
            self.engine.readmit(self.person).map_err(|refused| clean_line(&refused.0).into_owned())?;
        let device = self.engine.present().device(self.device.id);
        match device {
            Some(device) if device.deleted.is_some() => {
                Err(format!("{name} was put away: the session was ended"))
            }
            Some(device) if person.rights.within(ROLE).holds(&device) => Ok(()),
            _ => {
                Err(format!("{} has the role {ROLE} for {name} no more: the session was ended", self.by.name))
            }
        }
    }

    /// Tells whoever looks at it.
    ///
    /// # Errors
    /// Nobody does any more.
    pub async fn say(&self, said: Said) -> Result<(), String> {
        self.said.send(said).await.map_err(|_| "the terminal was closed".to_owned())
    }

    /// Journals an act of the session before it is done.
    ///
    /// # Errors
    /// The journal does not take it: it must not be done.
    pub async fn note(&self, what: &str) -> Result<(), String> {
        let note = AuditNote::began(self.by, what).of(self.device.id);
        self.engine.note_began(self.by, note).await.map_err(|error| error.message)
    }
}

/// Runs a session, and says in the end why it is over.
pub(super) async fn work(
    engine: Arc<Engine>,
    person: Person,
    device: String,
    window: Window,
    mut hear: mpsc::Receiver<Typed>,
    said: mpsc::Sender<Said>,
) -> String {
    let (admitted, device) = match engine.may_open_terminal(&person, &device).await {
        Ok(found) => found,
        Err(error) => return clean_line(&error.message).into_owned(),
    };
    let by = admitted.actor("", &format!("terminal open {}", device.name));
    let opened = Opened { engine: &engine, person: &person, by: &by, device: &device, said: &said };
    match session(&opened, window, &mut hear).await {
        Ok(why) => why,
        Err(error) => clean_line(&error.message).into_owned(),
    }
}

async fn session(
    opened: &Opened<'_>,
    window: Window,
    hear: &mut mpsc::Receiver<Typed>,
) -> Result<String, ActError> {
    let Opened { engine, by, device, .. } = *opened;
    let (driver, login) = (driver_of(engine, device)?, engine.login(device)?);
    let passwords = login.passwords;
    let device = &Arc::new(Device { username: login.username, ..device.as_ref().clone() });
    // what a device may be told must be in the journal before it is told
    engine.note_began(by, AuditNote::began(by, "a terminal is opened").of(device.id)).await?;
    let (began, at) = (Instant::now(), engine.now());
    let call = call(engine, device, Arc::clone(&driver), passwords.clone());
    let opening = engine.reader.terminal(call, window);
    let mut ahead = Ahead::default();
    let wire = tokio::select! {
        opened = opening => opened.map_err(|failure| ActError::usage(failure.message)),
        // the pane was closed meanwhile
        () = gone(hear, &mut ahead) => Err(ActError::usage("the terminal was closed")),
    };
    let mut line = match wire {
        Ok(wire) => Line::new(wire, device, driver, &passwords, window, ahead),
        Err(error) => {
            engine.keep_terminal(by, device, at, began.elapsed(), None).await?;
            return Err(error);
        }
    };
    // whoever asked may be gone: then it ends at once
    let _ = opened.say(Said::Open).await;
    let why = line.run(opened, hear).await;
    engine.keep_terminal(by, device, at, began.elapsed(), Some(line)).await?;
    Ok(why)
}

/// Waits until nobody can type any more, and keeps what is typed meanwhile.
async fn gone(hear: &mut mpsc::Receiver<Typed>, ahead: &mut Ahead) {
    while let Some(typed) = hear.recv().await {
        match typed {
            Typed::Bytes(bytes) => ahead.add(&bytes),
            Typed::Resize(window) => ahead.window = Some(window),
            // nothing asks for it yet
            Typed::EnablePassword => {}
        }
    }
}

fn driver_of(engine: &Engine, device: &Device) -> Result<Arc<CompiledDriver>, ActError> {
    let id = device.driver.as_ref().ok_or_else(|| {
        ActError::usage(format!("{0} has no driver; give it one: `device edit {0} driver=ID`", device.name))
    })?;
    engine.drivers().get(id).map_err(|problem| ActError::usage(problem.to_string()))
}

fn call(
    engine: &Arc<Engine>,
    device: &Arc<Device>,
    driver: Arc<CompiledDriver>,
    passwords: Passwords,
) -> Call {
    Call {
        device: Arc::clone(device),
        driver,
        passwords,
        limits: engine.settings().limits,
        trust: Arc::new(StoredTrust::new(engine, Arc::clone(device))),
        usual_lines: None,
        progress: Arc::new(|_| {}),
    }
}
