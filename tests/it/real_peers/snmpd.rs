//! net-snmp's agent: versions 1, 2c and 3, every digest and cipher, and what it says to those who have them wrong.

use std::net::UdpSocket;
use std::process::Stdio;
use std::sync::Arc;

use noctule::commands::Exit;
use noctule::engine::Engine;
use noctule::engine::fields::{Change, Field};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::is_here;
use super::runs::engine;
use crate::command_fixture::Shell;
use crate::engine_fixture::ann;

const SNMPD: &str = "/usr/sbin/snmpd";
const ADDRESS: &str = "127.61.0.7";

/// Users of version 3: name, digest, cipher; their passwords are `auth-NAME-0` and `priv-NAME-0`.
const USERS: [(&str, &str, &str); 9] = [
    ("bare", "", ""),
    ("digest", "SHA", ""),
    ("old", "MD5", "DES"),
    ("usual", "SHA", "AES"),
    ("s224", "SHA-224", "AES"),
    ("s256", "SHA-256", "AES"),
    ("s384", "SHA-384", "AES-192"),
    ("s512", "SHA-512", "AES-256"),
    ("mixed", "SHA-256", "AES-256"),
];

struct Snmpd {
    port: u16,
    folder: TempDir,
    _child: Child,
}

impl Snmpd {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // free now; an agent cannot be handed an open socket
        let port = UdpSocket::bind((ADDRESS, 0)).unwrap().local_addr().unwrap().port();
        let mut conf = format!(
            "agentAddress udp:{ADDRESS}:{port}\nrocommunity lab-secret 127.0.0.0/8\n\
             sysLocation the cellar\nsysContact noc@example.net\nsysName peer-1\n"
        );
        for (name, auth, privacy) in USERS {
            let level = match (auth, privacy) {
                ("", _) => "noauth",
                (_, "") => "auth",
                _ => "priv",
            };
            conf += &match level {
                "noauth" => format!("createUser {name}\n"),
                "auth" => format!("createUser {name} {auth} auth-{name}-0\n"),
                _ => format!("createUser {name} {auth} auth-{name}-0 {privacy} priv-{name}-0\n"),
            };
            conf += &format!("rouser {name} {level}\n");
        }
        let path = folder.path().join("snmpd.conf");
        std::fs::write(&path, conf).unwrap();
        let child = Command::new(SNMPD)
            .args(["-f", "-Lf"])
            .arg(folder.path().join("log"))
            .args(["-C", "-I", "-smux", "-c"])
            .arg(&path)
            .env("SNMP_PERSISTENT_DIR", folder.path())
            .env("MIBS", "")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { port, folder, _child: child }
    }

    async fn add(&self, engine: &Arc<Engine>, name: &str, changes: &[(Field, &str)]) {
        let mut all = vec![Change::new(Field::SnmpPort, self.port.to_string())];
        all.extend(changes.iter().map(|(field, value)| Change::new(*field, *value)));
        engine.add_device(&ann(), name, ADDRESS, &all).await.unwrap();
    }
}

/// An engine that waits for an agent that is still starting: it asks again.
async fn patient(snmpd: &Snmpd) -> Arc<Engine> {
    patient_with(snmpd, "").await
}

/// The same, with more settings.
async fn patient_with(snmpd: &Snmpd, more: &str) -> Arc<Engine> {
    let settings = format!("[snmp]\ntimeout = \"1s\"\nretries = 8\n{more}");
    let engine = engine(snmpd.folder.path(), &settings).await;
    snmpd.add(&engine, "first", &[(Field::SnmpCommunity, "lab-secret")]).await;
    let (exit, told) = Shell::over(&engine).run("identity run first --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    engine
}

fn objects(lines: &[String]) -> Vec<Json> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_version_digest_and_cipher_is_understood() {
    if !is_here("net-snmp", &[SNMPD], false) {
        return;
    }
    let snmpd = Snmpd::start();
    let engine = patient(&snmpd).await;
    snmpd.add(&engine, "v1", &[(Field::SnmpCommunity, "lab-secret"), (Field::SnmpVersion, "1")]).await;
    for (name, auth, privacy) in USERS {
        let (auth_password, priv_password) = (format!("auth-{name}-0"), format!("priv-{name}-0"));
        let mut changes = vec![(Field::SnmpVersion, "3"), (Field::SnmpUser, name)];
        if !auth.is_empty() {
            changes.extend([(Field::SnmpAuth, auth), (Field::SnmpAuthPassword, auth_password.as_str())]);
        }
        if !privacy.is_empty() {
            changes.extend([(Field::SnmpPriv, privacy), (Field::SnmpPrivPassword, priv_password.as_str())]);
        }
        snmpd.add(&engine, name, &changes).await;
    }
    let (exit, told) = Shell::over(&engine).run("identity run --all --json").await;
    assert_eq!(exit, Exit::Done, "{:#?}", told.lines);
    let found = objects(&told.lines);
    assert_eq!(found.len(), USERS.len() + 2);
    for one in found {
        assert_eq!(one["sysname"], "peer-1", "{one}");
        assert_eq!(one["location"], "the cellar", "{one}");
        assert_eq!(one["os"], "Linux", "{one}");
        // the agent's maker is not the device's
        assert!(one["vendor"].is_null() && one["model"].is_null(), "{one}");
        assert!(one["uptime"].is_u64(), "{one}");
    }
}

#[tokio::test]
async fn users_of_the_settings_are_tried_and_the_one_that_works_is_remembered() {
    if !is_here("net-snmp", &[SNMPD], false) {
        return;
    }
    let snmpd = Snmpd::start();
    let users = [("nobody", "no-such-user-0", "no-such-user-0"), ("s256", "auth-s256-0", "priv-s256-0")];
    let tables = users.map(|(user, auth, privacy)| {
        format!(
            "[[snmp.user]]\nuser = \"{user}\"\nauth = \"sha256\"\nauth_password = \"{auth}\"\n\
             priv = \"aes\"\npriv_password = \"{privacy}\"\n"
        )
    });
    let engine = patient_with(&snmpd, &tables.concat()).await;
    snmpd.add(&engine, "untold", &[]).await;
    let (exit, told) = Shell::over(&engine).run("identity run untold --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.lines);
    let device = engine.device("untold").unwrap();
    let fields = [Field::SnmpVersion, Field::SnmpUser, Field::SnmpAuth, Field::SnmpPriv];
    assert_eq!(fields.map(|field| field.read(&device)), ["3", "s256", "sha256", "aes"]);
    // its own are enough from now on
    let (exit, _) = Shell::over(&engine).run("identity run untold").await;
    assert_eq!(exit, Exit::Done);
    assert!(!format!("{:?} {device:?}", told.lines).contains("s256-0"));
}

#[tokio::test]
async fn wrong_names_and_passwords_are_told_apart() {
    if !is_here("net-snmp", &[SNMPD], false) {
        return;
    }
    let snmpd = Snmpd::start();
    drop(patient(&snmpd).await);
    let second = tempfile::tempdir().unwrap();
    let engine = engine(second.path(), "[snmp]\ntimeout = \"1s\"\nretries = 0\n").await;
    let right = [
        (Field::SnmpUser, "usual"),
        (Field::SnmpAuth, "sha"),
        (Field::SnmpAuthPassword, "auth-usual-0"),
        (Field::SnmpPriv, "aes"),
        (Field::SnmpPrivPassword, "priv-usual-0"),
    ];
    let with = |field: Field, value: &'static str| {
        right.map(|(one, usual)| if one == field { (one, value) } else { (one, usual) })
    };
    snmpd.add(&engine, "user", &with(Field::SnmpUser, "nobody")).await;
    snmpd.add(&engine, "digest", &with(Field::SnmpAuthPassword, "not-the-password")).await;
    snmpd.add(&engine, "cipher", &with(Field::SnmpPrivPassword, "not-the-password")).await;
    snmpd
        .add(
            &engine,
            "level",
            &with(Field::SnmpUser, "digest").map(|(field, value)| match field {
                Field::SnmpAuthPassword => (field, "auth-digest-0"),
                _ => (field, value),
            }),
        )
        .await;
    snmpd.add(&engine, "community", &[(Field::SnmpCommunity, "not-the-community")]).await;
    let (exit, told) = Shell::over(&engine).run("identity run --all --json").await;
    assert_eq!(exit, Exit::Failed);
    let found = objects(&told.lines);
    for (name, kind, says) in [
        ("user", "authentication", "does not know the user"),
        ("digest", "authentication", "found the digest wrong"),
        ("cipher", "authentication", "the digest is right"),
        ("level", "authentication", ""),
        ("community", "timeout", "the community is wrong"),
    ] {
        let error = &found.iter().find(|one| one["device"] == name).unwrap()["error"];
        assert_eq!(error["kind"], kind, "{name}: {error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{name}: {error}");
    }
    let all = told.lines.concat();
    assert!(!all.contains("not-the") && !all.contains("auth-usual-0"), "{all}");
}
