//! Driver files that are saved, and recordings that are replayed with a driver that is being mended.

use noctule::engine::driver_files::Outcome;
use noctule::engine::query::{Answer, Query};
use noctule::engine::{Actor, Selection};
use noctule::model::{DriverId, FailureKind};

use crate::engine_fixture::*;

fn ios() -> DriverId {
    "cisco_ios".parse().unwrap()
}

#[tokio::test]
async fn a_driver_is_saved_whole_and_used_at_once_or_not_at_all() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network, &hand).await;
    let alice = Actor::new("alice", "", "driver save cisco_ios -");
    let Answer::Driver(before) = engine.query(&crate::engine_fixture::admin(), Query::Driver(ios())).await
    else {
        panic!("no driver")
    };
    assert!(!before.own && before.text.contains("id = \"cisco_ios\""));

    let broken = before.text.replace("privileged = '", "privileged = '[");
    let error = engine.save_driver(&alice, &ios(), &broken).await.unwrap_err();
    assert!(error.message.contains("prompt.privileged"), "{error}");
    assert!(!engine.drivers_dir().exists(), "nothing was written");
    assert!(engine.save_driver(&alice, &"other".parse().unwrap(), &before.text).await.is_err());

    let mended = before.text.replace("name = \"IOS and IOS XE\"", "name = \"Mine\"");
    let path = engine.save_driver(&alice, &ios(), &mended).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), mended);
    assert!(path.with_file_name("transcripts").join("normal.config").exists());
    assert_eq!(engine.drivers().get(&ios()).unwrap().name, "Mine");
    let Answer::Driver(after) = engine.query(&crate::engine_fixture::admin(), Query::Driver(ios())).await
    else {
        panic!("no driver")
    };
    assert!(after.own);
    let Answer::Drivers(all) = engine.query(&crate::engine_fixture::admin(), Query::Drivers).await else {
        panic!("no list")
    };
    let mine = all.iter().find(|driver| driver.id == ios()).unwrap();
    assert!(mine.own && mine.problem.is_none() && mine.device.contains("Mine"));
}

#[tokio::test]
async fn a_recording_is_replayed_with_the_driver_and_with_a_mended_one() {
    let (folder, network, hand) = (tempfile::tempdir().unwrap(), Network::new(), Hand::new());
    let engine = engine(folder.path(), "", network.clone(), &hand).await;
    add(&engine, &["sw-1"]).await;
    let device = engine.rows()[0].device.id;
    let by = crate::engine_fixture::admin();
    let replay = |driver: Option<&str>| {
        engine.query(&by, Query::Replay { device, id: None, driver: driver.map(Into::into) })
    };
    let Answer::Failed(why) = replay(None).await else { panic!("there is no recording yet") };
    assert!(why.contains("no recording is kept"), "{why}");

    network.play("sw-1", [Script::Recorded(FailureKind::Prompt, RECORDING)]);
    back_up(&engine, &Selection::all()).await;
    let Answer::Replay(first) = replay(None).await else { panic!("no replay") };
    assert!(matches!(&first.outcome, Outcome::Failed(why) if why.contains("<sw-1>")), "{:?}", first.outcome);
    assert!(first.readings.iter().any(|reading| reading.seen.is_trouble()));

    let Answer::Driver(driver) = engine.query(&crate::engine_fixture::admin(), Query::Driver(ios())).await
    else {
        panic!("no driver")
    };
    let mended = driver.text.replacen("user = '^(", "user = '^<(", 1);
    assert_ne!(*mended, *driver.text);
    let Answer::Replay(second) = replay(Some(&mended)).await else { panic!("no replay") };
    // the prompt is known now; the next thing typed was not part of the recording
    assert_eq!(second.outcome, Outcome::GoesOn("enable".into()), "{:?}", second.readings);
    let Answer::Failed(why) = replay(Some("id = ")).await else { panic!("it has a mistake") };
    assert!(why.contains("driver.toml:1"), "{why}");
}

/// A switch whose prompt the driver does not know.
const RECORDING: &str = "noctule transcript 1\ndriver: cisco_ios\ntransport: ssh\nabout: sw-1\n\
                         expect: failure prompt\necho: off\n---\n<. Welcome\n< <sw-1>\n> \n<.\n< <sw-1>\n";
