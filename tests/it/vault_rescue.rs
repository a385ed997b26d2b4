//! The slots that other programs keep the key of: a real `age` and a real `systemd-creds`, where they are installed.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use noctule::engine::{Engine, Options};
use noctule::model::Secret;
use serde_json::Value;

const PASSPHRASE: &str = "not a real passphrase";

fn noctule(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_noctule"));
    command.args(["--data", "data", "--config", "config", "--embedded"]).args(words).current_dir(folder);
    command.env_remove("NOCTULE_SOCKET").env_remove("CREDENTIALS_DIRECTORY");
    command
}

/// Runs it with this on standard input.
fn fed(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // one that has refused reads nothing
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn done(command: Command, input: &[u8]) -> Vec<u8> {
    let output = fed(command, input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A store with a device that has a password.
fn stored(folder: &Path) {
    std::fs::create_dir_all(folder.join("config")).unwrap();
    std::fs::write(folder.join("config/config.toml"), "[pulse]\nwatch = false\n").unwrap();
    let words = ["device", "add", "core-1", "192.0.2.1", "--secrets-from", "-"];
    done(noctule(folder, &words), b"password=not-a-real-one\n");
}

fn missing(program: &str) -> bool {
    let is_missing = Command::new(program).arg("--version").output().is_err();
    if is_missing {
        eprintln!("skipped: {program} is not installed");
    }
    is_missing
}

#[tokio::test]
async fn a_key_of_age_that_was_kept_elsewhere_opens_the_store_when_all_else_is_lost() {
    if missing("age") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stored(folder);
    let made = Command::new("age-keygen").args(["-o", "offline.key"]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let recipient =
        Command::new("age-keygen").args(["-y", "offline.key"]).current_dir(folder).output().unwrap();
    let recipient = String::from_utf8(recipient.stdout).unwrap();
    let recipient = recipient.trim();
    let shown =
        done(noctule(folder, &["vault", "add", "age", recipient, "--reason", "a rescue", "--json"]), b"");
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!((&shown["slot"], &shown["recipient"]), (&2.into(), &recipient.into()));

    std::fs::remove_file(folder.join("data/data.key")).unwrap();
    let shut = fed(noctule(folder, &["device", "list"]), b"");
    let said = String::from_utf8_lossy(&shut.stderr);
    assert!(!shut.status.success() && said.contains(recipient) && said.contains("vault recovery"), "{said}");

    // what stands in the help: one pipe
    let file = done(noctule(folder, &["vault", "recovery"]), b"");
    assert!(file.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----\n"), "{}", String::from_utf8_lossy(&file));
    let mut age = Command::new("age");
    age.args(["-d", "-i", "offline.key"]).current_dir(folder);
    let key = done(age, &file);
    assert!(key.starts_with(b"NOCTULE-RECOVERY-1"));
    std::fs::write(folder.join("words"), PASSPHRASE).unwrap();
    let recover =
        ["vault", "recover", "--key-from", "-", "--passphrase-from", "words", "--reason", "the disk died"];
    let wrong = fed(noctule(folder, &recover), b"NOCTULE-RECOVERY-1QQQQ\n");
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(!wrong.status.success() && said.contains("no recovery key"), "{said}");
    let told = done(noctule(folder, &recover), &key);
    assert_eq!(String::from_utf8_lossy(&told), "slot 3 (passphrase) opens the store\n");
    // the key of before is none any more
    let again = fed(noctule(folder, &recover), &key);
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(!again.status.success() && said.contains("not that of the keyring as it is now"), "{said}");

    let mut options = Options::new(folder.join("data"), folder.join("config"));
    (options.schedule, options.pulse) = (false, false);
    options.unlock = options.unlock.with_passphrase(&options.data_dir, &Secret::new(PASSPHRASE)).unwrap();
    let engine = Engine::start(options).await.unwrap();
    let device = engine.device("core-1").unwrap();
    assert_eq!(engine.passwords(&device).unwrap().login.expose(), "not-a-real-one");
    let trail = engine.store().journal(1).unwrap().map(|entry| format!("{:?}", entry.unwrap().unwrap()));
    let trail = trail.collect::<String>();
    assert!(trail.contains("vault recover") && trail.contains("the disk died"), "{trail}");
    assert!(!trail.contains("NOCTULE-RECOVERY") && !trail.contains(PASSPHRASE));
    engine.stop().await;
}

#[test]
fn a_credential_of_systemd_opens_the_store_and_is_shown_to_nobody() {
    if missing("systemd-creds") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stored(folder);
    let key = done(noctule(folder, &["vault", "add", "systemd", "--reason", "no person at the start"]), b"");
    assert!(key.starts_with(b"AGE-SECRET-KEY-1"));
    let mut encrypt = Command::new("systemd-creds");
    encrypt
        .args(["encrypt", "--with-key=host", "--name=noctule.key", "-", "noctule.cred"])
        .current_dir(folder);
    let encrypted = fed(encrypt, &key);
    if !encrypted.status.success() {
        let said = String::from_utf8_lossy(&encrypted.stderr).into_owned();
        return eprintln!("skipped: systemd-creds encrypts nothing here: {said}");
    }
    done(noctule(folder, &["vault", "remove", "1", "--reason", "the credential is there"]), b"");
    assert!(!folder.join("data/data.key").exists());
    let shut = fed(noctule(folder, &["device", "list"]), b"");
    let said = String::from_utf8_lossy(&shut.stderr);
    assert!(!shut.status.success() && said.contains("LoadCredentialEncrypted=noctule.key:"), "{said}");
    // as the manager does it when the unit starts
    std::fs::create_dir(folder.join("credentials")).unwrap();
    let mut decrypt = Command::new("systemd-creds");
    decrypt
        .args(["decrypt", "--name=noctule.key", "noctule.cred", "credentials/noctule.key"])
        .current_dir(folder);
    done(decrypt, b"");
    let mut list = noctule(folder, &["device", "list"]);
    list.env("CREDENTIALS_DIRECTORY", folder.join("credentials"));
    assert!(String::from_utf8_lossy(&done(list, b"")).contains("core-1"));
    let mut show = noctule(folder, &["vault", "show", "--json"]);
    show.env("CREDENTIALS_DIRECTORY", folder.join("credentials"));
    let shown: Value = serde_json::from_slice(&done(show, b"")).unwrap();
    assert_eq!((&shown["slots"][0]["kind"], &shown["slots"][0]["opened"]), (&"systemd".into(), &true.into()));
    assert!(!shown.to_string().contains("SECRET"));
}

/// A person at a terminal is told what to do, and sees no key.
#[test]
fn a_key_for_systemd_is_not_written_to_a_terminal() {
    use crate::terminal::Terminal;
    use crate::terminal_program::in_a_shell;

    let folder = tempfile::tempdir().unwrap();
    stored(folder.path());
    let line = "--embedded --data \"$HOME/data\" --config \"$HOME/config\" vault add systemd --reason x";
    let terminal = Terminal::start(in_a_shell(folder.path(), line), 120, 30);
    let screen = terminal.wait_for("status 2");
    assert!(screen.contains("systemd-creds encrypt --name=noctule.key"), "{screen}");
    assert!(!screen.contains("AGE-SECRET-KEY"), "{screen}");
    terminal.wait_for_end();
    assert!(!folder.path().join("data/keyring").exists());
}
