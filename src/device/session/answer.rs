//! Running a command, and knowing when its answer is over.
//!
//! What looks like a prompt may be a line of a configuration. So when the last line is the prompt, an empty line is
//! sent: the answer is over only if nothing but the same prompt comes back. A device that was still talking goes on
//! talking instead; its text is kept, and the question is asked again when the prompt stands there once more.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Session, clean_line};
use crate::device::driver::{CompiledAnswer, Piece};
use crate::model::{Failure, FailureKind};

/// How often it may turn out that the device was still talking.
const FALSE_PROMPTS: u32 = 200;

/// The most bytes that can be the answer to an empty line: log lines, and the prompt again. All of them are looked at
/// each time that some come.
const LONGEST_NOTHING: usize = 64 << 10;

/// In how many lines of an answer an error line is looked for.
const ERROR_LINES: usize = 10;

/// What a command brought.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// The text, without echo, prompt and log lines; each line ends in `\n`.
    pub text: String,
    /// The line by which the device refused the command.
    pub error: Option<String>,
    /// The prompt was confirmed by an empty line. Always so for what [`Session::read`] brings.
    pub confirmed: bool,
}

impl Session {
    /// Runs a command whose answer is short: the prompt behind it counts when it is the last line and nothing else
    /// is there. For configurations, [`Session::read`].
    ///
    /// # Errors
    /// Timeout, disconnected, too large.
    pub async fn run(
        &mut self,
        command: &str,
        answers: &[CompiledAnswer],
        whole: Duration,
    ) -> Result<Output, Failure> {
        self.converse(command, answers, whole, false).await
    }

    /// Runs a command and proves that its answer is whole.
    ///
    /// # Errors
    /// Timeout, disconnected, too large, or no end that could be proven.
    pub async fn read(
        &mut self,
        command: &str,
        answers: &[CompiledAnswer],
        whole: Duration,
    ) -> Result<Output, Failure> {
        self.converse(command, answers, whole, true).await
    }

    async fn converse(
        &mut self,
        command: &str,
        answers: &[CompiledAnswer],
        whole: Duration,
        confirm: bool,
    ) -> Result<Output, Failure> {
        self.begin_step(command);
        let deadline = Instant::now() + whole;
        self.cleaner.begin_answer();
        self.type_line(command, false).await?;
        let mut text = String::new();
        // Empty lines that were sent and whose prompts have not come yet.
        let mut owed = 0;
        for _ in 0..FALSE_PROMPTS {
            self.until_prompt(answers, deadline).await?;
            let prompt = self.cleaner.last_line().unwrap_or_default();
            let lines = self.cleaner.begin_answer();
            if text.is_empty() {
                text = lines;
            } else {
                text.push_str(&lines);
            }
            self.bound(text.len())?;
            let paid = self.take_prompts_off(&mut text, owed);
            if !confirm {
                return Ok(self.output(command, text, false));
            }
            owed -= paid;
            if owed == 0 && paid == 0 {
                self.type_line("", false).await?;
                owed = 1;
            }
            if owed == 0 || self.confirmed(owed, deadline).await? {
                return Ok(self.output(command, text, true));
            }
            // It was no prompt but a line: what came behind it on that line is in the cleaner.
            text.push_str(&prompt);
        }
        let message = format!("the end of the answer to `{command}` could not be proven{}", self.last_seen());
        Err(Failure::new(FailureKind::Truncated, message))
    }

    /// Reads until the last line is the prompt, turning pages and answering questions.
    async fn until_prompt(&mut self, answers: &[CompiledAnswer], deadline: Instant) -> Result<(), Failure> {
        let driver = Arc::clone(&self.driver);
        let Some(prompt) = self.prompt.clone() else { return Ok(()) };
        loop {
            let line = self.cleaner.last_line().unwrap_or_default();
            let has_lines = !self.cleaner.text().is_empty();
            if has_lines && self.is_prompt(&line, &prompt) {
                return Ok(());
            }
            if driver.pager.as_ref().is_some_and(|pager| pager.is_match(&line)) {
                let send = driver.driver.pager.as_ref().map_or(" ", |pager| pager.send.as_str()).to_owned();
                self.cleaner.forget_line();
                self.recorder.keys(self.began.elapsed(), send.as_bytes());
                self.send(send.as_bytes()).await?;
            } else if let Some(answer) = self.question(answers) {
                self.answer_question(answer).await?;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message =
                    format!("the answer to `{}` took longer than it may{}", self.step, self.last_seen());
                return Err(Failure::new(FailureKind::Timeout, message));
            }
            self.receive(left.min(self.limits.idle)).await?;
        }
    }

    /// Takes at most `owed` prompts off the end of the text: the answers to empty lines that were sent too early.
    fn take_prompts_off(&self, text: &mut String, owed: usize) -> usize {
        let Some(prompt) = &self.prompt else { return 0 };
        let mut paid = 0;
        while paid < owed {
            let trimmed = text.trim_end_matches('\n');
            let begin = trimmed.rfind('\n').map_or(0, |at| at + 1);
            if !self.is_prompt(&trimmed[begin..], prompt) {
                break;
            }
            text.truncate(begin);
            paid += 1;
        }
        paid
    }

    /// Whether the `owed` prompts, and nothing else but log lines, come back for the empty lines that were sent.
    async fn confirmed(&mut self, owed: usize, deadline: Instant) -> Result<bool, Failure> {
        let Some(prompt) = self.prompt.clone() else { return Ok(false) };
        loop {
            let text = self.cleaner.text();
            let is_nothing = |line: &str| line.trim().is_empty() || self.driver.log_lines.is_match(line);
            let prompts = text.lines().filter(|line| self.is_prompt(line, &prompt)).count();
            if text.len() > LONGEST_NOTHING
                || !text.lines().all(|line| is_nothing(line) || self.is_prompt(line, &prompt))
            {
                return Ok(false);
            }
            let line = self.cleaner.last_line().unwrap_or_default();
            if !text.is_empty() && prompts + 1 >= owed && self.is_prompt(&line, &prompt) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now()).min(self.limits.idle);
            self.receive(left).await?;
        }
    }

    fn output(&self, command: &str, mut text: String, confirmed: bool) -> Output {
        let first = text.find('\n').map_or(text.len(), |end| end + 1);
        if is_echo(&text[..first], command) {
            text.drain(..first);
        }
        let mut text = self.without_log_lines(text);
        text.truncate(end_of_last_line(&text));
        if !text.is_empty() {
            text.push('\n');
        }
        let error = text.lines().take(ERROR_LINES).find(|line| self.driver.errors.is_match(line));
        let error = error.map(|line| clean_line(&self.masked(line.trim())).into_owned());
        Output { text, error, confirmed }
    }

    fn without_log_lines(&self, text: String) -> String {
        let mut kept = String::new();
        let mut is_whole = true;
        self.driver.maybe_log_lines.walk(&text, |piece| match piece {
            // mostly all of it: then there is nothing to copy
            Piece::Quiet(lines) if lines.len() == text.len() => {}
            Piece::Quiet(lines) => {
                is_whole = false;
                kept.push_str(lines);
            }
            Piece::Line(line) => {
                is_whole = false;
                if !self.driver.log_lines.is_match(line) {
                    kept.push_str(line);
                    kept.push('\n');
                }
            }
        });
        if is_whole { text } else { kept }
    }
}

fn is_echo(line: &str, command: &str) -> bool {
    line.split_whitespace().flat_map(str::chars).eq(command.split_whitespace().flat_map(str::chars))
}

/// Where the last line that is not blank ends.
fn end_of_last_line(text: &str) -> usize {
    let mut end = text.len();
    while end > 0 {
        let begin = text[..end].rfind('\n').map_or(0, |at| at + 1);
        if !text[begin..end].trim().is_empty() {
            return end;
        }
        end = begin.saturating_sub(1);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_at_the_end_are_not_part_of_a_text() {
        for (text, end) in
            [("a\nb\n", 3), ("a\nb", 3), ("a\n\n  \n\n", 1), ("\n \n", 0), ("", 0), ("\na \n\t", 3)]
        {
            assert_eq!(end_of_last_line(text), end, "{text:?}");
        }
    }

    #[test]
    fn an_echo_may_be_spaced_in_another_way() {
        assert!(is_echo("show  running-config\n", "show running-config"));
        assert!(is_echo("show running- config", "show running-config"));
        assert!(!is_echo("show running", "show running-config"));
        assert!(!is_echo("", "show running-config"));
    }
}
