use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::{Sealed, Secret};
use crate::store::{Store, backup};

const NOW: Timestamp = Timestamp(1_000);
const PLACE: &str = "device/17/password";
const PASSPHRASE: &str = "not a real passphrase";
const BODY: &[u8] = b"hostname core-1\n";

fn open(folder: &Path, unlock: &Unlock) -> Result<Store, StoreError> {
    Store::open_with(folder, unlock, NOW).map(|(store, _)| store)
}

fn refused(folder: &Path, unlock: &Unlock) -> StoreError {
    open(folder, unlock).err().expect("it opened")
}

fn sealed(store: &Store) -> Sealed {
    store.seal(PLACE, &Secret::new("not-a-real-one"))
}

fn opens(store: &Store, sealed: &Sealed) -> bool {
    store.unseal(PLACE, sealed).is_ok_and(|secret| secret.expose() == "not-a-real-one")
}

fn copy(folder: &Path) -> tempfile::TempDir {
    let outer = tempfile::tempdir().unwrap();
    backup::copy_closed(folder, &outer.path().join("data")).unwrap();
    outer
}

fn said(folder: &Path, passphrase: &str) -> Result<Unlock, StoreError> {
    Unlock::default().with_passphrase(folder, &Secret::new(passphrase))
}

/// Puts another slot's public key in the place of one, with the checksum that belongs to it.
fn forge(folder: &Path, from: Recipient, to: Recipient) {
    let path = Keyring::path(folder);
    let text = fs::read_to_string(&path).unwrap().replace(&from.to_string(), &to.to_string());
    let body = &text[..text.rfind("checksum").unwrap()];
    fs::write(&path, format!("{body}checksum {:08x}\n", crc32fast::hash(body.as_bytes()))).unwrap();
    Keyring::read(folder).unwrap().unwrap();
}

#[test]
fn the_first_change_makes_a_keyring_and_what_was_sealed_and_named_before_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Unlock::default()).unwrap();
    let (before, body) = (sealed(&store), store.blobs().put_sealed(BODY).unwrap());
    let (id, fingerprint) = (store.id().to_owned(), store.fingerprinter().fingerprint("x"));
    assert!(store.keys().slots.is_empty() && !Keyring::path(folder.path()).exists());
    let old = fs::read(folder.path().join(FILE)).unwrap();

    let offline = Identity::random();
    let added = store.add_slot(NewSlot::Age(offline.recipient()), NOW).unwrap();
    assert_eq!((added.slot.number, added.slot.kind), (2, SlotKind::Age));
    assert!(added.credential.is_empty());
    assert!(opens(&store, &before) && opens(&store, &sealed(&store)), "also without a restart");
    drop(store);

    let store = open(folder.path(), &Unlock::default()).unwrap();
    assert!(opens(&store, &before));
    assert_eq!(store.blobs().get_sealed(&body).unwrap(), BODY);
    assert_eq!(store.blobs().put_sealed(BODY).unwrap(), body, "its name is the same");
    assert_eq!((store.id(), store.fingerprinter().fingerprint("x")), (&*id, fingerprint));
    assert_eq!(store.keys().opened_by, Some(1));
    assert_ne!(fs::read(folder.path().join(FILE)).unwrap(), old);
    assert!(!folder.path().join(NEXT_FILE).exists());
    assert_eq!(
        fs::read(folder.path().join("format")).unwrap(),
        b"noctule store 2\n",
        "an older noctule refuses it"
    );
    drop(store);

    // the old file is no key any more, and the new one none without the keyring
    let new = fs::read(folder.path().join(FILE)).unwrap();
    fs::write(folder.path().join(FILE), old).unwrap();
    let why = refused(folder.path(), &Unlock::default());
    assert!(matches!(why, StoreError::Locked { .. }), "{why}");
    assert!(why.to_string().contains("data.key in its folder (slot 1)"), "{why}");
    fs::write(folder.path().join(FILE), new).unwrap();
    fs::remove_file(Keyring::path(folder.path())).unwrap();
    let why = refused(folder.path(), &Unlock::default()).to_string();
    assert!(why.contains("keyring") && why.contains("put it back from a copy"), "{why}");
}

#[test]
fn a_passphrase_opens_it_and_a_wrong_one_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Unlock::default()).unwrap();
    let before = sealed(&store);
    for short in ["", "short", "with\na new line in it"] {
        let why = store.add_slot(NewSlot::Passphrase(Secret::new(short)), NOW).unwrap_err();
        assert!(matches!(why, StoreError::Slot { .. }), "{why}");
    }
    assert!(!Keyring::path(folder.path()).exists());
    store.add_slot(NewSlot::Passphrase(Secret::new(PASSPHRASE)), NOW).unwrap();
    assert!(!Unlock::default().wants_passphrase(folder.path()).unwrap(), "the file opens it");
    store.remove_slot(1, NOW).unwrap();
    assert!(!folder.path().join(FILE).exists());
    let why = store.remove_slot(2, NOW).unwrap_err().to_string();
    assert!(why.contains("the last one"), "{why}");
    store.add_slot(NewSlot::Age(Identity::random().recipient()), NOW).unwrap();
    let why = store.remove_slot(2, NOW).unwrap_err().to_string();
    assert!(why.contains("the last one that opens the store when noctule starts"), "{why}");
    drop(store);

    assert!(Unlock::default().wants_passphrase(folder.path()).unwrap());
    let why = refused(folder.path(), &Unlock::default()).to_string();
    assert!(
        why.contains("locked") && why.contains("passphrase (slot 2)") && why.contains("--passphrase-stdin"),
        "{why}"
    );
    let kept = fs::read(Keyring::path(folder.path())).unwrap();
    let why = said(folder.path(), "not this one at all").unwrap_err();
    assert!(
        matches!(why, StoreError::Passphrase { .. }) && !why.to_string().contains("not this one"),
        "{why}"
    );
    assert_eq!(fs::read(Keyring::path(folder.path())).unwrap(), kept);
    let store = open(folder.path(), &said(folder.path(), PASSPHRASE).unwrap()).unwrap();
    assert!(opens(&store, &before));
    assert_eq!(store.keys().opened_by, Some(2));
    let everything = format!("{:?} {:?}", store.keys(), Unlock::default());
    assert!(!everything.contains(PASSPHRASE));
}

#[test]
fn who_had_a_slot_that_is_gone_opens_nothing_that_was_sealed_since() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Unlock::default()).unwrap();
    let before = sealed(&store);
    let secret = store.add_slot(NewSlot::Systemd, NOW).unwrap().credential;
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join(CREDENTIAL), secret.expose()).unwrap();
    let credential = Unlock::with_credentials(Some(elsewhere.path().to_owned()));
    // all of the store as it was, and the file
    let old = copy(folder.path());
    let (keyring, file) = (KEYRING, FILE);
    assert_eq!(store.remove_slot(1, NOW).unwrap().kind, SlotKind::File);
    let since = sealed(&store);
    let body = store.blobs().put_sealed(b"sealed since").unwrap();
    assert!(opens(&store, &before) && opens(&store, &since));
    drop(store);

    let thief = open(&old.path().join("data"), &Unlock::default()).unwrap();
    assert!(opens(&thief, &before), "what was sealed before, it opens");
    assert!(!opens(&thief, &since));
    fs::create_dir_all(thief.blobs().path(body.id).parent().unwrap()).unwrap();
    let now = open(folder.path(), &credential).unwrap();
    fs::copy(now.blobs().path(body.id), thief.blobs().path(body.id)).unwrap();
    assert!(thief.blobs().get_sealed(&body).is_err());
    assert_eq!(now.keys().opened_by, Some(2));
    drop((now, thief));
    // nor does the old file open the new keyring
    fs::copy(old.path().join("data").join(file), folder.path().join(file)).unwrap();
    let why = refused(folder.path(), &Unlock::default()).to_string();
    assert!(why.contains("LoadCredentialEncrypted=noctule.key:"), "{why}");
    fs::copy(folder.path().join(keyring), old.path().join("data").join(keyring)).unwrap();
    assert!(matches!(refused(&old.path().join("data"), &Unlock::default()), StoreError::Locked { .. }));
}

#[test]
fn a_rotation_gives_the_file_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Unlock::default()).unwrap();
    let (before, secret) = (sealed(&store), store.add_slot(NewSlot::Systemd, NOW).unwrap().credential);
    let old = fs::read(folder.path().join(FILE)).unwrap();
    let renewing = Renewing { since: NOW, by: "ann".into(), reason: "a test".into() };
    assert_eq!(store.begin_renewal(renewing.clone()).unwrap(), renewing);
    let later = Renewing { by: "bob".into(), ..renewing.clone() };
    assert_eq!(store.begin_renewal(later).unwrap(), renewing, "one at a time");
    assert_eq!(store.sealed_by(PLACE, &before), Some(1));
    let again = store.reseal(PLACE, &before).unwrap();
    assert_eq!((store.sealed_by(PLACE, &again), store.reseal(PLACE, &again)), (Some(2), None));
    assert_eq!(store.reseal("device/18/password", &before), None, "it stays where it belongs");
    store.end_renewal(2, NOW).unwrap();
    drop(store);
    drop(open(folder.path(), &Unlock::default()).unwrap());
    fs::write(folder.path().join(FILE), old).unwrap();
    assert!(matches!(refused(folder.path(), &Unlock::default()), StoreError::Locked { .. }));
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join(CREDENTIAL), secret.expose()).unwrap();
    let unlock = Unlock::with_credentials(Some(elsewhere.path().to_owned()));
    assert!(opens(&open(folder.path(), &unlock).unwrap(), &again), "what nobody has here stays as it is");
}

#[test]
fn the_offline_key_brings_it_back_and_only_with_the_keyring_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Unlock::default()).unwrap();
    let offline = Identity::random();
    let slot = store.add_slot(NewSlot::Age(offline.recipient()), NOW).unwrap().slot;
    let again = store.add_slot(NewSlot::Age(offline.recipient()), NOW).unwrap_err().to_string();
    assert!(again.contains("is this one already"), "{again}");
    let stale = age::decrypt(&offline, &slot.file()).unwrap();
    store.add_slot(NewSlot::Passphrase(Secret::new(PASSPHRASE)), NOW).unwrap();
    drop(store);
    fs::remove_file(folder.path().join(FILE)).unwrap();

    let key = |clear: &[u8]| Secret::new(std::str::from_utf8(clear).unwrap());
    let why = Unlock::default().with_recovery_key(&Secret::new("NOCTULE-RECOVERY-1QQ")).unwrap_err();
    assert!(why.to_string().contains("that is no recovery key"), "{why}");
    let stale = Unlock::default().with_recovery_key(&key(&stale)).unwrap();
    let why = refused(folder.path(), &stale).to_string();
    assert!(why.contains("not that of the keyring as it is now"), "{why}");
    let slots = Keyring::read(folder.path()).unwrap().unwrap().slots;
    let fresh = age::decrypt(&offline, &slots[1].file()).unwrap();
    let fresh = Unlock::default().with_recovery_key(&key(&fresh)).unwrap();
    let store = open(folder.path(), &fresh).unwrap();
    store.add_slot(NewSlot::Passphrase(Secret::new("another passphrase")), NOW).unwrap();
    drop(store);
    drop(open(folder.path(), &said(folder.path(), "another passphrase").unwrap()).unwrap());
}

#[test]
fn a_slot_that_somebody_forged_is_found_before_the_key_is_sealed_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Unlock::default()).unwrap();
    let offline = Identity::random();
    store.add_slot(NewSlot::Age(offline.recipient()), NOW).unwrap();
    drop(store);
    forge(folder.path(), offline.recipient(), Identity::random().recipient());
    let why = refused(folder.path(), &Unlock::default()).to_string();
    assert!(why.contains("changed by something other than noctule"), "{why}");
}

#[test]
fn a_keyring_that_is_damaged_anywhere_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Unlock::default()).unwrap();
    store.add_slot(NewSlot::Age(Identity::random().recipient()), NOW).unwrap();
    drop(store);
    let path = Keyring::path(folder.path());
    let whole = fs::read(&path).unwrap();
    assert!(Keyring::parse(&whole).is_ok());
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut other = whole.clone();
            other[at] ^= 1 << bit;
            assert!(Keyring::parse(&other).is_err(), "bit {bit} of byte {at}");
        }
        assert!(Keyring::parse(&whole[..at]).is_err(), "cut at {at}");
    }
    assert!(Keyring::parse(&[&whole[..], b"\n"].concat()).is_err());
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let why = refused(folder.path(), &Unlock::default()).to_string();
    assert!(why.contains("keyring") && why.contains("put it back from a copy of the store"), "{why}");
    assert_eq!(fs::read(&path).unwrap().len(), whole.len() / 2, "and is left as it is");
}

#[test]
fn a_file_that_asks_for_a_year_of_work_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let argon2id = r#"{"salt":"AAAAAAAAAAAAAAAAAAAAAA==","memory":MEMORY,"passes":3,"lanes":4}"#;
    let to = Identity::random().recipient();
    let slots = |memory: &str| {
        let argon2id = argon2id.replace("MEMORY", memory);
        let slot = format!(
            r#"{{"number":1,"kind":"passphrase","made":0,"recipient":"{to}","argon2id":{argon2id},"wrapped":""}}"#
        );
        let body = format!("noctule keyring 1\n{{\"next\":2,\"slots\":[{slot}]}}\nAAAA\n");
        format!("{body}checksum {:08x}\n", crc32fast::hash(body.as_bytes()))
    };
    assert!(Keyring::parse(slots("65536").as_bytes()).is_ok());
    for much in ["4294967295", "1048577", "0"] {
        let why = Keyring::parse(slots(much).as_bytes()).unwrap_err();
        assert!(why.contains("more memory or time"), "{why}");
    }
    fs::write(Keyring::path(folder.path()), slots("1")).unwrap();
    assert!(said(folder.path(), PASSPHRASE).is_err(), "less than argon2id can do with is no panic");
}

#[test]
fn a_copy_opens_with_its_own_slots() {
    let folder = tempfile::tempdir().unwrap();
    let (data, elsewhere) = (folder.path().join("data"), folder.path().join("copy"));
    let store = open(&data, &Unlock::default()).unwrap();
    let (before, body) = (sealed(&store), store.blobs().put_sealed(BODY).unwrap());
    store.add_slot(NewSlot::Passphrase(Secret::new(PASSPHRASE)), NOW).unwrap();
    store.remove_slot(1, NOW).unwrap();
    backup::backup(&store, &elsewhere, NOW).unwrap();
    assert!(elsewhere.join(KEYRING).exists() && !elsewhere.join(FILE).exists());
    drop(store);
    let why = backup::restore(&elsewhere, &data, NOW, false).unwrap_err();
    assert!(matches!(why, StoreError::Locked { .. }), "{why}");
    let unlock = said(&elsewhere, PASSPHRASE).unwrap();
    backup::restore_with(&elsewhere, &data, &unlock, NOW, false).unwrap();
    let store = open(&data, &said(&data, PASSPHRASE).unwrap()).unwrap();
    assert!(opens(&store, &before));
    assert_eq!(store.blobs().get_sealed(&body).unwrap(), BODY);
}

const DYING: &str = "NOCTULE_TEST_KEYS";

/// Not a test by itself: what the test below runs and what dies.
#[test]
fn changes() {
    let Ok(order) = std::env::var(DYING) else { return };
    let [steps, act, folder] = order.splitn(3, ':').collect::<Vec<_>>().try_into().unwrap();
    let (credential, folder) =
        (PathBuf::from(folder).join("credentials"), PathBuf::from(folder).join("data"));
    let unlock = Unlock::with_credentials(Some(credential));
    files::dying::after(steps.parse().unwrap());
    let store = open(&folder, &unlock).unwrap();
    match act {
        "add" => drop(store.add_slot(NewSlot::Age(Identity::of([7; 32]).recipient()), NOW).unwrap()),
        "file" => drop(store.add_slot(NewSlot::File, NOW).unwrap()),
        "rotate" => {
            let renewing = Renewing { since: NOW, by: "ann".into(), reason: "a test".into() };
            drop(store.begin_renewal(renewing).unwrap());
            store.end_renewal(2, NOW).unwrap();
        }
        _ => drop(store.remove_slot(1, NOW).unwrap()),
    }
}

/// `kill -9` before every step that a change of the slots has on the disk.
#[test]
fn a_change_that_is_killed_at_any_step_leaves_a_store_that_opens() {
    if !files::dying::alone(
        "store::keys::tests::a_change_that_is_killed_at_any_step_leaves_a_store_that_opens",
    ) {
        return;
    }
    let mut killed = 0;
    for (act, prepare) in [
        ("add", (|_| ()) as fn(&Store)),
        ("remove", |_| ()),
        ("file", |store| drop(store.remove_slot(1, NOW).unwrap())),
        ("rotate", |_| ()),
    ] {
        for step in 0.. {
            let outer = tempfile::tempdir().unwrap();
            let data = outer.path().join("data");
            let store = open(&data, &Unlock::default()).unwrap();
            let before = sealed(&store);
            let unlock = Unlock::with_credentials(Some(outer.path().join("credentials")));
            if act != "add" {
                let secret = store.add_slot(NewSlot::Systemd, NOW).unwrap().credential;
                fs::create_dir(outer.path().join("credentials")).unwrap();
                fs::write(outer.path().join("credentials").join(CREDENTIAL), secret.expose()).unwrap();
                prepare(&store);
            }
            drop(store);
            let child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "store::keys::tests::changes"])
                .env(DYING, format!("{step}:{act}:{}", outer.path().display()))
                .output()
                .unwrap();
            let store =
                open(&data, &unlock).unwrap_or_else(|why| panic!("{act} killed at step {step}: {why}"));
            assert!(opens(&store, &before) && opens(&store, &sealed(&store)), "{act} at step {step}");
            let has_file = store.keys().slots.iter().any(|slot| slot.kind == SlotKind::File);
            let is_legacy = store.keys().slots.is_empty();
            // without a keyring the next change takes it up
            assert!(is_legacy || !data.join(NEXT_FILE).exists(), "{act} at step {step}");
            assert_eq!(data.join(FILE).exists(), has_file || is_legacy, "{act} at step {step}");
            drop(store);
            if has_file {
                // the file alone is enough, too
                drop(open(&data, &Unlock::default()).unwrap());
            }
            // and the change can be made again
            let done = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "store::keys::tests::changes"])
                .env(DYING, format!("1000000:{act}:{}", outer.path().display()))
                .output()
                .unwrap();
            let again = String::from_utf8_lossy(&done.stdout).into_owned();
            let is_done = done.status.success()
                || again.contains("this one already")
                || again.contains("there is no slot 1");
            assert!(is_done, "{act} at step {step}: {again}");
            drop(open(&data, &unlock).unwrap());
            if child.status.success() {
                killed += step;
                break;
            }
        }
    }
    assert!(killed >= 15, "there are more steps than {killed}");
}
