//! A rotation that is killed before any of its steps.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Watch;
use crate::engine::actor::Actor;
use crate::engine::fields::{Change, Field, blank};
use crate::engine::inventory::place as place_of;
use crate::engine::vault::{CredentialChange, NewCredential};
use crate::engine::{Engine, Options};
use crate::model::{BlobRef, CredentialKind, DeviceId, Secret, SecretPart, Timestamp};
use crate::store::{Entry, Recording, RecordingKey, Store, dying};

const DYING: &str = "NOCTULE_TEST_ROTATION";
const SECRET: &str = "not-a-real-one";
const BODY: &[u8] = b"hostname core-1\n";

async fn started(folder: &Path) -> Arc<Engine> {
    let mut options = Options::new(folder.join("data"), folder.join("config"));
    (options.schedule, options.pulse) = (false, false);
    Engine::start(options).await.unwrap()
}

fn ann() -> Actor {
    Actor::new("ann", "", "vault rotate --reason 'a test'")
}

fn watch() -> Arc<Watch> {
    Arc::new(Watch { tell: Box::new(|_| ()), stop: Arc::new(AtomicBool::new(false)) })
}

/// A device with a password, a credential, and a recording.
async fn filled(folder: &Path) {
    let data = folder.join("data");
    let (store, _) = Store::open(&data, Timestamp(1)).unwrap();
    let mut device =
        blank(DeviceId(1), "core-1".parse().unwrap(), "192.0.2.1".parse().unwrap(), Timestamp(1));
    device.password = Some(store.seal(&place_of(&device, Field::Password), &Secret::new(SECRET)));
    let body = store.blobs().put_sealed(BODY).unwrap();
    let entry = Entry::new(Timestamp(1), "ann", "", "a test").put(&device.id, &device);
    let recording = Recording { at: Timestamp(1), body };
    store.commit(entry.put(&RecordingKey(device.id, 1), &recording)).await.unwrap();
    drop(store);
    let engine = started(folder).await;
    let change = CredentialChange {
        secrets: vec![(SecretPart::Password, Secret::new(SECRET))],
        ..CredentialChange::default()
    };
    let new = NewCredential { name: "core".into(), kind: CredentialKind::Login, change };
    engine.add_credential(&ann(), new).await.unwrap();
    engine.stop().await;
}

fn body(engine: &Engine) -> BlobRef {
    engine.store.get::<Recording>(&RecordingKey(DeviceId(1), 1)).unwrap().unwrap().body
}

/// Everything that is sealed opens.
fn assert_opens(engine: &Engine, when: &str) {
    let device = engine.device("core-1").unwrap();
    let held = engine.secret(&device, Field::Password).unwrap_or_else(|why| panic!("{when}: {why}"));
    assert_eq!(held.expose(), SECRET, "{when}");
    let credential = engine.credential("core").unwrap();
    let held = engine.opened(&credential, SecretPart::Password);
    assert_eq!(held.unwrap_or_else(|why| panic!("{when}: {why}")).expose(), SECRET, "{when}");
    assert_eq!(engine.store.blobs().get_sealed(&body(engine)).unwrap(), BODY, "{when}");
}

/// Not a test by itself: what the test below runs and what dies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotates() {
    let Ok(order) = std::env::var(DYING) else { return };
    let (steps, folder) = order.split_once(':').unwrap();
    let engine = started(Path::new(folder)).await;
    dying::after(steps.parse().unwrap());
    engine.rotate_key(&ann(), "a test", watch()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_killed_at_any_step_is_readable_and_goes_on() {
    if !dying::alone(
        "engine::vault::rotate::tests::a_rotation_that_is_killed_at_any_step_is_readable_and_goes_on",
    ) {
        return;
    }
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path()).await;
    let mut broken_off = 0;
    for step in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-a").arg(whole.path().join("data")).arg(folder.path()).status();
        assert!(copied.unwrap().success());
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "engine::vault::rotate::tests::rotates"])
            .env(DYING, format!("{step}:{}", folder.path().display()))
            .output()
            .unwrap();
        let engine = started(folder.path()).await;
        let when = format!("killed at step {step}");
        assert_opens(&engine, &when);
        let keys = engine.store_keys();
        if keys.renewing.is_some() {
            broken_off += 1;
            let notes = engine
                .present()
                .picture(Timestamp(1))
                .events
                .iter()
                .any(|event| event.message.contains("is not over"));
            assert!(notes, "{when}: it is said at the start");
        }
        let is_over = keys.renewing.is_none() && keys.keys.len() > 1;
        if !is_over {
            let rotated = engine.rotate_key(&ann(), "a test", watch()).await.unwrap();
            assert_eq!(
                (rotated.key, rotated.damaged),
                (2, 0),
                "{when}: no second key for a rotation that goes on"
            );
        }
        assert_opens(&engine, &when);
        let counted = engine.count_sealed(true, None).await.unwrap();
        let counted: Vec<_> = counted.iter().map(|one| (one.key, one.records, one.bodies)).collect();
        assert_eq!(counted, [(2, 3, 1)], "{when}: a device, a credential and the list; one text");
        let keys = engine.store_keys();
        assert!(keys.renewing.is_none() && keys.keys[0].retired.is_some() && keys.keys[1].retired.is_none());
        engine.stop().await;
        if child.status.success() {
            break;
        }
    }
    assert!(broken_off > 5, "only {broken_off} were broken off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_told_to_stop_goes_on_later_and_what_comes_meanwhile_is_by_the_new_key() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let engine = started(folder.path()).await;
    let stopped = Watch { tell: Box::new(|_| ()), stop: Arc::new(AtomicBool::new(true)) };
    let why = engine.rotate_key(&ann(), "a test", Arc::new(stopped)).await.unwrap_err();
    assert!(why.message.contains("goes on with it"), "{why}");
    assert_opens(&engine, "stopped");
    assert!(engine.rotate_key(&ann(), " ", watch()).await.unwrap_err().message.contains("--reason"));
    // both keys open, and only the new one seals
    let changes = [Change::new(Field::EnablePassword, "another-one")];
    engine.edit_device(&ann(), "core-1", &changes).await.unwrap();
    assert_eq!(engine.store.blobs().put_sealed(BODY).unwrap(), body(&engine), "the same text, stored again");
    let counted = engine.count_sealed(true, None).await.unwrap();
    let counted: Vec<_> = counted.iter().map(|one| (one.key, one.records, one.bodies)).collect();
    let [(1, old, 0), (2, new, 1)] = counted[..] else { panic!("{counted:?}") };
    assert!(old >= 2 && new >= 1 && old + new == 4, "{counted:?}");
    let rotated = engine.rotate_key(&ann(), "a test", watch()).await.unwrap();
    assert_eq!((rotated.counted.records, rotated.counted.bodies), (4, 1));
    // a copy of before has what it had
    engine.stop().await;
    drop(engine);
    let again = started(folder.path()).await;
    assert_opens(&again, "after a restart");
    again.stop().await;
}
