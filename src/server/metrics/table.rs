//! Every metric: its name, its type, what it is, and how its value comes out of the figures. What is served and its page
//! in docs/ are made of this one list. Names and units: https://prometheus.io/docs/practices/naming/.
//!
//! Labels have the values that stand here, and no others: no device, person, group or target is one, so that the number
//! of series does not grow with the network, and nothing of it is told to whoever can reach the place.

use super::process::Process;
use crate::engine::counters::Refusal;
use crate::engine::figures::{Disk, Figures, Waiting};
use crate::engine::sessions::Roster;
use crate::engine::snapshot::{Job, PulsePicture, Stage, Totals};
use crate::model::{Severity, Timestamp};

/// What values are taken from.
pub struct Scrape {
    /// The engine.
    pub engine: Figures,
    /// This process.
    pub process: Process,
}

/// A metric.
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// Its values.
    pub values: Values,
}

/// A type of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up, and begins anew with the engine.
    Counter,
    /// As it is at the moment.
    Gauge,
}

/// How a value is taken; `None` where it is not known.
pub type Value = fn(&Scrape) -> Option<f64>;

/// A metric's values.
#[derive(Clone, Copy)]
pub enum Values {
    /// One.
    One(Value),
    /// One for each of these values of a label.
    By(&'static str, &'static [(&'static str, Value)]),
}

const fn counter(name: &'static str, help: &'static str, value: Value) -> Metric {
    Metric { name, kind: Kind::Counter, help, values: Values::One(value) }
}

const fn gauge(name: &'static str, help: &'static str, value: Value) -> Metric {
    Metric { name, kind: Kind::Gauge, help, values: Values::One(value) }
}

const fn by(
    kind: Kind,
    name: &'static str,
    help: &'static str,
    label: &'static str,
    values: &'static [(&'static str, Value)],
) -> Metric {
    Metric { name, kind, help, values: Values::By(label, values) }
}

/// All of them, in the order in which they are served.
pub const METRICS: &[Metric] = &[
    by(
        Kind::Gauge,
        "noctule_build_info",
        "The program that runs; the value is always 1.",
        "version",
        &[(env!("CARGO_PKG_VERSION"), |_| Some(1.0))],
    ),
    // ---- who is in
    by(
        Kind::Gauge,
        "noctule_sessions",
        "Sessions that are attached, by what they show.",
        "kind",
        &[
            ("console", |s| sessions(s, |one| one.size.is_some() && one.line != "wallboard")),
            ("wallboard", |s| sessions(s, |one| one.size.is_some() && one.line == "wallboard")),
            ("command", |s| sessions(s, |one| one.size.is_none())),
        ],
    ),
    counter("noctule_sessions_begun_total", "Sessions that began.", |s| {
        count(s.engine.counters.sessions.get())
    }),
    counter(
        "noctule_sessions_dropped_total",
        "Sessions that ended because their client did not read what it was told.",
        |s| count(s.engine.counters.sessions_dropped.get()),
    ),
    counter("noctule_sessions_broken_total", "Sessions that ended by a fault of noctule.", |s| {
        count(s.engine.counters.sessions_broken.get())
    }),
    gauge("noctule_strangers", "Connections that have not said who they are.", |s| {
        count(s.engine.strangers as u64)
    }),
    by(
        Kind::Counter,
        "noctule_clients_refused_total",
        "Clients that got no session: crowded (too many had connected and not said who they are), silent (no word in \
         time), malformed (nonsense, or another version), unwelcome (nobody knows the account, or its user is disabled), \
         full (too many sessions, or the engine was about to end).",
        "reason",
        &[
            ("crowded", |s| count(s.engine.counters.refused(Refusal::Crowded))),
            ("silent", |s| count(s.engine.counters.refused(Refusal::Silent))),
            ("malformed", |s| count(s.engine.counters.refused(Refusal::Malformed))),
            ("unwelcome", |s| count(s.engine.counters.refused(Refusal::Unwelcome))),
            ("full", |s| count(s.engine.counters.refused(Refusal::Full))),
        ],
    ),
    // ---- devices and their backups
    by(
        Kind::Gauge,
        "noctule_devices",
        "Devices that are not deleted.",
        "kind",
        &[
            ("managed", |s| totals(s, |totals| totals.managed)),
            ("unmanaged", |s| totals(s, |totals| totals.unmanaged)),
        ],
    ),
    by(
        Kind::Gauge,
        "noctule_devices_backup_state",
        "Devices by the state of their backups: good, late (good, but older than the settings want), never (no backup \
         yet), suspect (the last text is quarantined), failed (the last run), running (a session goes on); off (paused or \
         unmanaged: nothing is expected).",
        "state",
        &[
            ("good", |s| totals(s, |totals| totals.good)),
            ("late", |s| totals(s, |totals| totals.late)),
            ("never", |s| totals(s, |totals| totals.never)),
            ("suspect", |s| totals(s, |totals| totals.suspect)),
            ("failed", |s| totals(s, |totals| totals.failed)),
            ("running", |s| totals(s, |totals| totals.running)),
            ("off", |s| totals(s, off)),
        ],
    ),
    by(
        Kind::Counter,
        "noctule_backup_runs_total",
        "Backup runs of a device that ended: changed (a new revision), unchanged, failed, quarantined (a text came without \
         proof), cancelled (broken off, also by the engine's end), skipped (nothing was tried).",
        "result",
        &[
            ("changed", |s| count(s.engine.counters.runs.changed.get())),
            ("unchanged", |s| count(s.engine.counters.runs.unchanged.get())),
            ("failed", |s| count(s.engine.counters.runs.failed.get())),
            ("quarantined", |s| count(s.engine.counters.runs.quarantined.get())),
            ("cancelled", |s| count(s.engine.counters.runs.cancelled.get())),
            ("skipped", |s| count(s.engine.counters.runs.skipped.get())),
        ],
    ),
    counter(
        "noctule_backup_run_seconds_total",
        "How long backup runs took together, those that were skipped left out.",
        |s| Some(s.engine.counters.runs.millis.get() as f64 / 1000.0),
    ),
    gauge(
        "noctule_backup_last_run_duration_seconds",
        "How long the backup run took that ended last, one that was skipped left out.",
        |s| s.engine.counters.runs.last_millis().map(|millis| millis as f64 / 1000.0),
    ),
    gauge(
        "noctule_backup_newest_success_timestamp_seconds",
        "When a backup run last proved any device's configuration.",
        |s| proven(s, true),
    ),
    gauge(
        "noctule_backup_oldest_success_timestamp_seconds",
        "The device whose configuration was proven longest ago: when that was. Devices of which nothing is expected, and \
         those that never had a backup, are left out.",
        |s| proven(s, false),
    ),
    gauge("noctule_backup_next_timestamp_seconds", "When the schedule begins its next backup.", |s| {
        s.engine.snapshot.next_backup.map(seconds)
    }),
    // ---- jobs
    gauge("noctule_jobs", "Jobs that are not over.", |s| count(open_jobs(s).count() as u64)),
    by(
        Kind::Gauge,
        "noctule_job_devices",
        "Devices of jobs that are not over, by how far they are.",
        "stage",
        &[
            ("queued", |s| staged(s, |stage| matches!(stage, Stage::Queued))),
            ("running", |s| staged(s, |stage| matches!(stage, Stage::At(_)))),
            ("retrying", |s| staged(s, |stage| matches!(stage, Stage::Retrying(_)))),
            ("done", |s| staged(s, |stage| matches!(stage, Stage::Done(_)))),
        ],
    ),
    // ---- the pulse
    gauge("noctule_pulse_running", "Whether the devices are watched: 1 or 0.", |s| {
        flag(s.engine.snapshot.pulse.is_running())
    }),
    by(
        Kind::Counter,
        "noctule_pulse_probes_total",
        "Probes of devices and canaries: sent (they left this host), answered (in time), lost (not answered in time), unsent \
         (they did not leave this host).",
        "result",
        &[
            ("sent", |s| count(s.engine.counters.probes.sent.get())),
            ("answered", |s| count(s.engine.counters.probes.answered.get())),
            ("lost", |s| count(s.engine.counters.probes.lost.get())),
            ("unsent", |s| count(s.engine.counters.probes.unsent.get())),
        ],
    ),
    by(
        Kind::Gauge,
        "noctule_pulse_devices",
        "Devices that are watched, by whether they answer: up, loss (up, and the newest probe was not answered), down, \
         unknown, paused (not probed).",
        "state",
        &[
            ("up", |s| watched(s, |pulse| pulse.totals.up)),
            ("loss", |s| watched(s, |pulse| pulse.totals.loss)),
            ("down", |s| watched(s, |pulse| pulse.totals.down)),
            ("unknown", |s| watched(s, |pulse| pulse.totals.unknown)),
            ("paused", |s| watched(s, |pulse| pulse.totals.paused)),
        ],
    ),
    gauge("noctule_pulse_devices_flapping", "Devices that go up and down all the time.", |s| {
        watched(s, |pulse| pulse.totals.flapping)
    }),
    gauge("noctule_pulse_devices_in_planned_work", "Devices that are in planned work.", |s| {
        watched(s, |pulse| pulse.totals.planned)
    }),
    gauge("noctule_pulse_cut_off", "Whether this host is cut off, every canary being silent: 1 or 0.", |s| {
        pulse(s).and_then(|pulse| flag(pulse.cut_off.is_some()))
    }),
    gauge(
        "noctule_pulse_timestamp_seconds",
        "When the watch last said how it is: one that is older than some seconds does not work.",
        |s| pulse(s).and_then(|pulse| pulse.at).map(seconds),
    ),
    gauge("noctule_pulse_canary_timestamp_seconds", "When a canary last answered.", |s| {
        pulse(s).and_then(|pulse| pulse.canary_heard).map(seconds)
    }),
    // ---- incidents and events
    by(
        Kind::Gauge,
        "noctule_incidents",
        "Incidents that are open; an incident has no severity, but somebody may have taken note of it.",
        "acknowledged",
        &[("no", |s| incidents(s, false)), ("yes", |s| incidents(s, true))],
    ),
    gauge(
        "noctule_incidents_devices_behind",
        "Devices that are down behind the causes of incidents that are open.",
        |s| {
            let open = s.engine.snapshot.incidents.iter().filter(|incident| incident.is_open());
            count(open.map(|incident| incident.behind.len() as u64).sum())
        },
    ),
    by(
        Kind::Counter,
        "noctule_events_total",
        "Events, as `event list` shows them.",
        "severity",
        &[
            ("info", |s| count(s.engine.counters.told(Severity::Info))),
            ("warning", |s| count(s.engine.counters.told(Severity::Warning))),
            ("error", |s| count(s.engine.counters.told(Severity::Error))),
        ],
    ),
    // ---- notifications
    by(
        Kind::Gauge,
        "noctule_notifications",
        "Notifications that are not delivered: new (not tried yet), held (by quiet hours), retrying (their target did not \
         take them yet), given-up.",
        "state",
        &[
            ("new", |s| waiting(s, |waiting| waiting.new)),
            ("held", |s| waiting(s, |waiting| waiting.held)),
            ("retrying", |s| waiting(s, |waiting| waiting.retrying)),
            ("given-up", |s| waiting(s, |waiting| waiting.given_up)),
        ],
    ),
    counter("noctule_notifications_delivered_total", "Notifications that their target took.", |s| {
        count(s.engine.counters.deliveries.get())
    }),
    counter(
        "noctule_notification_failures_total",
        "Tries to bring a notification to its target that failed.",
        |s| count(s.engine.counters.deliveries_failed.get()),
    ),
    // ---- the store and the audit trail
    gauge(
        "noctule_store_writable",
        "Whether the store took its last write, in the journal and in the index: 1 or 0.",
        |s| flag(s.engine.is_storing),
    ),
    gauge("noctule_store_journal_bytes", "Bytes of the journal.", |s| disk(s, |disk| disk.journal)),
    gauge(
        "noctule_store_damaged_indexes",
        "Indexes that were damaged, were made anew from the journal, and are kept aside for a look.",
        |s| disk(s, |disk| disk.damaged_indexes),
    ),
    gauge("noctule_store_filesystem_avail_bytes", "Bytes that are free where the store lies.", |s| {
        disk(s, |disk| disk.free)
    }),
    gauge("noctule_store_filesystem_size_bytes", "Bytes of the file system that the store lies on.", |s| {
        disk(s, |disk| disk.size)
    }),
    gauge("noctule_store_copy_timestamp_seconds", "When the newest copy of the store was made.", |s| {
        s.engine.disk.and_then(|disk| disk.newest_copy).map(seconds)
    }),
    gauge("noctule_store_copy_failing", "Whether the last daily copy of the store failed: 1 or 0.", |s| {
        s.engine.disk.and_then(|disk| flag(disk.copy_fails))
    }),
    gauge(
        "noctule_audit_head_sequence",
        "The number of the journal's last entry; entries count up from 1 without a gap.",
        |s| count(s.engine.head),
    ),
    gauge(
        "noctule_audit_anchored_sequence",
        "The number of the entry that was last noted outside of the journal; not there where [audit] asks for none.",
        |s| s.engine.anchors.and_then(|anchors| anchors.last).and_then(|(entry, _)| count(entry)),
    ),
    gauge(
        "noctule_audit_anchored_timestamp_seconds",
        "When the head of the journal was last noted outside of it.",
        |s| s.engine.anchors.and_then(|anchors| anchors.last).map(|(_, at)| seconds(at)),
    ),
    gauge(
        "noctule_audit_anchor_failing",
        "Whether the last try to note the head of the journal outside of it failed: 1 or 0.",
        |s| s.engine.anchors.and_then(|anchors| flag(anchors.is_failing)),
    ),
    counter(
        "noctule_audit_anchor_failures_total",
        "Tries to note the head of the journal outside of it that failed.",
        |s| count(s.engine.counters.anchors_failed.get()),
    ),
    // ---- this process, by the names that every client library has
    counter("process_cpu_seconds_total", "Seconds of processor time, user and system.", |s| s.process.cpu),
    gauge("process_resident_memory_bytes", "Bytes of memory in RAM.", |s| s.process.resident),
    gauge("process_virtual_memory_bytes", "Bytes of address space.", |s| s.process.virtual_size),
    gauge("process_threads", "Threads.", |s| s.process.threads),
    gauge("process_open_fds", "Descriptors that are open.", |s| s.process.open_files),
    gauge("process_max_fds", "The most descriptors that may be open.", |s| s.process.most_files),
    gauge("process_start_time_seconds", "When the process was started.", |s| s.process.started),
];

fn count(value: u64) -> Option<f64> {
    Some(value as f64)
}

fn flag(is_so: bool) -> Option<f64> {
    Some(f64::from(u8::from(is_so)))
}

/// Seconds since 1970, to the millisecond.
fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1000.0
}

fn sessions(scrape: &Scrape, is_meant: impl Fn(&Roster) -> bool) -> Option<f64> {
    count(scrape.engine.sessions.iter().filter(|one| is_meant(one)).count() as u64)
}

fn totals(scrape: &Scrape, of: impl Fn(&Totals) -> u32) -> Option<f64> {
    count(of(&scrape.engine.snapshot.totals).into())
}

/// Those of which nothing is expected.
fn off(totals: &Totals) -> u32 {
    let Totals { managed, unmanaged, good, late, never, suspect, failed, running } = *totals;
    (managed + unmanaged).saturating_sub(good + late + never + suspect + failed + running)
}

fn proven(scrape: &Scrape, newest: bool) -> Option<f64> {
    let rows = scrape.engine.snapshot.devices.iter();
    let expected =
        rows.filter(|row| row.device.deleted.is_none() && row.device.is_managed() && !row.device.paused);
    let proven = expected.filter_map(|row| row.proven);
    let at = if newest { proven.max() } else { proven.min() };
    at.map(seconds)
}

fn open_jobs(scrape: &Scrape) -> impl Iterator<Item = &Job> {
    scrape.engine.snapshot.jobs.iter().filter(|job| job.ended.is_none())
}

fn staged(scrape: &Scrape, is_meant: impl Fn(&Stage) -> bool) -> Option<f64> {
    count(open_jobs(scrape).flat_map(|job| job.tasks.iter()).filter(|task| is_meant(&task.stage)).count()
        as u64)
}

/// What the pulse knows, where it runs.
fn pulse(scrape: &Scrape) -> Option<&PulsePicture> {
    Some(&*scrape.engine.snapshot.pulse).filter(|pulse| pulse.is_running())
}

fn watched(scrape: &Scrape, of: impl Fn(&PulsePicture) -> u32) -> Option<f64> {
    pulse(scrape).and_then(|pulse| count(of(pulse).into()))
}

fn incidents(scrape: &Scrape, acknowledged: bool) -> Option<f64> {
    let snapshot = &scrape.engine.snapshot;
    let open = snapshot.incidents.iter().filter(|incident| incident.is_open());
    count(open.filter(|incident| incident.is_acknowledged(snapshot.at) == acknowledged).count() as u64)
}

fn waiting(scrape: &Scrape, of: impl Fn(&Waiting) -> u64) -> Option<f64> {
    scrape.engine.notifications.as_ref().and_then(|waiting| count(of(waiting)))
}

fn disk(scrape: &Scrape, of: impl Fn(&Disk) -> Option<u64>) -> Option<f64> {
    scrape.engine.disk.as_ref().and_then(of).and_then(count)
}

#[cfg(test)]
pub mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// An engine that has just begun and knows nothing.
    pub fn scrape() -> Scrape {
        Scrape { engine: Figures::default(), process: Process::default() }
    }

    #[test]
    fn names_keep_to_the_conventions() {
        let mut names = BTreeSet::new();
        for metric in METRICS {
            let Metric { name, kind, help, .. } = metric;
            assert!(names.insert(name), "{name} is there twice");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(name.starts_with("noctule_") || name.starts_with("process_"), "{name}");
            assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(help.ends_with('.') && !help.contains("  "), "{name}: {help}");
            for part in ["_ms", "_milliseconds", "_minutes", "_kb", "_megabytes", "_percent"] {
                assert!(!name.ends_with(part), "{name}: units are seconds, bytes and ratios");
            }
            let Values::By(label, values) = metric.values else { continue };
            assert!(label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}: {label}");
            let of: BTreeSet<&str> = values.iter().map(|(of, _)| *of).collect();
            assert!(of.len() == values.len() && (1..=12).contains(&of.len()), "{name}: {of:?}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_value() {
        let unknown = scrape();
        for name in [
            "noctule_backup_last_run_duration_seconds",
            "noctule_backup_newest_success_timestamp_seconds",
            "noctule_pulse_cut_off",
            "noctule_pulse_timestamp_seconds",
            "noctule_store_journal_bytes",
            "noctule_store_copy_failing",
            "noctule_audit_anchored_sequence",
            "process_open_fds",
        ] {
            let metric = METRICS.iter().find(|metric| metric.name == name).expect(name);
            let Values::One(value) = metric.values else { panic!("{name} has a label") };
            assert_eq!(value(&unknown), None, "{name}");
        }
    }
}
