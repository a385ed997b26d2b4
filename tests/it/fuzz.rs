//! The bodies of `fuzz/` with damaged copies of real input: the same bytes in every run.

use std::path::Path;

use noctule::engine::notify::settings::NotifySettings;
use noctule::model::{DeviceId, Secret, Timestamp};
use noctule::server::FromClient;
use noctule::server::wire::{Answer, Said, frames};
use noctule::store::series::{
    Encoder, Folder, Heard, Mix, Rtt, Standing, StateLog, StateRecord, encode_rows,
};
use noctule::store::{Change, JournalRecord, NewSlot, Store};

#[path = "../../fuzz/bodies.rs"]
mod bodies;

#[test]
fn telnet() {
    let seeds: [&[u8]; 3] = [
        b"\xff\xfb\x01\xff\xfd\x18\xff\xfd\x1fUsername: \xff\xfa\x18\x01\xff\xf0\r\0",
        b"\xff\xfd\x00\xff\xfb\x00\xff\xfe\x00\xff\xff\r\nrouter#",
        b"\xff\xfa\x1f\xff\xff\x00\xff\xf0\xff\xfc\x03\xff\xf9",
    ];
    storm(bodies::telnet, &seeds.map(<[u8]>::to_vec), 60_000);
}

#[test]
fn cleaner() {
    let mut seeds = transcripts();
    seeds.push(b"line\x1b[2K\rother \x08\x08x\x1b]0;title\x07\xe2\x80\xae\x9b5D\r\n--More--\x1b[1A".to_vec());
    storm(bodies::cleaner, &seeds, 2000);
}

#[test]
fn label() {
    let mut seeds = transcripts();
    seeds.push("описание e\u{301}\u{301}\u{301} \u{202e}\u{e0041}\u{200b}".as_bytes().to_vec());
    storm(bodies::label, &seeds, 2000);
}

#[test]
fn transcript() {
    storm(bodies::transcript, &transcripts(), 3000);
}

#[test]
fn driver_file() {
    storm(bodies::driver_file, &[read("inventory/drivers/huawei_vrp/driver.toml")], 120);
}

#[test]
fn settings() {
    storm(
        bodies::settings,
        &[b"[backup]\ndaily = \"02:00\"\njitter = \"30m\"\nconcurrency = 10\n[ssh]\n[limits]\n[retention]\n"
            .to_vec()],
        2000,
    );
}

#[test]
fn metrics_request() {
    let seeds: [&[u8]; 4] = [
        b"GET /metrics HTTP/1.1\r\nHost: localhost:9470\r\nAccept: text/plain;version=0.0.4;q=0.5\r\n\r\n",
        b"GET http://127.0.0.1:9470/metrics?x=1 HTTP/1.0\n\n",
        b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03GET / HTTP/2.0\r\n\r\n",
    ];
    storm(bodies::metrics_request, &seeds.map(<[u8]>::to_vec), 20_000);
}

#[test]
fn keymap() {
    let seed =
        b"[global]\n\"ctrl+r\" = \"backup run\"\n[devices]\n\"g g\" = \"\"\n\"B\" = \"backup run --all\"\n";
    storm(bodies::keymap, &[seed.to_vec()], 3000);
}

#[test]
fn theme() {
    storm(bodies::theme, &[read("themes/dark.toml"), read("themes/term16.toml")], 600);
}

#[test]
fn input() {
    let seeds: [&[u8]; 3] = [
        b"\x1b[A\x1bOP\x1b[1;5C\x1b[97;5u\x1b[<0;10;20M\x1b[<64;1;1M\x1b[?62;22c",
        b"\x1b[200~show run\r\xd0\xbe\xff\x1b[201~q\x1b\x1b[",
        "ж\u{301}\x1bx\x01\x7f\t\r".as_bytes(),
    ];
    storm(bodies::input, &seeds.map(<[u8]>::to_vec), 20_000);
}

#[test]
fn inventory_csv() {
    let seeds: [&[u8]; 2] = [
        b"name,address,port,transport,driver,group\nsw-1,10.0.0.1,22,ssh,cisco_ios,\"a,b\"\n\"sw\"\"2\",::1,,,,\n",
        b"\xef\xbb\xbfname;address;location\r\nsw-1;10.0.0.1;'=x\r\n;;\r\n",
    ];
    storm(bodies::inventory_csv, &seeds.map(<[u8]>::to_vec), 20_000);
}

#[test]
fn inventory_toml() {
    let seed = b"[[device]]\nname = \"a\"\naddress = \"::1\"\nport = 22\ntags = [\"x\"]\n\n[[device]]\nname = \"b\"\n";
    storm(bodies::inventory_toml, &[seed.to_vec()], 5000);
}

#[test]
fn journal() {
    let change = |value| Change { table: "device".into(), key: b"\0\x01".to_vec(), value };
    let record = JournalRecord {
        seq: 7,
        prev: [9; 32],
        at: Timestamp(1_795_521_600_000),
        actor: "ann".into(),
        why: "a test".into(),
        verb: "device add".into(),
        changes: vec![change(Some(vec![0xff; 40])), change(None)],
    };
    storm(bodies::journal, &[postcard::to_stdvec(&record).unwrap()], 20_000);
}

#[test]
fn ssh_config() {
    let seed = b"Host *.lab !x \"a b\"\n  HostName %h.example\n  Port 2222\nProxyJump=ann@j:22,k\n\
        Match user ann host core-1\nIdentityFile ~/.ssh/%h\nUser %u\nMatch all\nIdentitiesOnly yes\n";
    storm(bodies::ssh_config, &[seed.to_vec()], 20_000);
}

#[test]
fn known_hosts() {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICfuGH/TR37NHrqy57j9zANVFwKkZJHuVIo1C2PgVZYN";
    let seed = format!(
        "core-1,192.0.2.1 {KEY} a comment\n@revoked * {KEY}\n@cert-authority *.lab {KEY}\n# note\n\
         |1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {KEY}\n[core-1]:2222,!x* {KEY}\n"
    );
    storm(bodies::known_hosts, &[seed.into_bytes()], 20_000);
}

#[test]
fn identity_rules() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory/identity");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "toml"));
    files.sort();
    // the smaller ones: what there is more of in the others is more of the same
    let mut seeds: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    seeds.sort_by_key(Vec::len);
    seeds.truncate(3);
    storm(bodies::identity_rules, &seeds, 300);
}

#[test]
fn names() {
    let names = [
        "core-1.pop",
        "2001:db8::1",
        "10.0.0.0/24",
        "10.0.0.1-10.0.0.9",
        "group:pop/a",
        "site:north",
        "uid:1000",
        "huawei_vrp",
        "ann.b",
        "operator",
        "driver:huawei !~cor1 \"a b\"",
        "ком\u{202e}мутатор",
    ];
    storm(bodies::names, &names.map(|name| name.as_bytes().to_vec()), 40_000);
}

#[test]
fn anchors() {
    let hash = "ab".repeat(32);
    let line =
        format!("Nov 24 noc noctule[7]: noctule audit seq=7 hash={hash} at=2026-11-24T12:00:00Z\nother\n");
    storm(bodies::anchors, &[line.into_bytes()], 20_000);
}

#[test]
fn host_key() {
    let keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICfuGH/TR37NHrqy57j9zANVFwKkZJHuVIo1C2PgVZYN a comment"];
    storm(bodies::host_key, &keys.map(|key| key.as_bytes().to_vec()), 20_000);
}

#[test]
fn command_line() {
    let lines = [
        "backup diff core-1 -1 --json",
        "device add 'a b' 10.0.0.1 port=22 tags=x,y",
        "search -- '^vlan' --limit=5",
    ];
    storm(bodies::command_line, &lines.map(|line| line.as_bytes().to_vec()), 20_000);
}

#[test]
fn series() {
    let at = |n: i64| 1_795_521_600_000 + n * 10_000 + (n % 5) * 700;
    let heard = |n: i64| Heard { at: at(n), rtt: Rtt::from_step((n * n % 400) as u16).filter(|_| n % 9 > 0) };
    let mut encoder = Encoder::new(heard(0));
    (1..200).for_each(|n| encoder.add(heard(n)));
    let mut mix = Mix::default();
    (0..200).for_each(|n| mix.add(heard(n).rtt));
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let change =
        StateRecord::Change { device: DeviceId(7), at: at(1), standing: Standing::Down, planned: true };
    let mut states = StateLog::new(folder.clone());
    states.write(&[StateRecord::Begin(at(0)), change, StateRecord::Beat(at(2))]).unwrap();
    let log = std::fs::read(folder.states_path(at(0) / 86_400_000)).unwrap();
    let rows: Vec<_> = (0..24).map(|hour| mix.row(498_756 + hour)).collect();
    storm(bodies::series, &[encoder.block().bytes, encode_rows(&rows), log], 20_000);
}

#[test]
fn notify_toml() {
    let seed = format!(
        "[[target]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"https://a.example:8443/x?y\"\ntimeout = \"5s\"\n\
         headers = {{ Authorization = \"{secret}\" }}\n[[target]]\nname = \"mail\"\nkind = \"smtp\"\n\
         server = \"mail.example.net\"\nfrom = \"a@example.net\"\nto = [\"b@example.net\"]\nusername = \"a\"\n\
         password = \"{secret}\"\n[[target]]\nname = \"page\"\nkind = \"command\"\nrun = [\"/bin/true\"]\n\
         [[target]]\nname = \"chat\"\nkind = \"telegram\"\nchat = \"@noc\"\ntoken = \"1:{secret}\"\n\
         [[rule]]\non = [\"backup-failed\"]\ndevices = [\"core-1\"]\nto = [\"hook\", \"mail\"]\n\
         group_for = \"30s\"\nquiet = \"22:00-06:00\"\n",
        secret = bodies::NEVER_SHOWN
    );
    NotifySettings::parse(&seed, "notify.toml", Path::new("/")).unwrap();
    storm(bodies::notify_toml, &[seed.into_bytes()], 5000);
}

#[test]
fn smtp() {
    let long = "x".repeat(300);
    let seeds = [
        "220 mail ESMTP\r\n250-mail greets\r\n250-SIZE 1\r\n250 AUTH PLAIN LOGIN\r\n235 in\r\n250 ok\r\n\
         250 ok\r\n251 ok\r\n354 go\r\n250 queued as 7\r\n221 bye\r\n"
            .to_owned(),
        format!(
            "220 m\r\n250-m\r\n250 auth login\r\n334 VXNlcg==\r\n334 UA==\r\n535 not {}\x1b[2J \u{202e}\r\n",
            bodies::NEVER_SHOWN
        ),
        format!("220 m\r\n250 AUTH PLAIN\r\n235 in\r\n250 ok\r\n550 no {long}\r\n550 no\r\n"),
    ];
    storm(bodies::smtp, &seeds.map(String::into_bytes), 5000);
}

#[test]
fn icmp() {
    let quoted =
        |next: &[u8]| [&[0x45, 0, 0, 60, 0, 0, 0, 0, 64, 1, 0, 0, 127, 0, 0, 1, 127, 0, 0, 9], next].concat();
    let seal = noctule::device::icmp::packet::Seal::new();
    let mark = noctule::device::icmp::Mark { target: 1, number: 2, sent: noctule::model::Moment(3) };
    let request = seal.request(false, 7, mark);
    let mut reply = request;
    reply[0] = 0;
    let request_v6 = seal.request(true, 7, mark);
    let header_v6 = [&[0x60, 0, 0, 0, 0, 40, 58, 64][..], &[0xfd; 32]].concat();
    let seeds = [
        quoted(&reply),
        quoted(&[&[3, 1, 0, 0, 0, 0, 0, 0][..], &quoted(&request)].concat()),
        [&[129, 0, 0, 0, 0, 7, 0, 2][..], &request_v6[8..]].concat(),
        [&[1, 3, 0, 0, 0, 0, 0, 0][..], &header_v6, &request_v6].concat(),
        request.to_vec(),
    ];
    storm(bodies::icmp, &seeds, 60_000);
}

#[test]
fn snmp() {
    let table = b"\x30\x2b\x02\x01\x01\x04\x06public\xa2\x1e\x02\x04#id#\x02\x01\0\x02\x01\0\x30\x10\x30\x0e\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x82\0";
    storm(bodies::snmp, &[bodies::SNMP_ANSWER.to_vec(), table.to_vec()], 600);
}

#[test]
fn wire() {
    let hello =
        crate::attach_fixture::hello("device list --json", Some(crate::attach_fixture::screen(80, 24)));
    let said = [
        Said::Screen(FromClient::Input(b"\x1b[A:quit\r".to_vec())),
        Said::Screen(FromClient::Size(80, 24)),
        Said::Answer(1, Answer::File(Ok(b"name,address\n".to_vec()))),
        Said::Took(4000),
        Said::Signal(2),
    ];
    let said = said.iter().flat_map(|said| frames(said).unwrap()).collect();
    storm(bodies::wire, &[frames(&hello).unwrap(), said], 20_000);
}

#[test]
fn keyring() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), Timestamp(0)).unwrap();
    let read = || std::fs::read(folder.path().join("keyring")).unwrap();
    let passphrase = Secret::new("not a real passphrase");
    store.add_slot(NewSlot::Passphrase(passphrase), Timestamp(0)).unwrap();
    let first = read();
    store.add_slot(NewSlot::Systemd, Timestamp(0)).unwrap();
    let offline = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    store.add_slot(NewSlot::Age(offline.parse().unwrap()), Timestamp(0)).unwrap();
    storm(bodies::keyring, &[first, read(), offline.into()], 4000);
}

/// Runs `body` with each seed, then with so many damaged copies of them. A failing input is printed
/// with the panic.
fn storm(body: fn(&[u8]), seeds: &[Vec<u8>], rounds: usize) {
    assert!(!seeds.is_empty() && seeds.iter().all(|seed| !seed.is_empty()));
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for seed in seeds {
        attempt(body, seed);
    }
    for _ in 0..rounds {
        let mut data = seeds[chance.below(seeds.len())].clone();
        for _ in 0..=chance.below(6) {
            damage(&mut data, seeds, &mut chance);
        }
        attempt(body, &data);
    }
}

fn attempt(body: fn(&[u8]), data: &[u8]) {
    if let Err(panic) = std::panic::catch_unwind(|| body(data)) {
        eprintln!("The input: {}", data.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

/// One change: a byte becomes another, a stretch is lost, doubled or taken from another seed, or the end is.
fn damage(data: &mut Vec<u8>, seeds: &[Vec<u8>], chance: &mut Chance) {
    const TELLING: &[u8] = b"\x00\x07\x08\x1b\r\n\t\"'[]{}=#~;\x7f\x80\x9b\xc2\xe2\xf0\xfa\xfb\xff";
    let at = chance.below(data.len() + 1);
    let end = (at + chance.below(24)).min(data.len());
    match chance.below(6) {
        0 if at < data.len() => data[at] = chance.below(256) as u8,
        1 => data.insert(at, TELLING[chance.below(TELLING.len())]),
        2 => drop(data.drain(at..end)),
        3 => {
            let stretch = data[at..end].to_vec();
            data.splice(at..at, stretch);
        }
        4 => {
            let other = &seeds[chance.below(seeds.len())];
            let from = chance.below(other.len());
            let to = (from + chance.below(64)).min(other.len());
            data.splice(at..end, other[from..to].iter().copied());
        }
        _ if chance.below(8) == 0 => data.truncate(at),
        _ => data.insert(at, chance.below(256) as u8),
    }
}

/// A xorshift generator.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn transcripts() -> Vec<Vec<u8>> {
    ["huawei_vrp", "arista_eos", "fortinet", "juniper_junos"]
        .iter()
        .flat_map(|driver| {
            ["paged", "wrong-password"]
                .map(|name| read(&format!("inventory/drivers/{driver}/transcripts/{name}.transcript")))
        })
        .collect()
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
