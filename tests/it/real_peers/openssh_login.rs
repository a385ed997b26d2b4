//! Every way to log in to a real OpenSSH server, and what is said where it refuses.

use std::sync::Arc;
use std::time::Duration;

use noctule::device::driver::Limits;
use noctule::device::transport::{self, Target};
use noctule::model::{Failure, FailureKind, Secret, TransportKind};
use tokio::io::AsyncReadExt;

use super::account::Account;
use super::agent::Agent;
use super::openssh::{OpenSsh, make_key, user};
use crate::device_fixture::{self, TrustAll};

const GREETING: &str = "\nForceCommand echo you are in; cat";

async fn target(ssh: &OpenSsh) -> Target {
    device_fixture::target(ssh.server.address, TransportKind::Ssh, &user().await)
}

fn limits() -> Limits {
    let second = Duration::from_secs(1);
    Limits { connect: 10 * second, login: 20 * second, ..Limits::default() }
}

/// Logs in, and reads what the shell says first.
async fn log_in(target: &Target) -> Result<(), Failure> {
    let mut wire = transport::open(target, Arc::new(TrustAll), &limits()).await?;
    let mut greeting = [0; 10];
    let read = tokio::time::timeout(Duration::from_secs(10), wire.read_exact(&mut greeting)).await;
    read.unwrap().unwrap();
    assert_eq!(&greeting, b"you are in");
    Ok(())
}

#[tokio::test]
async fn a_key_file_opens_and_another_does_not() {
    if !OpenSsh::is_here() {
        return;
    }
    let ssh = OpenSsh::start(GREETING).await;
    let folder = tempfile::tempdir().unwrap();
    for (kind, file) in [("ed25519", "other"), ("rsa", "other_rsa")] {
        make_key(&folder.path().join(file), kind, "").await;
    }
    let right = Target { identity_files: vec![ssh.key()], ..target(&ssh).await };
    log_in(&right).await.unwrap_or_else(|failure| panic!("{failure}\n{}", ssh.log()));
    let wrong = folder.path().join("other");
    let second = Target { identity_files: vec![wrong.clone(), ssh.key()], ..right.clone() };
    log_in(&second).await.unwrap();

    let refused = Target { identity_files: vec![wrong, folder.path().join("other_rsa")], ..right.clone() };
    let failure = log_in(&refused).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Authentication);
    assert!(failure.message.contains("other_rsa; it takes publickey"), "{failure}");
    let missing = Target { identity_files: vec![folder.path().join("nothing")], ..right };
    let failure = log_in(&missing).await.unwrap_err();
    assert!(failure.message.contains("nothing cannot be used"), "{failure}");
}

#[tokio::test]
async fn an_rsa_key_signs_with_sha2() {
    if !OpenSsh::is_here() {
        return;
    }
    let ssh = OpenSsh::start(GREETING).await;
    std::fs::remove_file(ssh.key()).unwrap();
    make_key(&ssh.key(), "rsa", "").await;
    std::fs::copy(ssh.key().with_extension("pub"), ssh.key().with_file_name("authorized_keys")).unwrap();
    let target = Target { identity_files: vec![ssh.key()], ..target(&ssh).await };
    log_in(&target).await.unwrap_or_else(|failure| panic!("{failure}\n{}", ssh.log()));
}

#[tokio::test]
async fn the_agent_signs() {
    if !OpenSsh::is_here() {
        return;
    }
    let (ssh, agent) = (OpenSsh::start(GREETING).await, Agent::start().await);
    let bare = target(&ssh).await;
    let any = Target { agent: Some(agent.socket()), offer_agent_keys: true, ..bare.clone() };
    let failure = log_in(&any).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Authentication, "it holds no key: {failure}");
    agent.add(&ssh.key(), "").await;
    log_in(&any).await.unwrap_or_else(|failure| panic!("{failure}\n{}", ssh.log()));

    let gone = Target { agent: Some(ssh.key()), ..any };
    let failure = log_in(&gone).await.unwrap_err();
    assert!(failure.message.contains("does not answer"), "{failure}");
}

#[tokio::test]
async fn the_agent_opens_a_key_file_that_has_a_passphrase() {
    if !OpenSsh::is_here() {
        return;
    }
    let (ssh, agent) = (OpenSsh::start(GREETING).await, Agent::start().await);
    std::fs::remove_file(ssh.key()).unwrap();
    make_key(&ssh.key(), "ed25519", "not-a-secret").await;
    let public = ssh.key().with_extension("pub");
    std::fs::rename(&public, public.with_file_name("authorized_keys")).unwrap();
    let locked =
        Target { identity_files: vec![ssh.key()], agent: Some(agent.socket()), ..target(&ssh).await };
    let failure = log_in(&locked).await.unwrap_err();
    assert!(failure.message.contains("has a passphrase: add it to the agent"), "{failure}");
    agent.add(&ssh.key(), "not-a-secret").await;
    log_in(&locked).await.unwrap_or_else(|failure| panic!("{failure}\n{}", ssh.log()));
}

#[tokio::test]
async fn a_password_opens_and_a_wrong_one_is_tried_once() {
    if !OpenSsh::is_here() {
        return;
    }
    let account = Account::make().await;
    for (config, way) in [
        ("PasswordAuthentication yes", "password"),
        // with two rounds: PAM ends with one that asks nothing
        ("UsePAM yes\nKbdInteractiveAuthentication yes", "keyboard-interactive"),
    ] {
        let ssh = OpenSsh::start(&format!("{config}{GREETING}")).await;
        let right = Target {
            username: account.name.clone(),
            password: Secret::new(&account.password),
            ..target(&ssh).await
        };
        log_in(&right).await.unwrap_or_else(|failure| panic!("{way}: {failure}\n{}", ssh.log()));
        assert_eq!(ssh.log().matches("Accepted").count(), 1);
        let wrong = Target { password: Secret::new("wrong-one"), ..right };
        let failure = log_in(&wrong).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Authentication, "{failure}");
        assert!(failure.message.contains(&format!("tried {way}")), "{failure}");
        assert!(!failure.message.contains("wrong-one"));
        let tries = ssh.log().lines().filter(|line| line.contains("Failed ")).count();
        assert!(tries <= 1, "{}", ssh.log());
    }
}

#[tokio::test]
async fn a_server_that_wants_both_key_and_password_gets_both() {
    if !OpenSsh::is_here() {
        return;
    }
    let account = Account::make().await;
    let config = "PasswordAuthentication yes\nAuthenticationMethods publickey,password";
    let ssh = OpenSsh::start(&format!("{config}{GREETING}")).await;
    let both = Target {
        username: account.name.clone(),
        password: Secret::new(&account.password),
        identity_files: vec![ssh.key()],
        ..target(&ssh).await
    };
    // sshd reads the list of keys with this user's rights
    open_for_all(&ssh);
    log_in(&both).await.unwrap_or_else(|failure| panic!("{failure}\n{}", ssh.log()));
    let key_alone = Target { password: Secret::default(), ..both };
    let failure = log_in(&key_alone).await.unwrap_err();
    assert!(failure.message.contains("it takes password"), "{failure}");
}

fn open_for_all(ssh: &OpenSsh) {
    let folder = ssh.key().parent().unwrap().to_owned();
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn old_algorithms_are_named_by_both_sides_and_spoken_where_they_are_allowed() {
    if !OpenSsh::is_here() {
        return;
    }
    for (config, old) in [
        ("KexAlgorithms diffie-hellman-group14-sha1", "diffie-hellman-group14-sha1"),
        ("KexAlgorithms diffie-hellman-group1-sha1", "diffie-hellman-group1-sha1"),
        ("KexAlgorithms diffie-hellman-group-exchange-sha1", "diffie-hellman-group-exchange-sha1"),
        ("Ciphers 3des-cbc", "3des-cbc"),
        ("Ciphers aes128-cbc", "aes128-cbc"),
        ("Ciphers aes256-ctr\nMACs hmac-sha1", "hmac-sha1"),
        ("HostKeyAlgorithms ssh-rsa", "ssh-rsa"),
    ] {
        let ssh = OpenSsh::start(&format!("{config}{GREETING}")).await;
        if old == "ssh-rsa" {
            ssh.change_host_key("rsa").await;
        }
        let modern = Target { identity_files: vec![ssh.key()], ..target(&ssh).await };
        let failure = log_in(&modern).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Algorithms, "{old}: {failure}");
        assert!(failure.message.contains(&format!("the device offers {old}")), "{failure}");
        assert!(failure.message.contains("legacy_algorithms=true"), "{failure}");
        let legacy = Target { legacy_algorithms: true, ..modern };
        log_in(&legacy).await.unwrap_or_else(|failure| panic!("{old}: {failure}\n{}", ssh.log()));
    }
}

#[tokio::test]
async fn what_a_modern_server_may_be_restricted_to_is_spoken() {
    if !OpenSsh::is_here() {
        return;
    }
    for config in [
        "KexAlgorithms curve25519-sha256",
        "KexAlgorithms ecdh-sha2-nistp256",
        "KexAlgorithms diffie-hellman-group14-sha256",
        "KexAlgorithms diffie-hellman-group16-sha512",
        "KexAlgorithms diffie-hellman-group-exchange-sha256",
        "Ciphers aes128-gcm@openssh.com",
        "Ciphers chacha20-poly1305@openssh.com",
        "Ciphers aes128-ctr\nMACs hmac-sha2-256",
        "Ciphers aes192-ctr\nMACs hmac-sha2-512-etm@openssh.com",
    ] {
        let ssh = OpenSsh::start(&format!("{config}{GREETING}")).await;
        let target = Target { identity_files: vec![ssh.key()], ..target(&ssh).await };
        log_in(&target).await.unwrap_or_else(|failure| panic!("{config}: {failure}\n{}", ssh.log()));
    }
}
