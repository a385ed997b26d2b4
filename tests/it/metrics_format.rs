//! A strict reader of Prometheus' text format 0.0.4, and a client that asks for it: what either does not understand fails
//! the test.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::attach_fixture::within;

/// A metric with its samples: by their labels as they are written, `state="up"`, or nothing.
pub struct Family {
    pub kind: String,
    pub help: String,
    pub samples: BTreeMap<String, f64>,
}

/// A page of metrics.
pub struct Page(pub BTreeMap<String, Family>);

impl Page {
    /// The value of a sample, if it is there: `noctule_jobs`, `noctule_sessions{kind="console"}`.
    pub fn value(&self, sample: &str) -> Option<f64> {
        let (name, labels) = match sample.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("a closing bracket")),
            None => (sample, ""),
        };
        self.0.get(name)?.samples.get(labels).copied()
    }

    /// How many samples there are.
    pub fn series(&self) -> usize {
        self.0.values().map(|family| family.samples.len()).sum()
    }

    /// Reads every line.
    pub fn parse(text: &str) -> Self {
        assert!(
            text.ends_with('\n') && !text.contains('\r'),
            "every line ends with a line feed, the last one too"
        );
        let mut families = BTreeMap::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, help) = line
                .strip_prefix("# HELP ")
                .and_then(|rest| rest.split_once(' '))
                .unwrap_or_else(|| panic!("a family begins with its help: {line:?}"));
            assert!(is_name(name), "{line:?}");
            let kind = lines
                .next()
                .and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")))
                .unwrap_or_else(|| panic!("the type of {name} comes behind its help"));
            assert!(["counter", "gauge"].contains(&kind), "{name}: {kind:?}");
            let mut family =
                Family { kind: kind.to_owned(), help: unescaped(help, false), samples: BTreeMap::new() };
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                let (labels, value) = sample(name, line);
                assert!(family.samples.insert(labels, value).is_none(), "twice: {line:?}");
                assert!(kind != "counter" || value >= 0.0, "{line:?}");
            }
            assert!(!family.samples.is_empty(), "{name} has no sample");
            assert!(families.insert(name.to_owned(), family).is_none(), "{name} is in two places");
        }
        Self(families)
    }
}

/// A line of a sample of `name`: its labels, its value.
fn sample(name: &str, line: &str) -> (String, f64) {
    let rest = line.strip_prefix(name).unwrap_or_else(|| panic!("a sample of {name}: {line:?}"));
    let (labels, value) = match rest.strip_prefix('{') {
        // no value of ours has a bracket in it
        Some(rest) => rest.split_once("} ").unwrap_or_else(|| panic!("labels end with a bracket: {line:?}")),
        None => ("", rest.strip_prefix(' ').unwrap_or_else(|| panic!("a space before the value: {line:?}"))),
    };
    let mut seen = BTreeSet::new();
    for label in labels.split_inclusive("\",").filter(|label| !label.is_empty()) {
        let (name, value) = label.trim_end_matches(',').split_once('=').expect("a label with its value");
        let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).expect("quotes");
        assert!(
            is_name(name) && !name.contains(':') && !name.starts_with("__") && seen.insert(name),
            "{line:?}"
        );
        unescaped(inner, true);
    }
    // digits and a point: what Go's and every other reader understands; a time of its own would be a second word
    assert!(value.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte)), "{line:?}");
    (labels.to_owned(), value.parse().unwrap_or_else(|_| panic!("a number: {line:?}")))
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || b"_:".contains(&first))
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
}

fn unescaped(text: &str, is_label: bool) -> String {
    let (mut plain, mut chars) = (String::new(), text.chars());
    while let Some(next) = chars.next() {
        plain.push(match next {
            '\\' => match chars.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if is_label => '"',
                other => panic!("no escape: \\{other:?} in {text:?}"),
            },
            '"' if is_label => panic!("a bare quote in {text:?}"),
            other => other,
        });
    }
    plain
}

/// An answer over HTTP: its status, its fields in small letters, its body.
pub struct Answer {
    pub status: u16,
    pub fields: BTreeMap<String, String>,
    pub body: String,
}

/// Asks with these bytes, and reads the answer to the end of the connection.
pub async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> Option<Answer> {
    // what is refused may be closed before all of it is sent
    let _ = within(stream.write_all(request)).await;
    let mut bytes = Vec::new();
    let ended = within(stream.read_to_end(&mut bytes)).await;
    if bytes.is_empty() {
        return None;
    }
    ended.expect("an end, not a break");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).expect("a status line");
    let (status, _reason) = status.split_once(' ').expect("a status with its reason");
    let fields = lines.map(|line| {
        let (name, value) = line.split_once(": ").expect("a field");
        (name.to_ascii_lowercase(), value.to_owned())
    });
    let fields: BTreeMap<String, String> = fields.collect();
    assert_eq!(fields["content-length"], body.len().to_string());
    assert_eq!(fields["connection"], "close");
    Some(Answer { status: status.parse().expect("a number"), fields, body: body.to_owned() })
}

/// What a good scraper does.
pub async fn scrape(stream: impl AsyncRead + AsyncWrite + Unpin) -> Page {
    let request = b"GET /metrics HTTP/1.1\r\nHost: noctule\r\nAccept: text/plain;version=0.0.4\r\n\r\n";
    let answer = ask(stream, request).await.expect("an answer");
    assert_eq!(
        (answer.status, answer.fields["content-type"].as_str()),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    Page::parse(&answer.body)
}

/// From look to look for what comes by itself.
pub const LOOK: Duration = Duration::from_millis(20);
