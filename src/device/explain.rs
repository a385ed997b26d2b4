//! What a driver makes of a transcript, step by step: for a person who looks for the place where it went wrong.

use encoding_rs::Encoding;

use super::clean::Cleaner;
use super::driver::{CompiledAnswer, CompiledDriver};
use super::transcript::{Step, Transcript};

/// The most clean lines of one step that are kept, at its end.
const MOST_LINES: usize = 500;

/// One step of a transcript, and what a driver makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The step's line in the transcript, counting from 1.
    pub line: usize,
    /// Milliseconds since the first step.
    pub at: u64,
    /// What happened.
    pub step: Step,
    /// What the driver makes of it.
    pub seen: Seen,
    /// Whole lines that the step brought, as the driver reads them; the last [`MOST_LINES`] of them.
    pub lines: Vec<String>,
    /// The line without an end that stands there after the step: what must be a prompt or a question.
    pub last_line: String,
}

/// What a driver makes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The client sent it.
    Sent,
    /// The device was silent.
    Silence,
    /// The device went away, or never answered again.
    Gone,
    /// The prompt of this mode: `user`, `privileged`, `configuration`.
    Prompt(&'static str),
    /// The pager.
    Pager,
    /// A question that the driver knows; in words: `the user name`.
    Question(&'static str),
    /// A line by which the device refuses the login.
    Refused(String),
    /// A line by which the device refuses a command.
    Error(String),
    /// Whole lines, and nothing on the last one: more is waited for.
    More,
    /// The last line is none that the driver knows: it waits, in vain if nothing else comes.
    Unknown,
}

impl Seen {
    /// Whether this is where a session goes wrong.
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Gone | Self::Refused(_) | Self::Error(_) | Self::Unknown)
    }

    /// It in words.
    pub fn words(&self) -> String {
        match self {
            Self::Sent => "sent".into(),
            Self::Silence => "silence".into(),
            Self::Gone => "the device says nothing any more".into(),
            Self::Prompt(mode) => format!("the {mode} prompt"),
            Self::Pager => "the pager: the next page is asked for".into(),
            Self::Question(what) => format!("a question: {what}"),
            Self::Refused(line) => format!("the login is refused: {line}"),
            Self::Error(line) => format!("the command is refused: {line}"),
            Self::More => "text; more is waited for".into(),
            Self::Unknown => "no prompt and no question that the driver knows: it waits".into(),
        }
    }
}

/// Reads a transcript as a session with `driver` would.
pub fn explain(driver: &CompiledDriver, transcript: &Transcript) -> Vec<Reading> {
    let charset = Encoding::for_label(driver.charset.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252);
    let mut cleaner = Cleaner::new(charset, driver.pager_remains.clone());
    let mut at = 0u64;
    let mut told = false;
    let mut readings = Vec::with_capacity(transcript.steps.len());
    for (line, step) in &transcript.steps {
        let before = cleaner.text().len();
        let seen = match step {
            Step::Device(bytes) => {
                cleaner.feed(bytes);
                let fresh = cleaner.text().get(before..).unwrap_or_default();
                seen(driver, fresh, &cleaner.last_line().unwrap_or_default(), told)
            }
            Step::Line { text, hidden } => {
                told |= *hidden;
                if asks(driver, &cleaner.last_line().unwrap_or_default()).is_some() {
                    cleaner.forget_line();
                }
                cleaner.begin_answer();
                if transcript.echo && !hidden {
                    cleaner.feed(format!("{text}\r\n").as_bytes());
                    cleaner.begin_answer();
                }
                Seen::Sent
            }
            Step::Keys(_) => {
                cleaner.forget_line();
                Seen::Sent
            }
            Step::Wait(millis) => {
                at = at.saturating_add(*millis);
                Seen::Silence
            }
            Step::Hang | Step::Close => Seen::Gone,
        };
        let fresh = match step {
            Step::Device(_) => cleaner.text().get(before..).unwrap_or_default(),
            _ => "",
        };
        let mut lines: Vec<String> = fresh.lines().rev().take(MOST_LINES).map(str::to_owned).collect();
        lines.reverse();
        let last_line = cleaner.last_line().unwrap_or_default();
        push(&mut readings, Reading { line: *line, at, step: step.clone(), seen, lines, last_line });
    }
    readings
}

/// Text that came in several pieces is one step: where the network, or the file's lines, cut it says nothing.
fn push(readings: &mut Vec<Reading>, next: Reading) {
    match (readings.last_mut(), next) {
        (
            Some(Reading { step: Step::Device(before), seen: Seen::More, lines: known, last_line, .. }),
            Reading { step: Step::Device(bytes), seen: Seen::More, lines, last_line: last, .. },
        ) => {
            before.extend(bytes);
            known.extend(lines);
            known.drain(..known.len().saturating_sub(MOST_LINES));
            *last_line = last;
        }
        (_, next) => readings.push(next),
    }
}

fn seen(driver: &CompiledDriver, fresh: &str, last_line: &str, told: bool) -> Seen {
    if told && let Some(line) = fresh.lines().find(|line| driver.failed.is_match(line)) {
        return Seen::Refused(line.to_owned());
    }
    if let Some(line) = fresh.lines().take(10).find(|line| driver.errors.is_match(line)) {
        return Seen::Error(line.to_owned());
    }
    let modes = [
        (driver.config.as_ref(), "configuration"),
        (Some(&driver.privileged), "privileged"),
        (driver.user.as_ref(), "user"),
    ];
    if last_line.trim().is_empty() {
        return Seen::More;
    }
    if driver.pager.as_ref().is_some_and(|pager| pager.is_match(last_line)) {
        return Seen::Pager;
    }
    if let Some(what) = asks(driver, last_line) {
        return Seen::Question(what);
    }
    let mode =
        modes.into_iter().find(|(pattern, _)| pattern.is_some_and(|pattern| pattern.is_match(last_line)));
    mode.map_or(Seen::Unknown, |(_, mode)| Seen::Prompt(mode))
}

/// What a line asks for, if the driver knows the question.
fn asks(driver: &CompiledDriver, line: &str) -> Option<&'static str> {
    let known = |answers: &[CompiledAnswer]| answers.iter().any(|answer| answer.expect.is_match(line));
    if driver.enable_username.as_ref().is_some_and(|pattern| pattern.is_match(line)) {
        Some("the user name for the privileged mode")
    } else if driver.username.is_match(line) {
        Some("the user name")
    } else if driver.password.is_match(line) {
        Some("the password")
    } else if driver.enable_password.as_ref().is_some_and(|pattern| pattern.is_match(line)) {
        Some("the password of the privileged mode")
    } else if known(&driver.login_answers)
        || known(&driver.logout_answers)
        || driver.command_answers.iter().any(|answers| known(answers))
    {
        Some("one with an answer in the driver")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::Drivers;

    fn readings(body: &str) -> Vec<Reading> {
        let text = format!(
            "noctule transcript 1\ndriver: cisco_ios\ntransport: telnet\nexpect: failure prompt\necho: off\n---\n{body}"
        );
        let driver = Drivers::embedded().get(&"cisco_ios".parse().unwrap()).unwrap();
        explain(&driver, &text.parse().unwrap())
    }

    #[test]
    fn every_step_of_a_login_is_named() {
        let seen: Vec<Seen> = readings(
            "< Username:\\x20\n> {username}\n<. admin\n< Password:\\x20\n>! {password}\n<.\n@ wait 300\n< sw-1>\n> enable\n\
             <. enable\n< sw-1#\n> show x\n<. show x\n<. % Invalid input\n< sw-1#\n",
        )
        .into_iter()
        .map(|reading| reading.seen)
        .collect();
        assert_eq!(
            seen,
            [
                Seen::Question("the user name"),
                Seen::Sent,
                Seen::More,
                Seen::Question("the password"),
                Seen::Sent,
                Seen::More,
                Seen::Silence,
                Seen::Prompt("user"),
                Seen::Sent,
                Seen::More,
                Seen::Prompt("privileged"),
                Seen::Sent,
                Seen::More,
                Seen::Error("% Invalid input".into()),
                Seen::Prompt("privileged"),
            ]
        );
    }

    #[test]
    fn a_prompt_that_is_missed_is_pointed_at() {
        let found = readings("<. Welcome\n<. to sw-1\n< <sw-1>\n@ hang\n");
        assert_eq!((found[1].seen.clone(), found[1].last_line.as_str()), (Seen::Unknown, "<sw-1>"));
        assert!(found[1].seen.is_trouble() && found[2].seen == Seen::Gone);
        assert_eq!(found[0].lines, ["Welcome", "to sw-1"]);
    }

    #[test]
    fn a_refused_password_is_told_from_a_banner_that_speaks_of_one() {
        let found =
            readings("<. Access denied to strangers\n< Password:\\x20\n>! {password}\n<. % Bad passwords\n");
        assert_eq!(found[0].seen, Seen::More);
        assert_eq!(found[3].seen, Seen::Refused("% Bad passwords".into()));
    }
}
