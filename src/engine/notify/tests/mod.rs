//! Notifications against sinks on this host, and on a clock that tests move.

mod command;
mod flow;
mod http_sink;
mod mail;
mod rules;
mod smtp_sink;
mod telegram;
mod tls;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;

use super::message::{self, Message};
use super::settings::{NotifySettings, Target};
use crate::engine::events::with_events;
use crate::engine::inventory::entry;
use crate::engine::{Actor, Clock, Engine, Options};
use crate::model::{
    ChangeBefore, DeviceId, Ending, Event, EventKind, Incident, IncidentId, Severity, Timestamp,
};

/// 2026-11-24 12:00 UTC.
const NOON: Timestamp = Timestamp(1_795_521_600_000);
/// What no error, event or journal line may hold.
const SECRET: &str = "s3cr3t-of-a-target";
const MINUTE: Duration = Duration::from_secs(60);

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOON.0)))
    }

    fn move_by(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// An engine whose `notify.toml` is this.
async fn engine(folder: &Path, notify: &str, hand: &Hand) -> Arc<Engine> {
    let config = folder.join("config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), "[backup]\ndaily = \"off\"\n").unwrap();
    write_settings(&config, notify);
    let mut options = Options::new(folder.join("data"), config);
    options.pulse = false;
    let hand = hand.0.clone();
    options.clock = Clock::from_fn(move || Timestamp(hand.load(Ordering::SeqCst)));
    let begun = std::time::Instant::now();
    loop {
        match Engine::start(options.clone()).await {
            Ok(engine) => return engine,
            // the tasks of the engine before are let go in a moment
            Err(error) if error.to_string().contains("in use") && begun.elapsed().as_secs() < 10 => {
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn write_settings(config: &Path, notify: &str) {
    use std::os::unix::fs::PermissionsExt;
    // put in place whole: a worker that looks while it is written would obey an empty file
    let aside = config.join("notify.aside");
    std::fs::write(&aside, notify).unwrap();
    std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(&aside, config.join(super::settings::FILE)).unwrap();
}

/// The only target of a file.
fn target(toml: &str) -> Arc<Target> {
    NotifySettings::parse(toml, "notify.toml", Path::new("/")).unwrap().targets[0].clone()
}

fn test_message() -> Message {
    message::test("noc", "ann", NOON, &TimeZone::UTC)
}

/// Something happens.
async fn happens(engine: &Arc<Engine>, kind: EventKind, severity: Severity, device: &str, message: &str) {
    let device = (!device.is_empty()).then(|| device.parse().unwrap());
    let event = engine.event(engine.now(), kind, severity, device, message);
    store_and_tell(engine, event, None).await;
}

async fn store_and_tell(engine: &Arc<Engine>, event: Event, incident: Option<&Incident>) {
    let events = vec![event];
    let mut entry = with_events(entry(engine.now(), &Actor::engine("a test"), "a test"), &events);
    if let Some(incident) = incident {
        entry.add(&incident.id, incident);
    }
    engine.commit(entry, "a test").await.unwrap();
    engine.tell(events);
}

/// An incident opens, goes on or is over, as its record says.
async fn incident_happens(engine: &Arc<Engine>, incident: &Incident, kind: EventKind) {
    let severity = if kind == EventKind::IncidentOpened { Severity::Error } else { Severity::Info };
    let mut event =
        engine.event(engine.now(), kind, severity, Some(incident.name.clone()), "as the record says");
    event.incident = Some(incident.id);
    store_and_tell(engine, event, Some(incident)).await;
}

fn incident(id: u64, name: &str, behind: usize) -> Incident {
    Incident {
        id: IncidentId(id),
        root: DeviceId(1),
        name: name.parse().unwrap(),
        since: NOON,
        opened: NOON.after(Duration::from_secs(4)),
        closed: None,
        ending: None,
        cause: "no answer".into(),
        behind: (1..=behind).map(|n| format!("acc-{n}").parse().unwrap()).collect(),
        most_behind: behind as u32,
        times_down: 1,
        before: vec![ChangeBefore {
            at: NOON,
            device: name.parse().unwrap(),
            what: "the configuration changed: revision 7".into(),
        }],
        acknowledged: None,
        assigned: None,
        comments: Vec::new(),
        been_behind: None,
        lasted: None,
    }
}

/// It is over after so long.
fn over(incident: &Incident, after: Duration) -> Incident {
    let closed = Some(incident.since.after(after));
    Incident { closed, ending: Some(Ending::Recovered), ..incident.clone() }
}
