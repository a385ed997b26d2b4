//! One session from its first byte to its last.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use encoding_rs::Encoding;
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{CastRecorder, Said, Typed};
use crate::device::driver::CompiledDriver;
use crate::device::secrets::SecretFinder;
use crate::device::session::{Credentials, Typist};
use crate::device::transport::{TerminalWire, Window};
use crate::engine::actor::Actor;
use crate::engine::audit::AuditNote;
use crate::engine::backup::Call;
use crate::engine::error::ActError;
use crate::engine::inventory::Passwords;
use crate::engine::start::Engine;
use crate::engine::trust::StoredTrust;
use crate::engine::users::Person;
use crate::model::{Device, Secret, Timestamp, TransportKind, clean_line};

/// A session in which nobody types and nothing comes ends after this: a line that is left open is somebody's way in.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// The most bytes that wait for a device that takes none.
const MOST_WAITING: usize = 256 << 10;
/// How long a device has for the end of its connection.
const FAREWELL: Duration = Duration::from_millis(500);

/// Runs a session, and says in the end why it is over.
pub(super) async fn work(
    engine: Arc<Engine>,
    person: Person,
    device: String,
    window: Window,
    mut hear: mpsc::Receiver<Typed>,
    said: mpsc::Sender<Said>,
) -> String {
    let (by, device) = match engine.may_open_terminal(&person, &device).await {
        Ok((person, device)) => (person.actor("", &format!("terminal open {}", device.name)), device),
        Err(error) => return clean_line(&error.message).into_owned(),
    };
    match session(&engine, &by, &device, window, &mut hear, &said).await {
        Ok(why) => why,
        Err(error) => clean_line(&error.message).into_owned(),
    }
}

async fn session(
    engine: &Arc<Engine>,
    by: &Actor,
    device: &Arc<Device>,
    window: Window,
    hear: &mut mpsc::Receiver<Typed>,
    said: &mpsc::Sender<Said>,
) -> Result<String, ActError> {
    let (driver, login) = (driver_of(engine, device)?, engine.login(device)?);
    let passwords = login.passwords;
    let device = &Arc::new(Device { username: login.username, ..device.as_ref().clone() });
    // what a device may be told must be in the journal before it is told
    engine.note_read(by, AuditNote::read(by, "a terminal is opened").of(device.id)).await?;
    let (began, at) = (Instant::now(), engine.now());
    let call = call(engine, device, Arc::clone(&driver), passwords.clone());
    let opening = engine.reader.terminal(call, window);
    let wire = tokio::select! {
        opened = opening => opened.map_err(|failure| ActError::usage(failure.message)),
        // the pane was closed meanwhile
        () = gone(hear) => Err(ActError::usage("the terminal was closed")),
    };
    let mut line = match wire {
        Ok(wire) => Line::new(wire, device, driver, &passwords, window),
        Err(error) => {
            engine.keep_terminal(by, device, at, began.elapsed(), None).await?;
            return Err(error);
        }
    };
    let _ = said.send(Said::Open).await;
    let why = line.run(hear, said).await;
    let _ = tokio::time::timeout(FAREWELL, line.wire.shutdown()).await;
    engine.keep_terminal(by, device, at, began.elapsed(), Some(line)).await?;
    Ok(why)
}

/// Waits until nobody can type any more; what is typed meanwhile is lost, as the session is not open yet.
async fn gone(hear: &mut mpsc::Receiver<Typed>) {
    while hear.recv().await.is_some() {}
}

fn driver_of(engine: &Engine, device: &Device) -> Result<Arc<CompiledDriver>, ActError> {
    let id = device.driver.as_ref().ok_or_else(|| {
        ActError::usage(format!("{0} has no driver; give it one: `device edit {0} driver=ID`", device.name))
    })?;
    engine.drivers().get(id).map_err(|problem| ActError::usage(problem.to_string()))
}

fn charset_of(device: &Device, driver: &CompiledDriver) -> &'static Encoding {
    let label = if device.charset.is_empty() { &driver.charset } else { &device.charset };
    Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252)
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

/// A connection and what is kept of it.
pub(super) struct Line {
    wire: Box<dyn TerminalWire>,
    typist: Typist,
    driver: Arc<CompiledDriver>,
    recorder: CastRecorder,
    began: Instant,
    out: Vec<u8>,
    came: u64,
    typed: u64,
}

/// What happened on a line.
enum Happened {
    Came(usize),
    Sent(usize),
}

impl Line {
    fn new(
        wire: Box<dyn TerminalWire>,
        device: &Device,
        driver: Arc<CompiledDriver>,
        passwords: &Passwords,
        window: Window,
    ) -> Self {
        let credentials = Credentials {
            username: device.username.clone(),
            password: passwords.login.clone(),
            enable_password: passwords.enable.clone(),
        };
        let in_stream = device.transport == Some(TransportKind::Telnet) || driver.ssh.login_in_stream;
        let mut recorder = CastRecorder::new(window);
        [&passwords.login, &passwords.enable].into_iter().for_each(|secret| recorder.hide(secret.expose()));
        Self {
            wire,
            typist: Typist::new(Arc::clone(&driver), &device.charset, credentials, in_stream),
            driver,
            recorder,
            began: Instant::now(),
            out: Vec::new(),
            came: 0,
            typed: 0,
        }
    }

    /// How many bytes came and were typed.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.came, self.typed)
    }

    /// The recording without its secrets, nor those that are `known` otherwise. Takes a while, where much came.
    pub(super) fn into_cast(mut self, began: Timestamp, device: &Device, known: &[Secret]) -> String {
        let charset = charset_of(device, &self.driver);
        for secret in known.iter().map(Secret::expose) {
            self.recorder.hide(secret);
            self.recorder.hide(charset.encode(secret).0.into_owned());
        }
        self.recorder.finish(began, device.name.as_str(), SecretFinder::new(self.driver))
    }

    /// Carries bytes both ways until one side ends it, and says which.
    async fn run(&mut self, hear: &mut mpsc::Receiver<Typed>, said: &mpsc::Sender<Said>) -> String {
        let mut chunk = vec![0; 8192];
        loop {
            let happened = tokio::select! {
                typed = hear.recv() => match typed {
                    None => return "the terminal was closed".to_owned(),
                    Some(typed) => {
                        if let Err(why) = self.take(typed).await {
                            return why;
                        }
                        continue;
                    }
                },
                happened = either(self.wire.as_mut(), &self.out, &mut chunk) => happened,
                () = tokio::time::sleep(IDLE) => {
                    return format!("nothing was said for {} minutes", IDLE.as_secs() / 60);
                }
            };
            match happened {
                Ok(Happened::Sent(count)) => drop(self.out.drain(..count)),
                Ok(Happened::Came(0)) => return "the device closed the connection".to_owned(),
                Ok(Happened::Came(count)) => {
                    let bytes = &chunk[..count];
                    self.came += count as u64;
                    self.recorder.output(self.began.elapsed(), bytes);
                    if let Some(answer) = self.typist.heard(bytes) {
                        self.out.extend(answer.as_bytes());
                    }
                    if said.send(Said::Bytes(bytes.to_vec())).await.is_err() {
                        return "the terminal was closed".to_owned();
                    }
                }
                Err(error) => {
                    return format!("the connection ended: {}", clean_line(&error.to_string()));
                }
            }
        }
    }

    async fn take(&mut self, typed: Typed) -> Result<(), String> {
        match typed {
            Typed::Bytes(bytes) => {
                if let Some(secret) = self.typist.typed(&bytes) {
                    self.recorder.hide(secret);
                }
                self.typed += bytes.len() as u64;
                if self.out.len() + bytes.len() > MOST_WAITING {
                    return Err("the device takes nothing of what is typed".to_owned());
                }
                self.out.extend(bytes);
            }
            Typed::Resize(window) => {
                self.recorder.resize(self.began.elapsed(), window);
                self.wire.resize(window).await;
            }
        }
        Ok(())
    }
}

/// Writes and reads at once, whichever goes: a device that does not read must not keep its screen from being seen.
async fn either(wire: &mut dyn TerminalWire, out: &[u8], chunk: &mut [u8]) -> io::Result<Happened> {
    let mut wire = Pin::new(wire);
    poll_fn(move |cx| {
        if !out.is_empty() {
            match wire.as_mut().poll_write(cx, out) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(sent) => return Poll::Ready(sent.map(Happened::Sent)),
                Poll::Pending => {}
            }
        } else if let Poll::Ready(Err(error)) = wire.as_mut().poll_flush(cx) {
            return Poll::Ready(Err(error));
        }
        let mut into = ReadBuf::new(chunk);
        wire.as_mut().poll_read(cx, &mut into).map_ok(|()| Happened::Came(into.filled().len()))
    })
    .await
}
