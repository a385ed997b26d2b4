//! `pulse check`, as a shell runs it: in process over loopback addresses, and the real program in network namespaces of
//! its own, where the kernel answers nobody, permits no ICMP, or permits ping sockets alone.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use noctule::commands::Exit;
use noctule::device::icmp::{Method, open_with};
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, ann, engine};

/// A shell over an engine with devices of these addresses, `d0`, `d1`, ….
async fn shell(folder: &Path, addresses: &[&str]) -> Shell {
    let engine = engine(folder, "", Network::new(), &Hand::new()).await;
    for (number, address) in addresses.iter().enumerate() {
        engine.add_device(&ann(), &format!("d{number}"), address, &[]).await.unwrap();
    }
    Shell::over(&engine)
}

fn icmp_is_permitted() -> bool {
    let permitted = [Method::Raw, Method::Ping].into_iter().any(|method| open_with(method).is_ok());
    if !permitted {
        skip("neither raw nor ping sockets are permitted");
    }
    permitted
}

fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}");
}

fn objects<S: AsRef<str>>(lines: &[S]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line.as_ref()).unwrap()).collect()
}

#[tokio::test]
async fn a_check_counts_each_device_and_ends_with_all_of_them() {
    if !icmp_is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), &["127.20.0.1", "127.20.0.2", "127.20.0.1", "localhost"]).await;
    let (exit, told) = shell.run("pulse check --all --interval 0.05 --for 0.5 --json").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let objects = objects(&told.lines);
    let (summary, devices) = objects.split_last().unwrap();
    assert_eq!(devices.len(), 4);
    for device in devices {
        assert_eq!((&device["sent"], &device["received"]), (&10.into(), &10.into()), "{device}");
        assert_eq!((&device["lost"], &device["error"]), (&0.into(), &Value::Null));
    }
    assert_eq!((&summary["targets"], &summary["sent"], &summary["lost"]), (&4.into(), &40.into(), &0.into()));
    let times = ["min", "median", "p99", "max"].map(|name| summary["rtt_ms"][name].as_f64().unwrap());
    assert!(times.is_sorted() && times[0] > 0.0, "{times:?}");
    assert!(["raw", "ping"].contains(&summary["method"].as_str().unwrap()));
}

#[tokio::test]
async fn one_device_is_told_probe_by_probe() {
    if !icmp_is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), &["127.20.1.1"]).await;
    let (exit, told) = shell.run("ping d0 --interval 50ms --for 0.15").await;
    assert_eq!(exit, Exit::Done, "{:?}", told.notes);
    let begins: Vec<&str> = told.lines.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(begins, ["probe 1", "probe 2", "probe 3"], "{:?}", told.lines);
    assert!(told.notes[0].starts_with("d0 is 127.20.1.1"), "{:?}", told.notes);
    let last = told.notes.last().unwrap();
    assert!(last.starts_with("1 device, 1 answering: 3 sent, 3 received, 0 lost (0.0 %); min "), "{last}");
}

#[tokio::test]
async fn interrupted_it_still_counts_what_is_under_way() {
    if !icmp_is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), &["127.20.2.1", "127.20.2.2"]).await;
    shell.interrupt();
    let (exit, told) = shell.run("pulse check --all --interval 0.01 --for 3600 --json").await;
    let summary = objects(&told.lines).pop().unwrap();
    assert!(summary["sent"].as_u64().unwrap() < 1000, "it ended: {summary}");
    assert_eq!(summary["lost"], 0);
    assert_eq!(exit == Exit::Done, summary["answering"] == 2);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), &["127.20.3.1", "no-such-host.invalid"]).await;
    for (line, exit, part) in [
        ("pulse check", Exit::Usage, "say which devices"),
        ("pulse check --all --interval 0", Exit::Usage, "0.01"),
        ("pulse check --all --for 0", Exit::Usage, "more than 0"),
        ("pulse check --all --for soon", Exit::Usage, "no number of seconds"),
        ("pulse check d7", Exit::Failed, "there is no device"),
    ] {
        let (got, told) = shell.run(line).await;
        assert_eq!(got, exit, "{line}: {:?}", told.notes);
        assert!(told.notes.iter().any(|note| note.contains(part)), "{line}: {:?}", told.notes);
    }
    let (exit, told) = shell.run("pulse check d1 --for 0.1 --json").await;
    assert_eq!(exit, Exit::Failed);
    let objects = objects(&told.lines);
    assert!(objects[0]["error"].as_str().unwrap().contains("no-such-host.invalid"), "{objects:?}");
    assert_eq!((&objects[1]["targets"], &objects[1]["sent"]), (&1.into(), &0.into()));
}

/// Runs the real program's `pulse check --all` in a network namespace of its own, after `prepare`, through `through`.
/// `None` where the host permits no such thing.
async fn in_namespace(prepare: &str, through: &str, arguments: &str) -> Option<std::process::Output> {
    let works = Command::new("unshare").args(["-n", "sh", "-c", "ip link set lo up"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        skip("network namespaces are not permitted, or iproute2 is missing");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), "", Network::new(), &Hand::new()).await;
    engine.add_device(&ann(), "d0", "127.21.0.1", &[]).await.unwrap();
    engine.stop().await;
    drop(engine);
    let program = env!("CARGO_BIN_EXE_noctule");
    let (data, config) = (folder.path().join("data"), folder.path().join("config"));
    let script = format!(
        "ip link set lo up && {prepare} && exec {through} {program} --data {} --config {} pulse check --all {arguments}",
        data.display(),
        config.display()
    );
    Some(Command::new("unshare").args(["-n", "sh", "-c", &script]).output().unwrap())
}

#[tokio::test]
async fn with_every_probe_lost_it_says_so() {
    let prepare = "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all";
    let Some(output) = in_namespace(prepare, "", "--interval 0.1 --for 0.3 --json").await else { return };
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let objects = objects(&text.lines().collect::<Vec<_>>());
    assert_eq!((&objects[0]["sent"], &objects[0]["lost"]), (&3.into(), &3.into()), "{text}");
    assert_eq!(objects[0]["error"], "no answer");
    assert_eq!(objects[1]["rtt_ms"]["median"], Value::Null);
}

const UNPRIVILEGED: &str = "setpriv --bounding-set=-net_raw,-net_admin --inh-caps=-net_raw,-net_admin";

#[tokio::test]
async fn without_rights_the_kernels_ping_sockets_do() {
    let prepare = "echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range";
    let Some(output) = in_namespace(prepare, UNPRIVILEGED, "--interval 0.1 --for 0.3 --json").await else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let summary = objects(&text.lines().collect::<Vec<_>>()).pop().unwrap();
    assert_eq!((&summary["method"], &summary["received"]), (&"ping".into(), &3.into()), "{text}");
}

#[tokio::test]
async fn without_icmp_tcp_does_and_a_notice_says_what_would() {
    let prepare = "echo 1 0 > /proc/sys/net/ipv4/ping_group_range";
    let Some(output) = in_namespace(prepare, UNPRIVILEGED, "--interval 0.1 --for 0.3 --json").await else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let (text, notes) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let summary = objects(&text.lines().collect::<Vec<_>>()).pop().unwrap();
    assert_eq!((&summary["method"], &summary["received"]), (&"tcp".into(), &3.into()), "{text}");
    assert!(notes.contains("sudo setcap cap_net_raw+ep /"), "{notes}");
}
