//! A driver with its patterns compiled, and checked for what the schema cannot say.

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{Answer, AnyLine, BackupCommand, Block, Driver};
use crate::device::reversible::Form;

/// The most memory that one pattern may take, in bytes: a driver file is foreign.
const PATTERN_LIMIT: usize = 1 << 20;

/// The longest that one backup command may be allowed, in seconds.
const LONGEST_COMMAND: u64 = 24 * 60 * 60;

/// A driver that is ready for use. Dereferences to the [`Driver`] it was made from.
pub struct CompiledDriver {
    /// What the file says.
    pub driver: Driver,
    /// `[login] username`
    pub username: Regex,
    /// `[login] password`
    pub password: Regex,
    /// `[login] failed` and `[enable] failed`
    pub failed: RegexSet,
    /// `[login] answers`
    pub login_answers: Vec<CompiledAnswer>,
    /// `[prompt] user`
    pub user: Option<Regex>,
    /// `[prompt] privileged`
    pub privileged: Regex,
    /// `[prompt] config`
    pub config: Option<Regex>,
    /// `[enable] username`
    pub enable_username: Option<Regex>,
    /// `[enable] password`
    pub enable_password: Option<Regex>,
    /// `[pager] pattern`
    pub pager: Option<Regex>,
    /// `[pager] remains`
    pub pager_remains: Option<Regex>,
    /// `answers` of each `[[prepare]]`
    pub prepare_answers: Vec<Vec<CompiledAnswer>>,
    /// `answers` of each backup command
    pub command_answers: Vec<Vec<CompiledAnswer>>,
    /// `[backup] begin`
    pub begin: Option<Regex>,
    /// `[backup] end`
    pub end: Option<Regex>,
    /// `[backup] stated_size`
    pub stated_size: Option<Regex>,
    /// `[normal] drop`
    pub drop: RegexSet,
    /// `[normal] volatile`
    pub volatile: Patterns,
    /// `[normal] secrets`
    pub secrets: Patterns,
    /// `[normal] reversible_secrets`, and their forms
    pub reversible_secrets: (Patterns, Vec<Form>),
    /// `[normal] rotating_secrets`
    pub rotating_secrets: Patterns,
    /// `[normal] secret_blocks`
    pub secret_blocks: Vec<CompiledBlock>,
    /// Lines that something of `[normal]` may match
    pub noteworthy: AnyLine,
    /// `[errors] lines`
    pub errors: RegexSet,
    /// `log_lines`
    pub log_lines: RegexSet,
    /// Lines that something of `log_lines` may match
    pub maybe_log_lines: AnyLine,
    /// `[sections] start`
    pub section_start: Option<Regex>,
    /// `[logout] answers`
    pub logout_answers: Vec<CompiledAnswer>,
}

/// An [`Answer`] with its question compiled.
pub struct CompiledAnswer {
    /// The question.
    pub expect: Regex,
    /// What is sent.
    pub send: String,
}

/// A [`Block`] with its patterns compiled.
pub struct CompiledBlock {
    /// The first line.
    pub from: Regex,
    /// The last line.
    pub to: Regex,
    /// Whether it changes by itself.
    pub rotating: bool,
}

/// Patterns that are first tried all at once.
pub struct Patterns {
    /// Which of them match a line.
    pub set: RegexSet,
    /// Each of them.
    pub each: Vec<Regex>,
}

impl std::ops::Deref for CompiledDriver {
    type Target = Driver;

    fn deref(&self) -> &Driver {
        &self.driver
    }
}

impl CompiledDriver {
    /// Compiles a driver's patterns.
    ///
    /// # Errors
    /// Names the field and what is wrong with it.
    pub fn new(driver: Driver) -> Result<Self, String> {
        check(&driver)?;
        let optional =
            |field: &str, text: &Option<String>| text.as_ref().map(|text| pattern(field, text)).transpose();
        let mut failed = driver.login.failed.clone();
        failed.extend(driver.enable.iter().flat_map(|enable| enable.failed.iter().cloned()));
        let blocks = driver.normal.secret_blocks.iter().map(|Block { from, to, rotating }| {
            Ok(CompiledBlock {
                from: pattern("normal.secret_blocks.from", from)?,
                to: pattern("normal.secret_blocks.to", to)?,
                rotating: *rotating,
            })
        });
        let normal = &driver.normal;
        let noteworthy = [&normal.drop, &normal.volatile, &normal.secrets, &normal.rotating_secrets];
        let reversible = normal.reversible_secrets.iter().map(|secret| &secret.pattern);
        let noteworthy = noteworthy.into_iter().flatten().chain(reversible);
        let noteworthy = noteworthy.chain(normal.secret_blocks.iter().map(|block| &block.from));
        let command_answers = driver.backup.commands.iter();
        Ok(Self {
            username: pattern("login.username", &driver.login.username)?,
            password: pattern("login.password", &driver.login.password)?,
            failed: set("login.failed", &failed)?,
            login_answers: answers("login.answers", &driver.login.answers)?,
            user: optional("prompt.user", &driver.prompt.user)?,
            privileged: pattern("prompt.privileged", &driver.prompt.privileged)?,
            config: optional("prompt.config", &driver.prompt.config)?,
            enable_username: optional(
                "enable.username",
                &driver.enable.as_ref().and_then(|enable| enable.username.clone()),
            )?,
            enable_password: optional(
                "enable.password",
                &driver.enable.as_ref().map(|enable| enable.password.clone()),
            )?,
            pager: optional("pager.pattern", &driver.pager.as_ref().map(|pager| pager.pattern.clone()))?,
            pager_remains: optional(
                "pager.remains",
                &driver.pager.as_ref().and_then(|pager| pager.remains.clone()),
            )?,
            prepare_answers: driver
                .prepare
                .iter()
                .map(|prepare| answers("prepare.answers", &prepare.answers))
                .collect::<Result<_, String>>()?,
            command_answers: command_answers
                .map(|command| answers("backup.commands.answers", &command.answers))
                .collect::<Result<_, String>>()?,
            begin: optional("backup.begin", &driver.backup.begin)?,
            end: optional("backup.end", &driver.backup.end)?,
            stated_size: optional("backup.stated_size", &driver.backup.stated_size)?,
            drop: set("normal.drop", &driver.normal.drop)?,
            volatile: patterns("normal.volatile", &driver.normal.volatile)?,
            secrets: patterns("normal.secrets", &driver.normal.secrets)?,
            reversible_secrets: (
                patterns("normal.reversible_secrets", &reversible_patterns(&driver))?,
                driver.normal.reversible_secrets.iter().map(|secret| secret.form).collect(),
            ),
            rotating_secrets: patterns("normal.rotating_secrets", &driver.normal.rotating_secrets)?,
            secret_blocks: blocks.collect::<Result<_, String>>()?,
            noteworthy: AnyLine::new(noteworthy),
            errors: set("errors.lines", &driver.errors.lines)?,
            log_lines: set("log_lines", &driver.log_lines)?,
            maybe_log_lines: AnyLine::new(driver.log_lines.iter()),
            section_start: optional("sections.start", &driver.sections.start)?,
            logout_answers: answers("logout.answers", &driver.logout.answers)?,
            driver,
        })
    }

    /// The command whose output is the configuration, and its place in the list.
    pub fn config_command(&self) -> (usize, &BackupCommand) {
        let place = self.backup.commands.iter().position(|command| command.config).unwrap_or(0);
        (place, &self.backup.commands[place])
    }
}

/// What types cannot say.
fn check(driver: &Driver) -> Result<(), String> {
    let configs = driver.backup.commands.iter().filter(|command| command.config).count();
    if configs != 1 {
        return Err(format!("backup.commands: exactly one command has `config = true`, here {configs} have"));
    }
    if driver.transports.is_empty() {
        return Err("transports: name ssh, telnet or both".into());
    }
    if encoding_rs::Encoding::for_label(driver.charset.as_bytes()).is_none() {
        return Err(format!(
            "charset: {:?} is no character set that the WHATWG list knows; write gbk, windows-1251 or the like",
            driver.charset
        ));
    }
    if !["\r", "\n", "\r\n"].contains(&driver.newline.as_str()) {
        return Err(format!(
            "newline: {:?} ends no line; write \"\\r\", \"\\n\" or \"\\r\\n\"",
            driver.newline
        ));
    }
    for BackupCommand { run, seconds, .. } in &driver.backup.commands {
        if !(1..=LONGEST_COMMAND).contains(seconds) {
            return Err(format!(
                "backup.commands.seconds: `{run}` may take 1 to {LONGEST_COMMAND} seconds, not {seconds}"
            ));
        }
    }
    if driver.backup.stated_size_tolerance > 100 {
        return Err("backup.stated_size_tolerance: write a part in percent, 0 to 100".into());
    }
    if let Some(enable) = &driver.enable {
        set("enable.failed", &enable.failed)?;
    }
    if let Some(text) = &driver.backup.stated_size
        && pattern("backup.stated_size", text)?.captures_len() < 2
    {
        return Err("backup.stated_size: group 1 must be the number of bytes: write (\\d+)".into());
    }
    for (field, texts) in [
        ("normal.secrets", driver.normal.secrets.clone()),
        ("normal.rotating_secrets", driver.normal.rotating_secrets.clone()),
        ("normal.reversible_secrets", reversible_patterns(driver)),
    ] {
        for text in texts {
            if pattern(field, &text)?.captures_len() < 2 {
                return Err(format!("{field}: {text:?} has no group: put the secret part into (…)"));
            }
        }
    }
    Ok(())
}

fn reversible_patterns(driver: &Driver) -> Vec<String> {
    driver.normal.reversible_secrets.iter().map(|secret| secret.pattern.clone()).collect()
}

fn pattern(field: &str, text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(PATTERN_LIMIT)
        .build()
        .map_err(|error| format!("{field}: {}", one_line(&error)))
}

fn set(field: &str, texts: &[String]) -> Result<RegexSet, String> {
    RegexSetBuilder::new(texts)
        .size_limit(8 * PATTERN_LIMIT)
        .build()
        .map_err(|error| format!("{field}: {}", one_line(&error)))
}

fn patterns(field: &str, texts: &[String]) -> Result<Patterns, String> {
    let each = texts.iter().map(|text| pattern(field, text)).collect::<Result<_, _>>()?;
    Ok(Patterns { set: set(field, texts)?, each })
}

fn answers(field: &str, answers: &[Answer]) -> Result<Vec<CompiledAnswer>, String> {
    let compile = |answer: &Answer| {
        Ok(CompiledAnswer { expect: pattern(field, &answer.expect)?, send: answer.send.clone() })
    };
    answers.iter().map(compile).collect()
}

fn one_line(error: &regex::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
