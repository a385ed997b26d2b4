//! Reads a device's configuration, with the evidence that it is whole.

use regex::Regex;

use super::driver::CompiledDriver;
use super::session::Session;
use crate::model::{Evidence, Failure, FailureKind, StatedSize};

/// Below this part of the usual length, in percent, a text without an end marker is not believed.
const LEAST_PERCENT: u32 = 50;

/// A configuration as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The exact text, `\n` line ends.
    pub exact: String,
    /// What speaks for its being whole.
    pub evidence: Evidence,
    /// What speaks against it, in words; a text with a doubt is put aside.
    pub doubt: Option<String>,
}

/// Runs the driver's backup commands. `usual_lines` is the length of the newest good configuration.
///
/// # Errors
/// Those of the session; rejected, where the device refuses a command; truncated, where nothing came.
pub async fn capture(
    session: &mut Session,
    driver: &CompiledDriver,
    usual_lines: Option<u32>,
) -> Result<Capture, Failure> {
    let mut ahead = String::new();
    let mut found = None;
    for (command, answers) in driver.backup.commands.iter().zip(&driver.command_answers) {
        let whole = std::time::Duration::from_secs(command.seconds);
        let output = session.read(&command.run, answers, whole).await?;
        match output.error {
            Some(_) if command.optional => continue,
            Some(error) => return Err(rejected(&command.run, &error)),
            None => {}
        }
        if command.config {
            found = Some(judge(
                driver,
                trimmed(output.text, driver.begin.as_ref()),
                output.confirmed,
                usual_lines,
            ));
        } else {
            output.text.lines().for_each(|line| push_line(&mut ahead, &command.comment, line));
        }
    }
    let mut capture = found.unwrap_or_else(|| judge(driver, String::new(), false, usual_lines));
    if capture.exact.trim().is_empty() {
        let (_, command) = driver.config_command();
        let message = format!("the device answered `{}` with nothing; may this user read it?", command.run);
        return Err(Failure::new(FailureKind::Truncated, message));
    }
    if !ahead.is_empty() {
        capture.exact = ahead + &capture.exact;
    }
    Ok(capture)
}

/// Weighs what came.
pub fn judge(driver: &CompiledDriver, exact: String, confirmed: bool, usual_lines: Option<u32>) -> Capture {
    let lines = u32::try_from(exact.lines().count()).unwrap_or(u32::MAX);
    let evidence = Evidence {
        end_marker: end_marker(driver, &exact),
        stated_size: stated_size(driver, &exact),
        prompt_confirmed: confirmed,
        length_percent: usual_lines
            .filter(|&usual| usual > 0)
            .map(|usual| u32::try_from(u64::from(lines) * 100 / u64::from(usual)).unwrap_or(u32::MAX)),
    };
    let doubt = doubt(driver, &evidence, lines);
    Capture { exact, evidence, doubt }
}

fn end_marker(driver: &CompiledDriver, exact: &str) -> Option<bool> {
    let last = exact.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
    let ended = driver.end.as_ref().map(|end| end.is_match(last));
    let balanced = driver.backup.balanced_braces.then(|| braces_balance(exact));
    match (ended, balanced) {
        (None, None) => None,
        (ended, balanced) => Some(ended.unwrap_or(true) && balanced.unwrap_or(true)),
    }
}

/// Whether `{` and `}` outside of quotes and comments balance, at least one pair of them.
fn braces_balance(text: &str) -> bool {
    let (mut depth, mut pairs) = (0i64, 0u64);
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', '!'])) {
        let mut quoted = false;
        let mut escaped = false;
        for c in line.chars() {
            match c {
                _ if std::mem::take(&mut escaped) => {}
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                '{' if !quoted => depth += 1,
                '}' if !quoted => {
                    depth -= 1;
                    pairs += 1;
                    if depth < 0 {
                        return false;
                    }
                }
                _ => {}
            }
        }
    }
    depth == 0 && pairs > 0
}

fn stated_size(driver: &CompiledDriver, exact: &str) -> Option<StatedSize> {
    let pattern = driver.stated_size.as_ref()?;
    let found = exact.lines().take(100).find_map(|line| pattern.captures(line))?;
    let stated = found.get(1)?.as_str().parse().ok()?;
    Some(StatedSize { stated, got: exact.len() as u64 })
}

fn doubt(driver: &CompiledDriver, evidence: &Evidence, lines: u32) -> Option<String> {
    let mut doubts = Vec::new();
    if evidence.end_marker == Some(false) {
        doubts.push(match &driver.backup.end {
            Some(end) => format!("the last line is not the end of a configuration ({end})"),
            None => "the braces do not balance".to_owned(),
        });
    }
    if let Some(StatedSize { stated, got }) = evidence.stated_size {
        let allowed = stated.saturating_mul(driver.backup.stated_size_tolerance.into()) / 100;
        if stated.abs_diff(got) > allowed.max(200) {
            doubts.push(format!("the device states {stated} bytes, {got} came"));
        }
    }
    if !evidence.prompt_confirmed {
        doubts.push("the prompt was not confirmed".to_owned());
    }
    if lines < driver.backup.least_lines {
        doubts.push(format!("{lines} lines are too few for a configuration"));
    }
    if let Some(percent) = evidence.length_percent
        && percent < LEAST_PERCENT
        && evidence.end_marker.is_none()
        && evidence.stated_size.is_none()
    {
        doubts.push(format!(
            "it is {} % shorter than the one before, and this kind has no end marker",
            100 - percent
        ));
    }
    (!doubts.is_empty()).then(|| doubts.join("; "))
}

/// All before the first line that matches `begin` is not part of the configuration.
fn trimmed(mut text: String, begin: Option<&Regex>) -> String {
    let Some(begin) = begin else { return text };
    let mut at = 0;
    let first = text.split_inclusive('\n').find(|line| {
        let begins = begin.is_match(line.trim_end_matches('\n'));
        at += if begins { 0 } else { line.len() };
        begins
    });
    if first.is_some() {
        text.drain(..at);
    }
    text
}

fn push_line(text: &mut String, before: &str, line: &str) {
    text.push_str(before);
    text.push_str(line);
    text.push('\n');
}

fn rejected(command: &str, error: &str) -> Failure {
    let message =
        format!("the device refused `{command}`: {error}; does the driver fit, and may this user run it?");
    Failure::new(FailureKind::Rejected, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::Drivers;

    fn ios(text: &str, usual: Option<u32>) -> Capture {
        let driver = Drivers::embedded().get(&"cisco_ios".parse().unwrap()).unwrap();
        judge(&driver, text.to_owned(), true, usual)
    }

    #[test]
    fn an_end_marker_alone_is_proof_and_its_lack_is_a_doubt() {
        assert_eq!(ios("version 15.2\nhostname a\nend\n", None).doubt, None);
        let cut = ios("version 15.2\nhostname a\ninterface Gi0/1\n", Some(10));
        assert!(cut.doubt.unwrap().contains("^end$"));
        assert_eq!(cut.evidence.length_percent, Some(30));
    }

    #[test]
    fn a_stated_size_must_fit() {
        let text = |size: u32| format!("Current configuration : {size} bytes\n{}end\n", "line\n".repeat(400));
        assert_eq!(ios(&text(2_030), None).doubt, None);
        assert!(ios(&text(4_000), None).doubt.unwrap().contains("states 4000 bytes"));
        let absurd = format!("Current configuration : {} bytes\nversion 15\nend\n", u64::MAX);
        assert!(ios(&absurd, None).doubt.unwrap().contains("states 18446744073709551615 bytes"));
    }

    #[test]
    fn braces_balance_outside_of_quotes() {
        assert!(braces_balance("a {\n b \"}\";\n}\n"));
        assert!(!braces_balance("a {\n b {\n}\n"));
        assert!(!braces_balance("}\n{\n"));
        assert!(!braces_balance("nothing\n"));
    }
}
