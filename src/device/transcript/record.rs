//! Records a session as it happens, so that a failed one can be looked at, replayed, and made into a test.

use std::time::Duration;

use super::{ENABLE_PASSWORD, Expectation, PASSWORD, Step, Transcript, USERNAME};
use crate::model::{DriverId, FailureKind, TransportKind};

/// The most bytes kept of the beginning, and as many of the end.
const KEPT: usize = 256 << 10;

/// A silence at least this long is written down, in milliseconds.
const SILENCE: u64 = 200;

/// What a step costs beside its bytes: a device that sends them one by one must not take more than its share.
const STEP: usize = 64;

/// Keeps what was said, to the byte; secrets are replaced as they are sent.
#[derive(Default)]
pub struct Recorder {
    head: Vec<(Duration, Step)>,
    tail: std::collections::VecDeque<(Duration, Step)>,
    head_bytes: usize,
    tail_bytes: usize,
    dropped: usize,
}

/// A secret that a typed line may hold, and what is written for it.
pub struct Stand<'a> {
    /// The secret.
    pub secret: &'a str,
    /// What is written.
    pub token: &'static str,
}

impl Recorder {
    /// The device sent `bytes`, `at` after the session began.
    pub fn device(&mut self, at: Duration, bytes: &[u8]) {
        self.push(at, Step::Device(bytes.to_vec()), bytes.len());
    }

    /// A line was typed. `hidden` lines hold a secret.
    pub fn line(&mut self, at: Duration, text: &str, hidden: bool) {
        self.push(at, Step::Line { text: text.to_owned(), hidden }, text.len());
    }

    /// Keys were sent without a line end.
    pub fn keys(&mut self, at: Duration, bytes: &[u8]) {
        self.push(at, Step::Keys(bytes.to_vec()), bytes.len());
    }

    fn push(&mut self, at: Duration, step: Step, bytes: usize) {
        let bytes = bytes + STEP;
        if self.head_bytes + bytes <= KEPT && self.dropped == 0 && self.tail.is_empty() {
            self.head_bytes += bytes;
            self.head.push((at, step));
            return;
        }
        self.tail_bytes += bytes;
        self.tail.push_back((at, step));
        while self.tail_bytes > KEPT {
            let Some((_, step)) = self.tail.pop_front() else { return };
            let length = length(&step);
            self.tail_bytes = self.tail_bytes.saturating_sub(length + STEP);
            self.dropped += length;
        }
    }

    /// The transcript. Secrets that the device itself sent back are replaced too.
    pub fn finish(
        self,
        driver: &DriverId,
        transport: TransportKind,
        failure: FailureKind,
        about: &str,
        secrets: &[Stand<'_>],
    ) -> Transcript {
        let mut steps = Vec::new();
        let mut last = Duration::ZERO;
        let mut dropped = self.dropped;
        let head = self.head.len();
        for (place, (at, step)) in self.head.into_iter().chain(self.tail).enumerate() {
            if place == head && dropped > 0 {
                let note = format!("\r\n[{dropped} bytes are not kept]\r\n");
                steps.push(Step::Device(note.into_bytes()));
                dropped = 0;
            }
            let silence = u64::try_from(at.saturating_sub(last).as_millis()).unwrap_or(u64::MAX);
            if silence >= SILENCE {
                steps.push(Step::Wait(silence));
            }
            last = at;
            append(&mut steps, step);
        }
        Transcript {
            driver: driver.clone(),
            transport,
            about: about.to_owned(),
            expect: Expectation::Failure(failure),
            echo: false,
            refuses: false,
            steps: steps.into_iter().map(|step| without_secrets(step, secrets)).enumerate().collect(),
        }
    }
}

/// Joins what the device sent in several pieces: the network cut it, not the device. A secret may lie across a cut.
fn append(steps: &mut Vec<Step>, step: Step) {
    match (steps.last_mut(), step) {
        (Some(Step::Device(before)), Step::Device(bytes)) => before.extend(bytes),
        (_, step) => steps.push(step),
    }
}

fn length(step: &Step) -> usize {
    match step {
        Step::Device(bytes) | Step::Keys(bytes) => bytes.len(),
        Step::Line { text, .. } => text.len(),
        _ => 0,
    }
}

/// Replaces secrets in one pass, the longest first: what was put in is not looked at again, since a token may hold
/// the secret (`{password}` and the password `password`).
fn without_secrets(step: Step, secrets: &[Stand<'_>]) -> Step {
    let Step::Device(bytes) = step else { return step };
    let mut stands: Vec<&Stand<'_>> = secrets.iter().filter(|stand| stand.is_replaced()).collect();
    stands.sort_by_key(|stand| std::cmp::Reverse(stand.secret.len()));
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some(&byte) = rest.first() {
        match stands.iter().find(|stand| rest.starts_with(stand.secret.as_bytes())) {
            Some(stand) => {
                clean.extend_from_slice(stand.token.as_bytes());
                rest = &rest[stand.secret.len()..];
            }
            None => {
                clean.push(byte);
                rest = &rest[1..];
            }
        }
    }
    Step::Device(clean)
}

impl Stand<'_> {
    /// A short login name is no secret, and would be found in half of all words.
    fn is_replaced(&self) -> bool {
        !self.secret.is_empty() && (self.token != USERNAME || self.secret.len() >= 4)
    }
}

/// What stands for each credential.
pub fn stands<'a>(username: &'a str, password: &'a str, enable: &'a str) -> [Stand<'a>; 3] {
    [
        Stand { secret: password, token: PASSWORD },
        Stand { secret: enable, token: ENABLE_PASSWORD },
        Stand { secret: username, token: USERNAME },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(recorder: Recorder) -> String {
        let stands = stands("operator", "not-real", "nor-this");
        recorder
            .finish(&"cisco_ios".parse().unwrap(), TransportKind::Ssh, FailureKind::Prompt, "core-1", &stands)
            .to_string()
    }

    #[test]
    fn a_secret_is_not_kept_even_where_the_device_sends_it_back() {
        let mut recorder = Recorder::default();
        recorder.device(Duration::ZERO, b"Password: ");
        recorder.line(Duration::from_millis(10), PASSWORD, true);
        recorder.device(Duration::from_millis(900), b"not-real\r\n% nor-this\r\nsw>");
        let text = finish(recorder);
        assert!(!text.contains("not-real") && !text.contains("nor-this"), "{text}");
        assert!(text.contains("@ wait 890") && text.contains(">! {password}"), "{text}");
        assert!(text.parse::<Transcript>().is_ok());
    }

    #[test]
    fn a_secret_that_came_in_pieces_is_not_kept() {
        let mut recorder = Recorder::default();
        for byte in b"not-real\r\n" {
            recorder.device(Duration::ZERO, &[*byte]);
        }
        let text = finish(recorder);
        assert!(text.contains("<. {password}"), "{text}");
    }

    #[test]
    fn a_secret_that_its_token_holds_is_replaced_once() {
        let mut recorder = Recorder::default();
        recorder.device(Duration::ZERO, b"password username x\r\n");
        let stands = stands("username", "password", "x");
        let transcript = recorder.finish(
            &"cisco_ios".parse().unwrap(),
            TransportKind::Telnet,
            FailureKind::Prompt,
            "core-1",
            &stands,
        );
        assert!(transcript.to_string().contains("<. {password} {username} {enable_password}"));
    }

    #[test]
    fn the_beginning_and_the_end_of_an_endless_session_are_kept() {
        let mut recorder = Recorder::default();
        recorder.device(Duration::ZERO, b"first\r\n");
        for _ in 0..2_000 {
            recorder.device(Duration::ZERO, &[b'x'; 1024]);
        }
        recorder.device(Duration::ZERO, b"\r\nlast\r\n");
        let text = finish(recorder);
        assert!(text.len() < 3 * KEPT);
        assert!(text.contains("first") && text.contains("last") && text.contains("bytes are not kept]"));
    }

    #[test]
    fn bytes_that_come_one_by_one_take_no_more_room() {
        let mut recorder = Recorder::default();
        for _ in 0..100_000 {
            recorder.device(Duration::ZERO, b"x");
            recorder.line(Duration::ZERO, "", false);
        }
        assert!((recorder.head.len() + recorder.tail.len()) * STEP <= 2 * KEPT);
    }
}
