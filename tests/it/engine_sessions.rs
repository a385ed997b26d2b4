//! Backup runs through real sessions, with transcripts in place of the network.

use std::sync::Arc;
use std::time::Duration;

use noctule::device::driver::{Drivers, Limits};
use noctule::device::replay;
use noctule::device::script::{Login, Script};
use noctule::device::transcript::Transcript;
use noctule::engine::backup::{Call, Connect, Network, Reader, RunReport, Transports, WireFuture};
use noctule::engine::fields::{Change, Field};
use noctule::engine::history::View;
use noctule::engine::query::{Answer, Query, RevisionRef, SearchQuery};
use noctule::engine::{Engine, Options, Selection};
use noctule::model::{DriverId, FailureKind, RevisionState, RunStatus};

use crate::engine_fixture::{Hand, ann, back_up};

/// Plays the transcript of `cisco_ios` that has the device's name.
struct Transcripts;

impl Connect for Transcripts {
    fn open<'a>(&'a self, call: &'a Call) -> WireFuture<'a> {
        Box::pin(async { Ok(Box::new(device(call.device.name.as_str())) as Box<_>) })
    }
}

/// A device that plays a transcript.
fn device(stem: &str) -> tokio::io::DuplexStream {
    let login = Login {
        username: "operator".into(),
        password: "fake-password".into(),
        enable_password: "fake-enable".into(),
        hostname: "lab-device".into(),
    };
    replay::play(Script::strict(&transcript(stem).0, login), 700).0
}

fn transcript(stem: &str) -> (Transcript, Option<String>) {
    let ios: DriverId = "cisco_ios".parse().unwrap();
    let files = Drivers::embedded().transcripts(&ios);
    let file = files.into_iter().find(|file| file.stem == stem).unwrap();
    (file.text.parse().unwrap(), file.config)
}

async fn run(stem: &str) -> (tempfile::TempDir, Arc<Engine>, RunReport) {
    run_over(stem, Arc::new(Network::new(Transcripts)), 23).await
}

async fn run_over(
    stem: &str,
    reader: Arc<dyn Reader>,
    port: u16,
) -> (tempfile::TempDir, Arc<Engine>, RunReport) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("config.toml"), "[backup]\nretry_wait = \"0s\"\n").unwrap();
    let mut options = Options::new(folder.path().join("data"), config);
    options.schedule = false;
    options.pulse = false;
    options.clock = Hand::new().clock();
    options.limits = Some(Limits {
        login: Duration::from_secs(5),
        idle: Duration::from_secs(2),
        quiet: Duration::from_millis(20),
        ..Limits::default()
    });
    let engine = Engine::start_with(options, reader).await.unwrap();
    let transport = transcript(stem).0.transport.to_string();
    let changes = [
        Change::new(Field::Transport, transport),
        Change::new(Field::Port, port.to_string()),
        Change::new(Field::Driver, "cisco_ios"),
        Change::new(Field::Username, "operator"),
        Change::new(Field::Password, "fake-password"),
        Change::new(Field::EnablePassword, "fake-enable"),
    ];
    engine.add_device(&ann(), stem, "127.0.0.1", &changes).await.unwrap();
    let report = back_up(&engine, &Selection::all()).await.remove(0);
    (folder, engine, report)
}

#[tokio::test]
async fn a_proven_configuration_is_stored_to_the_byte_and_found_by_search() {
    let (_folder, engine, report) = run("normal").await;
    assert_eq!((report.status, report.revision), (RunStatus::Changed, Some(1)), "{report:?}");
    let device = engine.device("normal").unwrap();
    let newest = engine.revision(&device, "newest").await.unwrap();
    let exact = engine.text(&newest, View::Exact).await.unwrap();
    assert_eq!(String::from_utf8(exact).unwrap(), transcript("normal").1.unwrap());
    assert_eq!(newest.evidence.end_marker, Some(true));

    let query = SearchQuery { pattern: "^hostname ".into(), regex: true, history: false, limit: 10 };
    let Answer::Search(found) = engine.query(&crate::engine_fixture::admin(), Query::Search(query)).await
    else {
        panic!("no answer")
    };
    assert_eq!((found.hits.len(), found.hits[0].name.as_ref()), (1, "normal"));
    let which = RevisionRef { device: device.id, number: None };
    let Answer::Config(config) = engine.query(&crate::engine_fixture::admin(), Query::Config(which)).await
    else {
        panic!("no answer")
    };
    assert!(config.text.contains("hostname ") && !config.text.contains("Current configuration"));
}

#[tokio::test]
async fn a_refused_password_is_tried_once_and_its_recording_holds_no_secret() {
    let (_folder, engine, report) = run("wrong-password").await;
    let failure = report.error.unwrap();
    assert_eq!(failure.kind, FailureKind::Authentication, "{failure}");
    let device = engine.device("wrong-password").unwrap();
    let kept = engine.recordings(device.id).await.unwrap();
    assert_eq!(kept.len(), 1);
    let (_, text) = engine.recording(device.id, kept[0].0).await.unwrap();
    assert!(text.contains("Login invalid") && !text.contains("fake-password"), "{text}");
    let again: Transcript = text.parse().unwrap();
    assert_eq!(again.driver.as_str(), "cisco_ios");
}

#[tokio::test]
async fn a_text_that_was_cut_off_is_put_aside() {
    let (_folder, engine, report) = run("truncated").await;
    assert_eq!(report.status, RunStatus::Failed);
    let device = engine.device("truncated").unwrap();
    let history = engine.history(device.id).await.unwrap();
    let put_aside = history.revisions.iter().all(|r| matches!(r.state, RevisionState::Quarantined { .. }));
    assert!(put_aside, "{report:?}");
    assert!(engine.revision(&device, "newest").await.is_err());
}

#[tokio::test]
async fn over_a_real_telnet_connection_and_nobody_at_the_port() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::io::copy_bidirectional(&mut socket, &mut device("wrong-password")).await.unwrap();
    });
    let network = Arc::new(Network::new(Transports::default()));
    let (_folder, engine, report) = run_over("wrong-password", network, port).await;
    assert_eq!(report.error.unwrap().kind, FailureKind::Authentication);
    served.await.unwrap();
    // the listener is gone
    let refused = back_up(&engine, &Selection::all()).await.remove(0).error.unwrap();
    assert_eq!(refused.kind, FailureKind::Refused, "{refused}");
}
