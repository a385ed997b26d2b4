//! Reads and writes transcripts.

use std::fmt::Write as _;
use std::str::FromStr;

use crate::model::{DriverId, FailureKind, TransportKind};

const FIRST_LINE: &str = "noctule transcript 1";

/// A transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The kind of device.
    pub driver: DriverId,
    /// How it was reached.
    pub transport: TransportKind,
    /// What it shows and where it comes from.
    pub about: String,
    /// What must come of it.
    pub expect: Expectation,
    /// Whether the device sends back what is typed, without that being written here.
    pub echo: bool,
    /// Whether a simulated SSH server refuses the password.
    pub refuses: bool,
    /// What happens, each with its line in the file.
    pub steps: Vec<(usize, Step)>,
}

/// What must come of playing a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// A proven configuration.
    Good,
    /// A configuration that is put aside.
    Quarantined,
    /// A failure.
    Failure(FailureKind),
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The device sends these bytes.
    Device(Vec<u8>),
    /// The client types a line.
    Line {
        /// The line, `{password}` and the like standing for the real thing.
        text: String,
        /// Whether the device does not send it back.
        hidden: bool,
    },
    /// The client sends these bytes and no line end.
    Keys(Vec<u8>),
    /// The device is silent for so many milliseconds.
    Wait(u64),
    /// The device never says anything again.
    Hang,
    /// The device closes the connection.
    Close,
}

/// A mistake in a transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ParseError {
    /// The line, counting from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl FromStr for Transcript {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
        if lines.next().map(|(_, line)| line) != Some(FIRST_LINE) {
            return Err(ParseError { line: 1, what: format!("a transcript begins with `{FIRST_LINE}`") });
        }
        let mut head = Head::default();
        for (number, line) in lines.by_ref() {
            if line == "---" {
                break;
            }
            head.take(line).map_err(|what| ParseError { line: number, what })?;
        }
        let missing = |what: &str| ParseError { line: 1, what: format!("the head lacks `{what}:`") };
        let mut steps = Vec::new();
        for (number, line) in lines {
            if let Some(step) = step(line).map_err(|what| ParseError { line: number, what })? {
                steps.push((number, step));
            }
        }
        Ok(Self {
            driver: head.driver.ok_or_else(|| missing("driver"))?,
            transport: head.transport.ok_or_else(|| missing("transport"))?,
            about: head.about,
            expect: head.expect.ok_or_else(|| missing("expect"))?,
            echo: head.echo,
            refuses: head.refuses,
            steps,
        })
    }
}

impl std::fmt::Display for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{FIRST_LINE}\ndriver: {}\ntransport: {}\nabout: {}",
            self.driver, self.transport, self.about
        )?;
        match self.expect {
            Expectation::Good => writeln!(f, "expect: ok")?,
            Expectation::Quarantined => writeln!(f, "expect: quarantined")?,
            Expectation::Failure(kind) => writeln!(f, "expect: failure {kind}")?,
        }
        writeln!(f, "echo: {}", if self.echo { "on" } else { "off" })?;
        if self.refuses {
            writeln!(f, "auth: refuse")?;
        }
        writeln!(f, "---")?;
        self.steps.iter().try_for_each(|(_, step)| write_step(f, step))
    }
}

#[derive(Default)]
struct Head {
    driver: Option<DriverId>,
    transport: Option<TransportKind>,
    about: String,
    expect: Option<Expectation>,
    echo: bool,
    refuses: bool,
}

impl Head {
    fn take(&mut self, line: &str) -> Result<(), String> {
        let (field, value) = line.split_once(':').ok_or("a line of the head is `field: value`")?;
        let value = value.trim();
        match field.trim() {
            "driver" => self.driver = Some(value.parse()?),
            "transport" => self.transport = Some(value.parse()?),
            "about" => self.about = value.to_owned(),
            "expect" => self.expect = Some(expectation(value)?),
            "echo" => self.echo = one_of(value, "off", "on")?,
            "auth" => self.refuses = one_of(value, "accept", "refuse")?,
            other => return Err(format!("the head has no field `{other}`")),
        }
        Ok(())
    }
}

fn one_of(value: &str, no: &str, yes: &str) -> Result<bool, String> {
    match value {
        _ if value == yes => Ok(true),
        _ if value == no => Ok(false),
        _ => Err(format!("{value:?} is neither {yes} nor {no}")),
    }
}

fn expectation(value: &str) -> Result<Expectation, String> {
    match value.split_once(' ') {
        None if value == "ok" => Ok(Expectation::Good),
        None if value == "quarantined" => Ok(Expectation::Quarantined),
        Some(("failure", kind)) => serde_json::from_value(kind.trim().into())
            .map(Expectation::Failure)
            .map_err(|_| format!("{kind:?} is no kind of failure")),
        _ => Err(format!("{value:?} is neither `ok`, `quarantined` nor `failure KIND`")),
    }
}

fn step(line: &str) -> Result<Option<Step>, String> {
    let (mark, text) = line.split_once(' ').unwrap_or((line, ""));
    Ok(Some(match mark {
        "<." => Step::Device([unescape(text)?, b"\r\n".to_vec()].concat()),
        "<" => Step::Device(unescape(text)?),
        ">" => Step::Line { text: text_of(text)?, hidden: false },
        ">!" => Step::Line { text: text_of(text)?, hidden: true },
        ">>" => Step::Keys(unescape(text)?),
        "@" => match text.split_once(' ').unwrap_or((text, "")) {
            ("wait", millis) => Step::Wait(millis.parse().map_err(|_| format!("{millis:?} is no number"))?),
            ("hang", _) => Step::Hang,
            ("close", _) => Step::Close,
            _ => return Err(format!("`@ {text}` is not known: wait, hang and close are")),
        },
        "#" | "" => return Ok(None),
        _ => return Err(format!("{mark:?} begins no line of a transcript: <. < > >! >> @ # do")),
    }))
}

fn text_of(text: &str) -> Result<String, String> {
    String::from_utf8(unescape(text)?).map_err(|_| "a typed line is not UTF-8".to_owned())
}

fn write_step(f: &mut std::fmt::Formatter<'_>, step: &Step) -> std::fmt::Result {
    match step {
        Step::Device(bytes) => {
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                match line.strip_suffix(b"\r\n") {
                    Some(line) => writeln!(f, "<. {}", escape(line))?,
                    None => writeln!(f, "< {}", escape(line))?,
                }
            }
            Ok(())
        }
        Step::Line { text, hidden: false } => writeln!(f, "> {}", escape(text.as_bytes())),
        Step::Line { text, hidden: true } => writeln!(f, ">! {}", escape(text.as_bytes())),
        Step::Keys(bytes) => writeln!(f, ">> {}", escape(bytes)),
        Step::Wait(millis) => writeln!(f, "@ wait {millis}"),
        Step::Hang => writeln!(f, "@ hang"),
        Step::Close => writeln!(f, "@ close"),
    }
}

/// Bytes as they stand in a transcript.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\r' => text.push_str("\\r"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\u{8}' => text.push_str("\\b"),
                '\u{1b}' => text.push_str("\\e"),
                '\\' => text.push_str("\\\\"),
                c if crate::model::is_hostile(c) => {
                    let mut utf8 = [0; 4];
                    escape_raw(c.encode_utf8(&mut utf8).as_bytes(), &mut text);
                }
                c => text.push(c),
            }
        }
        escape_raw(chunk.invalid(), &mut text);
    }
    if text.ends_with(' ') {
        text.pop();
        text.push_str("\\x20");
    }
    text
}

fn escape_raw(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        let _ = write!(text, "\\x{byte:02x}");
    }
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.trim_end_matches(' ').chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match chars.next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('b') => 8,
            Some('e') => 0x1b,
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16)
                    .map_err(|_| format!("`\\x{digits}` is no byte: two hex digits are"))?
            }
            other => {
                return Err(format!(
                    "`\\{}` is not known: \\r \\n \\t \\b \\e \\\\ \\xNN are",
                    other.unwrap_or(' ')
                ));
            }
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step() -> impl Strategy<Value = Step> {
        let bytes = || proptest::collection::vec(any::<u8>(), 1..30);
        prop_oneof![
            bytes().prop_map(|mut bytes| {
                bytes.retain(|&byte| byte != b'\n');
                bytes.push(b'>');
                Step::Device(bytes)
            }),
            ("\\PC{0,10}", any::<bool>()).prop_map(|(text, hidden)| Step::Line { text, hidden }),
            bytes().prop_map(Step::Keys),
            any::<u64>().prop_map(Step::Wait),
            Just(Step::Hang),
            Just(Step::Close),
        ]
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was(steps in proptest::collection::vec(step(), 0..10), echo: bool, refuses: bool) {
            let transcript = Transcript {
                driver: "cisco_ios".parse().unwrap(),
                transport: TransportKind::Ssh,
                about: "a run".into(),
                expect: Expectation::Failure(FailureKind::HostKey),
                echo,
                refuses,
                steps: steps.into_iter().enumerate().collect(),
            };
            let again: Transcript = transcript.to_string().parse().unwrap();
            let steps = |transcript: &Transcript| -> Vec<Step> {
                transcript.steps.iter().map(|(_, step)| step.clone()).collect()
            };
            prop_assert_eq!(steps(&again), steps(&transcript));
            prop_assert_eq!((again.expect, again.echo, again.refuses), (transcript.expect, echo, refuses));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(noctule transcript 1\n)?(\\PC|\n){0,80}") {
            let _ = text.parse::<Transcript>();
        }
    }

    #[test]
    fn mistakes_name_their_line() {
        let text = "noctule transcript 1\ndriver: cisco_ios\ntransport: ssh\nexpect: ok\n---\n< a\n? b\n";
        assert_eq!(text.parse::<Transcript>().unwrap_err().line, 7);
        assert_eq!(text.replace("ok", "fine").parse::<Transcript>().unwrap_err().line, 4);
        assert!(text.replace("? b", "< \\q").parse::<Transcript>().unwrap_err().what.contains("\\q"));
    }
}
