//! The reader of production: a transport, a session, the driver's backup commands, the evidence.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::device::capture::{Capture, capture};
use crate::device::driver::{CompiledDriver, Limits};
use crate::device::normal;
use crate::device::session::{Credentials, LoginIn, Session};
use crate::device::transcript::{Expectation, Recorder, stands};
use crate::device::transport::{Trust, Window, Wire};
use crate::model::{Device, Failure, FailureKind, TransportKind};

use super::checked_host::CheckedHost;
use super::reader::{
    Broken, Call, Reader, Reading, ReadingFuture, TerminalFuture, WayFuture, no_terminals, no_way,
};

/// A connection being opened. Dropping it ends it.
pub type WireFuture<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Wire>, Failure>> + Send + 'a>>;

/// Opens byte streams to devices: over the network in production, to a script in a test.
pub trait Connect: Send + Sync {
    /// Opens a stream to the command line of the device of `call`. Over SSH it is logged in; over Telnet the login
    /// dialogue comes in the stream.
    fn open<'a>(&'a self, call: &'a Call) -> WireFuture<'a>;

    /// See [`Reader::way`].
    fn way<'a>(&'a self, device: &'a Device, _trust: Arc<dyn Trust>, _limits: &'a Limits) -> WayFuture<'a> {
        Box::pin(async { Err(no_way(device)) })
    }

    /// The same for a person with this window.
    fn open_terminal<'a>(&'a self, call: &'a Call, window: Window) -> TerminalFuture<'a> {
        let _ = (call, window);
        no_terminals()
    }

    /// The hosts on the way to a device whose keys are checked, the device itself last.
    fn hosts(&self, device: &Device) -> Vec<CheckedHost> {
        vec![CheckedHost::own(device)]
    }
}

/// Reads over whatever `Connect` opens.
pub struct Network<C> {
    connect: C,
}

impl<C: Connect> Network<C> {
    /// A reader over these connections.
    pub fn new(connect: C) -> Self {
        Self { connect }
    }

    async fn session(&self, call: Call) -> Result<Reading, Broken> {
        let transport = call.device.transport.ok_or_else(|| {
            Failure::new(FailureKind::Incomplete, format!("{} has no transport", call.device.name))
        })?;
        (call.progress)("connect");
        let wire = self.connect.open(&call).await?;
        let session = Session::open(
            wire,
            Arc::clone(&call.driver),
            &call.device.charset,
            credentials(&call),
            call.limits,
            login_in(transport, &call.driver),
            Arc::clone(&call.progress),
        );
        let mut session = match session.await {
            Ok(session) => session,
            Err((failure, recorder)) => return Err(broken(&call, transport, failure, recorder)),
        };
        match capture(&mut session, &call.driver, call.usual_lines).await {
            Ok(Capture { exact, evidence, doubt }) => {
                (call.progress)("logout");
                let recorder = session.close().await;
                let recording = doubt.as_ref().map(|doubt| {
                    transcript(
                        &call,
                        transport,
                        recorder,
                        FailureKind::Truncated,
                        doubt,
                        Expectation::Quarantined,
                    )
                });
                Ok(Reading { exact, evidence, doubt, recording })
            }
            Err(failure) => Err(broken(&call, transport, failure, session.into_recorder())),
        }
    }
}

impl<C: Connect> Reader for Network<C> {
    fn read(&self, call: Call) -> ReadingFuture<'_> {
        Box::pin(self.session(call))
    }

    fn way<'a>(&'a self, device: &'a Device, trust: Arc<dyn Trust>, limits: &'a Limits) -> WayFuture<'a> {
        self.connect.way(device, trust, limits)
    }

    fn terminal(&self, call: Call, window: Window) -> TerminalFuture<'_> {
        Box::pin(async move { self.connect.open_terminal(&call, window).await })
    }

    fn hosts(&self, device: &Device) -> Vec<CheckedHost> {
        self.connect.hosts(device)
    }

    fn normalise(
        &self,
        driver: &CompiledDriver,
        exact: &str,
        fingerprint: &dyn Fn(&str) -> String,
    ) -> String {
        normal::normalise(driver, exact, fingerprint)
    }
}

fn credentials(call: &Call) -> Credentials {
    Credentials {
        username: call.device.username.clone(),
        password: call.passwords.login.clone(),
        enable_password: call.passwords.enable.clone(),
    }
}

fn login_in(transport: TransportKind, driver: &CompiledDriver) -> LoginIn {
    match transport {
        TransportKind::Ssh if !driver.ssh.login_in_stream => LoginIn::Transport,
        TransportKind::Ssh | TransportKind::Telnet => LoginIn::Stream,
    }
}

fn broken(call: &Call, transport: TransportKind, failure: Failure, recorder: Recorder) -> Broken {
    let expect = Expectation::Failure(failure.kind);
    let recording = transcript(call, transport, recorder, failure.kind, &failure.message, expect);
    Broken { failure, recording: Some(recording) }
}

/// The session as a transcript, with tokens where the login's secrets were.
fn transcript(
    call: &Call,
    transport: TransportKind,
    recorder: Recorder,
    kind: FailureKind,
    about: &str,
    expect: Expectation,
) -> String {
    let (login, enable) = (call.passwords.login.expose(), call.passwords.enable.expose());
    let secrets = stands(&call.device.username, login, enable);
    let mut transcript = recorder.finish(&call.driver.id, transport, kind, about, &secrets);
    transcript.expect = expect;
    transcript.to_string()
}
