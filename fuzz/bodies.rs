//! What is done with bytes from outside, and what must hold whatever they are. `fuzz_targets/` runs these under
//! libFuzzer, `tests/it/fuzz.rs` with every test run.

use std::path::Path;

use noctule::commands;
use noctule::console::keymap::Keymap;
use noctule::console::term::input::MOST_PASTED;
use noctule::console::term::{Input, InputParser};
use noctule::console::theme::Theme;
use noctule::device::clean::Cleaner;
use noctule::device::driver;
use noctule::device::transcript::Transcript;
use noctule::device::transport::{SshConfig, TelnetCodec, fingerprint};
use noctule::engine::import::{Format, form};
use noctule::engine::settings::Settings;
use noctule::model::{MAX_SHOWN, clean_line, is_hostile};
use noctule::store::JournalRecord;
use noctule::store::series::{Block, Encoder, MOST_SAMPLES, decode_rows, encode_rows, parse_states};

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
    if let Err(error) = Settings::parse(&text, "config.toml") {
        assert!(!error.message.chars().any(is_hostile), "{:?}", error.message);
        assert!(error.line.is_none_or(|line| (1..=1 + data.len()).contains(&line)), "{:?}", error.line);
    }
}

/// The keymap file.
pub fn keymap(data: &[u8]) {
    if let Err(error) = Keymap::patched(&String::from_utf8_lossy(data)) {
        assert!(!error.is_empty(), "a refusal without a reason");
    }
}

/// A theme file.
pub fn theme(data: &[u8]) {
    if let Err(error) = Theme::parse("fuzz", &String::from_utf8_lossy(data), true) {
        assert!(!error.is_empty(), "a refusal without a reason");
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
