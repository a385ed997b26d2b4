//! `config.toml` in the configuration folder: what an operator sets once for the whole engine.

mod audit;
mod hidden;
pub mod keys;
mod mistakes;
mod pulse;
mod reload;
mod serve;
mod snmp;
mod stamp;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::device::driver::Limits;

pub use audit::AuditSettings;
use audit::AuditTable;
pub(super) use hidden::Hidden;
pub use mistakes::{Found, every_mistake};
use pulse::PulseTable;
pub use pulse::{Canaries, PulseRule, PulseSettings};
pub(super) use reload::{Reload, work};
pub use serve::MetricsPlace;
use serve::ServeTable;
use snmp::SnmpTable;
pub use snmp::{CommunityFile, SnmpSettings, SnmpUser};
pub(super) use stamp::{Stamp, settled};
pub use store::StoreSettings;
use store::StoreTable;

/// The file's name in the configuration folder.
pub const FILE: &str = "config.toml";
/// The largest such file, in bytes.
const LARGEST: u64 = 1 << 20;

/// What the engine does where the operator says nothing is [`Settings::default`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The local time of the daily backup, minutes after midnight; `None` is "never by itself".
    pub daily_at: Option<u16>,
    /// Over how long the daily backup's devices are spread.
    pub jitter: Duration,
    /// Most sessions at once.
    pub concurrency: usize,
    /// How often a passing failure is tried again.
    pub retries: u32,
    /// The wait before the first of these; each next one waits twice as long.
    pub retry_wait: Duration,
    /// The age at which a proven configuration counts as late.
    pub late_after: Duration,
    /// Most revisions kept of a device; `None` keeps every one.
    pub keep_revisions: Option<u32>,
    /// How long a revision is kept; `None` is for good.
    pub keep_for: Option<Duration>,
    /// Most recordings of failed sessions kept of a device.
    pub keep_recordings: usize,
    /// What happens at an unknown host key.
    pub host_keys: HostKeyPolicy,
    /// How long each step of a session may take.
    pub limits: Limits,
    /// How devices are probed.
    pub pulse: PulseSettings,
    /// How agents are asked.
    pub snmp: SnmpSettings,
    /// Where the head of the journal is noted outside of it.
    pub audit: AuditSettings,
    /// How the store is copied by itself.
    pub store: StoreSettings,
    /// The line of each key that the file has, by its whole name: `backup.daily`.
    pub written: BTreeMap<String, usize>,
    /// The accounts that may say which person uses them: those whose keys stand for people.
    pub trusted: Vec<String>,
    /// Where the engine has metrics; `None` is nowhere.
    pub metrics: Option<MetricsPlace>,
}

/// What happens when a device shows a host key that is not pinned yet. A changed one is always refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeyPolicy {
    /// It is pinned, and an event says so.
    #[default]
    AcceptNew,
    /// It is refused until a person trusts it.
    Strict,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            daily_at: Some(2 * 60 + 30),
            jitter: HOUR,
            concurrency: 50,
            retries: 2,
            retry_wait: Duration::from_secs(5),
            late_after: HOUR * 36,
            keep_revisions: None,
            keep_for: None,
            keep_recordings: 20,
            host_keys: HostKeyPolicy::default(),
            limits: Limits::default(),
            pulse: PulseSettings::default(),
            snmp: SnmpSettings::default(),
            audit: AuditSettings::default(),
            store: StoreSettings::default(),
            written: BTreeMap::new(),
            trusted: Vec::new(),
            metrics: None,
        }
    }
}

/// A mistake in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// The file, as it was named.
    pub file: String,
    /// The line, counting from 1; `None` where the file could not be read at all.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the file in `folder`; where there is none, the defaults hold.
    ///
    /// # Errors
    /// The first mistake, with its line. A setting is never half taken.
    pub fn read(folder: &Path) -> Result<Self, SettingsError> {
        let path = folder.join(FILE);
        let file = path.display().to_string();
        let fail = |message: String| SettingsError { file: file.clone(), line: None, message };
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(fail(error.to_string())),
            // looked at before it is opened: a pipe would be waited for without end
            Ok(metadata) if !metadata.is_file() => return Err(fail("it is no regular file".to_owned())),
            Ok(metadata) if metadata.len() > LARGEST => {
                return Err(fail(format!("it is larger than {} kB", LARGEST >> 10)));
            }
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(&path).map_err(|error| fail(error.to_string()))?;
        Self::parse(&text, &file, folder)
    }

    /// Reads `text`; `file` is its name in errors, and `folder` where the files with secrets lie that it names.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn parse(text: &str, file: &str, folder: &Path) -> Result<Self, SettingsError> {
        let fail = |at: Option<usize>, message: String| SettingsError {
            file: file.to_owned(),
            line: at.map(|at| line_of(text, at)),
            message: crate::model::clean_line(&message).into_owned(),
        };
        let written: Written = toml::from_str(text)
            .map_err(|error| fail(error.span().map(|span| span.start), error.message().to_owned()))?;
        let read = written.into_settings(folder).map_err(|(at, message)| fail(Some(at), message))?;
        Ok(Self { written: keys::lines(text), ..read })
    }
}

/// The line, counting from 1, of a place in a text.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// The file as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Written {
    backup: BackupTable,
    retention: RetentionTable,
    ssh: SshTable,
    limits: LimitsTable,
    pulse: PulseTable,
    snmp: SnmpTable,
    audit: AuditTable,
    store: StoreTable,
    serve: ServeTable,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct BackupTable {
    daily: Option<Spanned<String>>,
    jitter: Option<Spanned<String>>,
    concurrency: Option<Spanned<u32>>,
    retries: Option<Spanned<u32>>,
    retry_wait: Option<Spanned<String>>,
    late_after: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RetentionTable {
    revisions: Option<Spanned<u32>>,
    age: Option<Spanned<String>>,
    recordings: Option<Spanned<u32>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SshTable {
    host_keys: Option<HostKeyPolicy>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    connect: Option<Spanned<String>>,
    login: Option<Spanned<String>>,
    idle: Option<Spanned<String>>,
    session: Option<Spanned<String>>,
    answer_megabytes: Option<Spanned<u32>>,
}

/// Where in the file, and what is wrong there.
type Mistake = (usize, String);

impl Written {
    fn into_settings(mut self, folder: &Path) -> Result<Settings, Mistake> {
        let usual = Settings::default();
        let limits = Limits {
            connect: or_usual(self.limits.connect, usual.limits.connect, duration)?,
            login: or_usual(self.limits.login, usual.limits.login, duration)?,
            idle: or_usual(self.limits.idle, usual.limits.idle, duration)?,
            whole: or_usual(self.limits.session, usual.limits.whole, duration)?,
            answer_bytes: or_usual(self.limits.answer_megabytes, usual.limits.answer_bytes, |mb| {
                number(mb, 1, 1024).map(|mb| mb as usize * (1 << 20))
            })?,
            ..usual.limits
        };
        Ok(Settings {
            snmp: self.snmp.into_settings(folder)?,
            audit: self.audit.into_settings()?,
            daily_at: or_usual(self.backup.daily, usual.daily_at, time_of_day)?,
            jitter: or_usual(self.backup.jitter, usual.jitter, less_than_a_day)?,
            concurrency: or_usual(self.backup.concurrency, usual.concurrency, |n| {
                number(n, 1, 5000).map(|n| n as usize)
            })?,
            retries: or_usual(self.backup.retries, usual.retries, |n| number(n, 0, 10))?,
            retry_wait: or_usual(self.backup.retry_wait, usual.retry_wait, duration)?,
            late_after: or_usual(self.backup.late_after, usual.late_after, duration)?,
            keep_revisions: or_usual(self.retention.revisions, usual.keep_revisions, |n| {
                number(n, 1, 1_000_000).map(Some)
            })?,
            keep_for: or_usual(self.retention.age, usual.keep_for, |text| duration(text).map(Some))?,
            keep_recordings: or_usual(self.retention.recordings, usual.keep_recordings, |n| {
                number(n, 0, 1000).map(|n| n as usize)
            })?,
            host_keys: self.ssh.host_keys.unwrap_or_default(),
            limits,
            pulse: self.pulse.into_settings()?,
            store: self.store.into_settings()?,
            written: BTreeMap::new(),
            metrics: self.serve.metrics()?,
            trusted: self.serve.trusted,
        })
    }
}

fn or_usual<W, T>(
    written: Option<Spanned<W>>,
    usual: T,
    read: impl Fn(W) -> Result<T, String>,
) -> Result<T, Mistake> {
    let Some(written) = written else { return Ok(usual) };
    let at = written.span().start;
    read(written.into_inner()).map_err(|message| (at, message))
}

fn number(value: u32, least: u32, most: u32) -> Result<u32, String> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{value} is out of range: {least} to {most}"))
    }
}

/// Reads `02:30`, or `off`.
fn time_of_day(text: String) -> Result<Option<u16>, String> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = || format!("{text:?} is not a time of day: write \"02:30\", or \"off\"");
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    match (hours.parse::<u16>(), minutes.parse::<u16>()) {
        (Ok(hours @ 0..=23), Ok(minutes @ 0..=59)) if minutes < 60 => Ok(Some(hours * 60 + minutes)),
        _ => Err(wrong()),
    }
}

/// Reads `30s`, `5m`, `2h`, `7d`.
pub(super) fn duration(text: String) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a length of time: write 30s, 5m, 2h or 7d");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - unit.len_utf8()].trim_end().parse().map_err(|_| wrong())?;
    let most = 3650 * 86_400;
    match count.checked_mul(seconds) {
        Some(total) if total <= most => Ok(Duration::from_secs(total)),
        _ => Err(format!("{text:?} is longer than ten years")),
    }
}

/// A reply that is not there after a minute will not come.
fn a_few_seconds(text: String) -> Result<Duration, String> {
    match duration(text)? {
        length if (1..=60).contains(&length.as_secs()) => Ok(length),
        _ => Err("out of range: 1s to 60s".to_owned()),
    }
}

/// A device's share of the jitter lies within its round.
fn less_than_a_day(text: String) -> Result<Duration, String> {
    let most = Duration::from_secs(23 * 3600);
    match duration(text)? {
        length if length <= most => Ok(length),
        _ => Err("longer than 23h: a daily backup must be over before the next one begins".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_defaults() {
        let settings = Settings::parse("", "config.toml", Path::new("/")).unwrap();
        assert_eq!(settings.concurrency, 50);
        assert_eq!(settings.daily_at, Some(150));
        assert_eq!(settings.keep_revisions, None);
    }

    #[test]
    fn reads_every_setting() {
        let text = r#"
            [backup]
            daily = "23:05"
            jitter = "90s"
            concurrency = 200
            retries = 0
            retry_wait = "1s"
            late_after = "2d"
            [retention]
            revisions = 30
            age = "365d"
            recordings = 5
            [ssh]
            host_keys = "strict"
            [limits]
            connect = "3s"
            login = "4s"
            idle = "5s"
            session = "10m"
            answer_megabytes = 8
            [pulse]
            watch = false
            timeout = "3s"
            tcp_port = 2222
            keep_samples = "7d"
            keep_rows = "731d"
            interval = "5s"
            misses = 4
            silence = "8s"
            canaries = ["192.0.2.1", "2001:db8::1"]
            [[pulse.rule]]
            role = "core"
            group = "campus"
            interval = "1s"
            misses = 2
            [serve]
            trusted = ["noc"]
        "#;
        let settings = Settings::parse(text, "config.toml", Path::new("/")).unwrap();
        assert_eq!(settings.daily_at, Some(23 * 60 + 5));
        assert_eq!(settings.jitter, Duration::from_secs(90));
        assert_eq!(settings.keep_for, Some(Duration::from_secs(365 * 86_400)));
        assert_eq!(settings.host_keys, HostKeyPolicy::Strict);
        assert_eq!(settings.limits.whole, Duration::from_secs(600));
        assert_eq!(settings.limits.answer_bytes, 8 << 20);
        assert_eq!(settings.trusted, ["noc"]);
        let pulse = settings.pulse;
        assert_eq!((pulse.watch, pulse.timeout, pulse.tcp_port), (false, Duration::from_secs(3), 2222));
        assert!(matches!(&pulse.canaries, Canaries::These(two) if two.len() == 2));
        let mut device = crate::engine::fields::blank(
            crate::model::DeviceId(1),
            "a".parse().unwrap(),
            "192.0.2.2".parse().unwrap(),
            crate::model::Timestamp(0),
        );
        assert_eq!(pulse.interval_of(&device), Duration::from_secs(5));
        (device.role, device.group) = ("core".into(), "campus/north".into());
        assert_eq!(pulse.interval_of(&device), Duration::from_secs(1));
        let thresholds = pulse.thresholds_of(&device);
        assert_eq!((thresholds.misses, thresholds.silence), (2, Duration::from_secs(8)));
        device.group = "campusnorth".into();
        assert_eq!(pulse.interval_of(&device), Duration::from_secs(5));
    }

    #[test]
    fn a_mistake_names_its_line() {
        for (text, line, says) in [
            ("[backup]\nconcurency = 3", 2, "concurency"),
            ("[backup]\n\ndaily = \"25:00\"", 3, "25:00"),
            ("[backup]\nconcurrency = 0", 2, "out of range"),
            ("[backup]\njitter = \"7 weeks\"", 2, "length of time"),
            ("[backup]\njitter = \"ü\"", 2, "length of time"),
            ("[backup]\njitter = \"2d\"", 2, "23h"),
            ("[backup]\njitter = \"99999999999999d\"", 2, "ten years"),
            ("[ssh]\nhost_keys = \"off\"", 2, "off"),
            ("[pulse]\ntimeout = \"0s\"", 2, "1s to 60s"),
            ("[pulse]\ntcp_port = 65536", 2, "out of range"),
            ("[pulse]\ncanaries = [\"router\"]", 2, "no IP address"),
            ("[pulse]\ninterval = \"0s\"", 2, "1s to 1h"),
            ("[[pulse.rule]]\ninterval = \"2s\"", 1, "needs a role"),
            ("[store]\nbackup_to = \"copies\"", 2, "whole path"),
            ("[store]\nbackup_keep = 0", 2, "1 to 1000"),
            ("[backup", 1, ""),
        ] {
            let error = Settings::parse(text, "config.toml", Path::new("/")).unwrap_err();
            assert_eq!(error.line, Some(line), "{text:?}: {error}");
            assert!(error.message.contains(says), "{error}");
            assert!(error.to_string().starts_with("config.toml:"), "{error}");
        }
    }
}
