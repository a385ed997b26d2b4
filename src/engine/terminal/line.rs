//! A connection that stands: bytes both ways, what is kept of them, and what ends it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use encoding_rs::Encoding;
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::run::Opened;
use super::{Ahead, CastRecorder, Said, Typed};
use crate::device::driver::CompiledDriver;
use crate::device::secrets::SecretFinder;
use crate::device::session::{Credentials, Stage, Typist};
use crate::device::transport::{TerminalWire, Window};
use crate::engine::inventory::Passwords;
use crate::engine::snapshot::Snapshot;
use crate::model::{Device, Secret, Timestamp, TransportKind, clean_line};

/// A session in which nobody types and nothing comes ends after this: a line that is left open is somebody's way in.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long before that it is said.
const LAST_CALL: Duration = Duration::from_secs(60);
/// So long a silence during a login means that the device waits for the person.
const QUIET: Duration = Duration::from_secs(2);
/// The most bytes that wait for a device that takes none.
const MOST_WAITING: usize = 256 << 10;
/// How long a device has for the end of its connection.
const FAREWELL: Duration = Duration::from_millis(500);
/// What is said where keys are not sent.
const NOT_SENT: &str =
    "What was typed before the login was over was not sent: the device asks something else";

/// See the file's head.
pub(super) struct Line {
    wire: Box<dyn TerminalWire>,
    typist: Typist,
    driver: Arc<CompiledDriver>,
    recorder: CastRecorder,
    window: Window,
    /// What was typed and may not go to the device yet.
    ahead: Ahead,
    began: Instant,
    /// When something was typed or came.
    stirred: Instant,
    warned: bool,
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
    /// A line over `wire`, whose device has a window of this size; `ahead` was typed before it stood.
    pub fn new(
        wire: Box<dyn TerminalWire>,
        device: &Device,
        driver: Arc<CompiledDriver>,
        passwords: &Passwords,
        window: Window,
        ahead: Ahead,
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
            window,
            ahead,
            began: Instant::now(),
            stirred: Instant::now(),
            warned: false,
            out: Vec::new(),
            came: 0,
            typed: 0,
        }
    }

    /// How many bytes came and were typed.
    pub fn counts(&self) -> (u64, u64) {
        (self.came, self.typed)
    }

    /// The recording without its secrets, nor those that are `known` otherwise. Takes a while, where much came.
    pub fn into_cast(mut self, began: Timestamp, device: &Device, known: &[Secret]) -> String {
        let charset = charset_of(device, &self.driver);
        for secret in known.iter().map(Secret::expose) {
            self.recorder.hide(secret);
            self.recorder.hide(charset.encode(secret).0.into_owned());
        }
        self.recorder.finish(began, device.name.as_str(), SecretFinder::new(self.driver))
    }

    /// Carries bytes both ways until one side ends it or the person may have it no more, and says which.
    pub async fn run(&mut self, session: &Opened<'_>, hear: &mut mpsc::Receiver<Typed>) -> String {
        let why = self.carry(session, hear).await.unwrap_or_else(|why| why);
        let _ = tokio::time::timeout(FAREWELL, self.wire.shutdown()).await;
        why
    }

    /// Ends with the reason either way.
    async fn carry(
        &mut self,
        session: &Opened<'_>,
        hear: &mut mpsc::Receiver<Typed>,
    ) -> Result<String, String> {
        let mut pictures = session.engine.watch();
        let mut chunk = vec![0; 8192];
        if let Some(window) = self.ahead.window.take() {
            self.resize(window).await;
        }
        session.still_may()?;
        loop {
            let (bell, next) = self.next_bell();
            tokio::select! {
                typed = hear.recv() => match typed {
                    None => return Ok("the terminal was closed".to_owned()),
                    Some(typed) => self.take(typed, session).await?,
                },
                happened = either(self.wire.as_mut(), &self.out, &mut chunk) => match happened {
                    Ok(Happened::Sent(count)) => drop(self.out.drain(..count)),
                    Ok(Happened::Came(0)) => return Ok("the device closed the connection".to_owned()),
                    Ok(Happened::Came(count)) => self.came(&chunk[..count], session).await?,
                    Err(error) => {
                        return Err(format!("the connection ended: {}", clean_line(&error.to_string())));
                    }
                },
                () = next_picture(&mut pictures) => session.still_may()?,
                () = tokio::time::sleep_until(bell) => self.ring(next, session).await?,
            }
        }
    }

    async fn came(&mut self, bytes: &[u8], session: &Opened<'_>) -> Result<(), String> {
        self.stir();
        self.came += bytes.len() as u64;
        self.recorder.output(self.began.elapsed(), bytes);
        if let Some(answer) = self.typist.heard(bytes) {
            self.out.extend(answer.as_bytes());
        }
        session.say(Said::Bytes(bytes.to_vec())).await?;
        self.let_go(session).await
    }

    async fn take(&mut self, typed: Typed, session: &Opened<'_>) -> Result<(), String> {
        self.stir();
        match typed {
            Typed::Bytes(bytes) if self.typist.stage() == Stage::LoggingIn => self.ahead.add(&bytes),
            Typed::Bytes(bytes) => self.send(&bytes)?,
            Typed::Resize(window) => self.resize(window).await,
            Typed::EnablePassword => match self.typist.enable_password() {
                Err(why) => session.say(Said::Told(format!("{why}: nothing was typed"))).await?,
                Ok(line) => match session.note("the enable password is typed into a terminal").await {
                    Err(why) => session.say(Said::Told(why)).await?,
                    Ok(()) => self.out.extend(line.as_bytes()),
                },
            },
        }
        Ok(())
    }

    /// What a person has typed goes to the device.
    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        if let Some(secret) = self.typist.typed(bytes).filter(|secret| secret.len() >= SHORTEST_TYPED) {
            self.recorder.hide(secret);
        }
        self.typed += bytes.len() as u64;
        if self.out.len() + bytes.len() > MOST_WAITING {
            return Err("the device takes nothing of what is typed".to_owned());
        }
        self.out.extend(bytes);
        Ok(())
    }

    /// What was typed during the login goes to the device, once that is over; where the device asks something else, it does
    /// not.
    async fn let_go(&mut self, session: &Opened<'_>) -> Result<(), String> {
        match self.typist.stage() {
            Stage::LoggingIn => Ok(()),
            _ if self.ahead.bytes.is_empty() => Ok(()),
            Stage::In => {
                let bytes = std::mem::take(&mut self.ahead.bytes);
                self.send(&bytes)
            }
            Stage::Asked => {
                self.ahead.bytes.clear();
                session.say(Said::Told(NOT_SENT.to_owned())).await
            }
        }
    }

    async fn resize(&mut self, window: Window) {
        if window != self.window {
            self.window = window;
            self.recorder.resize(self.began.elapsed(), window);
            self.wire.resize(window).await;
        }
    }

    fn stir(&mut self) {
        (self.stirred, self.warned) = (Instant::now(), false);
    }

    /// When something is due by itself, and what.
    fn next_bell(&self) -> (Instant, Bell) {
        if self.typist.stage() == Stage::LoggingIn {
            (self.stirred + QUIET, Bell::Quiet)
        } else if self.warned {
            (self.stirred + IDLE, Bell::End)
        } else {
            (self.stirred + IDLE - LAST_CALL, Bell::LastCall)
        }
    }

    async fn ring(&mut self, bell: Bell, session: &Opened<'_>) -> Result<(), String> {
        match bell {
            Bell::Quiet => {
                self.typist.quiet();
                self.let_go(session).await
            }
            Bell::LastCall => {
                self.warned = true;
                let minutes = IDLE.as_secs() / 60;
                let left = LAST_CALL.as_secs();
                session
                    .say(Said::Told(format!(
                        "Nothing was said for nearly {minutes} minutes: the session ends in {left} s, unless a key is pressed"
                    )))
                    .await
            }
            Bell::End => Err(format!("nothing was said for {} minutes", IDLE.as_secs() / 60)),
        }
    }
}

/// What is due by itself.
#[derive(Clone, Copy)]
enum Bell {
    /// The device has been silent during the login.
    Quiet,
    /// The session will end soon.
    LastCall,
    /// It ends.
    End,
}

/// The shortest answer to a password's question that is taken out of the recording elsewhere too: `no` may be one.
const SHORTEST_TYPED: usize = 3;

/// Until there is another picture; for ever where there will be none.
async fn next_picture(pictures: &mut watch::Receiver<Arc<Snapshot>>) {
    if pictures.changed().await.is_err() {
        std::future::pending().await
    }
}

fn charset_of(device: &Device, driver: &CompiledDriver) -> &'static Encoding {
    let label = if device.charset.is_empty() { &driver.charset } else { &device.charset };
    Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252)
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
