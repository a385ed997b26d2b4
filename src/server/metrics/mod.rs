//! Metrics for Prometheus, where the settings ask for them: `[serve] metrics`. This host alone can ask, and anybody of it
//! who can reach the place: so there are counts and states in them, never a name, an address or a text.
//!
//! `table` is what there is, `text` how it is written, `request` how it is asked for, `place` where that comes in, `guests`
//! how many are served at once, and how long each has.

mod guests;
mod page;
mod place;
mod process;
pub mod request;
mod table;
mod text;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::log::Log;
use crate::engine::Engine;
use crate::engine::settings::MetricsPlace;
use place::Place;

pub use page::page;

/// From try to try where a place cannot be taken.
const AGAIN: Duration = Duration::from_secs(10);
/// How long figures are as good as new: a flood of questions costs no more than four answers a second.
const FRESH: Duration = Duration::from_millis(250);

/// Serves metrics where the settings say, as they say it: until it is dropped.
pub async fn work(engine: Arc<Engine>, log: Log) {
    let mut settings = engine.watch_settings();
    let figures = Arc::new(Figures { engine: Arc::clone(&engine), made: Mutex::default() });
    loop {
        let place = settings.borrow_and_update().metrics.clone();
        tokio::select! {
            changed = settings.wait_for(|settings| settings.metrics != place) => {
                if changed.is_err() {
                    return;
                }
            }
            () = serve(place.as_ref(), &figures, &log) => {}
        }
    }
}

/// Serves at one place, and does not end.
async fn serve(place: Option<&MetricsPlace>, figures: &Arc<Figures>, log: &Log) {
    let Some(named) = place else { return std::future::pending().await };
    let mut was_refused = false;
    loop {
        match Place::open(named, figures.engine.data_dir()) {
            Ok(place) => {
                log.info(&format!("has metrics at {named}"));
                if was_refused {
                    figures.engine.tell_of_metrics(Ok(named));
                }
                guests::serve(&place, figures, log).await;
            }
            // said once, not every time
            Err(why) if !was_refused => {
                log.error(&format!("metrics at {named}: {why}"));
                figures.engine.tell_of_metrics(Err((named, &why)));
                was_refused = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The figures, as text.
struct Figures {
    engine: Arc<Engine>,
    made: Mutex<Option<(Instant, Arc<str>)>>,
}

impl Figures {
    async fn text(&self) -> Arc<str> {
        // whoever waits here gets what the one before has made
        let mut made = self.made.lock().await;
        if let Some((at, text)) = &*made
            && at.elapsed() < FRESH
        {
            return Arc::clone(text);
        }
        let scrape = table::Scrape { engine: self.engine.figures().await, process: process::look() };
        let text: Arc<str> = text::write(table::METRICS, &scrape).into();
        *made = Some((Instant::now(), Arc::clone(&text)));
        text
    }
}
