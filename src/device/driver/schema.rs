//! What a `driver.toml` says. Every field has a default but `id`, `vendor`, `name`, `prompt` and `backup`.
//!
//! Patterns are regular expressions of the `regex` crate (no look-around), matched against cleaned text:
//! decoded, escape sequences taken out, carriage returns and backspaces applied, without the line end.

use std::time::Duration;

use serde::Deserialize;

use crate::device::reversible::Form;
use crate::model::{DriverId, TransportKind};

/// A device kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// netmiko's device type where it has one; the folder's name.
    pub id: DriverId,
    /// Who makes it.
    pub vendor: String,
    /// What it is called, families included: `IOS and IOS XE`.
    pub name: String,
    /// What it was tried on. Says so when that is nothing: `never tried on the real thing; written from …`.
    pub tried: String,
    /// The documents that the file was written from.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Transports, the preferred one first.
    #[serde(default = "both_transports")]
    pub transports: Vec<TransportKind>,
    /// WHATWG label of the character set that is tried where bytes are not UTF-8: `gbk`, `windows-1251`.
    #[serde(default = "latin1")]
    pub charset: String,
    /// What ends a typed line: `\r` (default) or `\n`.
    #[serde(default = "carriage_return")]
    pub newline: String,
    /// How SSH differs from the usual.
    #[serde(default)]
    pub ssh: Ssh,
    /// The dialogue before the first prompt.
    #[serde(default)]
    pub login: Login,
    /// The prompts, by mode.
    pub prompt: Prompts,
    /// How the privileged mode is entered.
    pub enable: Option<Enable>,
    /// How the device pages its output.
    pub pager: Option<Pager>,
    /// What is typed before anything else, to quieten the session.
    #[serde(default)]
    pub prepare: Vec<Prepare>,
    /// What is read as the configuration.
    pub backup: Backup,
    /// How the normalised view is made.
    #[serde(default)]
    pub normal: Normal,
    /// What an error looks like.
    #[serde(default)]
    pub errors: Errors,
    /// Lines that the device prints at any time, such as log messages: taken out of every answer.
    #[serde(default)]
    pub log_lines: Vec<String>,
    /// How the configuration folds.
    #[serde(default)]
    pub sections: Sections,
    /// How the session is left.
    #[serde(default)]
    pub logout: Logout,
    /// How the simulated device behaves beyond its transcripts.
    #[serde(default)]
    pub lab: Lab,
}

/// `[ssh]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ssh {
    /// This kind commonly speaks only SHA-1, CBC or ssh-rsa: offer them without a word in the device's record.
    pub legacy_algorithms: bool,
    /// After SSH has authenticated, the device asks for a name and password again inside the stream.
    pub login_in_stream: bool,
    /// Terminal type to ask for; empty is `vt100`.
    pub terminal: String,
    /// What is added to the login name to choose how the session looks: RouterOS takes `+ct511w`.
    pub username_suffix: String,
}

/// `[login]`: the dialogue of Telnet, and of SSH with `login_in_stream`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// What asks for the name, matched against the last line.
    pub username: String,
    /// What asks for the password, matched against the last line.
    pub password: String,
    /// Lines that say the name or password was wrong, matched against each line.
    pub failed: Vec<String>,
    /// Questions that may come before the prompt, at any time: `Press any key`, a banner to accept.
    pub answers: Vec<Answer>,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            username: r"(?i)(user ?name|login|user)\s*:\s*$".into(),
            password: r"(?i)pass(word|code)?\s*:\s*$".into(),
            failed: vec![
                r"(?i)(login|authentication|access|permission|password)\s*(failed|failure|incorrect|invalid|denied|error)".into(),
                r"(?i)(bad|incorrect|invalid|wrong)\s*(password|user|login|username)".into(),
            ],
            answers: Vec::new(),
        }
    }
}

/// A question and what is typed at it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The question, matched against the last line.
    pub expect: String,
    /// What is sent, as it stands: write `\r` where a line end is wanted. `{password}`, `{username}` and
    /// `{enable_password}` are filled in.
    pub send: String,
}

/// `[prompt]`: matched against the whole last line. A prompt counts only at the end of all output, after quiet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompts {
    /// The mode after login: `^[\w.-]+>$`. A capture group `name` is the device's name: it must then stay the same.
    pub user: Option<String>,
    /// The mode in which the backup commands run; where `user` is missing, the mode after login.
    pub privileged: String,
    /// Configuration modes.
    pub config: Option<String>,
}

/// `[enable]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enable {
    /// What is typed: `enable`.
    pub command: String,
    /// What asks for the name there, where it does.
    #[serde(default)]
    pub username: Option<String>,
    /// What asks for the password.
    #[serde(default = "password_prompt")]
    pub password: String,
    /// Lines that say it was wrong.
    #[serde(default)]
    pub failed: Vec<String>,
}

/// `[pager]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pager {
    /// What it shows, matched against the last line.
    pub pattern: String,
    /// What brings the next page: a space unless said otherwise.
    #[serde(default = "space")]
    pub send: String,
    /// What remains of it at the start of the first line after it, where the device does not erase it: this is taken
    /// out, and a line of nothing else is dropped. Erasing by `\r`, backspaces, spaces and `ESC[K` needs no mention.
    #[serde(default)]
    pub remains: Option<String>,
}

/// `[[prepare]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepare {
    /// What is typed.
    pub run: String,
    /// Whether an error line may answer it.
    #[serde(default)]
    pub optional: bool,
    /// Questions that it asks.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

/// `[backup]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The commands, in order. Exactly one has `config = true`.
    pub commands: Vec<BackupCommand>,
    /// What the last non-empty line of the configuration looks like: `^end$`.
    #[serde(default)]
    pub end: Option<String>,
    /// Whether `{` and `}` outside of quotes must balance.
    #[serde(default)]
    pub balanced_braces: bool,
    /// Where the device states the size: group 1 is the number of bytes.
    #[serde(default)]
    pub stated_size: Option<String>,
    /// How far, in percent, the stated size may be from the one that came (line ends are counted differently).
    #[serde(default = "ten")]
    pub stated_size_tolerance: u32,
    /// What the configuration begins with: all before the first line that matches is not part of it
    /// (`Building configuration...`).
    #[serde(default)]
    pub begin: Option<String>,
    /// The fewest lines that can be a configuration.
    #[serde(default = "three")]
    pub least_lines: u32,
}

/// `[[backup.commands]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupCommand {
    /// What is typed.
    pub run: String,
    /// Whether this is the configuration; other output is stored ahead of it, each line behind `comment`.
    #[serde(default)]
    pub config: bool,
    /// What makes a line a comment on this device, for output that is not configuration.
    #[serde(default = "bang")]
    pub comment: String,
    /// Whether an error line may answer it; the output is then left out.
    #[serde(default)]
    pub optional: bool,
    /// Seconds that the whole output may take.
    #[serde(default = "two_minutes")]
    pub seconds: u64,
    /// Questions during the command, such as `Continue? [y/n]`.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

/// `[normal]`: what makes two texts the same configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Normal {
    /// Lines that change by themselves and are dropped.
    pub drop: Vec<String>,
    /// Parts of lines that change by themselves; what they match is replaced by `<volatile>`.
    pub volatile: Vec<String>,
    /// Secrets: each capture group is replaced by its keyed fingerprint, `<secret:1f3a9c20>`.
    pub secrets: Vec<String>,
    /// Secrets in a form that can be read back: the fingerprint is that of what they stand for, so that the same
    /// password typed again is silent. What is not of the form is named as in `secrets`.
    pub reversible_secrets: Vec<Reversible>,
    /// Secrets that are written with a new salt at each look (`rotating`): the group becomes `<secret>`.
    pub rotating_secrets: Vec<String>,
    /// Blocks that are secrets as a whole, such as a private key: from a line that matches `from` to one that
    /// matches `to`.
    pub secret_blocks: Vec<Block>,
}

/// `[[normal.reversible_secrets]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversible {
    /// Where they stand: each capture group is one.
    pub pattern: String,
    /// How they are written: `cisco-7` or `junos-9`.
    pub form: Form,
}

/// `[[normal.secret_blocks]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The first line.
    pub from: String,
    /// The last line.
    pub to: String,
    /// Whether it is written with a new salt at each look: it then shows as `<secret>`, however it changes.
    #[serde(default)]
    pub rotating: bool,
}

/// `[errors]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Errors {
    /// A line that means the command was refused: `^% Invalid input`. Looked for in the first
    /// ten lines of an answer only, so that a configuration that quotes one is not an error.
    pub lines: Vec<String>,
}

/// `[sections]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sections {
    /// How the configuration is nested.
    pub style: SectionStyle,
    /// For `flat`: a line that starts a section.
    pub start: Option<String>,
}

/// How a configuration is nested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SectionStyle {
    /// A line belongs to the nearest line above that is indented less (IOS, VRP, EOS).
    #[default]
    Indent,
    /// `{` opens, `}` closes (Junos, VyOS).
    Braces,
    /// `config …` opens, `end` closes (FortiOS); `edit` and `next` inside likewise.
    Words,
    /// XML elements (pfSense, OPNsense).
    Xml,
    /// Lines that match `start` begin a section (RouterOS `/ip address`, EXOS `# Module`).
    Flat,
}

/// `[logout]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logout {
    /// What is typed at the end; nothing waits for an answer but `answers`.
    pub commands: Vec<String>,
    /// Questions at the way out: `save? [y/n]` is answered with no.
    pub answers: Vec<Answer>,
}

impl Default for Logout {
    fn default() -> Self {
        Self { commands: vec!["exit".into()], answers: Vec::new() }
    }
}

/// `[lab]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lab {
    /// Configuration text that a simulated device repeats to reach a wanted size, `{n}` counting up:
    /// `interface Vlan{n}\n description lab {n}\n`. Put in before the end marker.
    pub filler: String,
}

/// Time limits of a session. Every wait has one.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// TCP connect and SSH key exchange.
    pub connect: Duration,
    /// Authentication, up to the first prompt.
    pub login: Duration,
    /// Longest silence while an answer is awaited.
    pub idle: Duration,
    /// The whole session.
    pub whole: Duration,
    /// Silence after something that looks like a prompt before it counts as one, when it is not confirmed otherwise.
    pub quiet: Duration,
    /// Most bytes of one answer.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            login: Duration::from_secs(20),
            idle: Duration::from_secs(30),
            whole: Duration::from_secs(600),
            quiet: Duration::from_millis(150),
            answer_bytes: 64 << 20,
        }
    }
}

fn both_transports() -> Vec<TransportKind> {
    vec![TransportKind::Ssh, TransportKind::Telnet]
}
fn latin1() -> String {
    "windows-1252".into()
}
fn carriage_return() -> String {
    "\r".into()
}
fn space() -> String {
    " ".into()
}
fn bang() -> String {
    "! ".into()
}
fn password_prompt() -> String {
    r"(?i)password\s*:\s*$".into()
}
fn two_minutes() -> u64 {
    120
}
fn ten() -> u32 {
    10
}
fn three() -> u32 {
    3
}
