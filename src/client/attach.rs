//! The full screen over a session in the engine: attaches, waits when the engine goes away, and attaches again.

use std::io;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::connection::{Connection, NoSession};
use super::relay::Relay;
use super::signals::{Signals, TERMINATED};
use super::start::Start;
use super::starter::Starter;
use super::terminal::{self, Ended};
use super::{complain, panics, settings, shell};
use crate::commands::Exit;
use crate::console::Settings;
use crate::server::Screen;

/// From look to look for an engine that has gone.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Shows a session of the engine on the terminal until its operator leaves it.
pub fn show(start: &Start, settings: &Settings, cycle: Option<u16>) -> Exit {
    let screen = screen(settings, cycle);
    let shown = panics::kept_in(|| {
        let here = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        here.block_on(async {
            let mut signals = Signals::take()?;
            if settings.wall {
                signals.outlive_terminal();
            }
            Ok::<_, io::Error>(attach(start, screen, &mut signals).await)
        })
    });
    match shown {
        Some(Ok(exit)) => exit,
        Some(Err(error)) => complain(&format!("opening the console: {error}"), Exit::Failed),
        None => complain("the console broke down; what is stored is safe", Exit::Failed),
    }
}

/// What the engine must know to draw for this terminal and its operator.
fn screen(settings: &Settings, cycle: Option<u16>) -> Screen {
    let caps = settings::caps();
    Screen {
        columns: caps.width,
        rows: caps.height,
        term: caps.term,
        colorterm: caps.colorterm,
        no_color: caps.no_color,
        lang: settings::locale(),
        zone: TimeZone::system().iana_name().unwrap_or_default().to_owned(),
        theme: settings.theme.clone(),
        theme_file: settings.theme_file.clone(),
        keymap_file: settings.keymap_file.clone(),
        mouse: settings.mouse,
        wall: settings.wall,
        cycle,
    }
}

async fn attach(start: &Start, mut screen: Screen, signals: &mut Signals) -> Exit {
    let mut starter = Starter::default();
    let mut connection = tokio::select! {
        exit = signals.ending() => return exit,
        connection = starter.attach(start, &screen) => match connection {
            Ok(connection) => connection,
            Err(why) => return complain(&why, Exit::Failed),
        },
    };
    loop {
        let (client, mut relay) = Relay::join(connection);
        let ended = match terminal::attach(client, signals).await {
            Ok(ended) => ended,
            Err(error) => return complain(&format!("opening the terminal: {error}"), Exit::Failed),
        };
        let parted = relay.parted();
        match (ended, parted) {
            (Ended::Gone(TERMINATED), _) if signals.outlives_terminal() => return Exit::Done,
            (Ended::Gone(exit), _) => return exit,
            (Ended::Quit, None) => return Exit::Done,
            (_, Some(parted)) if !parted.comes_back => return complain(&parted.why, Exit::Failed),
            (_, Some(parted)) => wait_word(&parted.why),
            (Ended::Broken, None) => wait_word("the engine has gone"),
        }
        connection = match come_back(start, &mut screen, signals, &mut starter).await {
            Ok(connection) => connection,
            Err(exit) => return exit,
        };
    }
}

fn wait_word(why: &str) {
    shell::note(&format!("noctule: {why}; waiting for it to come back (Ctrl-C leaves)"));
}

/// Waits for the engine; one that this process had started is started again.
async fn come_back(
    start: &Start,
    screen: &mut Screen,
    signals: &mut Signals,
    starter: &mut Starter,
) -> Result<Connection, Exit> {
    loop {
        // the window may have another size by then
        let caps = settings::caps();
        (screen.columns, screen.rows) = (caps.width, caps.height);
        let looking = async {
            if starter.has_started {
                return starter.attach(start, screen).await.map(Some);
            }
            match Connection::open(start, Some(screen.clone())).await {
                Ok(connection) => Ok(Some(connection)),
                Err(NoSession::Refused(why)) => Err(why),
                Err(NoSession::Nobody | NoSession::Lost | NoSession::Silent) => Ok(None),
            }
        };
        tokio::select! {
            exit = signals.ending() => {
                let is_usual = exit == TERMINATED && signals.outlives_terminal();
                return Err(if is_usual { Exit::Done } else { exit });
            }
            found = looking => match found {
                Ok(Some(connection)) => return Ok(connection),
                Ok(None) => {}
                Err(why) => return Err(complain(&why, Exit::Failed)),
            },
        }
        tokio::select! {
            exit = signals.ending() => return Err(exit),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}
