//! From the first byte to the privileged prompt.

use std::sync::Arc;

use tokio::time::Instant;

use super::{LoginIn, Mode, Prompt, Session};
use crate::device::driver::CompiledDriver;
use crate::device::transcript::{ENABLE_PASSWORD, PASSWORD, USERNAME};
use crate::model::{Failure, FailureKind, clean_line};

/// The most bytes of empty lines before a prompt that comes again.
const LONGEST_NOTHING: usize = 4096;

/// How often a name or password may be asked for before it counts as refused.
const ASKED_AT_MOST: u32 = 1;

impl Session {
    /// Gets to a prompt, answering what is asked on the way.
    pub(super) async fn log_in(&mut self, login_in: LoginIn) -> Result<(), Failure> {
        self.begin_step("login");
        let driver = Arc::clone(&self.driver);
        let deadline = Instant::now() + self.limits.login;
        let in_stream = login_in == LoginIn::Stream || driver.ssh.login_in_stream;
        let (mut named, mut told) = (0, 0);
        let mut checked = 0;
        loop {
            self.refuse_failed_login(&driver, &mut checked, told > 0)?;
            let line = self.cleaner.last_line().unwrap_or_default();
            if let Some(answer) = self.question(&driver.login_answers) {
                self.answer_question(answer).await?;
            } else if in_stream && driver.username.is_match(&line) {
                self.count_question(&mut named, "name")?;
                self.cleaner.forget_line();
                let name = self.login_name();
                self.recorder.line(self.began.elapsed(), USERNAME, false);
                let typed = format!("{name}{}", driver.newline);
                self.send(typed.as_bytes()).await?;
            } else if in_stream && driver.password.is_match(&line) {
                self.count_question(&mut told, "password")?;
                self.cleaner.forget_line();
                self.type_line(PASSWORD, true).await?;
            } else if let Some(prompt) = prompt_of(&driver, &line) {
                if self.prompt_comes_again(&prompt, deadline).await? {
                    self.prompt = Some(prompt);
                    self.cleaner.begin_answer();
                    return Ok(());
                }
                continue;
            }
            self.receive_before(deadline).await?;
        }
    }

    /// Enters the privileged mode, where the login did not lead there.
    pub(super) async fn raise_privileges(&mut self) -> Result<(), Failure> {
        let driver = Arc::clone(&self.driver);
        let (Some(enable), Some(Mode::User)) =
            (&driver.enable, self.prompt.as_ref().map(|prompt| prompt.mode))
        else {
            return Ok(());
        };
        self.begin_step(&enable.command);
        let deadline = Instant::now() + self.limits.login;
        self.cleaner.begin_answer();
        self.type_line(&enable.command, false).await?;
        let mut told = 0;
        let mut checked = 0;
        loop {
            self.receive_before(deadline).await?;
            self.refuse_failed_login(&driver, &mut checked, true)?;
            let line = self.cleaner.last_line().unwrap_or_default();
            if driver.enable_username.as_ref().is_some_and(|pattern| pattern.is_match(&line)) {
                self.cleaner.forget_line();
                self.type_line(USERNAME, false).await?;
            } else if driver.enable_password.as_ref().is_some_and(|pattern| pattern.is_match(&line)) {
                self.count_question(&mut told, "enable password")?;
                self.cleaner.forget_line();
                self.type_line(ENABLE_PASSWORD, true).await?;
            } else if let Some(prompt) = prompt_of(&driver, &line)
                && self.cleaner.text().contains('\n')
            {
                match prompt.mode {
                    Mode::User => return Err(self.refused("the enable password", &line)),
                    Mode::Privileged | Mode::Config => {
                        self.prompt = Some(prompt);
                        self.cleaner.begin_answer();
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Sends an empty line, and says whether the very same prompt comes again and nothing else: what only looks like
    /// a prompt (a line of a banner) is followed by something else.
    async fn prompt_comes_again(&mut self, prompt: &Prompt, deadline: Instant) -> Result<bool, Failure> {
        self.cleaner.begin_answer();
        self.type_line("", false).await?;
        loop {
            self.receive_before(deadline).await?;
            let line = self.cleaner.last_line().unwrap_or_default();
            let text = self.cleaner.text();
            if text.len() > LONGEST_NOTHING || !text.trim().is_empty() {
                return Ok(false);
            }
            if text.contains('\n') && self.is_prompt(&line, prompt) {
                return Ok(true);
            }
        }
    }

    async fn receive_before(&mut self, deadline: Instant) -> Result<(), Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.no_prompt());
        }
        match self.receive(left.min(self.limits.idle)).await {
            Err(failure) if failure.kind == FailureKind::Timeout && !self.cleaner.text().is_empty() => {
                Err(self.no_prompt())
            }
            other => other,
        }
    }

    fn no_prompt(&self) -> Failure {
        let seen = self.last_seen();
        if seen.contains("nothing was seen") {
            return self.silent(self.limits.login, false);
        }
        let message = format!(
            "no prompt of the driver `{}` was recognised within {:.0?} at `{}`{seen}; does the driver fit?",
            self.driver.id, self.limits.login, self.step
        );
        Failure::new(FailureKind::Prompt, message)
    }

    fn count_question(&self, asked: &mut u32, what: &str) -> Result<(), Failure> {
        *asked += 1;
        if *asked > ASKED_AT_MOST {
            return Err(self.refused(&format!("the {what}"), "it asked again"));
        }
        Ok(())
    }

    /// Looks at lines that have not been looked at for the device's words of refusal.
    fn refuse_failed_login(
        &self,
        driver: &CompiledDriver,
        checked: &mut usize,
        told: bool,
    ) -> Result<(), Failure> {
        let text = self.cleaner.text();
        let fresh = text.get(*checked..).unwrap_or_default();
        if told && let Some(line) = fresh.lines().find(|line| driver.failed.is_match(line)) {
            return Err(self.refused("the login", line));
        }
        *checked = text.len();
        Ok(())
    }

    fn refused(&self, what: &str, line: &str) -> Failure {
        let message = format!(
            "the device refused {what} of user `{}` at `{}`: {}; it was not tried again",
            clean_line(&self.credentials.username),
            self.step,
            clean_line(&self.masked(line))
        );
        Failure::new(FailureKind::Authentication, message)
    }

    /// Whether `line` is `prompt`. Where the driver says which part is the device's name, the rest may differ.
    pub(super) fn is_prompt(&self, line: &str, prompt: &Prompt) -> bool {
        if line == prompt.line {
            return true;
        }
        match (&prompt.name, prompt_of(&self.driver, line)) {
            (Some(name), Some(found)) => found.name.as_ref() == Some(name),
            _ => false,
        }
    }
}

/// The prompt that `line` is, by the driver's patterns.
pub(super) fn prompt_of(driver: &CompiledDriver, line: &str) -> Option<Prompt> {
    if line.trim().is_empty() {
        return None;
    }
    let patterns = [
        (driver.config.as_ref(), Mode::Config),
        (Some(&driver.privileged), Mode::Privileged),
        (driver.user.as_ref(), Mode::User),
    ];
    patterns.into_iter().find_map(|(pattern, mode)| {
        let found = pattern?.captures(line)?;
        let name = found.name("name").map(|name| name.as_str().to_owned());
        Some(Prompt { line: line.to_owned(), name, mode })
    })
}
