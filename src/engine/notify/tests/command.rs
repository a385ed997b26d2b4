//! Programs of this host.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{target, test_message};
use crate::engine::notify::deliver::deliver;
use crate::engine::notify::settings::Target;

/// A shell script as a target.
fn script(folder: &Path, text: &str, arguments: &str) -> std::sync::Arc<Target> {
    let file: PathBuf = folder.join("page");
    std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
    target(&format!(
        "[[target]]\nname = \"page\"\nkind = \"command\"\nrun = [\"{}\"{arguments}]\ntimeout = \"2s\"\n",
        file.display()
    ))
}

#[tokio::test]
async fn a_program_gets_the_document_and_words_and_no_shell_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let text = format!(
        "cat >{0}.json; printf '%s|%s|%s' \"$1\" \"$NOCTULE_SUBJECT\" \"$CARGO_PKG_NAME\" >{0}; echo done",
        out.display()
    );
    let mut message = test_message();
    message.subject = "core-1 $(reboot); `id`".into();
    let said = deliver(&script(folder.path(), &text, ", \"$(date) * ; x\""), &message).await.unwrap();
    assert_eq!(said, "exit status 0 done");
    let got = std::fs::read_to_string(&out).unwrap();
    assert_eq!(got, "$(date) * ; x|core-1 $(reboot); `id`|", "and nothing else of noctule's environment");
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.with_extension("json")).unwrap()).unwrap();
    assert_eq!(json["test"], true);
}

#[tokio::test]
async fn what_fails_is_told_with_its_last_words_cleaned() {
    let folder = tempfile::tempdir().unwrap();
    let page = script(folder.path(), "printf 'no \\033[31mmodem\\n' >&2; exit 3", "");
    let failed = deliver(&page, &test_message()).await.unwrap_err();
    assert!(failed.message.contains("exit status: 3: no ␛[31mmodem"), "{}", failed.message);
    let gone = target("[[target]]\nname = \"p\"\nkind = \"command\"\nrun = [\"/nowhere/page\"]\n");
    let failed = deliver(&gone, &test_message()).await.unwrap_err();
    assert!(failed.message.contains("/nowhere/page"), "{}", failed.message);
}

#[tokio::test]
async fn ten_megabytes_are_read_and_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let page = script(folder.path(), "head -c 10485760 /dev/zero | tr '\\0' x; exit 1", "");
    let failed = deliver(&page, &test_message()).await.unwrap_err();
    assert!(failed.message.len() < 600 && failed.message.contains("xxx"), "{}", failed.message.len());
}

#[tokio::test]
async fn one_that_hangs_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let text = format!("sleep 600 & echo $! $$ >{}; wait", pids.display());
    let failed = deliver(&script(folder.path(), &text, ""), &test_message()).await.unwrap_err();
    assert!(failed.message.contains("did not take it within 2s"), "{}", failed.message);
    let pids = std::fs::read_to_string(pids).unwrap();
    for pid in pids.split_whitespace() {
        // killed, though somebody may still have to collect it
        let gone = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            status.is_empty() || status.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"))
        };
        while !gone() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn what_it_leaves_behind_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let begun = std::time::Instant::now();
    let pid = folder.path().join("pid");
    let text = format!("sleep 30 & echo $! >{}; echo sent", pid.display());
    let said = deliver(&script(folder.path(), &text, ""), &test_message()).await.unwrap();
    assert_eq!(said, "exit status 0 sent");
    assert!(begun.elapsed().as_secs() < 2);
    let pid = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
