//! Types the login of a person's session, without I/O: what the device asks for is answered once, and never again.

use std::sync::Arc;

use encoding_rs::Encoding;

use super::Credentials;
use crate::device::clean::Cleaner;
use crate::device::driver::CompiledDriver;

/// The most bytes that are looked at for questions: what comes later is nobody's login.
const LONGEST_LOGIN: usize = 64 << 10;

/// The longest secret that a person types, in bytes.
const LONGEST_SECRET: usize = 1024;

/// Answers the questions of a login, and knows which lines that a person types are secrets.
pub struct Typist {
    driver: Arc<CompiledDriver>,
    credentials: Credentials,
    cleaner: Cleaner,
    named: bool,
    told: bool,
    /// It has nothing to type any more: it has answered, or a person has begun to type.
    done: bool,
    heard: usize,
    /// What a person has typed since the device asked for a secret.
    hidden: Option<String>,
}

impl Typist {
    /// For a login with these credentials, where the dialogue runs `in_stream`.
    pub fn new(
        driver: Arc<CompiledDriver>,
        charset: &str,
        credentials: Credentials,
        in_stream: bool,
    ) -> Self {
        let label = if charset.is_empty() { &driver.charset } else { charset };
        let charset = Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252);
        Self {
            cleaner: Cleaner::new(charset, None),
            driver,
            credentials,
            named: false,
            told: false,
            done: !in_stream,
            heard: 0,
            hidden: None,
        }
    }

    /// The device has sent bytes. What is typed at once in answer, if anything.
    pub fn heard(&mut self, bytes: &[u8]) -> Option<String> {
        self.cleaner.feed(bytes);
        self.cleaner.begin_answer();
        self.heard = self.heard.saturating_add(bytes.len());
        self.done |= self.heard > LONGEST_LOGIN;
        let line = self.cleaner.last_line().unwrap_or_default();
        let newline = &self.driver.newline;
        if self.done || line.trim().is_empty() {
            return None;
        }
        if !self.named && self.driver.username.is_match(&line) {
            self.named = true;
            let name = format!("{}{}", self.credentials.username, self.driver.ssh.username_suffix);
            return Some(format!("{name}{newline}"));
        }
        if self.driver.password.is_match(&line) {
            self.told = true;
            // one that is refused is not tried again: the next question is the person's
            self.done = true;
            let password = self.credentials.password.expose();
            return (!password.is_empty()).then(|| format!("{password}{newline}"));
        }
        None
    }

    /// A person types. The secret that is complete with that, if the device had asked for one.
    pub fn typed(&mut self, bytes: &[u8]) -> Option<String> {
        self.done = true;
        if self.hidden.is_none() && !self.asks_for_secret() {
            return None;
        }
        let hidden = self.hidden.get_or_insert_default();
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => return self.hidden.take().filter(|secret| !secret.is_empty()),
                8 | 127 => {
                    hidden.pop();
                }
                // an erased line, or a question that was broken off
                3 | 21 => hidden.clear(),
                byte if hidden.len() < LONGEST_SECRET => hidden.push(char::from(*byte)),
                _ => {}
            }
        }
        None
    }

    fn asks_for_secret(&self) -> bool {
        let line = self.cleaner.last_line().unwrap_or_default();
        let lower = line.trim_end().to_lowercase();
        let asks = ["password", "passphrase", "secret", "passwd", "pin"];
        let looks_so = lower.ends_with(':') && asks.iter().any(|word| lower.contains(word));
        let enable = self.driver.enable_password.as_ref();
        looks_so || self.driver.password.is_match(&line) || enable.is_some_and(|ask| ask.is_match(&line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::Drivers;
    use crate::model::Secret;

    fn typist(in_stream: bool) -> Typist {
        let driver = Drivers::embedded().get(&"cisco_ios".parse().unwrap()).unwrap();
        let credentials = Credentials {
            username: "noc".into(),
            password: Secret::new("not-real"),
            enable_password: Secret::default(),
        };
        Typist::new(driver, "", credentials, in_stream)
    }

    #[test]
    fn a_login_is_typed_once_and_a_refusal_is_the_persons() {
        let mut typist = typist(true);
        assert_eq!(typist.heard(b"\r\nUser Access\r\n\r\nUsern"), None);
        assert_eq!(typist.heard(b"ame: ").as_deref(), Some("noc\r"));
        assert_eq!(typist.heard(b"noc\r\nPassword: ").as_deref(), Some("not-real\r"));
        assert_eq!(typist.heard(b"\r\n% Login invalid\r\n\r\nUsername: "), None);
        assert_eq!(typist.heard(b"noc\r\nPassword: "), None);
    }

    #[test]
    fn nothing_is_typed_over_ssh_or_once_a_person_types() {
        assert_eq!(typist(false).heard(b"Password: "), None);
        let mut typist = typist(true);
        typist.typed(b"\r");
        assert_eq!(typist.heard(b"Username: "), None);
    }

    #[test]
    fn what_a_person_types_for_a_password_is_a_secret() {
        let mut typist = typist(false);
        typist.heard(b"sw>");
        assert_eq!(typist.typed(b"enable\r"), None);
        typist.heard(b"enable\r\nPassword: ");
        assert_eq!(typist.typed(b"abx"), None);
        assert_eq!(typist.typed(b"\x7fc\r").as_deref(), Some("abc"));
    }
}
