//! `demo`: the console on a network that noctule simulates itself, in a folder that is gone at the end.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::demo_folder::DemoFolder;
use super::signals::Signals;
use super::start::Start;
use super::{complain, console, screenshot, settings};
use crate::commands::{Args, Exit, Person};
use crate::console::Settings;
use crate::server::DemoNetwork;

/// Opens the console on a demo network, and stays until it is left.
pub fn open(start: &Start, args: &Args) -> Exit {
    let picture = match args.get("--screenshot").map(|path| screenshot::Wish::read(path, args)).transpose() {
        Ok(picture) => picture,
        Err(why) => return complain(&why, Exit::Usage),
    };
    if picture.is_none()
        && let Err((why, exit)) = console::needs_terminal("demo")
    {
        return complain(&why, exit);
    }
    let mut settings = match settings::read(&start.options.config_dir, args, start.person.rights.clone()) {
        Ok(settings) => settings,
        Err(why) => return complain(&why, Exit::Usage),
    };
    // the demo's users are its own: whoever opens it may do all that they asked to
    let mut person = Person { caller: None, ..start.person.clone() };
    if args.has("--wallboard") {
        console::hang_on_the_wall(&mut settings, args);
        person = person.read_only();
    }
    let workers = match super::workers() {
        Ok(workers) => workers,
        Err(why) => return complain(&why, Exit::Failed),
    };
    let mut signals = match workers.block_on(async { Signals::take() }) {
        Ok(signals) => signals,
        Err(error) => return complain(&format!("listening for signals: {error}"), Exit::Failed),
    };
    // one that is not kept goes with its window
    if settings.wall && args.has("--keep") {
        signals.outlive_terminal();
    }
    DemoFolder::remove_dead(&std::env::temp_dir());
    let folder = match DemoFolder::make(&std::env::temp_dir(), args.has("--keep")) {
        Ok(folder) => folder,
        Err(why) => return complain(&why, Exit::Failed),
    };
    let exit = match start_network(&workers, folder.path(), &mut signals) {
        Ok(network) => {
            let mut network = network;
            let exit = match picture {
                Some(wish) => take_picture(&workers, &network, &settings, &wish, &mut signals),
                None => show(&workers, &mut network, &person, &settings, &mut signals),
            };
            workers.block_on(network.stop());
            exit
        }
        Err(exit) => exit,
    };
    workers.shutdown_timeout(std::time::Duration::from_secs(1));
    drop(folder);
    exit
}

fn start_network(workers: &Runtime, folder: &Path, signals: &mut Signals) -> Result<DemoNetwork, Exit> {
    let starting = async { DemoNetwork::start(folder).await.map_err(|error| error.to_string()) };
    workers.block_on(unless_ended(signals, starting))
}

fn show(
    workers: &Runtime,
    network: &mut DemoNetwork,
    person: &Person,
    settings: &Settings,
    signals: &mut Signals,
) -> Exit {
    workers.block_on(async { network.come_alive() });
    let links = Some(Arc::clone(network.links()));
    console::show(workers, network.engine(), links, network.options(), person, settings, signals)
}

fn take_picture(
    workers: &Runtime,
    network: &DemoNetwork,
    settings: &Settings,
    wish: &screenshot::Wish,
    signals: &mut Signals,
) -> Exit {
    let taking = async {
        network.live_for_a_picture().await;
        wish.take(network.engine(), settings).await
    };
    match workers.block_on(unless_ended(signals, taking)) {
        Ok(()) => Exit::Done,
        Err(exit) => exit,
    }
}

/// What the work has come to, unless it failed, which is said, or a signal came.
async fn unless_ended<T>(
    signals: &mut Signals,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, Exit> {
    tokio::select! {
        done = work => done.map_err(|why| complain(&why, Exit::Failed)),
        exit = signals.ending() => Err(exit),
    }
}
