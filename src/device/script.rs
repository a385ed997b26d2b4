//! A device that plays a transcript: bytes in, bytes out, no I/O and no clock.
//!
//! Strict, it proves a driver: what the client sends must be what the transcript says. Lenient, it is a simulated
//! device: lines are answered in whatever order they come, and the configuration can be another.

use encoding_rs::{Encoding, UTF_8};
use regex::Regex;

use super::transcript::{ENABLE_PASSWORD, PASSWORD, Step, Transcript, USERNAME};

/// What the device does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Is silent for so many milliseconds.
    Wait(u64),
    /// A typed line was understood: what a simulated device takes its time for.
    Work,
    /// Never says anything again.
    Hang,
    /// Closes the connection.
    Close,
}

/// The client sent what the transcript does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: the transcript expects {expected}, the session sent {got:?}")]
pub struct Mismatch {
    /// The line of the transcript.
    pub line: usize,
    /// What it says there.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// What is expected where a transcript has ended.
const NOTHING: &str = "nothing more";

impl Mismatch {
    /// Whether the session got to the end of the transcript and would have gone on.
    pub fn is_at_end(&self) -> bool {
        self.expected == NOTHING
    }
}

/// What a person knows of the device.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The login name.
    pub username: String,
    /// The login password.
    pub password: String,
    /// The password of the privileged mode.
    pub enable_password: String,
    /// The device's name, for `{{hostname}}`.
    pub hostname: String,
}

/// A transcript being played.
pub struct Script {
    steps: Vec<(usize, Step)>,
    echo: bool,
    strict: bool,
    login: Login,
    at: usize,
    typed: Vec<u8>,
    /// What stands on the client's last line: a prompt, most of the time.
    last_line: Vec<u8>,
    /// The typed line whose output is the configuration, and the configuration.
    configuration: Option<(String, Vec<u8>)>,
    over: bool,
    after_return: bool,
    refuses_password: bool,
}

impl Script {
    /// Plays `transcript` to the letter.
    pub fn strict(transcript: &Transcript, login: Login) -> Self {
        Self::new(transcript, login, true)
    }

    /// Answers lines in any order.
    pub fn lenient(transcript: &Transcript, login: Login) -> Self {
        Self::new(transcript, login, false)
    }

    fn new(transcript: &Transcript, login: Login, strict: bool) -> Self {
        Self {
            steps: transcript.steps.clone(),
            echo: transcript.echo,
            strict,
            login,
            at: 0,
            typed: Vec::new(),
            last_line: Vec::new(),
            configuration: None,
            over: false,
            after_return: false,
            refuses_password: false,
        }
    }

    /// Lets the login password be wrong: the login dialogue begins anew behind it.
    pub fn refuse_password(&mut self) {
        self.refuses_password = true;
    }

    /// Makes `text` (lines ending in `\n`) the answer to the line `command`, sent in `charset`. Where `stated_size`
    /// matches a line, the number in it is set right.
    pub fn set_configuration(
        &mut self,
        command: &str,
        text: &str,
        charset: &'static Encoding,
        stated_size: Option<&Regex>,
    ) {
        let mut body = text.to_owned();
        let mut at = 0;
        for line in text.split_inclusive('\n').filter(|_| stated_size.is_some()) {
            let captures = stated_size.and_then(|pattern| pattern.captures(line.trim_end_matches('\n')));
            if let Some(size) = captures.and_then(|captures| captures.get(1)) {
                body.replace_range(at + size.start()..at + size.end(), &text.len().to_string());
                break;
            }
            at += line.len();
        }
        let body = body.replace('\n', "\r\n");
        self.configuration = Some((command.to_owned(), charset.encode(&body).0.into_owned()));
    }

    /// The lines that the transcript answers to `command`, each ending in `\n`.
    pub fn configuration_of(
        transcript: &Transcript,
        command: &str,
        charset: &'static Encoding,
    ) -> Option<(String, &'static Encoding)> {
        let typed = |step: &(usize, Step)| matches!(&step.1, Step::Line { text, .. } if text == command);
        let begin = transcript.steps.iter().position(typed)? + 1;
        let mut bytes = Vec::new();
        for (_, step) in &transcript.steps[begin..] {
            let Step::Device(line) = step else { break };
            if !line.ends_with(b"\n") {
                break;
            }
            bytes.extend_from_slice(line);
        }
        // as the cleaner reads it: UTF-8 where it is that
        let charset = if std::str::from_utf8(&bytes).is_ok() { UTF_8 } else { charset };
        Some((charset.decode_without_bom_handling(&bytes).0.replace("\r\n", "\n"), charset))
    }

    /// What the device does before anything is typed.
    pub fn start(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        self.run_device(&mut acts);
        acts
    }

    /// What it does about `bytes`.
    ///
    /// # Errors
    /// A strict script expects something else.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<Act>, Mismatch> {
        let mut acts = Vec::new();
        for &byte in bytes {
            if self.over {
                break;
            }
            // CR LF and CR NUL are one line end.
            if std::mem::take(&mut self.after_return) && (byte == b'\n' || byte == 0) {
                continue;
            }
            self.typed.push(byte);
            if self.takes_keys(&mut acts) {
                continue;
            }
            if byte == b'\r' || byte == b'\n' {
                self.after_return = byte == b'\r';
                self.typed.pop();
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.typed)).into_owned();
                self.take_line(&line, &mut acts)?;
            }
        }
        Ok(acts)
    }

    /// Whether a strict script has been played to its end.
    pub fn is_at_end(&self) -> bool {
        self.steps[self.at.min(self.steps.len())..].iter().all(|(_, step)| !matches!(step, Step::Line { .. }))
    }

    /// A pager's answer, if that is what comes next.
    fn takes_keys(&mut self, acts: &mut Vec<Act>) -> bool {
        let Some((_, Step::Keys(keys))) = self.steps.get(self.at) else { return false };
        if self.typed == *keys {
            self.typed.clear();
            self.at += 1;
            self.run_device(acts);
            return true;
        }
        keys.starts_with(&self.typed)
    }

    fn take_line(&mut self, line: &str, acts: &mut Vec<Act>) -> Result<(), Mismatch> {
        let next = self.find(line);
        if line.is_empty() && self.echo && next != Some(self.at) {
            let mut again = b"\r\n".to_vec();
            again.extend_from_slice(&self.last_line);
            acts.extend([Act::Work, Act::Send(again)]);
            return Ok(());
        }
        match next {
            Some(place) => {
                self.at = place + 1;
                acts.push(Act::Work);
                let hidden = matches!(self.steps[place].1, Step::Line { hidden: true, .. });
                self.send_echo(if hidden { "" } else { line }, acts);
                if self.refuses_password && hidden && line == self.login.password {
                    self.at = 0;
                }
                if !self.answer_with_configuration(line, acts) {
                    self.run_device(acts);
                }
                Ok(())
            }
            None if self.strict => Err(self.mismatch(line)),
            None => {
                acts.push(Act::Work);
                let prompt = self.last_line.clone();
                self.send_echo(line, acts);
                self.send(&prompt, acts);
                Ok(())
            }
        }
    }

    /// The step that `line` answers: the next one of a strict script, else the nearest one ahead, else any.
    fn find(&self, line: &str) -> Option<usize> {
        let fits = |place: &usize| match &self.steps[*place].1 {
            Step::Line { text, .. } => self.filled(text) == line,
            _ => false,
        };
        if self.strict {
            return Some(self.at).filter(|place| *place < self.steps.len()).filter(fits);
        }
        (self.at..self.steps.len()).find(fits).or_else(|| (0..self.at.min(self.steps.len())).find(fits))
    }

    fn answer_with_configuration(&mut self, line: &str, acts: &mut Vec<Act>) -> bool {
        let Some((command, body)) = &self.configuration else { return false };
        if command != line {
            return false;
        }
        let body = self.fill_bytes(body);
        // The transcript's own lines are passed over, up to what stands without a line end: the prompt.
        while matches!(self.steps.get(self.at), Some((_, Step::Device(bytes))) if bytes.ends_with(b"\n")) {
            self.at += 1;
        }
        self.send(&body, acts);
        self.run_device(acts);
        true
    }

    fn run_device(&mut self, acts: &mut Vec<Act>) {
        while let Some((_, step)) = self.steps.get(self.at) {
            match step.clone() {
                Step::Device(bytes) => {
                    let bytes = self.fill_bytes(&bytes);
                    self.send(&bytes, acts);
                }
                Step::Wait(millis) => acts.push(Act::Wait(millis)),
                Step::Hang => {
                    self.over = true;
                    acts.push(Act::Hang);
                }
                Step::Close => {
                    self.over = true;
                    acts.push(Act::Close);
                }
                Step::Line { .. } | Step::Keys(_) => return,
            }
            self.at += 1;
        }
    }

    fn send_echo(&mut self, line: &str, acts: &mut Vec<Act>) {
        if self.echo {
            self.send(format!("{line}\r\n").as_bytes(), acts);
        }
    }

    fn send(&mut self, bytes: &[u8], acts: &mut Vec<Act>) {
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => self.last_line = bytes[end + 1..].to_vec(),
            None => self.last_line.extend_from_slice(bytes),
        }
        match acts.last_mut() {
            Some(Act::Send(before)) => before.extend_from_slice(bytes),
            _ => acts.push(Act::Send(bytes.to_vec())),
        }
    }

    fn filled(&self, text: &str) -> String {
        text.replace(USERNAME, &self.login.username)
            .replace(ENABLE_PASSWORD, &self.login.enable_password)
            .replace(PASSWORD, &self.login.password)
    }

    fn fill_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        if !bytes.contains(&b'{') {
            return bytes.to_vec();
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.filled(&text.replace("{{hostname}}", &self.login.hostname)).into_bytes(),
            Err(_) => bytes.to_vec(),
        }
    }

    fn mismatch(&self, line: &str) -> Mismatch {
        let (number, expected) = match self.steps.get(self.at) {
            Some((number, Step::Line { text, .. })) => (*number, format!("the line {text:?}")),
            Some((number, Step::Keys(keys))) => {
                (*number, format!("the keys {:?}", String::from_utf8_lossy(keys)))
            }
            Some((number, _)) => (*number, "the device to speak".to_owned()),
            None => (self.steps.last().map_or(0, |(number, _)| *number), NOTHING.to_owned()),
        };
        Mismatch { line: number, expected, got: line.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stated_size_is_set_right() {
        let transcript = "noctule transcript 1\ndriver: cisco_ios\ntransport: ssh\nexpect: ok\necho: off\n---\n\
                          < sw#\n> show\n<. old\n< sw#\n";
        let mut script = Script::lenient(&transcript.parse().unwrap(), Login::default());
        let size = Regex::new(r"^size (\d+)$").unwrap();
        script.set_configuration("show", "model 29\nsize 29\nend\n", UTF_8, Some(&size));
        script.start();
        let acts = script.take(b"show\r").unwrap();
        assert_eq!(acts, [Act::Work, Act::Send(b"model 29\r\nsize 21\r\nend\r\nsw#".to_vec())]);
    }
}
