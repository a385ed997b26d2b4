//! Where in what a device shows its secrets stand: by the driver's own patterns, the same that make fingerprints in
//! [`super::normal`], and by the field's usual words.
//!
//! It is asked line by line, as they stand on a screen: a configuration that scrolls by, an answer to `show`, and a command
//! that a person types behind a prompt.

mod usual;

use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use super::driver::CompiledDriver;
use super::normal::secrets_of;

/// What a prompt ends with.
const PROMPTS: [char; 7] = ['#', '>', '$', '%', ']', ')', ':'];
/// The most places in a line behind which a typed command is looked for.
const MOST_PROMPTS: usize = 6;
/// A block that a person typed ends after so many lines, where its end is not seen.
const LONGEST_TYPED_BLOCK: usize = 500;

/// Finds the secrets of a session, line by line.
pub struct SecretFinder {
    driver: Arc<CompiledDriver>,
    open: Option<OpenBlock>,
}

/// A block of lines that are secret as a whole, whose end has not come.
struct OpenBlock {
    to: Regex,
    /// It was begun behind a prompt: what stands before a prompt is none of it, and a prompt does not end it.
    typed: bool,
    lines: usize,
}

/// A secret in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its bytes in the line.
    pub range: Range<usize>,
    /// What tells that it is one.
    pub by: By,
}

/// What tells that something is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The driver.
    Driver,
    /// A word before it that is usual for one.
    Word,
    /// It stands in a block that is secret as a whole.
    Block,
}

impl SecretFinder {
    /// For a device of this kind.
    pub fn new(driver: Arc<CompiledDriver>) -> Self {
        Self { driver, open: None }
    }

    /// The secrets of a line. A line may be looked at again, when more of it has come.
    pub fn look(&mut self, line: &str) -> Vec<Found> {
        let starts = starts(line);
        if let Some(found) = self.in_block(line, &starts) {
            return found;
        }
        let mut found = Vec::new();
        for &start in &starts {
            let part = &line[start..];
            secrets_of(&self.driver, part, &mut |range| {
                found.push(Found { range: range.start + start..range.end + start, by: By::Driver });
            });
            self.open = self.open.take().or_else(|| self.begun(part, start > 0));
        }
        let usual = usual::shown(line).into_iter().chain(starts.get(1).into_iter().flat_map(|&start| {
            usual::typed(&line[start..]).into_iter().map(move |range| range.start + start..range.end + start)
        }));
        found.extend(usual.map(|range| Found { range, by: By::Word }));
        found
    }

    /// The device has stopped behind this: a prompt ends a block whose end never came, because a pager was left.
    pub fn waits_at(&mut self, line: &str) {
        let driver = &self.driver;
        let prompts = [driver.user.as_ref(), Some(&driver.privileged), driver.config.as_ref()];
        let is_prompt = prompts.into_iter().flatten().any(|prompt| prompt.is_match(line));
        if is_prompt && self.open.as_ref().is_some_and(|block| !block.typed) {
            self.open = None;
        }
    }

    /// Whether a block is open.
    pub fn is_in_block(&self) -> bool {
        self.open.is_some()
    }

    /// What of a line belongs to the open block; `None` where there is none.
    fn in_block(&mut self, line: &str, starts: &[usize]) -> Option<Vec<Found>> {
        let open = self.open.as_mut()?;
        open.lines += 1;
        let is_behind = |start: &&usize| **start > 0 && !line[**start..].starts_with(PROMPTS);
        let from = starts.iter().find(is_behind).filter(|_| open.typed).copied().unwrap_or(0);
        let end = starts.iter().find_map(|&start| {
            open.to.find(&line[start..]).map(|end| end.start() + start..end.end() + start)
        });
        let (before, behind) = end.as_ref().map_or((line.len(), line.len()), |end| (end.start, end.end));
        if end.is_some() || (open.typed && open.lines > LONGEST_TYPED_BLOCK) {
            self.open = None;
        }
        let whole =
            [from..before.max(from), behind..line.len()].into_iter().filter(|range| !range.is_empty());
        Some(whole.map(|range| Found { range, by: By::Block }).collect())
    }

    fn begun(&self, part: &str, typed: bool) -> Option<OpenBlock> {
        let own = self.driver.secret_blocks.iter().find(|block| block.from.is_match(part));
        let to = own.map(|block| block.to.clone()).or_else(|| usual::block(part))?;
        Some(OpenBlock { to, typed, lines: 0 })
    }
}

/// Where a line may begin: at its beginning, and behind what may be a prompt.
fn starts(line: &str) -> Vec<usize> {
    let mut starts = vec![0];
    for (at, _) in line.match_indices(PROMPTS) {
        let behind = &line[at + 1..];
        let start = line.len() - behind.trim_start().len();
        if start < line.len() && starts.last() != Some(&start) {
            starts.push(start);
        }
        if starts.len() > MOST_PROMPTS {
            break;
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::Drivers;

    fn finder(id: &str) -> SecretFinder {
        SecretFinder::new(Drivers::embedded().get(&id.parse().unwrap()).unwrap())
    }

    /// The line with its secrets as `*`.
    fn hidden(finder: &mut SecretFinder, line: &str) -> String {
        let found = finder.look(line);
        let is_secret = |at: usize| found.iter().any(|found| found.range.contains(&at));
        let mut text = String::new();
        for (at, c) in line.char_indices() {
            match is_secret(at) {
                true if text.ends_with('*') => {}
                true => text.push('*'),
                false => text.push(c),
            }
        }
        text
    }

    #[test]
    fn commands_that_are_typed_behind_a_prompt_are_looked_at_too() {
        let mut ios = finder("cisco_ios");
        for (line, shown) in [
            ("username ann secret 5 $1$fake$aaaa", "username ann secret 5 *"),
            ("core-1(config)#username ann password hunter2", "core-1(config)#username ann password *"),
            ("core-1(config)# user ann pass 0 hunter2", "core-1(config)# user ann pass 0 *"),
            ("core-1(config)#snmp-s comm hunter2 ro", "core-1(config)#snmp-s comm * ro"),
            ("core-1#copy run scp://ann:hunter2@192.0.2.1/x", "core-1#copy run scp://ann:*@192.0.2.1/x"),
            ("core-1(config)#$ password 7 0822455D0A16", "core-1(config)#$ password 7 *"),
            ("core-1(config)#no username ann secret hunter2", "core-1(config)#no username ann secret *"),
        ] {
            assert_eq!(hidden(&mut ios, line), shown);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let mut ios = finder("cisco_ios");
        for line in [
            "service password-encryption",
            "% Bad passwords",
            "Password required, but none set",
            "core-1#show running-config | include password",
            " neighbor 192.0.2.1 send-community both",
            " set community 65000:100 additive",
            "key chain ospf",
            "core-1#commit confirmed 5",
            "The password must be changed",
            "Password: ",
        ] {
            assert_eq!(hidden(&mut ios, line), line);
        }
    }

    #[test]
    fn a_block_is_secret_up_to_its_end_or_to_the_next_prompt() {
        let mut fortinet = finder("fortinet");
        let said = [
            ("config system snmp community", "config system snmp community"),
            ("    edit 1", "*"),
            ("        set name \"fake-one\"", "*"),
            ("end", "end"),
            ("config system interface", "config system interface"),
            ("-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----"),
            ("ZmFrZQ==", "*"),
        ];
        for (line, shown) in said {
            assert_eq!(hidden(&mut fortinet, line), shown);
        }
        // the pager was left with q
        fortinet.waits_at("fw-1 # ");
        assert_eq!(hidden(&mut fortinet, "fw-1 # get system status"), "fw-1 # get system status");
    }

    #[test]
    fn a_block_that_is_typed_is_secret_behind_its_prompts() {
        let mut fortinet = finder("fortinet");
        for (line, shown) in [
            ("fw-1 # config system snmp community", "fw-1 # config system snmp community"),
            ("fw-1 (community) # edit 1", "fw-1 (community) # *"),
            ("fw-1 (1) # set name fake-one", "fw-1 (1) # *"),
            ("fw-1 (community) # end", "fw-1 (community) # end"),
            ("fw-1 # get system status", "fw-1 # get system status"),
        ] {
            assert_eq!(hidden(&mut fortinet, line), shown);
            fortinet.waits_at("fw-1 (1) # ");
        }
    }
}
