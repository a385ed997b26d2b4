//! Whether everything stands as it should: what is wrong, and what to do about it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::device::icmp::{self, BUFFER, Means, Method};
use crate::device::identity::{Rules, RulesProblem};
use crate::model::{DeviceName, Severity, Timestamp, clean_line};

use super::error::ActError;
use super::settings::{FILE, Settings};
use super::start::Engine;

/// Below so many free megabytes the doctor warns.
const LITTLE_ROOM: u64 = 1024;
/// 2025-01-01: a clock behind it is certainly wrong.
const BUILT: Timestamp = Timestamp(1_735_689_600_000);

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `store`, `audit`, `samples`, `drivers`, `permissions`, `room`, `clock`, `settings`, `devices`,
    /// `ping`, `notify`, `identity`, `keys` and `copies` (of the store).
    pub topic: &'static str,
    /// `info` when it is as it should be.
    pub severity: Severity,
    /// What was found.
    pub message: String,
    /// What to do; empty when nothing is wrong.
    pub advice: String,
}

impl Finding {
    pub(super) fn good(topic: &'static str, message: impl Into<String>) -> Self {
        Self { topic, severity: Severity::Info, message: message.into(), advice: String::new() }
    }

    pub(super) fn bad(
        topic: &'static str,
        severity: Severity,
        message: impl Into<String>,
        advice: &str,
    ) -> Self {
        Self { topic, severity, message: message.into(), advice: advice.to_owned() }
    }
}

impl Engine {
    /// Looks at everything. Takes as long as reading the whole store does.
    ///
    /// # Errors
    /// When the engine is stopping: what is wrong stands in the findings.
    pub async fn doctor(self: &Arc<Self>) -> Result<Vec<Finding>, ActError> {
        let notifications = self.look_at_notifications().await?;
        self.aside(|engine| {
            let mut findings = engine.look_at_store();
            findings.extend(engine.look_at_writing());
            findings.push(engine.look_at_anchors());
            findings.extend(engine.look_at_samples());
            findings.extend(engine.look_at_kept_indexes());
            findings.extend(engine.look_at_drivers());
            findings.extend(look_at_identity_rules(engine.config_dir()));
            findings.extend(look_at_permissions(engine.data_dir(), engine.config_dir()));
            findings.extend(engine.look_at_keys());
            findings.push(engine.look_at_copies());
            findings.push(look_at_room(engine.data_dir()));
            findings.push(look_at_clock(engine.now()));
            findings.push(engine.look_at_settings());
            findings.extend(engine.look_at_devices());
            findings.extend(engine.look_at_addresses());
            findings.push(look_at_ping(icmp::open().means()));
            findings.extend(notifications);
            Ok(findings)
        })
        .await
    }

    fn look_at_store(self: &Arc<Self>) -> Vec<Finding> {
        match self.verify_store() {
            Err(error) => vec![Finding::bad(
                "store",
                Severity::Error,
                error.to_string(),
                "run `store verify`; bring back a copy with `store restore`",
            )],
            Ok(report) if report.findings.is_empty() => {
                let (entries, bodies, blocks) = (report.entries, report.bodies, report.sample_blocks);
                let message = format!(
                    "{entries} journal entries, {bodies} bodies and {blocks} blocks of samples are whole"
                );
                vec![Finding::good("store", message)]
            }
            Ok(report) => report
                .findings
                .into_iter()
                .map(|found| Finding::bad("store", Severity::Error, found.what, &found.advice))
                .collect(),
        }
    }

    /// Whether the last write was taken.
    fn look_at_writing(&self) -> Option<Finding> {
        let trouble = self.store.health().borrow().clone()?;
        let advice = "make room where the data folder lies, or mend what it says; the next write tries again";
        Some(Finding::bad("store", Severity::Error, format!("nothing is stored: {trouble}"), advice))
    }

    /// Whether what the pulse hears is kept, and what room it takes.
    fn look_at_samples(self: &Arc<Self>) -> Option<Finding> {
        if !self.data_dir().join(crate::store::series::FOLDER).exists() {
            return None;
        }
        let trouble = match self.series() {
            Ok(series) => match (series.trouble(), series.size()) {
                (None, Ok(size)) => {
                    let message = format!("the pulse's samples take {} MB", size.div_ceil(1 << 20));
                    return Some(Finding::good("samples", message));
                }
                (Some(trouble), _) => trouble,
                (None, Err(error)) => error.to_string(),
            },
            Err(error) => error.message,
        };
        let advice =
            "make room where the data folder lies, or mend what it says; it is tried again every minute";
        let message = format!("what the pulse hears is kept in memory alone: {trouble}");
        Some(Finding::bad("samples", Severity::Error, message, advice))
    }

    /// Damaged indexes are kept for whoever wants to know what happened.
    fn look_at_kept_indexes(&self) -> Option<Finding> {
        let kept = self.store.kept_aside().unwrap_or_default();
        let newest = kept.last()?;
        let message = format!(
            "{} damaged index{} kept, the newest in {}; the journal had everything",
            kept.len(),
            if kept.len() == 1 { " is" } else { "es are" },
            newest.display()
        );
        let advice = "look at the disk and the memory of this host; the folders may be removed at any time";
        Some(Finding::bad("store", Severity::Warning, message, advice))
    }

    fn look_at_drivers(&self) -> Vec<Finding> {
        let drivers = self.drivers();
        let problems = drivers.problems();
        if problems.is_empty() {
            return vec![Finding::good("drivers", "every driver file is well made")];
        }
        let advice = "mend the file, or take it away; `driver test` says whether it works";
        problems
            .iter()
            .map(|problem| Finding::bad("drivers", Severity::Warning, problem.to_string(), advice))
            .collect()
    }

    fn look_at_devices(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for row in self.rows().iter().filter(|row| row.device.deleted.is_none() && row.device.is_managed()) {
            let device = &row.device;
            if device.driver.is_none() {
                let advice = format!("device edit {} driver=ID", device.name);
                findings.push(Finding::bad(
                    "devices",
                    Severity::Warning,
                    format!("{} has a transport but no driver: it cannot be backed up", device.name),
                    &advice,
                ));
            }
            if let Err(error) = self.login(device) {
                let advice =
                    format!("type them again: device edit {} --password --enable-password", device.name);
                findings.push(Finding::bad("devices", Severity::Error, error.message, &advice));
            }
        }
        if findings.is_empty() {
            findings.push(Finding::good("devices", "every managed device has a driver and readable secrets"));
        }
        findings
    }

    /// Two records of one place: one of them is old, or mistyped. Behind one address with ports of their own they are
    /// meant to be.
    fn look_at_addresses(&self) -> Vec<Finding> {
        let mut places: BTreeMap<(String, Option<u16>), Vec<DeviceName>> = BTreeMap::new();
        for device in self.present().living_devices().iter().filter(|device| !device.paused) {
            let place = (device.address.to_string(), device.port);
            places.entry(place).or_default().push(device.name.clone());
        }
        let shared = places.into_iter().filter(|(_, names)| names.len() > 1);
        let say = |((address, _), mut names): ((String, Option<u16>), Vec<DeviceName>)| {
            names.sort();
            let who = match names.as_slice() {
                [first, second] => format!("{first} and {second}"),
                [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
                _ => String::new(),
            };
            let message = format!("{who} have one address, {address}: they are up and down together");
            let advice =
                "correct the address of the one that is wrong with `device edit`, or pause or delete it";
            Finding::bad("devices", Severity::Warning, message, advice)
        };
        shared.map(say).collect()
    }
}

impl Engine {
    /// The file as it is now, and what runs.
    fn look_at_settings(&self) -> Finding {
        let topic = "settings";
        if let Err(error) = Settings::read(self.config_dir()) {
            let advice = "mend it; noctule runs with the settings that were well made last, and would not start with these";
            return Finding::bad(topic, Severity::Error, error.to_string(), advice);
        }
        let waiting = self.settings_waiting();
        if !waiting.is_empty() {
            let message = format!("{FILE} was changed: {} need a restart of noctule", waiting.join(", "));
            return Finding::bad(topic, Severity::Warning, message, "start noctule anew when it suits");
        }
        match self.config_dir().join(FILE).exists() {
            true => Finding::good(topic, format!("{FILE} is well made and in force")),
            false => Finding::good(topic, format!("there is no {FILE}: the defaults hold")),
        }
    }
}

/// The data folder must be read by nobody else. What lies in the settings' folder must be changed by nobody else: a
/// driver says where passwords are typed.
fn look_at_permissions(data: &Path, config: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let folders = [
        (data.to_owned(), 0o077, "can be read by other users"),
        (data.join("data.key"), 0o077, "can be read by other users"),
        (data.join("keyring"), 0o077, "can be read by other users"),
        (config.to_owned(), 0o022, "can be changed by other users"),
        (config.join("drivers"), 0o022, "can be changed by other users"),
        (config.join("identity"), 0o022, "can be changed by other users"),
    ];
    for (path, forbidden, what) in folders.into_iter().chain(files_of_settings(config)) {
        // nobody else gets to what lies in a folder that is closed to them
        let is_shut_in = path.parent().is_some_and(|folder| folder.starts_with(config) && is_closed(folder));
        if !is_shut_in {
            findings.extend(look_at_mode(&path, forbidden, what, path == data));
        }
    }
    if findings.is_empty() {
        findings
            .push(Finding::good("permissions", "the data folder is private, the settings are the owner's"));
    }
    findings
}

/// The settings must be changed by nobody else, and read by nobody else where they hold communities or passwords; so the
/// files that hold these instead.
fn files_of_settings(config: &Path) -> Vec<(PathBuf, u32, &'static str)> {
    let snmp = Settings::read(config).map(|settings| settings.snmp).unwrap_or_default();
    let settings = match snmp.has_secrets {
        true => (config.join(FILE), 0o077, "holds secrets of SNMP and can be read by other users"),
        false => (config.join(FILE), 0o022, "can be changed by other users"),
    };
    let of_secrets = snmp.secret_files.into_iter();
    let of_secrets =
        of_secrets.map(|path| (path, 0o077, "holds secrets of SNMP and can be read by other users"));
    std::iter::once(settings).chain(of_secrets).collect()
}

/// Whether nobody but its owner can reach what lies in a folder, whatever the files' own modes are.
pub(in crate::engine) fn is_closed(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|data| data.is_dir() && data.permissions().mode() & 0o077 == 0)
}

fn look_at_mode(path: &Path, forbidden: u32, what: &str, must_be_there: bool) -> Option<Finding> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_be_there => None,
        Err(error) => Some(Finding::bad(
            "permissions",
            Severity::Error,
            format!("{}: {error}", path.display()),
            "let the user that runs noctule own its data folder",
        )),
        Ok(metadata) if metadata.permissions().mode() & forbidden != 0 => {
            let advice = if forbidden == 0o022 { "chmod go-w" } else { "chmod go=" };
            Some(Finding::bad(
                "permissions",
                Severity::Warning,
                format!("{} {what}", path.display()),
                &format!("{advice} {}", path.display()),
            ))
        }
        Ok(_) => None,
    }
}

/// The operator's own rules as they are now.
fn look_at_identity_rules(config: &Path) -> Vec<Finding> {
    let rules = Rules::load(Some(&config.join("identity")));
    if rules.problems().is_empty() {
        return vec![Finding::good("identity", "every file of identity rules is well made")];
    }
    let advice = "mend the file, or take it away: until then its rules are as they were before the mistake, or not used";
    let found = |problem: &RulesProblem| {
        let message = format!("{}/{problem}", config.display());
        Finding::bad("identity", Severity::Warning, clean_line(&message), advice)
    };
    rules.problems().iter().map(found).collect()
}

fn look_at_room(folder: &Path) -> Finding {
    match rustix::fs::statvfs(folder) {
        Err(error) => {
            let message = format!("the free room of {} is unknown: {error}", folder.display());
            Finding::bad("room", Severity::Warning, message, "look with `df`")
        }
        Ok(room) => {
            let megabytes = room.f_bavail.saturating_mul(room.f_frsize) >> 20;
            let message = format!("{megabytes} MB are free where {} lies", folder.display());
            if megabytes < LITTLE_ROOM {
                let advice = "make room: backups fail when the disk is full, and say so";
                Finding::bad("room", Severity::Warning, message, advice)
            } else {
                Finding::good("room", message)
            }
        }
    }
}

fn look_at_clock(now: Timestamp) -> Finding {
    let message = format!("the clock says {}", now.local());
    if now < BUILT {
        Finding::bad("clock", Severity::Error, message, "set the host's clock; runs are ordered by it")
    } else {
        Finding::good("clock", message)
    }
}

/// How devices can be probed, and the one command that makes it better.
fn look_at_ping(means: &Means) -> Finding {
    let advice = icmp::granting_command();
    match (means.v4, means.buffer) {
        (Method::Tcp, _) => Finding::bad("ping", Severity::Warning, means.notices.join("; "), &advice),
        (_, Some(buffer)) if buffer < BUFFER => Finding::bad(
            "ping",
            Severity::Warning,
            format!("the receive buffer for ping is {buffer} bytes: enough for some hundred devices"),
            &format!("sudo sysctl -w net.core.rmem_max={BUFFER}"),
        ),
        (Method::Ping, _) => Finding::good(
            "ping",
            format!("ICMP goes by unprivileged ping sockets; raw sockets cost less: {advice}"),
        ),
        (Method::Raw, _) => {
            Finding::good("ping", "ICMP goes by raw sockets, with room for ten thousand replies")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_grants_icmp_is_named() {
        let means = |v4, buffer| Means { v4, v6: None, buffer, notices: vec!["why".into()] };
        let none = look_at_ping(&means(Method::Tcp, None));
        assert_eq!((none.severity, none.message.as_str()), (Severity::Warning, "why"));
        assert!(none.advice.starts_with("sudo setcap cap_net_raw+ep /"), "{}", none.advice);
        let small = look_at_ping(&means(Method::Ping, Some(212_992)));
        assert!(small.advice.contains("net.core.rmem_max=4194304"), "{}", small.advice);
        assert_eq!(look_at_ping(&means(Method::Raw, Some(BUFFER))).severity, Severity::Info);
    }

    #[test]
    fn a_folder_that_others_can_read_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mode =
            |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o755);
        std::fs::write(folder.path().join("data.key"), "").unwrap();
        let key = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.path().join("data.key"), key).unwrap();
        let outer = tempfile::tempdir().unwrap();
        let config = outer.path().join("config");
        let look = || look_at_permissions(folder.path(), &config);
        let found = look();
        assert_eq!(found[0].severity, Severity::Warning);
        assert!(found[0].advice.starts_with("chmod go= "));
        mode(0o700);
        assert_eq!(look()[0].severity, Severity::Info);

        std::fs::create_dir_all(config.join("drivers")).unwrap();
        let shared = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(config.join("drivers"), shared).unwrap();
        let found = look();
        assert_eq!((found.len(), found[0].severity), (1, Severity::Warning));
        assert_eq!(found[0].advice, format!("chmod go-w {}", config.join("drivers").display()));
    }

    #[test]
    fn settings_with_secrets_that_others_can_read_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let look = |text: &str, mode| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = files_of_settings(folder.path()).into_iter();
            let mut found =
                found.filter_map(|(path, forbidden, what)| look_at_mode(&path, forbidden, what, false));
            found.next().map(|finding| finding.advice)
        };
        assert_eq!(look("", 0o644), None);
        let secret = "[snmp]\ncommunities = [\"not-public\"]\n";
        assert_eq!(look(secret, 0o644), Some(format!("chmod go= {}", file.display())));
        assert_eq!(look(secret, 0o600), None);
        let elsewhere = "[snmp]\ncommunity_file = \"snmp\"\n";
        let named = folder.path().join("snmp");
        std::fs::write(&named, "not-public\n").unwrap();
        std::fs::set_permissions(&named, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(look(elsewhere, 0o644), Some(format!("chmod go= {}", named.display())));
        std::fs::set_permissions(&named, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(look(elsewhere, 0o644), None);
    }

    #[test]
    fn what_lies_in_a_folder_that_is_closed_to_others_is_closed_to_them() {
        let (data, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let permit = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let key = data.path().join("data.key");
        std::fs::write(&key, "").unwrap();
        permit(&key, 0o600);
        permit(data.path(), 0o700);
        let file = config.path().join(FILE);
        std::fs::write(&file, "[snmp]\ncommunities = [\"not-public\"]\n").unwrap();
        permit(&file, 0o644);
        let severity = || look_at_permissions(data.path(), config.path())[0].severity;
        for (mode, found) in [(0o700, Severity::Info), (0o750, Severity::Warning), (0o755, Severity::Warning)]
        {
            permit(config.path(), mode);
            assert_eq!(severity(), found, "{mode:o}");
        }
        // the data folder's files are looked at in any case
        permit(config.path(), 0o700);
        permit(&key, 0o640);
        assert_eq!(severity(), Severity::Warning);
    }

    #[test]
    fn a_mistake_in_a_file_of_identity_rules_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let look = || look_at_identity_rules(folder.path());
        assert_eq!((look().len(), look()[0].severity), (1, Severity::Info));
        std::fs::create_dir(folder.path().join("identity")).unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("identity/zorblax.toml"), text).unwrap();
        let file = folder.path().join("identity/zorblax.toml").display().to_string();
        for (text, line, says) in [
            ("vendor = 'Zorblax'\n\n[[rule]]\ncolour = 'red'\n", 4, "colour"),
            ("vendor = 'Zorblax'\n\n[[rule]]\nobject = ['9.x']\n", 3, "not an object identifier"),
            ("vendor = 'Zorblax'\n[[rule]]\ntext = 'a'\n[[rule]]\ntext = '('\n", 4, "the pattern"),
            ("vendor = 'Zorblax'\n[enterprises]\n1 = 'a'\nnine = 'b'\n", 4, "enterprise number"),
            ("[[rule]]\ntext = 'a'\nfacts = ['(?P<modle>a)']\n", 1, "modle is no fact"),
            ("[[rule]]\nhas = { oid = '1.3', find = '^a' }\n", 1, "has no group"),
            ("vendor = \n", 1, ""),
        ] {
            write(text);
            let found = look();
            let begin = format!("{file}:{line}: ");
            assert_eq!((found.len(), found[0].severity), (1, Severity::Warning));
            assert!(found[0].message.starts_with(&begin), "{}", found[0].message);
            assert!(found[0].message.contains(says) && found[0].advice.contains("mend the file"));
        }
    }

    #[test]
    fn a_clock_of_1970_is_found() {
        assert_eq!(look_at_clock(Timestamp(0)).severity, Severity::Error);
    }
}
