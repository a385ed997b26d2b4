//! `serve`: the engine without a terminal, for every operator at once.

use std::fs::{File, OpenOptions};
use std::io::IsTerminal;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use rustix::fs::OFlags;
use tokio::signal::unix::Signal;

use super::signals::Signals;
use super::start::Start;
use super::{panics, unlock, workers};
use crate::commands::{Args, Exit};
use crate::engine::{Engine, Options};
use crate::server::{Bound, Log, Server, systemd};

/// The log of an engine that nobody reads, in the data folder.
const LOG: &str = "engine.log";
/// Threads that draw for operators.
const DRAWING: usize = 2;

/// Runs an engine until a signal ends it, or nobody has wanted it for long enough.
pub fn run(start: &Start, args: &Args) -> Exit {
    let until_idle = args.duration("--until-idle");
    if until_idle.is_some() {
        // a session of its own: it outlives the one that it was started from; refused where it has one already
        let _ = rustix::process::setsid();
    }
    let ends_badly = |why: &str| {
        // as journald reads it, or for people
        Log::stderr().error(why);
        Exit::Failed
    };
    let engines = match workers() {
        Ok(workers) => workers,
        Err(why) => return ends_badly(&why),
    };
    // what draws never waits for what works
    let drawing = tokio::runtime::Builder::new_multi_thread().worker_threads(DRAWING).enable_all().build();
    let drawing = match drawing {
        Ok(drawing) => drawing,
        Err(error) => return ends_badly(&format!("starting threads: {error}")),
    };
    let served = drawing.block_on(async {
        let mut signals = Signals::take().map_err(|error| format!("listening for signals: {error}"))?;
        if until_idle.is_some() {
            signals.outlive_terminal();
        }
        let given =
            systemd::given_socket().map_err(|error| format!("taking the socket of systemd: {error}"))?;
        let unlock = if args.has("--passphrase-stdin") {
            unlock::told(start)?
        } else {
            match unlock::asked_until_ended(start, &mut signals).await {
                Ok(unlock) => unlock,
                Err(Ok(why)) => return Err(why),
                Err(Err(exit)) => return Ok(exit),
            }
        };
        let options = Options { unlock, ..start.options.clone() };
        let starting = engines.spawn(async move { Engine::start(options).await });
        let engine = starting.await.map_err(|error| format!("starting the engine: {error}"))?;
        let engine = engine.map_err(|error| error.to_string())?;
        let bound = match given {
            Some(socket) => Bound::given(socket).map_err(|error| format!("listening: {error}")),
            None => start.place.listen().map_err(|error| error.to_string()),
        };
        let bound = match bound {
            Ok(bound) => bound,
            Err(why) => {
                engine.stop().await;
                return Err(why);
            }
        };
        let log = log(start, until_idle.is_some());
        panics::logged(log.clone());
        log.info(&format!(
            "noctule {} serves {} and listens on {}",
            env!("CARGO_PKG_VERSION"),
            start.options.data_dir.display(),
            bound.path().display()
        ));
        let server = Server::begin(engine, start.options.clone(), bound, engines.handle().clone(), log);
        systemd::tell("READY=1");
        let why = until_the_end(&server, until_idle, &mut signals).await;
        server.drain(&why).await;
        Ok::<_, String>(Exit::Done)
    });
    let exit = match served {
        Ok(exit) => exit,
        Err(why) => ends_badly(&why),
    };
    for runtime in [drawing, engines] {
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
    exit
}

/// Waits for what ends it, and says what that is.
async fn until_the_end(server: &Server, until_idle: Option<Duration>, signals: &mut Signals) -> String {
    let idle = async {
        match until_idle {
            Some(limit) => server.idle(limit).await,
            None => std::future::pending().await,
        }
    };
    let alive = async {
        match systemd::watchdog() {
            Some(period) => loop {
                systemd::tell("WATCHDOG=1");
                tokio::time::sleep(period).await;
            },
            None => std::future::pending::<()>().await,
        }
    };
    // of a terminal, it says that this one has gone
    let hang_up = if std::io::stdin().is_terminal() { None } else { signals.take_hang_up() };
    tokio::select! {
        () = reload_at(hang_up, server) => String::new(),
        exit = signals.ending() => match exit {
            Exit::Signal(15) => "it was told to (SIGTERM)".to_owned(),
            Exit::Signal(2) => "it was told to (SIGINT)".to_owned(),
            Exit::Signal(number) => format!("it was told to (signal {number})"),
            _ => "it was told to".to_owned(),
        },
        () = idle => "nobody has wanted it for a while".to_owned(),
        () = alive => String::new(),
    }
}

/// Reads the settings anew at each SIGHUP: `systemctl reload`. Never ends.
async fn reload_at(hang_up: Option<Signal>, server: &Server) {
    let Some(mut hang_up) = hang_up else { return std::future::pending().await };
    while hang_up.recv().await.is_some() {
        systemd::tell_reloading();
        server.reload().await;
        systemd::tell("READY=1");
    }
    std::future::pending().await
}

/// Where it says how it goes: a file of its own where it was started by a console, which may go.
fn log(start: &Start, in_file: bool) -> Log {
    if !in_file {
        return Log::stderr();
    }
    log_file(start).map_or_else(|_| Log::stderr(), Log::file)
}

fn log_file(start: &Start) -> std::io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let path = start.options.data_dir.join(LOG);
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)
}
