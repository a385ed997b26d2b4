//! Operators who come over OpenSSH: by a key of their own, by a shared account, through a jump host.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

use super::openssh::{OpenSsh, make_key, user};
use crate::attach_fixture::{Client, Served};
use crate::terminal_program::NOCTULE;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_acts_with_their_role_and_the_trail_knows_both() {
    if !OpenSsh::is_here() {
        return;
    }
    let own = user().await;
    let served = Served::start_with(&format!("[serve]\ntrusted = [{own:?}]\n")).await;
    for line in [format!("user add boss --account {own}"), "user add ann --key ann --role viewer".to_owned()]
    {
        let (told, code) = Client::command(&served.place, &line).await.run_out().await;
        assert_eq!(code, 0, "{line}: {told}");
    }
    let ssh = OpenSsh::start("").await;
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    make_key(&shared, "ed25519", "").await;
    let program = format!("{NOCTULE} --socket {}", served.place.path().display());
    ssh.let_in(&shared, &format!("{program} --as ann $SSH_ORIGINAL_COMMAND"));
    let config = config(folder.path(), &ssh, &own, &shared);

    let listed = run(&config, "noc", &format!("{program} device list --json")).await;
    assert!(listed.status.success() && text(&listed).contains("\"device\":\"core-1\""), "{listed:?}");
    let edited = run(&config, "behind", &format!("{program} device edit core-1 location=attic")).await;
    assert!(edited.status.success(), "{edited:?}");
    let seen = run(&config, "shared", "device show core-1 --json").await;
    assert!(seen.status.success() && text(&seen).contains("attic"), "{seen:?}");
    let refused = run(&config, "shared", "device edit core-1 location=moon").await;
    assert!(refused.status.code() == Some(1) && text(&refused).contains("ann has viewer"), "{refused:?}");
    let nonsense = run(&config, "shared", "device list --nonsense").await;
    assert_eq!(nonsense.status.code(), Some(2), "{nonsense:?}");

    let (logins, _) = Client::command(&served.place, "login list").await.run_out().await;
    let as_ann = logins.lines().find(|line| line.contains("ann")).unwrap();
    assert!(as_ann.contains("as") && as_ann.contains("127.0.0.1"), "{logins}");
    let (trail, _) = Client::command(&served.place, "audit list").await.run_out().await;
    assert!(trail.contains("boss") && trail.contains("location=attic"), "{trail}");
    assert!(trail.contains("refused") && trail.contains("location=moon"), "{trail}");
    let (verified, code) = Client::command(&served.place, "audit verify").await.run_out().await;
    assert_eq!(code, 0, "{verified}");
}

/// The client's settings: `noc` is the server, `behind` the same through a jump over itself, `shared` by the shared key.
fn config(folder: &Path, ssh: &OpenSsh, own: &str, shared: &Path) -> std::path::PathBuf {
    let (address, key) = (ssh.server.address, ssh.key());
    let host = |name: &str, key: &Path, more: &str| {
        format!("Host {name}\nIdentityFile {}\nHostKeyAlias {name}\n{more}\n", key.display())
    };
    let text = format!(
        "{}{}{}Host *\nHostName {}\nPort {}\nUser {own}\nIdentitiesOnly yes\nStrictHostKeyChecking no\n\
         UserKnownHostsFile /dev/null\nLogLevel ERROR\n",
        host("noc", &key, ""),
        host("behind", &key, "ProxyJump noc"),
        host("shared", shared, ""),
        address.ip(),
        address.port()
    );
    let file = folder.join("ssh_config");
    std::fs::write(&file, text).unwrap();
    file
}

async fn run(config: &Path, host: &str, line: &str) -> Output {
    Command::new("ssh").arg("-F").arg(config).args([host, line]).output().await.unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}
