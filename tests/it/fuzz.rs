//! The bodies of `fuzz/` with damaged copies of real input: the same bytes in every run.

use std::path::Path;

use noctule::model::{DeviceId, Timestamp};
use noctule::store::series::{
    Encoder, Folder, Heard, Mix, Rtt, Standing, StateLog, StateRecord, encode_rows,
};
use noctule::store::{Change, JournalRecord};

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
