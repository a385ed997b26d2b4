//! What is done with bytes from outside, and what must hold whatever they are. `fuzz_targets/` runs these under
//! libFuzzer, `tests/it/fuzz.rs` with every test run.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use noctule::commands;
use noctule::console::keymap::Keymap;
use noctule::console::term::input::MOST_PASTED;
use noctule::console::term::{Input, InputParser};
use noctule::console::theme::Theme;
use noctule::device::clean::Cleaner;
use noctule::device::driver;
use noctule::device::icmp::packet::{self, Message, Seal};
use noctule::device::icmp::{Fault, Mark};
use noctule::device::identity::Rules;
use noctule::device::snmp::{Agent, Credentials, Oid, SnmpLimits, Sockets};
use noctule::device::transcript::Transcript;
use noctule::device::transport::{KnownHosts, SshConfig, TelnetCodec, fingerprint};
use noctule::engine::audit::parse_anchors;
use noctule::engine::import::{Format, form};
use noctule::engine::notify::settings::{NotifySettings, Password, Smtp, Tls};
use noctule::engine::notify::test_mail_over;
use noctule::engine::settings::{Settings, every_mistake};
use noctule::model::{
    Account, Address, AddressRange, BlobId, DeviceName, DriverId, Filter, MAX_SHOWN, Moment, Reach, Role,
    Secret, UserName, clean_line, is_hostile,
};
use noctule::server::Hello;
use noctule::server::metrics::request::{Asked, LONGEST, read};
use noctule::server::wire::{Assembler, Reply, Said, frames, message};
use noctule::store::series::{Block, Encoder, MOST_SAMPLES, decode_rows, encode_rows, parse_states};
use noctule::store::{JournalRecord, Keyring, Recipient};

/// A peer's Telnet: where the network cuts the bytes makes no difference, and the answer is no larger than a few
/// times the question.
pub fn telnet(data: &[u8]) {
    let mut whole = TelnetCodec::new(200, 60);
    let decoded = whole.feed(data);
    assert!(decoded.data.len() <= data.len(), "data out of nothing");
    assert!(decoded.reply.len() <= 16 * data.len() + 16, "the answer is larger than the question");
    let mut cut = TelnetCodec::new(200, 60);
    let (mut text, mut reply) = (Vec::new(), Vec::new());
    for byte in data {
        let part = cut.feed(std::slice::from_ref(byte));
        text.extend(part.data);
        reply.extend(part.reply);
    }
    assert_eq!((text, reply), (decoded.data, decoded.reply), "a cut makes a difference");
}

/// A device's output: it holds nothing that a terminal obeys, and where it is cut makes no difference.
pub fn cleaner(data: &[u8]) {
    let mut whole = Cleaner::new(encoding_rs::WINDOWS_1252, None);
    whole.feed(data);
    assert!(!whole.text().chars().any(|c| c != '\n' && c != '\t' && is_hostile(c)), "{:?}", whole.text());
    let mut cut = Cleaner::new(encoding_rs::WINDOWS_1252, None);
    for byte in data {
        cut.feed(std::slice::from_ref(byte));
    }
    assert_eq!(whole.text(), cut.text(), "a cut makes a difference");
    assert_eq!(whole.last_line(), cut.last_line(), "a cut makes a difference");
}

/// Any text that is shown as one line.
pub fn label(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let clean = clean_line(&text);
    assert!(!clean.chars().any(is_hostile), "{clean:?}");
    assert!(clean.chars().filter(|&c| c != '…').count() <= MAX_SHOWN + data.len().min(MAX_SHOWN) * 2);
}

/// A transcript: what is read, written and read again is the same.
pub fn transcript(data: &[u8]) {
    let Ok(read) = String::from_utf8_lossy(data).parse::<Transcript>() else { return };
    let written = read.to_string();
    match written.parse::<Transcript>() {
        Ok(again) => assert_eq!(again.to_string(), written, "writing is not stable"),
        Err(error) => panic!("cannot read what was written: line {}: {}\n{written}", error.line, error.what),
    }
}

/// A driver's file.
pub fn driver_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(id) = "huawei_vrp".parse() else { return };
    if let Err(problem) = driver::compile(&id, "driver.toml", &text) {
        assert!(!problem.what.is_empty(), "a refusal without a reason");
        assert!(problem.line.is_none_or(|line| (1..=1 + data.len()).contains(&line)), "{:?}", problem.line);
    }
}

/// The settings file.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = Settings::parse(&text, "config.toml", Path::new("/nowhere")) {
        assert!(!error.message.chars().any(is_hostile), "{:?}", error.message);
        assert!(error.line.is_none_or(|line| (1..=1 + data.len()).contains(&line)), "{:?}", error.line);
    }
    // the search for the others comes to its end
    let read = |text: &str| {
        Settings::parse(text, "", Path::new("/nowhere"))
            .map(drop)
            .map_err(|error| (error.line, error.message))
    };
    assert!(every_mistake(&text, read).len() <= 50);
}

/// A request for metrics: what is known of it once stays so, wherever it is cut, and a head that is too long is seen.
pub fn metrics_request(data: &[u8]) {
    let whole = read(data);
    assert!(data.len() < LONGEST || whole != Asked::More, "it would be waited for without end");
    let mut known = Asked::More;
    for at in (0..=data.len().min(LONGEST)).step_by(1 + data.len() / 200) {
        let now = read(&data[..at]);
        assert!(known == Asked::More || now == known, "{known:?} became {now:?} at {at}");
        known = now;
    }
    assert!(known == Asked::More || whole == known, "{known:?} became {whole:?}");
}

/// The keymap file.
pub fn keymap(data: &[u8]) {
    if let Err(error) = Keymap::patched(&String::from_utf8_lossy(data)) {
        assert!(!error.what.is_empty(), "a refusal without a reason");
    }
}

/// A theme file.
pub fn theme(data: &[u8]) {
    if let Err(error) = Theme::parse("fuzz", &String::from_utf8_lossy(data), true) {
        assert!(!error.what.is_empty(), "a refusal without a reason");
    }
}

/// What a terminal sends: where it is cut makes no difference, and a paste is bounded.
pub fn input(data: &[u8]) {
    let mut whole = InputParser::default();
    let mut inputs = whole.feed(data);
    inputs.extend(whole.settle());
    let mut cut = InputParser::default();
    let mut pieces = Vec::new();
    for byte in data {
        pieces.extend(cut.feed(std::slice::from_ref(byte)));
    }
    pieces.extend(cut.settle());
    assert_eq!(inputs, pieces, "a cut makes a difference");
    // A byte that is no UTF-8 becomes one character of three bytes.
    let too_long = |input: &Input| matches!(input, Input::Paste(text) if text.len() > 3 * MOST_PASTED);
    assert!(!inputs.iter().any(too_long), "an endless paste");
}

/// An inventory as CSV.
pub fn inventory_csv(data: &[u8]) {
    inventory(data, Format::Csv);
}

/// An inventory as TOML.
pub fn inventory_toml(data: &[u8]) {
    inventory(data, Format::Toml);
}

fn inventory(data: &[u8], format: Format) {
    let lines = 1 + data.iter().filter(|&&byte| byte == b'\n').count();
    let (rows, bad) = form(data, format);
    assert!(rows + bad.len() <= lines, "more devices than lines");
    for bad in bad {
        assert!((1..=lines).contains(&bad.line), "line {} of {lines}", bad.line);
        assert!(!bad.reason.is_empty() && !bad.reason.chars().any(is_hostile), "{:?}", bad.reason);
    }
}

/// What stands in a frame of the journal whose checksum is right.
pub fn journal(data: &[u8]) {
    let Ok(record) = postcard::from_bytes::<JournalRecord>(data) else { return };
    let written = postcard::to_stdvec(&record).unwrap_or_default();
    assert_eq!(postcard::from_bytes(&written), Ok(record), "writing is not stable");
}

/// OpenSSH's client configuration.
pub fn ssh_config(data: &[u8]) {
    match SshConfig::parse(&String::from_utf8_lossy(data), Path::new("/nonexistent")) {
        Ok(config) => drop(config.host("core-1", "operator")),
        Err(error) => assert!(error.contains("/nonexistent/.ssh"), "no file is named: {error}"),
    }
}

/// OpenSSH's known_hosts: a mistake has its line and takes no other with it, and what is found was said in the file.
pub fn known_hosts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let known = KnownHosts::parse(&text);
    let lines = text.lines().count();
    for fault in known.faults() {
        assert!((1..=lines).contains(&fault.line), "line {} of {lines}", fault.line);
        assert!(!fault.why.is_empty() && !fault.why.chars().any(is_hostile), "{:?}", fault.why);
    }
    for name in ["core-1", "[core-1]:2222", "192.0.2.1", "!", ""] {
        let found = known.of(name, "known_hosts");
        for found in found.keys.iter().chain(&found.revoked) {
            assert!(fingerprint(&found.key).is_some(), "{:?}", found.key);
        }
    }
}

/// A file of identity rules: a mistake has its line.
pub fn identity_rules(data: &[u8]) {
    if let Err((line, why)) = Rules::check(&String::from_utf8_lossy(data)) {
        assert!(!why.is_empty() && (1..=1 + data.len()).contains(&line), "line {line}: {why:?}");
    }
}

/// The words that commands, files and clients name things by: what is taken holds nothing that a terminal obeys, and is
/// read again as the same.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    fn same<T: std::str::FromStr + std::fmt::Display>(text: &str) {
        let Ok(read) = text.parse::<T>() else { return };
        let shown = read.to_string();
        assert!(!shown.chars().any(is_hostile), "{shown:?}");
        assert_eq!(shown.parse::<T>().ok().map(|again| again.to_string()), Some(shown), "{text:?}");
    }
    same::<DeviceName>(&text);
    same::<Address>(&text);
    same::<DriverId>(&text);
    same::<UserName>(&text);
    same::<Account>(&text);
    same::<Role>(&text);
    same::<Reach>(&text);
    drop(text.parse::<AddressRange>());
    drop(text.parse::<BlobId>());
    drop(Filter::new(&text, &["driver", "group"]));
}

/// Anchors of the journal, among other lines of a log.
pub fn anchors(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    assert!(parse_anchors(&text).len() <= text.lines().count(), "anchors out of nothing");
}

/// A host key that a device shows or a pin holds.
pub fn host_key(data: &[u8]) {
    if let Some(shown) = fingerprint(&String::from_utf8_lossy(data)) {
        assert!(!shown.chars().any(is_hostile), "{shown:?}");
    }
}

/// A command line, as a person types it behind `:`.
pub fn command_line(data: &[u8]) {
    let Some(words) = shlex::split(&String::from_utf8_lossy(data)) else { return };
    let Some((command, rest)) = commands::find(&words) else { return };
    if let Err(error) = commands::Args::read(command.name, command.args, rest) {
        assert!(!error.is_empty() && !error.chars().any(is_hostile), "{error:?}");
    }
}

/// What stands in a block of samples, of rows, or in the log of states, whatever its checksum says.
pub fn series(data: &[u8]) {
    const START: i64 = 1_795_521_600_000;
    if let Some(samples) = Block::read(START, data) {
        assert!(samples.len() <= MOST_SAMPLES as usize, "more samples than a block holds");
        if let Some((first, rest)) = samples.split_first() {
            let mut encoder = Encoder::new(*first);
            rest.iter().for_each(|heard| encoder.add(*heard));
            let again = encoder.block().samples().unwrap_or_default();
            let same = again.iter().map(|heard| heard.rtt).eq(samples.iter().map(|heard| heard.rtt));
            assert!(same, "writing loses something");
        }
    }
    if let Some(rows) = decode_rows(data) {
        let _ = encode_rows(&rows);
    }
    let mut records = 0;
    parse_states(data, |_| records += 1);
    assert!(records <= data.len(), "records out of nothing");
}

/// `notify.toml`: what it says is shown without a secret, and a mistake is told on a clean line.
pub fn notify_toml(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // damage may have put it where it is no secret
    let is_secret = text.match_indices(NEVER_SHOWN).all(|(at, _)| {
        ["password = \"", "token = \"1:", "Authorization = \""].iter().any(|head| text[..at].ends_with(head))
    });
    let shows = |shown: &str| is_secret && shown.contains(NEVER_SHOWN);
    match NotifySettings::parse(&text, "notify.toml", Path::new("/nonexistent")) {
        Err(error) => {
            let error = error.to_string();
            assert!(!error.is_empty() && !error.chars().any(is_hostile), "{error:?}");
            assert!(!shows(&error), "{error:?}");
        }
        Ok(settings) => {
            for rule in &settings.rules {
                assert!(rule.to.iter().all(|to| settings.target(to).is_some()), "a rule to nobody");
            }
            for target in &settings.targets {
                let place = target.place();
                assert!(!place.chars().any(is_hostile) && !shows(&place), "{place:?}");
            }
            assert!(!shows(&format!("{settings:?}")));
        }
    }
}

/// The password of the seeds.
pub const NEVER_SHOWN: &str = "s3cr3t-of-a-seed";

/// What a mail server says, all of it at once: a conversation that ends, told on a clean line of some length that
/// repeats no password.
pub fn smtp(data: &[u8]) {
    let smtp = Smtp {
        server: "mail.example.net".to_owned(),
        port: 25,
        tls: Tls::None,
        from: "noctule@example.net".to_owned(),
        to: vec!["noc@example.net".to_owned(), "ann@example.net".to_owned()],
        login: Some(("noctule".to_owned(), Password::Clear(Secret::new(NEVER_SHOWN)))),
        ca: None,
    };
    let server = tokio::io::join(std::io::Cursor::new(data.to_vec()), tokio::io::sink());
    let said = RUNTIME.block_on(test_mail_over(server, &smtp));
    let (Ok(said) | Err(said)) = said;
    assert!(!said.chars().any(is_hostile) && !said.contains(NEVER_SHOWN), "{said:?}");
    assert!(said.chars().count() <= 4 * MAX_SHOWN, "{} characters", said.chars().count());
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

/// An ICMP message as sockets hand it out: read in bounds, and no mark in it that was not made here.
pub fn icmp(data: &[u8]) {
    static SEAL: LazyLock<Seal> = LazyLock::new(Seal::new);
    let somewhere = Ipv4Addr::LOCALHOST.into();
    let read = [
        packet::read_v4(data),
        packet::read_v6(data),
        packet::read_ping(data),
        packet::read_refused(data, somewhere, Fault::NoHost),
    ];
    for message in read.into_iter().flatten() {
        let (Message::Reply(payload) | Message::Error { payload, .. }) = message;
        assert!(payload.len() + 8 <= data.len(), "a payload out of nothing");
        assert_eq!(SEAL.open(payload), None, "a mark out of nothing");
    }
    // with the seal it is the mark, and one bit beside it is none
    let number = data.iter().fold(0, |sum: u64, byte| sum.rotate_left(7) ^ u64::from(*byte));
    let mark = Mark { target: data.len() as u32, number, sent: Moment(number) };
    let mut request = SEAL.request(false, 7, mark);
    assert_eq!(SEAL.open(&request[8..]), Some(mark));
    let bit = (number % (32 * 8)) as usize;
    request[8 + bit / 8] ^= 1 << (bit % 8);
    assert_eq!(SEAL.open(&request[8..]), None);
}

/// What an SNMP agent answers before it answers well: the asking ends in time, and what was told is bounded and clean.
/// In `data` the bytes of [`SNMP_ID`] stand for the request's id.
pub fn snmp(data: &[u8]) {
    static LIAR: LazyLock<Liar> = LazyLock::new(Liar::start);
    let _alone = LIAR.turn.lock().unwrap_or_else(|broken| broken.into_inner());
    *LIAR.says.lock().unwrap() = data.to_vec();
    let limits = SnmpLimits {
        timeout: Duration::from_millis(100),
        retries: 0,
        whole: Duration::from_secs(2),
        bytes: 10_000,
    };
    let credentials = Credentials::Community { is_v1: false, community: Secret::new("public") };
    let asked = RUNTIME.block_on(async {
        let asking = async {
            let client = LIAR.sockets.client(LIAR.at, credentials, limits).await.unwrap();
            client.get(&[Oid::new(&[1, 3, 6, 1, 2, 1, 1, 1, 0])]).await
        };
        tokio::time::timeout(Duration::from_secs(10), asking).await.expect("it ends")
    });
    match asked {
        Ok(values) => {
            assert_eq!(values.len(), 1);
            let text = values.into_iter().flatten().find_map(|value| value.text());
            assert!(data != SNMP_ANSWER || text.as_deref() == Some("good"), "{text:?}");
            assert!(!text.is_some_and(|text| text.len() > 8 * 1024 || text.chars().any(is_hostile)));
        }
        Err(failure) => {
            assert!(!failure.message.is_empty() && !failure.message.chars().any(is_hostile), "{failure}");
        }
    }
}

/// The id of a request, in an answer: an INTEGER of four bytes.
pub const SNMP_ID: &[u8; 6] = b"\x02\x04#id#";
/// A good answer: sysDescr is `good`.
pub const SNMP_ANSWER: &[u8] =
    b"\x30\x2d\x02\x01\x01\x04\x06public\xa2\x20\x02\x04#id#\x02\x01\0\x02\x01\0\x30\x12\x30\x10\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x04\x04good";

/// An agent that says what it is told, and then the truth.
struct Liar {
    at: SocketAddr,
    sockets: Arc<Sockets>,
    says: Arc<Mutex<Vec<u8>>>,
    turn: Mutex<()>,
}

impl Liar {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (at, says) = (socket.local_addr().unwrap(), Arc::<Mutex<Vec<u8>>>::default());
        let said = Arc::clone(&says);
        std::thread::spawn(move || {
            let mut room = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut room) {
                let lie = said.lock().unwrap().clone();
                for answer in [&lie[..], SNMP_ANSWER] {
                    // one that is too large for a packet is not sent
                    let _ = socket.send_to(&addressed(answer, &room[..length]), from);
                }
            }
        });
        Self { at, sockets: Arc::default(), says, turn: Mutex::new(()) }
    }
}

/// The answer with the question's id; with one of no question, where that has another length.
fn addressed(answer: &[u8], question: &[u8]) -> Vec<u8> {
    let mut answer = answer.to_vec();
    let id = question.windows(6).position(|bytes| bytes == b"public").and_then(|community| {
        let pdu = question.get(community + 6..)?;
        let header = if pdu.get(1)? & 0x80 == 0 { 2 } else { 2 + usize::from(pdu.get(1)? & 0x7f) };
        pdu.get(header..header + SNMP_ID.len()).filter(|id| id.starts_with(&SNMP_ID[..2]))
    });
    let place = answer.windows(SNMP_ID.len()).position(|bytes| bytes == SNMP_ID);
    if let (Some(id), Some(place)) = (id, place) {
        answer[place..place + SNMP_ID.len()].copy_from_slice(id);
    }
    answer
}

/// What somebody says to the engine's socket: where it is cut makes no difference, nothing is longer than it may be, and
/// what is understood would be said in the same words.
pub fn wire(data: &[u8]) {
    const LONGEST: usize = 2000;
    let hear = |cut: usize| {
        let (mut assembler, mut bodies) = (Assembler::default(), Vec::new());
        for mut part in data.chunks(cut) {
            loop {
                match assembler.take(&mut part, LONGEST) {
                    Ok(Some(body)) => bodies.push(body),
                    Ok(None) => break,
                    Err(error) => return (bodies, Some(error.to_string())),
                }
            }
        }
        (bodies, None)
    };
    let whole = hear(data.len().max(1));
    assert_eq!(whole, hear(1), "a cut makes a difference");
    for body in whole.0 {
        assert!(body.len() <= LONGEST);
        if let Err(Reply::Refused(why)) = Hello::read(&body) {
            assert!(!why.chars().any(is_hostile), "{why}");
        }
        if let Ok(said) = message::<Said>(&body) {
            assert!(frames(&said).is_ok());
        }
    }
}

/// The file that holds a store's keys: as it lies there, and with the checksum that belongs to it. What is understood would
/// be written in the same bytes.
pub fn keyring(data: &[u8]) {
    const CHECKSUM: &[u8] = b"checksum ";
    let look = |data: &[u8]| match Keyring::parse(data) {
        Ok(keyring) => assert_eq!(keyring.text().as_bytes(), data),
        Err(why) => assert!(!why.is_empty()),
    };
    look(data);
    if let Some(end) = data.windows(CHECKSUM.len()).rposition(|window| window == CHECKSUM) {
        let checksum = format!("checksum {:08x}\n", crc32fast::hash(&data[..end]));
        look(&[&data[..end], checksum.as_bytes()].concat());
    }
    if let Ok(recipient) = String::from_utf8_lossy(data).parse::<Recipient>() {
        assert_eq!(recipient.to_string().parse(), Ok(recipient));
    }
}
