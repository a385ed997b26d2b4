//! `notify.toml` as it is written, and what is wrong with it.

mod target;
mod values;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::engine::Selection;
use crate::engine::settings::{duration, line_of};
use crate::model::{DeviceName, EventKind, Severity, nearest};

use super::quiet::Quiet;
use super::settings::{NotifySettings, Rule, Target};

pub use values::is_token;

use target::TargetTable;
use values::read_at;

/// The most targets, and the most rules.
const MOST: usize = 100;

/// A line, counting from 1, and what is wrong there.
type Fault = (Option<usize>, String);
/// Where in the text, and what is wrong there.
type Mistake = (usize, String);

/// Reads the file's text.
pub fn read(text: &str, folder: &Path) -> Result<NotifySettings, Fault> {
    let written: Written = toml::from_str(text)
        .map_err(|error| (error.span().map(|span| line_of(text, span.start)), error.message().to_owned()))?;
    written.into_settings(folder).map_err(|(at, message)| (Some(line_of(text, at)), message))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    target: Vec<Spanned<TargetTable>>,
    #[serde(default)]
    rule: Vec<Spanned<RuleTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    #[serde(default)]
    on: Vec<EventKind>,
    severity: Option<Severity>,
    group: Option<String>,
    #[serde(default)]
    devices: Vec<Spanned<String>>,
    #[serde(default)]
    filter: String,
    to: Spanned<Vec<String>>,
    quiet: Option<Spanned<String>>,
    quiet_except: Option<Spanned<Severity>>,
    group_for: Option<Spanned<String>>,
    remind: Option<Spanned<String>>,
}

impl Written {
    fn into_settings(self, folder: &Path) -> Result<NotifySettings, Mistake> {
        for (count, what) in [(self.target.len(), "targets"), (self.rule.len(), "rules")] {
            if count > MOST {
                return Err((0, format!("{count} {what}: more than {MOST}")));
            }
        }
        let mut targets: Vec<Arc<Target>> = Vec::new();
        for table in self.target {
            let at = table.span().start;
            let target = table.into_inner().into_target(at, folder, &targets)?;
            targets.push(Arc::new(target));
        }
        let rules = self.rule.into_iter().map(|table| table.into_inner().into_rule(&targets));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        Ok(NotifySettings { targets, rules })
    }
}

impl RuleTable {
    fn into_rule(self, targets: &[Arc<Target>]) -> Result<Rule, Mistake> {
        let to_at = self.to.span().start;
        let to = self.to.into_inner();
        if to.is_empty() {
            return Err((to_at, "a rule without a target: to = [\"noc\"]".to_owned()));
        }
        for name in &to {
            if !targets.iter().any(|target| target.name == *name) {
                let names = targets.iter().map(|target| target.name.as_str());
                let hint = nearest(name, names).map(|near| format!("; did you mean {near}?"));
                return Err((to_at, format!("there is no target {name:?}{}", hint.unwrap_or_default())));
            }
        }
        let mut names = Vec::new();
        for name in &self.devices {
            let read = read_at(name, |name| name.parse::<DeviceName>().map_err(|error| error.to_string()))?;
            names.push(read.as_str().to_owned());
        }
        let quiet =
            self.quiet.as_ref().map(|quiet| read_at(quiet, |text| text.parse::<Quiet>())).transpose()?;
        if let (None, Some(except)) = (&quiet, &self.quiet_except) {
            return Err((
                except.span().start,
                "quiet_except without quiet hours: quiet = \"22:00-06:00\"".into(),
            ));
        }
        let within = |written: &Option<Spanned<String>>, least: u64, most: u64, says: &str| {
            let read = |text: &Spanned<String>| match read_at(text, |text| duration(text.clone()))? {
                length if (least..=most).contains(&length.as_secs()) => Ok(length),
                _ => Err((text.span().start, format!("out of range: {says}"))),
            };
            written.as_ref().map(read).transpose()
        };
        Ok(Rule {
            on: self.on,
            severity: self.severity.unwrap_or(Severity::Warning),
            devices: Selection { names, group: self.group, filter: self.filter, ..Selection::default() },
            to,
            quiet,
            quiet_except: self.quiet_except.map(|except| *except.get_ref()),
            group_for: within(&self.group_for, 0, 3600, "0s to 1h")?.unwrap_or(Duration::from_secs(10)),
            remind: within(&self.remind, 60, 7 * 86_400, "1m to 7d")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::notify::settings::Way;

    fn parse(text: &str) -> Result<NotifySettings, Fault> {
        read(text, Path::new("/etc/noctule"))
    }

    const HOOK: &str =
        "[[target]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"https://h.example/s3cr3t\"\n";

    #[test]
    fn reads_every_kind_of_target_and_a_rule() {
        let settings = parse(
            r#"
            [[target]]
            name = "hook"
            kind = "webhook"
            url = "https://[::1]:8443/T0/s3cr3t?x=1"
            headers = { Authorization = "Bearer s3cr3t" }
            ca = "ca.pem"
            timeout = "5s"
            [[target]]
            name = "chat"
            kind = "telegram"
            token = "123456:s3cr3t-token"
            chat = "-100123"
            [[target]]
            name = "mail"
            kind = "smtp"
            server = "mail.example.net"
            from = "noctule@example.net"
            to = ["noc@example.net", "boss+alarm@example.net"]
            username = "noctule"
            password_file = "smtp.password"
            [[target]]
            name = "page"
            kind = "command"
            run = ["/usr/local/bin/page", "--loud"]
            [[rule]]
            on = ["incident-opened", "incident-closed"]
            severity = "error"
            group = "core"
            devices = ["edge-1"]
            filter = "role:access"
            to = ["hook", "mail"]
            quiet = "22:00-06:00"
            quiet_except = "error"
            group_for = "30s"
            remind = "1h"
            "#,
        )
        .unwrap();
        assert_eq!(settings.targets.len(), 4);
        let hook = settings.target("hook").unwrap();
        assert_eq!(hook.place(), "https://[::1]:8443");
        let Way::Webhook(webhook) = &hook.way else { panic!("{hook:?}") };
        assert_eq!(webhook.url.path.expose(), "/T0/s3cr3t?x=1");
        assert_eq!(webhook.ca.as_deref(), Some(Path::new("/etc/noctule/ca.pem")));
        assert_eq!(
            settings.target("mail").unwrap().place(),
            "noc@example.net, boss+alarm@example.net by mail.example.net:587"
        );
        let rule = &settings.rules[0];
        assert_eq!((rule.group_for.as_secs(), rule.remind), (30, Some(Duration::from_secs(3600))));
        // nothing that is printed for a developer's eye holds a secret either
        assert!(!format!("{settings:?}").contains("s3cr3t"), "{settings:?}");
    }

    #[test]
    fn a_mistake_names_its_line_and_tells_no_secret() {
        let smtp =
            "[[target]]\nname = \"m\"\nkind = \"smtp\"\nserver = \"m.example\"\nfrom = \"a@b.example\"\n";
        for (text, line, says) in [
            ("[[target]]\nname = \"a b\"\nkind = \"webhook\"".to_owned(), 2, "letters"),
            ("[[target]]\nname = \"a\"\nkind = \"pager\"".to_owned(), 3, "pager"),
            ("[[target]]\nname = \"a\"\nkind = \"webhook\"".to_owned(), 1, "lacks url"),
            (format!("{HOOK}token = 's3cr3t'"), 5, "does not belong"),
            (format!("{HOOK}urll = 's3cr3t'"), 5, "urll"),
            (HOOK.replace("\"https://h.example/s3cr3t\"", "534"), 4, "in quotes"),
            (HOOK.replace("https:", "gopher:"), 4, "neither"),
            (HOOK.replace("h.example", "ann:s3cr3t@h.example"), 4, "user name"),
            (format!("{HOOK}headers = {{ Host = 's3cr3t' }}"), 5, "itself"),
            (format!("{HOOK}headers = {{ X = \"s3cr3t\\nEvil: 1\" }}"), 5, "no header"),
            (format!("{HOOK}timeout = \"10m\""), 5, "1s to 5m"),
            (format!("{HOOK}{HOOK}"), 6, "two targets"),
            (format!("{HOOK}[[rule]]\nto = [\"hock\"]"), 6, "did you mean hook?"),
            (format!("{HOOK}[[rule]]\nto = []"), 6, "without a target"),
            (format!("{HOOK}[[rule]]\nto = [\"hook\"]\non = [\"incident\"]"), 7, "incident"),
            (format!("{HOOK}[[rule]]\nto = [\"hook\"]\nquiet = \"night\""), 7, "22:00"),
            (format!("{HOOK}[[rule]]\nto = [\"hook\"]\nquiet_except = \"error\""), 7, "without quiet"),
            (format!("{HOOK}[[rule]]\nto = [\"hook\"]\nremind = \"1s\""), 7, "1m to 7d"),
            (format!("{smtp}to = [\"a@b.example\\nBcc: x@y.example\"]"), 6, "no mail address"),
            (format!("{smtp}to = [\"a@b.example\"]\npassword = \"s3cr3t\""), 1, "lacks username"),
            (
                format!(
                    "{smtp}to = [\"a@b.example\"]\ntls = \"none\"\nusername = \"u\"\npassword = \"s3cr3t\""
                ),
                8,
                "in the clear",
            ),
            ("[[target]]\nname = \"c\"\nkind = \"command\"\nrun = [\"page\"]".to_owned(), 4, "whole path"),
            (
                "[[target]]\nname = \"t\"\nkind = \"telegram\"\nchat = \"1\"\ntoken = \"s3cr3t/../x\""
                    .to_owned(),
                5,
                "token",
            ),
        ] {
            let (at, message) = parse(&text).expect_err(&text);
            assert_eq!(at, Some(line), "{text}: {message}");
            assert!(message.contains(says), "{text}: {message}");
            assert!(!message.contains("s3cr3t") && !message.contains("534"), "{message}");
        }
    }
}
