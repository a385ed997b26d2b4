//! What `doctor` says about notifications.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::engine::ActError;
use crate::engine::doctor::{Finding, is_closed};
use crate::engine::start::Engine;
use crate::model::Severity;

use super::overview::State;
use super::settings::FILE;

const TOPIC: &str = "notify";

impl Engine {
    /// Whether `notify.toml` is well made and private, and its targets take messages.
    pub(in crate::engine) async fn look_at_notifications(self: &Arc<Self>) -> Result<Vec<Finding>, ActError> {
        let path = self.config_dir().join(FILE);
        let view = self.notifications().await?;
        let mut findings = Vec::new();
        let bad = |severity, message: String, advice: &str| Finding::bad(TOPIC, severity, message, advice);
        if let Some(problem) = &view.problem {
            let advice = "mend it; `notify list` shows what it says, `notify test TARGET` whether it works";
            findings.push(bad(Severity::Error, problem.clone(), advice));
        }
        findings.extend(look_at_reading(&path));
        if let Ok(settings) = self.notify_settings() {
            for target in &settings.targets {
                findings.extend(target.secret_files().into_iter().filter_map(look_at_reading));
            }
        }
        for target in view.targets.iter().filter(|target| target.state == State::Failing) {
            let why = target.error.as_deref().unwrap_or("unknown");
            let message =
                format!("{} does not take notifications, {} wait: {why}", target.name, target.waiting);
            let advice = format!("mend it, then `notify test {}`", target.name);
            findings.push(bad(Severity::Error, message, &advice));
        }
        let given_up = view.waiting.iter().filter(|message| message.given_up).count();
        if given_up > 0 {
            let message = format!("{given_up} notifications were given up after a day");
            findings.push(bad(
                Severity::Error,
                message,
                "`notify retry` tries them again, `notify drop ID` throws one away",
            ));
        }
        if findings.is_empty() {
            let message = match view.targets.len() {
                0 => format!("there is no {FILE}: nobody is told of anything"),
                _ => format!("{FILE} is well made, every target took its last message"),
            };
            findings.push(Finding::good(TOPIC, message));
        }
        Ok(findings)
    }
}

/// A file with secrets is its owner's alone.
fn look_at_reading(path: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o077 != 0 && !path.parent().is_some_and(is_closed)).then(|| {
        let message = format!("{} can be read by other users", path.display());
        Finding::bad(TOPIC, Severity::Warning, message, &format!("chmod go= {}", path.display()))
    })
}
