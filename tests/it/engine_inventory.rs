//! The inventory: acts on devices, imports and exports.

use std::sync::Arc;

use noctule::engine::fields::{Change, Field};
use noctule::engine::import::{Format, csv_of, toml_of};
use noctule::engine::{ActErrorKind, Engine};
use noctule::model::{Device, EventKind};

use crate::engine_fixture::*;

const HEADER: &str = "name,address,port,transport,driver,username,password,enable_password,group,location\n";

fn living(engine: &Engine) -> Vec<Arc<Device>> {
    engine.rows().into_iter().map(|row| row.device).filter(|device| device.deleted.is_none()).collect()
}

async fn start(folder: &tempfile::TempDir) -> Arc<Engine> {
    engine(folder.path(), "", Network::new(), &Hand::new()).await
}

#[tokio::test]
async fn add_edit_rename_put_away_and_bring_back() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    add(&engine, &["sw"]).await;
    let taken = engine.add_device(&ann(), "sw", "127.0.0.2", &[]).await.unwrap_err();
    assert_eq!(taken.kind, ActErrorKind::Conflict);

    let changes = [Change::new(Field::Name, "core-1"), Change::new(Field::Group, "core")];
    let edited = engine.edit_device(&ann(), "sw", &changes).await.unwrap();
    assert_eq!(edited.fields, [Field::Name, Field::Group]);
    assert!(engine.device("sw").is_err());
    let again = engine.edit_device(&ann(), "core-1", &changes).await.unwrap();
    assert!(again.fields.is_empty(), "nothing differs, nothing is stored");

    engine.remove_devices(&ann(), &["core-1".to_owned()]).await.unwrap();
    assert!(engine.device("core-1").is_err());
    let back = engine.restore_device(&ann(), "core-1").await.unwrap();
    assert_eq!(back.id, edited.device.id, "history survives");
    let snapshot = engine.snapshot();
    assert_eq!(snapshot.devices.len(), 1);
    assert!(snapshot.events.iter().all(|event| event.kind == EventKind::Inventory));
    assert_eq!(snapshot.events.len(), 4);
}

#[tokio::test]
async fn the_inventory_is_there_after_a_restart_and_secrets_open() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(&folder).await;
    add(&first, &["sw"]).await;
    first.stop().await;
    drop(first);
    let second = start(&folder).await;
    let device = second.device("sw").unwrap();
    assert_eq!(second.passwords(&device).unwrap().login.expose(), "not-a-real-password");
    assert_eq!(second.snapshot().events.len(), 1);
}

#[tokio::test]
async fn removing_is_all_or_nothing_and_suggests_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    add(&engine, &["core-1", "core-2"]).await;
    let names = ["core-1".to_owned(), "core2".to_owned()];
    let error = engine.remove_devices(&ann(), &names).await.unwrap_err();
    assert!(error.message.contains("did you mean core-2?"), "{error}");
    assert_eq!(living(&engine).len(), 2);
}

#[tokio::test]
async fn every_act_is_in_the_journal_with_who_why_and_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    add(&engine, &["sw"]).await;
    let entries: Vec<_> = engine.store().journal(0).unwrap().map(|entry| entry.unwrap().unwrap()).collect();
    let entry = entries.last().unwrap();
    assert_eq!(
        (entry.actor.as_str(), entry.why.as_str(), entry.verb.as_str()),
        ("ann", "a test", "a command line")
    );
}

#[tokio::test]
async fn an_import_says_what_it_would_do_and_then_does_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    add(&engine, &["same", "changed"]).await;
    let text = format!(
        "{HEADER}same,127.0.0.1,,ssh,cisco_ios,backup,not-a-real-password,,,\n\
         changed,127.0.0.9,,ssh,cisco_ios,backup,another-fake,,,\n\
         new,10.0.0.1,2222,telnet,cisco_ios,backup,fake,fake-too,campus/north,room 1\n\
         asset,10.0.0.2,,,,,,,,\n"
    );
    let plan = engine.plan_import(text.clone().into_bytes(), Format::Csv).await.unwrap();
    assert_eq!(living(&engine).len(), 2, "a plan changes nothing");
    let names = |planned: &[noctule::engine::import::Planned]| {
        planned.iter().map(|p| (p.line, p.name.clone())).collect::<Vec<_>>()
    };
    assert_eq!(names(&plan.add), [(4, "new".to_owned()), (5, "asset".to_owned())]);
    assert_eq!(names(&plan.same), [(2, "same".to_owned())]);
    assert_eq!(names(&plan.change), [(3, "changed".to_owned())]);
    assert_eq!(plan.change[0].fields, [Field::Address, Field::Password]);

    let done = engine.import(&ann(), text.clone().into_bytes(), Format::Csv, false).await.unwrap();
    assert!(done.applied);
    let new = engine.device("new").unwrap();
    assert_eq!((new.port, new.group.as_str(), new.is_managed()), (Some(2222), "campus/north", true));
    assert_eq!(engine.passwords(&new).unwrap().enable.expose(), "fake-too");
    assert!(!engine.device("asset").unwrap().is_managed());
    let again = engine.plan_import(text.into_bytes(), Format::Csv).await.unwrap();
    assert_eq!((again.add.len(), again.change.len(), again.same.len()), (0, 0, 4));
}

#[tokio::test]
async fn an_import_with_bad_lines_is_nothing_unless_they_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    let text = format!(
        "\u{feff}{HEADER}ok,10.0.0.1,,ssh,cisco_ios,,,,,\r\n\
         -bad,10.0.0.2,,,,,,,,\r\n\
         ok,10.0.0.3,,,,,,,,\r\n\
         x,999.0.0.1,,,,,,,,\r\n\
         y,10.0.0.4,,,unknown,,,,,\r\n\
         z,,,,,,,,,\r\n"
    );
    let refused = engine.import(&ann(), text.clone().into_bytes(), Format::Csv, false).await.unwrap();
    assert!(!refused.applied && living(&engine).is_empty());
    let bad: Vec<_> = refused.plan.bad.iter().map(|bad| (bad.line, bad.reason.as_str())).collect();
    let says = [
        (3, "device name"),
        (4, "line 2 already"),
        (5, "IP address"),
        (6, "driver"),
        (7, "address is missing"),
    ];
    assert_eq!(bad.len(), says.len(), "{bad:?}");
    for ((line, reason), (wanted, part)) in bad.iter().zip(says) {
        assert!(*line == wanted && reason.contains(part), "{bad:?}");
    }
    let skipped = engine.import(&ann(), text.into_bytes(), Format::Csv, true).await.unwrap();
    assert!(skipped.applied);
    assert_eq!(living(&engine).len(), 1);
}

#[tokio::test]
async fn ten_thousand_devices_are_one_entry_of_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    let lines: String =
        (0..10_000).map(|n| format!("sw-{n},10.0.{}.{},,,,,,,,\n", n / 250, n % 250)).collect();
    let text = format!("{HEADER}{lines}").into_bytes();
    assert!(engine.import(&ann(), text, Format::Csv, false).await.unwrap().applied);
    assert_eq!(engine.store().journal(0).unwrap().count(), 1);
    assert_eq!(engine.snapshot().devices.len(), 10_000);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(12))]
    #[test]
    fn what_is_exported_can_be_imported_elsewhere(
        rows in proptest::collection::btree_map("[a-z][a-z0-9-]{0,8}", ("[ -~äß]{0,20}", "[a-z]{1,5}(/[a-z]{1,5}){0,2}", 1..65535u16), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (here, there, far) =
                (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let source = start(&here).await;
            for (name, (location, group, port)) in &rows {
                let changes = [
                    Change::new(Field::Location, location.clone()),
                    Change::new(Field::Group, group.clone()),
                    Change::new(Field::Port, port.to_string()),
                    Change::new(Field::Transport, "ssh"),
                    Change::new(Field::Password, "not-a-real-password"),
                ];
                source.add_device(&ann(), name, "10.0.0.1", &changes).await.unwrap();
            }
            let devices = living(&source);
            let csv = csv_of(devices.iter().map(AsRef::as_ref)).unwrap();
            let toml = toml_of(devices.iter().map(AsRef::as_ref));
            assert!(!csv.contains("not-a-real") && !toml.contains("not-a-real"));
            for (folder, text, format) in [(&there, csv, Format::Csv), (&far, toml, Format::Toml)] {
                let target = start(folder).await;
                let done = target.import(&ann(), text.into_bytes(), format, false).await.unwrap();
                assert!(done.applied, "{:?}", done.plan.bad);
                let bare = |device: &Arc<Device>| Device { password: None, ..(**device).clone() };
                let copies: Vec<Device> = living(&target).iter().map(bare).collect();
                assert_eq!(copies, devices.iter().map(bare).collect::<Vec<_>>());
            }
            // and where it came from, nothing differs: an empty password is not a change
            let csv = csv_of(devices.iter().map(AsRef::as_ref)).unwrap();
            let plan = source.plan_import(csv.into_bytes(), Format::Csv).await.unwrap();
            assert_eq!(plan.same.len(), devices.len());
        });
    }
}
