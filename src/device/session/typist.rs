//! Types the login of a person's session, without I/O: what the device asks for is answered once, and never again. It also
//! knows when what a person has typed meanwhile may go to the device.

use std::sync::Arc;

use encoding_rs::Encoding;

use super::Credentials;
use super::login::prompt_of;
use crate::device::clean::Cleaner;
use crate::device::driver::CompiledDriver;

/// The most bytes that are looked at for questions: what comes later is nobody's login.
const LONGEST_LOGIN: usize = 64 << 10;

/// The longest secret that a person types, in bytes.
const LONGEST_SECRET: usize = 1024;

/// How the login of a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What a person types now might answer a question of the login: it waits.
    LoggingIn,
    /// The login is over, and the device waits for commands.
    In,
    /// The device asks something that is for the person to answer, and for no keys that were pressed before.
    Asked,
}

/// Answers the questions of a login, and knows which lines that a person types are secrets.
pub struct Typist {
    driver: Arc<CompiledDriver>,
    credentials: Credentials,
    cleaner: Cleaner,
    in_stream: bool,
    named: bool,
    told: bool,
    stage: Stage,
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
            in_stream,
            named: false,
            told: false,
            stage: Stage::LoggingIn,
            heard: 0,
            hidden: None,
        }
    }

    /// How the login stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The device has sent bytes. What is typed at once in answer, if anything.
    pub fn heard(&mut self, bytes: &[u8]) -> Option<String> {
        self.cleaner.feed(bytes);
        self.cleaner.begin_answer();
        self.heard = self.heard.saturating_add(bytes.len());
        let line = self.cleaner.last_line().unwrap_or_default();
        if self.stage != Stage::LoggingIn || line.trim().is_empty() {
            return None;
        }
        if self.in_stream
            && let Some(answer) = self.answer(&line)
        {
            return Some(format!("{answer}{}", self.driver.newline));
        }
        let asks =
            self.in_stream && (self.driver.username.is_match(&line) || self.driver.password.is_match(&line));
        if asks || self.asks_for_secret() || self.heard > LONGEST_LOGIN {
            // one that is refused is not tried again: the next question is the person's
            self.stage = Stage::Asked;
        } else if !self.in_stream || prompt_of(&self.driver, &line).is_some() {
            self.stage = Stage::In;
        }
        None
    }

    /// The answer to a question of the login, where it was not given before and is known.
    fn answer(&mut self, line: &str) -> Option<String> {
        let Credentials { username, password, .. } = &self.credentials;
        if !self.named && !username.is_empty() && self.driver.username.is_match(line) {
            self.named = true;
            return Some(format!("{username}{}", self.driver.ssh.username_suffix));
        }
        if !self.told && !password.is_empty() && self.driver.password.is_match(line) {
            self.told = true;
            return Some(password.expose().to_owned());
        }
        None
    }

    /// The device has said nothing for a while: if it asks nothing, it waits for the person, maybe for a first key.
    pub fn quiet(&mut self) {
        if self.stage == Stage::LoggingIn {
            self.stage = if self.asks_for_secret() { Stage::Asked } else { Stage::In };
        }
    }

    /// A person types, once the device may have it. The secret that is complete with that, if the device had asked for one.
    pub fn typed(&mut self, bytes: &[u8]) -> Option<String> {
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

    /// What answers the device's question for the password of the privileged mode, with the end of a line.
    ///
    /// # Errors
    /// It asks no such question, or there is no such password; the sentence says which.
    pub fn enable_password(&self) -> Result<String, &'static str> {
        let Some(question) = &self.driver.enable_password else {
            return Err("devices of this kind ask for no enable password: their driver knows of none");
        };
        if !question.is_match(&self.cleaner.last_line().unwrap_or_default()) {
            return Err("the device asks for no enable password now");
        }
        let Credentials { password, enable_password, .. } = &self.credentials;
        // where there is none of its own, the login's serves
        match [enable_password, password].into_iter().find(|password| !password.is_empty()) {
            Some(password) => Ok(format!("{}{}", password.expose(), self.driver.newline)),
            None => Err("no enable password is stored for this device"),
        }
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
            enable_password: Secret::new("not-real-either"),
        };
        Typist::new(driver, "", credentials, in_stream)
    }

    #[test]
    fn a_login_is_typed_once_and_a_refusal_is_the_persons() {
        let mut typist = typist(true);
        assert_eq!(typist.heard(b"\r\nUser Access\r\n\r\nUsern"), None);
        assert_eq!(typist.heard(b"ame: ").as_deref(), Some("noc\r"));
        assert_eq!(typist.heard(b"noc\r\nPassword: ").as_deref(), Some("not-real\r"));
        assert_eq!(typist.stage(), Stage::LoggingIn);
        assert_eq!(typist.heard(b"\r\n% Login invalid\r\n\r\nUsername: "), None);
        assert_eq!(typist.stage(), Stage::Asked);
        assert_eq!(typist.heard(b"noc\r\nPassword: "), None);
    }

    #[test]
    fn keys_wait_for_the_prompt_and_never_answer_a_question() {
        let mut typist = typist(true);
        typist.heard(b"Username: ");
        typist.heard(b"noc\r\nPassword: ");
        typist.heard(b"\r\nWelcome\r\n");
        assert_eq!(typist.stage(), Stage::LoggingIn);
        typist.heard(b"sw-1>");
        assert_eq!(typist.stage(), Stage::In);
    }

    #[test]
    fn over_ssh_nothing_is_typed_and_keys_wait_for_the_first_line() {
        let mut asking = typist(false);
        assert_eq!(asking.heard(b"Password: "), None);
        assert_eq!(asking.stage(), Stage::Asked);
        let mut menu = typist(false);
        menu.heard(b"\r\n");
        assert_eq!(menu.stage(), Stage::LoggingIn);
        menu.heard(b"1. Status");
        assert_eq!(menu.stage(), Stage::In);
        // a console server that waits for Enter
        let mut silent = typist(true);
        silent.quiet();
        assert_eq!(silent.stage(), Stage::In);
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

    #[test]
    fn the_enable_password_answers_its_question_and_nothing_else() {
        let mut typist = typist(false);
        typist.heard(b"sw>");
        assert!(typist.enable_password().unwrap_err().contains("asks for no enable password"));
        typist.heard(b"enable\r\nPassword: ");
        assert_eq!(typist.enable_password().as_deref(), Ok("not-real-either\r"));
        typist.credentials.enable_password = Secret::default();
        assert_eq!(typist.enable_password().as_deref(), Ok("not-real\r"));
        typist.credentials.password = Secret::default();
        assert!(typist.enable_password().unwrap_err().contains("is stored"));
    }
}
