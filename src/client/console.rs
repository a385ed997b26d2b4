//! `console` and `wallboard`: the full screen over the engine that runs, or in this process over a store of one's own.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::files::LocalFiles;
use super::signals::{Signals, TERMINATED};
use super::start::Start;
use super::terminal::{self, Ended};
use super::{attach, complain, panics, settings, unlock};
use crate::commands::{Args, Exit, Person};
use crate::console::{Session, Settings};
use crate::engine::{Engine, Options};
use crate::lab::Links;
use crate::server::{Pump, link};

/// What `TERM` says of a terminal that moves no cursor, or of which nothing is known.
const POOR_TERMINALS: [&str; 3] = ["", "dumb", "unknown"];

/// Opens the console, and stays until it is left.
pub fn open(start: &Start, args: &Args) -> Exit {
    open_with(start, args, "console", |_| {})
}

/// Opens the wallboard, and stays until it is left.
pub fn open_wallboard(start: &Start, args: &Args) -> Exit {
    open_with(start, args, "wallboard", |settings| hang_on_the_wall(settings, args))
}

/// A session for a screen on the wall: it shows the wallboard and nothing else, and whoever passes by changes nothing.
pub fn hang_on_the_wall(settings: &mut Settings, args: &Args) {
    settings.first = Some(match args.number("--cycle") {
        Some(seconds) => format!("wallboard {seconds}"),
        None => "wallboard".to_owned(),
    });
    settings.rights = settings.rights.read_only();
    settings.wall = true;
}

fn open_with(start: &Start, args: &Args, name: &str, adjust: impl FnOnce(&mut Settings)) -> Exit {
    let opened = needs_terminal(name).and_then(|()| {
        let settings = settings::read(&start.options.config_dir, args, start.person.rights.clone());
        let mut settings = settings.map_err(|why| (why, Exit::Usage))?;
        adjust(&mut settings);
        Ok(settings)
    });
    let mut settings = match opened {
        Ok(settings) => settings,
        Err((why, exit)) => return complain(&why, exit),
    };
    if !start.embedded {
        let cycle = args.number("--cycle").and_then(|seconds| u16::try_from(seconds).ok());
        return attach::show(start, &settings, cycle);
    }
    let workers = match super::workers() {
        Ok(workers) => workers,
        Err(why) => return complain(&why, Exit::Failed),
    };
    let begun = workers.block_on(async {
        let mut signals = Signals::take().map_err(|error| format!("listening for signals: {error}"))?;
        let unlock = match unlock::asked_until_ended(start, &mut signals).await {
            Ok(unlock) => unlock,
            Err(Ok(why)) => return Err(why),
            Err(Err(exit)) => return Ok(Err(exit)),
        };
        let options = Options { unlock, ..start.options.clone() };
        let engine = Engine::start(options).await.map_err(|error| error.to_string())?;
        let mut person = match &start.person.caller {
            Some(caller) => engine.log_in(caller).await.map_err(|refused| refused.0)?,
            None => start.person.clone(),
        };
        if start.person.read_only || settings.wall {
            person = person.read_only();
        }
        Ok::<_, String>(Ok((engine, signals, person)))
    });
    let (engine, mut signals, person) = match begun {
        Ok(Ok(begun)) => begun,
        Ok(Err(exit)) => return exit,
        Err(why) => return complain(&why, Exit::Failed),
    };
    if settings.wall {
        signals.outlive_terminal();
    }
    settings.rights = person.rights.clone();
    let exit = show(&workers, &engine, None, &start.options, &person, &settings, &mut signals);
    workers.block_on(engine.stop());
    workers.shutdown_timeout(std::time::Duration::from_secs(1));
    exit
}

/// Why a full screen cannot be opened here.
pub fn needs_terminal(name: &str) -> Result<(), (String, Exit)> {
    let refused = |why: String| Err((why + ". `noctule help` lists what works without one", Exit::Usage));
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return refused(format!(
            "{name} opens a full screen and needs a terminal on standard input and output; over SSH: ssh -t HOST noctule"
        ));
    }
    let term = std::env::var("TERM").unwrap_or_default();
    if POOR_TERMINALS.contains(&term.as_str()) {
        let says = if term.is_empty() { "TERM is not set".to_owned() } else { format!("TERM is {term:?}") };
        return refused(format!(
            "{name} opens a full screen and needs a terminal that can show one, but {says}; if yours can, say what it \
             is: TERM=xterm-256color noctule {name}"
        ));
    }
    Ok(())
}

/// Shows a session on the terminal until it ends.
///
/// `links` are those of a simulated network. What outlives its terminal goes on until SIGTERM, which is its
/// usual end. The terminal and the session have this thread to themselves: what the engine does on its own threads never holds up
/// a key.
pub fn show(
    workers: &Runtime,
    engine: &Arc<Engine>,
    links: Option<Arc<Links>>,
    options: &Options,
    person: &Person,
    settings: &Settings,
    signals: &mut Signals,
) -> Exit {
    let shown = panics::kept_in(|| {
        let here = Builder::new_current_thread().enable_all().build()?;
        here.block_on(async {
            let picture = engine.snapshot_for(person);
            let session = Session::new(&settings::caps(), settings, picture, engine.now());
            let (client, server) = link();
            let (engine, options, person) = (Arc::clone(engine), options.clone(), person.clone());
            let pump = Pump::new(
                session,
                server,
                options,
                engine,
                person,
                Arc::new(LocalFiles),
                workers.handle().clone(),
            )
            .over(links);
            // a task of its own contains a panic
            let session = tokio::spawn(pump.run());
            let ended = terminal::attach(client, signals).await?;
            // what still runs is told to end; a panic has been kept
            let _ = session.await;
            io::Result::Ok(ended)
        })
    });
    match shown {
        Some(Ok(Ended::Quit)) => Exit::Done,
        Some(Ok(Ended::Gone(TERMINATED))) if signals.outlives_terminal() => Exit::Done,
        Some(Ok(Ended::Gone(exit))) => exit,
        Some(Err(error)) => complain(&format!("opening the terminal: {error}"), Exit::Failed),
        Some(Ok(Ended::Broken)) | None => {
            complain("the console broke down; what is stored is safe", Exit::Failed)
        }
    }
}
