//! What is done with bytes from outside, and what must hold whatever they are. `fuzz_targets/` runs these under
//! libFuzzer, `tests/it/fuzz.rs` with every test run.

use noctule::console::keymap::Keymap;
use noctule::console::term::input::MOST_PASTED;
use noctule::console::term::{Input, InputParser};
use noctule::console::theme::Theme;
use noctule::device::clean::Cleaner;
use noctule::device::driver;
use noctule::device::transcript::Transcript;
use noctule::device::transport::TelnetCodec;
use noctule::engine::settings::Settings;
use noctule::model::{MAX_SHOWN, clean_line, is_hostile};

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
