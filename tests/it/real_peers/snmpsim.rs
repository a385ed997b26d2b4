//! snmpsim with recorded agents of the package snmpsim-data: devices that nobody here prepared. Both are taken from PyPI
//! when the test runs; where there is no Python, no pip or no PyPI, it says that it skips.

use std::io::Write;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command as Script, Stdio};

use noctule::commands::Exit;
use noctule::engine::fields::{Change, Field};
use serde_json::Value as Json;
use tokio::process::{Child, Command};

use super::runs::engine;
use crate::command_fixture::Shell;
use crate::engine_fixture::ann;

const ADDRESS: &str = "127.61.0.9";
const PACKAGES: [&str; 3] = ["snmpsim==1.2.2", "snmpsim-data==1.0.1", "pysnmp<8"];

/// Recordings, and who made what they were recorded from: vendor and model, where empty is
/// unknown, and a serial number that they tell.
const RECORDED: [(&str, &str, &str, &str); 20] = [
    ("UPS/eaton-93e-80", "Eaton", "EATON 93E 80", "4K234LXX06"),
    ("bmc/hp-onboard-administrator", "HP", "BladeSystem c7000 Enclosure G2", ""),
    ("network/appliance/vss-monitoring-optimizer-2400-span", "VSS Monitoring", "Optimizer 2400-SPAN", ""),
    ("network/firewall/paloalto-pa-5000", "Palo Alto Networks", "PA-5050", "0009C100761"),
    ("network/firewall/sangfor-ad1800-fp2", "Sangfor", "AD-1800-FP2", ""),
    ("network/firewall/topsec-ngfw4000-uf", "Topsec", "NGFW4000-UF", ""),
    ("network/router/cisco-unmarked-0", "Cisco", "Catalyst 3550-24", ""),
    ("network/router/huawei-s5720", "Huawei", "S5720-36C-EI-AC", "210235956210F7000410"),
    ("network/switch/brocade-ds-5100b", "Brocade", "DS_5100B", "BRCALM2534F019"),
    ("network/switch/brocade-icx6430-24", "Brocade", "ICX6430-24", "BZN3215N09A"),
    ("network/switch/dcrs-5980-28t-dc", "DCN", "DCRS-5980-28T-DC", "GOSWE120F327000001"),
    ("network/switch/dlink-des3038", "D-Link", "DES-3028", ""),
    ("network/switch/h3c-e528-2", "H3C", "E528", ""),
    ("network/switch/maipu-sm4200-16gef8ge-ac", "Maipu", "SM4200-16GEF8GE-AC", ""),
    ("network/switch/metel-poe-box", "Metel", "2G-2S.0.2.F-BOX-PoE", ""),
    ("network/wifi/aruba-7010", "Aruba", "7010", ""),
    ("network/wifi/ubiquiti-m5", "Ubiquiti", "NanoStation M5", ""),
    ("os/linux/slackware", "", "", ""),
    ("os/windows/XP", "Microsoft", "", ""),
    ("storage/isilon-onefs", "Isilon", "X210-2U-Single-48GB-2x1GE-2x10GE SFP+-36TB", "CEGER155100014"),
];

struct Snmpsim {
    port: u16,
    _child: Child,
}

impl Snmpsim {
    /// One that serves the recordings, each as a community of its name; nothing where it cannot be had.
    fn start(folder: &Path) -> Option<Self> {
        let library = installed().map_err(|why| skip(&why)).ok()?;
        let data = folder.join("data");
        for (name, ..) in RECORDED {
            unpack(&library, name, &data);
        }
        let port = UdpSocket::bind((ADDRESS, 0)).unwrap().local_addr().unwrap().port();
        let mut run = Command::new("python3");
        run.arg("-c")
            .arg("import snmpsim.commands.responder as it; it.main()")
            .arg(format!("--data-dir={}", data.display()))
            .arg(format!("--cache-dir={}", folder.join("cache").display()))
            .arg(format!("--agent-udpv4-endpoint={ADDRESS}:{port}"))
            .env("PYTHONPATH", &library)
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if rustix::process::getuid().is_root() {
            run.args(["--process-user=root", "--process-group=root"]);
        }
        Some(Self { port, _child: run.spawn().unwrap() })
    }
}

/// The folder with the packages, kept from one run to the next.
fn installed() -> Result<PathBuf, String> {
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snmpsim-1.2.2");
    if library.join("complete").exists() {
        return Ok(library);
    }
    let done = Script::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--retries=1",
            "--timeout=20",
        ])
        .arg("--target")
        .arg(&library)
        .args(PACKAGES)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(format!("pip: {}", said.lines().last().unwrap_or("it failed")));
    }
    std::fs::write(library.join("complete"), "").unwrap();
    Ok(library)
}

/// Puts a recording where the simulator looks, as text: it reads packed ones anew for every question.
fn unpack(library: &Path, name: &str, data: &Path) {
    let packed = library.join(format!("snmpsim_data/data/{name}.snmprec.bz2"));
    let to = data.join(format!("{name}.snmprec"));
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let copy = "import bz2, sys; open(sys.argv[2], 'wb').write(bz2.open(sys.argv[1]).read())";
    let done = Script::new("python3").args(["-c", copy]).arg(packed).arg(to).status().unwrap();
    assert!(done.success(), "{name} is not in the package");
}

fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: tests against snmpsim: {why}");
}

#[tokio::test]
async fn recorded_agents_are_known_also_behind_one_slow_address() {
    let folder = tempfile::tempdir().unwrap();
    let Some(simulator) = Snmpsim::start(folder.path()) else { return };
    // it reads every recording before it answers: the first question waits for that
    let engine = engine(folder.path(), "[snmp]\ntimeout = \"5s\"\nretries = 10\nwhole = \"60s\"\n").await;
    for (number, (community, ..)) in RECORDED.iter().enumerate() {
        let changes = [
            Change::new(Field::SnmpVersion, "2c"),
            Change::new(Field::SnmpCommunity, *community),
            Change::new(Field::SnmpPort, simulator.port.to_string()),
        ];
        engine.add_device(&ann(), &format!("d-{number}"), ADDRESS, &changes).await.unwrap();
    }
    let (exit, told) = Shell::over(&engine).run("identity run --all --json").await;
    assert_eq!(exit, Exit::Done, "{:#?}", told.lines);
    let found: Vec<Json> = told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut wrong = Vec::new();
    for (number, (recording, vendor, model, serial)) in RECORDED.iter().enumerate() {
        let name = format!("d-{number}");
        let is = found.iter().find(|one| one["device"] == name.as_str()).unwrap();
        for (fact, wanted) in [("vendor", vendor), ("model", model), ("serial", serial)] {
            let says = is[fact].as_str().unwrap_or_default();
            let is_unlisted = fact == "serial" && wanted.is_empty();
            if says != *wanted && !is_unlisted {
                wrong.push(format!("{recording}: {fact} is {says:?} and not {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
