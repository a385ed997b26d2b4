//! Many simulated devices, each on an address of its own.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use encoding_rs::{Encoding, WINDOWS_1252};
use regex::Regex;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::conversation::converse;
use super::telnet::{DeviceEnd, GREETING};
use super::{ENABLE_PASSWORD, PASSWORD, USERNAME, mutate, ssh};
use crate::device::driver::{CompiledDriver, Drivers};
use crate::device::script::{Login, Script};
use crate::device::transcript::{Expectation, Step, Transcript};
use crate::model::{DriverId, TransportKind};

/// What is wrong with a simulated device on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It refuses the password.
    RefusesPassword,
    /// It sends so many bytes and then nothing.
    HangsAfter(usize),
    /// It sends so many bytes and closes the connection.
    ClosesAfter(usize),
    /// Nothing listens.
    Down,
    /// It speaks only algorithms of 2005.
    OldAlgorithms,
}

/// A simulated device that is wanted.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// Its address; port 0 takes a free one.
    pub address: SocketAddr,
    /// How it is reached.
    pub transport: TransportKind,
    /// Its kind.
    pub driver: DriverId,
    /// What it takes for each typed line.
    pub delay: Duration,
    /// The size of its configuration in bytes; `None` is the transcript's.
    pub bytes: Option<usize>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Why a fleet did not start.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// An address is taken or not there.
    #[error("cannot listen on {address} for {name}: {source}")]
    Listen {
        /// The device.
        name: String,
        /// Its address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The driver has no transcript that a device of this transport could replay.
    #[error("the driver `{driver}` has no transcript of a good {transport} session to replay: {why}")]
    Transcript {
        /// The driver.
        driver: DriverId,
        /// The transport.
        transport: TransportKind,
        /// What is missing.
        why: String,
    },
}

/// A simulated device.
pub struct Simulated {
    /// What was asked for, with the port it got.
    pub spec: Spec,
    transcript: Arc<Transcript>,
    command: String,
    charset: &'static Encoding,
    stated_size: Option<Regex>,
    username_suffix: String,
    configuration: Mutex<String>,
}

/// Whether whoever is at an address can be reached now.
pub type Reach = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Devices that are up as long as this is.
pub struct Fleet {
    devices: Vec<Arc<Simulated>>,
    _listeners: JoinSet<()>,
}

impl Fleet {
    /// Starts devices; all listen when this returns.
    ///
    /// # Errors
    /// See [`FleetError`]. None is up then.
    pub async fn start(drivers: &Drivers, specs: Vec<Spec>) -> Result<Self, FleetError> {
        Self::start_behind(drivers, specs, Arc::new(|_| true)).await
    }

    /// The same, where `reach` says who can be reached: who cannot takes new connections and is silent on them, which
    /// is the nearest to a lost packet that a loopback address can do.
    ///
    /// # Errors
    /// As [`Fleet::start`].
    pub async fn start_behind(drivers: &Drivers, specs: Vec<Spec>, reach: Reach) -> Result<Self, FleetError> {
        let (modern, old) = (ssh::config(false), ssh::config(true));
        let mut listeners = JoinSet::new();
        let mut devices = Vec::with_capacity(specs.len());
        let mut kinds = Kinds { drivers, known: Vec::new() };
        for mut spec in specs {
            let listener = if spec.fault == Fault::Down { None } else { Some(listen(&mut spec).await?) };
            let device = Arc::new(kinds.simulate(spec)?);
            let config = if device.spec.fault == Fault::OldAlgorithms { &old } else { &modern };
            if let Some(listener) = listener {
                listeners.spawn(accept(
                    listener,
                    Arc::clone(&device),
                    Arc::clone(config),
                    Arc::clone(&reach),
                ));
            }
            devices.push(device);
        }
        Ok(Self { devices, _listeners: listeners })
    }

    /// The devices, in the order in which they were asked for.
    pub fn devices(&self) -> &[Arc<Simulated>] {
        &self.devices
    }

    /// The fleet as an inventory, in the columns of `device import`.
    pub fn inventory_csv(&self) -> String {
        let mut csv = String::from(
            "name,address,port,transport,driver,username,password,enable_password,group,location\n",
        );
        for device in &self.devices {
            let Spec { name, address, transport, driver, .. } = &device.spec;
            let (ip, port) = (address.ip(), address.port());
            csv += &format!(
                "{name},{ip},{port},{transport},{driver},{USERNAME},{PASSWORD},{ENABLE_PASSWORD},lab,\n"
            );
        }
        csv
    }
}

impl Simulated {
    /// Changes a label somewhere in the configuration.
    pub fn mutate(&self, pick: u64) {
        let mut configuration = self.configuration.lock().unwrap_or_else(PoisonError::into_inner);
        *configuration = mutate::relabelled(&configuration, pick);
    }

    /// The configuration as a person would see it.
    pub fn configuration(&self) -> String {
        let configuration = self.configuration.lock().unwrap_or_else(PoisonError::into_inner);
        configuration.replace("{{hostname}}", &self.spec.name)
    }

    /// Another configuration; lines end in `\n`.
    pub fn set_configuration(&self, text: &str) {
        text.clone_into(&mut self.configuration.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn script(&self) -> Script {
        let login = Login {
            username: format!("{USERNAME}{}", self.username_suffix),
            password: PASSWORD.into(),
            enable_password: ENABLE_PASSWORD.into(),
            hostname: self.spec.name.clone(),
        };
        let mut script = Script::lenient(&self.transcript, login);
        if self.spec.fault == Fault::RefusesPassword {
            script.refuse_password();
        }
        let configuration = self.configuration.lock().unwrap_or_else(PoisonError::into_inner);
        script.set_configuration(&self.command, &configuration, self.charset, self.stated_size.as_ref());
        script
    }

    pub(super) fn lets_in(&self, user: &str, password: &str) -> bool {
        self.spec.fault != Fault::RefusesPassword
            && !self.transcript.refuses
            && user == format!("{USERNAME}{}", self.username_suffix)
            && password == PASSWORD
    }

    /// Whether the login dialogue runs inside the stream even over SSH.
    pub(super) fn asks_in_stream(&self) -> bool {
        let first = self.transcript.steps.iter().find_map(|(_, step)| match step {
            Step::Line { text, .. } => Some(text.as_str()),
            _ => None,
        });
        first == Some(crate::device::transcript::USERNAME)
    }
}

/// A driver, its normal transcript, the configuration in it, and the charset that it is sent in.
type Kind = (DriverId, TransportKind, Arc<CompiledDriver>, Arc<Transcript>, String, &'static Encoding);

/// Drivers and transcripts, read once per kind.
struct Kinds<'a> {
    drivers: &'a Drivers,
    known: Vec<Kind>,
}

impl Kinds<'_> {
    fn simulate(&mut self, spec: Spec) -> Result<Simulated, FleetError> {
        let (_, _, driver, transcript, configuration, charset) = self.kind(&spec.driver, spec.transport)?;
        let (_, command) = driver.config_command();
        let configuration = match spec.bytes {
            Some(bytes) => mutate::padded(configuration, driver, bytes),
            None => configuration.clone(),
        };
        Ok(Simulated {
            transcript: Arc::clone(transcript),
            command: command.run.clone(),
            charset,
            stated_size: driver.stated_size.clone(),
            username_suffix: driver.ssh.username_suffix.clone(),
            configuration: Mutex::new(configuration),
            spec,
        })
    }

    fn kind(&mut self, id: &DriverId, transport: TransportKind) -> Result<&Kind, FleetError> {
        let place = match self.known.iter().position(|(known, its, ..)| known == id && *its == transport) {
            Some(place) => place,
            None => {
                let found = self.read(id, transport)?;
                self.known.push(found);
                self.known.len() - 1
            }
        };
        Ok(&self.known[place])
    }

    fn read(&self, id: &DriverId, transport: TransportKind) -> Result<Kind, FleetError> {
        let missing = |why: String| FleetError::Transcript { driver: id.clone(), transport, why };
        let driver = self.drivers.get(id).map_err(|problem| missing(problem.to_string()))?;
        let command = &driver.config_command().1.run;
        let charset = Encoding::for_label(driver.charset.as_bytes()).unwrap_or(WINDOWS_1252);
        let transcripts = self.drivers.transcripts(id);
        // The normal run first: it is the longest.
        let mut stems: Vec<_> = transcripts.iter().collect();
        stems.sort_by_key(|file| file.stem != "normal");
        let found = stems.into_iter().find_map(|file| {
            let transcript: Transcript = file.text.parse().ok()?;
            let fits = transcript.expect == Expectation::Good && transcript.transport == transport;
            let configuration = Script::configuration_of(&transcript, command, charset)?;
            fits.then_some((transcript, configuration))
        });
        let (transcript, (configuration, charset)) = found.ok_or_else(|| missing("none is there".into()))?;
        Ok((id.clone(), transport, driver, Arc::new(transcript), configuration, charset))
    }
}

async fn listen(spec: &mut Spec) -> Result<TcpListener, FleetError> {
    let failed = |source| FleetError::Listen { name: spec.name.clone(), address: spec.address, source };
    let listener = TcpListener::bind(spec.address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(|source| FleetError::Listen {
        name: spec.name.clone(),
        address: spec.address,
        source,
    })?;
    spec.address = bound;
    Ok(listener)
}

async fn accept(
    listener: TcpListener,
    device: Arc<Simulated>,
    config: Arc<russh::server::Config>,
    reach: Reach,
) {
    let mut sessions = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        while sessions.try_join_next().is_some() {}
        let _ = socket.set_nodelay(true);
        let device = Arc::clone(&device);
        if !reach(device.spec.address.ip()) {
            sessions.spawn(be_silent(socket));
            continue;
        }
        match device.spec.transport {
            TransportKind::Ssh => sessions.spawn(ssh::serve(socket, Arc::clone(&config), device)),
            TransportKind::Telnet => sessions.spawn(serve_telnet(socket, device)),
        };
    }
}

/// Holds a connection without a word until the other side gives it up.
async fn be_silent(mut socket: tokio::net::TcpStream) {
    use tokio::io::AsyncReadExt;
    let mut heard = [0; 1024];
    while matches!(socket.read(&mut heard).await, Ok(1..)) {}
}

async fn serve_telnet(mut socket: tokio::net::TcpStream, device: Arc<Simulated>) {
    use tokio::io::AsyncWriteExt;
    if socket.write_all(GREETING).await.is_ok() {
        converse(DeviceEnd::new(socket), device.script(), device.spec.delay, device.spec.fault).await;
    }
}

/// The `number`th loopback address of a fleet: 127.101.0.1 and on, none of which ends in 0 or 255.
pub fn loopback(number: usize) -> IpAddr {
    let (high, low) = (number / 250, number % 250);
    let byte = |value: usize| u8::try_from(value % 256).unwrap_or(0);
    IpAddr::from([127, byte(101 + high / 256), byte(high), byte(low + 1)])
}
