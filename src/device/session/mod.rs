//! A session: a byte stream and a driver become operations. Every wait is bounded, every failure says at which step.

pub mod answer;
mod login;
mod typist;

use std::sync::Arc;
use std::time::Duration;

use encoding_rs::Encoding;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::clean::Cleaner;
use super::driver::{CompiledAnswer, CompiledDriver, Limits};
use super::transcript::{ENABLE_PASSWORD, PASSWORD, Recorder, USERNAME};
use super::transport::Wire;
use crate::model::{Failure, FailureKind, Secret, clean_line};

pub use typist::{Stage, Typist};

/// What the device's record holds for logging in.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The login name.
    pub username: String,
    /// The login password.
    pub password: Secret,
    /// The password of the privileged mode; empty where the login password serves, or none is asked for.
    pub enable_password: Secret,
}

/// Whether the login dialogue runs inside the stream, or the transport has done it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginIn {
    /// Telnet, or a device that asks again inside SSH.
    Stream,
    /// SSH.
    Transport,
}

/// Told of each step in a few words: `login`, `show running-config`.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// An open session, at the privileged prompt.
pub struct Session {
    wire: Box<dyn Wire>,
    driver: Arc<CompiledDriver>,
    credentials: Credentials,
    limits: Limits,
    cleaner: Cleaner,
    recorder: Recorder,
    progress: Progress,
    began: Instant,
    step: String,
    prompt: Option<Prompt>,
    chunk: Box<[u8; 8192]>,
}

/// The prompt, once it is known.
#[derive(Clone, Debug)]
struct Prompt {
    /// The line itself.
    line: String,
    /// The device's name in it, where the driver's pattern says where that is: all else may change.
    name: Option<String>,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    User,
    Privileged,
    Config,
}

impl Session {
    /// Logs in, enters the privileged mode and quietens the session. The recorder is handed back in any case.
    ///
    /// # Errors
    /// Authentication, prompt, timeout, disconnected, rejected.
    pub async fn open(
        wire: Box<dyn Wire>,
        driver: Arc<CompiledDriver>,
        charset: &str,
        credentials: Credentials,
        limits: Limits,
        login_in: LoginIn,
        progress: Progress,
    ) -> Result<Self, (Failure, Recorder)> {
        let label = if charset.is_empty() { &driver.charset } else { charset };
        let charset = Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252);
        let mut session = Self {
            wire,
            cleaner: Cleaner::new(charset, driver.pager_remains.clone()),
            driver,
            credentials,
            limits,
            recorder: Recorder::default(),
            progress,
            began: Instant::now(),
            step: String::new(),
            prompt: None,
            chunk: Box::new([0; 8192]),
        };
        match session.enter(login_in).await {
            Ok(()) => Ok(session),
            Err(failure) => Err((failure, session.recorder)),
        }
    }

    async fn enter(&mut self, login_in: LoginIn) -> Result<(), Failure> {
        self.log_in(login_in).await?;
        self.raise_privileges().await?;
        let driver = Arc::clone(&self.driver);
        for (prepare, answers) in driver.prepare.iter().zip(&driver.prepare_answers) {
            let answer = self.run(&prepare.run, answers, self.limits.idle).await?;
            if let Some(error) = answer.error.filter(|_| !prepare.optional) {
                return Err(self.rejected(&prepare.run, &error));
            }
        }
        Ok(())
    }

    /// The recording so far, and the end of the session: what the driver types to leave, waited for shortly.
    pub async fn close(mut self) -> Recorder {
        self.begin_step("logout");
        let driver = Arc::clone(&self.driver);
        let patience = Duration::from_millis(500);
        let leave = async {
            for command in &driver.logout.commands {
                self.type_line(command, false).await?;
            }
            while self.receive(patience).await.is_ok() {
                if let Some(answer) = self.question(&driver.logout_answers) {
                    self.answer_question(answer).await?;
                }
            }
            Ok::<(), Failure>(())
        };
        let _ = tokio::time::timeout(patience, leave).await;
        // A peer that reads nothing any more would hold what is still to be sent for ever.
        let _ = tokio::time::timeout(patience, self.wire.shutdown()).await;
        self.recorder
    }

    /// Hands the recording out of a session that failed.
    pub fn into_recorder(self) -> Recorder {
        self.recorder
    }

    fn begin_step(&mut self, step: &str) {
        self.step = step.to_owned();
        (self.progress)(step);
    }

    /// Waits for bytes, at most `patience`, and takes them.
    async fn receive(&mut self, patience: Duration) -> Result<(), Failure> {
        let whole = self.limits.whole.saturating_sub(self.began.elapsed());
        let patience = patience.min(whole);
        let read = tokio::time::timeout(patience, self.wire.read(&mut self.chunk[..])).await;
        let count = match read {
            Err(_) => return Err(self.silent(patience, whole.is_zero())),
            Ok(Ok(0)) => return Err(self.disconnected("the device closed the connection")),
            Ok(Err(error)) => return Err(self.disconnected(&error.to_string())),
            Ok(Ok(count)) => count,
        };
        self.recorder.device(self.began.elapsed(), &self.chunk[..count]);
        self.cleaner.feed(&self.chunk[..count]);
        // At once: what is longer is not kept, so that a line without end would grow no further and be read for ever.
        if self.cleaner.overlong() {
            let message = format!("a line of the answer to `{}` is longer than a megabyte", self.step);
            return Err(Failure::new(FailureKind::TooLarge, message));
        }
        self.bound(self.cleaner.held())
    }

    /// Fails where an answer of so many bytes is more than is taken.
    fn bound(&self, bytes: usize) -> Result<(), Failure> {
        if bytes <= self.limits.answer_bytes {
            return Ok(());
        }
        let message = format!(
            "the answer to `{}` is larger than {} MB; if it is real, raise `answer_megabytes`",
            self.step,
            self.limits.answer_bytes >> 20
        );
        Err(Failure::new(FailureKind::TooLarge, message))
    }

    async fn type_line(&mut self, text: &str, hidden: bool) -> Result<(), Failure> {
        let line = format!("{}{}", self.filled(text), self.driver.newline);
        self.recorder.line(self.began.elapsed(), text, hidden);
        self.send(line.as_bytes()).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let write = async {
            self.wire.write_all(bytes).await?;
            self.wire.flush().await
        };
        match tokio::time::timeout(self.limits.idle, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.disconnected(&error.to_string())),
            Err(_) => Err(self.silent(self.limits.idle, false)),
        }
    }

    /// The question that stands on the last line, if it is one of `answers`.
    fn question<'a>(&self, answers: &'a [CompiledAnswer]) -> Option<&'a CompiledAnswer> {
        let line = self.cleaner.last_line().filter(|line| !line.is_empty())?;
        answers.iter().find(|answer| answer.expect.is_match(&line))
    }

    async fn answer_question(&mut self, answer: &CompiledAnswer) -> Result<(), Failure> {
        self.cleaner.forget_line();
        self.recorder.keys(self.began.elapsed(), answer.send.as_bytes());
        let bytes = self.filled(&answer.send);
        self.send(bytes.as_bytes()).await
    }

    fn filled(&self, text: &str) -> String {
        if !text.contains('{') {
            return text.to_owned();
        }
        text.replace(USERNAME, &self.login_name())
            .replace(ENABLE_PASSWORD, self.enable_password())
            .replace(PASSWORD, self.credentials.password.expose())
    }

    fn login_name(&self) -> String {
        format!("{}{}", self.credentials.username, self.driver.ssh.username_suffix)
    }

    fn enable_password(&self) -> &str {
        match self.credentials.enable_password.expose() {
            "" => self.credentials.password.expose(),
            password => password,
        }
    }

    /// A line of the device's without the secrets that it may have sent back: it goes into an error.
    fn masked(&self, line: &str) -> String {
        let mut masked = line.to_owned();
        let login = (self.credentials.password.expose(), PASSWORD);
        let enable = (self.credentials.enable_password.expose(), ENABLE_PASSWORD);
        // The longer one first: the other may be a part of it.
        let mut secrets = [login, enable];
        secrets.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        for (secret, token) in secrets {
            if !secret.is_empty() && masked.contains(secret) {
                masked = masked.replace(secret, token);
            }
        }
        masked
    }

    fn rejected(&self, command: &str, error: &str) -> Failure {
        Failure::new(
            FailureKind::Rejected,
            format!(
                "the device refused `{command}`: {error}; does the driver fit, and may this user run it?"
            ),
        )
    }

    fn disconnected(&self, why: &str) -> Failure {
        let message = format!("the connection ended at `{}`: {why}{}", self.step, self.last_seen());
        Failure::new(FailureKind::Disconnected, message)
    }

    fn silent(&self, patience: Duration, whole: bool) -> Failure {
        let waited = if whole { self.limits.whole } else { patience };
        let what = if whole { "the whole session took longer than" } else { "nothing came for" };
        let message = format!("{what} {:.0?} at `{}`{}", waited, self.step, self.last_seen());
        Failure::new(FailureKind::Timeout, message)
    }

    /// The last lines that came, for a message: what a person needs to see why a prompt was not recognised.
    fn last_seen(&self) -> String {
        let last_line = self.cleaner.last_line().unwrap_or_default();
        let mut lines: Vec<&str> =
            self.cleaner.text().lines().rev().filter(|line| !line.is_empty()).take(2).collect();
        lines.reverse();
        lines.push(&last_line);
        let shown: Vec<String> = lines
            .into_iter()
            .filter(|line| !line.trim().is_empty())
            .map(|line| clean_line(&self.masked(line).chars().take(80).collect::<String>()).into_owned())
            .collect();
        if shown.is_empty() {
            "; nothing was seen".into()
        } else {
            format!("; last seen: {}", shown.join(" ⏎ "))
        }
    }
}

#[cfg(test)]
mod tests;
