//! Every mistake of a file, where its reader stops at the first.

/// More are not worth a look before the first ones are mended.
const MOST: usize = 50;
/// The most lines of one value.
const LONGEST_VALUE: usize = 100;

/// Where a mistake is, counting lines from 1 and where it is known, and what it is.
pub type Found = (Option<usize>, String);

/// Every mistake of a TOML file whose keys may all be left out: what is wrong is taken out, and the rest read again.
/// `read` says the first mistake of a text. Where the text is no TOML, that is the only one.
pub fn every_mistake(text: &str, read: impl Fn(&str) -> Result<(), Found>) -> Vec<Found> {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut found: Vec<Found> = Vec::new();
    while found.len() < MOST {
        let rest = lines.join("\n");
        let Err((line, what)) = read(&rest) else { break };
        let is_toml = rest.parse::<toml::Table>().is_ok();
        // what is left after taking something out must be told as it is, not as a mistake of the person's
        if !is_toml && !found.is_empty() {
            break;
        }
        let place = line.filter(|line| is_toml && (1..=lines.len()).contains(line));
        found.push((line, what));
        let Some(line) = place else { break };
        if !take_out(&mut lines, line - 1) {
            break;
        }
    }
    found
}

/// Makes empty lines of the one at `place` and of what belongs to it: the rest of a value of several lines, and the whole
/// table where it is a head or lies in a list of tables. False where it is empty already.
fn take_out(lines: &mut [&str], place: usize) -> bool {
    if lines[place].trim().is_empty() {
        return false;
    }
    let is_head = |line: &str| line.trim_start().starts_with('[');
    let head = lines[..=place].iter().rposition(|line| is_head(line));
    let is_whole = head.is_some_and(|head| head == place || lines[head].trim_start().starts_with("[["));
    if let Some(head) = head.filter(|_| is_whole) {
        let next = lines[head + 1..].iter().position(|line| is_head(line));
        let end = next.map_or(lines.len(), |next| head + 1 + next);
        lines[head..end].fill("");
        return true;
    }
    let end = lines.len().min(place + LONGEST_VALUE);
    for line in place..end {
        lines[line] = "";
        if lines.join("\n").parse::<toml::Table>().is_ok() {
            break;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::settings::Settings;

    fn mistakes(text: &str) -> Vec<(usize, String)> {
        let read = |text: &str| {
            Settings::parse(text, "config.toml", Path::new("/"))
                .map(drop)
                .map_err(|error| (error.line, error.message))
        };
        every_mistake(text, read).into_iter().map(|(line, what)| (line.unwrap_or(0), what)).collect()
    }

    #[test]
    fn each_is_named_once_with_its_line() {
        let text = "[backup]\ndaily = \"25:00\"\nconcurency = 3\nretries = 1\n\n[pulse]\nmisses = 0\n\
            [[pulse.rule]]\nmisses = 3\ninterval = \"1s\"\n[[snmp.user]]\nuser = \"\"\n[nothing]\na = 1\n[ssh]\nhost_keys = \"off\"\n";
        let mut lines: Vec<usize> = mistakes(text).into_iter().map(|(line, _)| line).collect();
        lines.sort_unstable();
        assert_eq!(lines, [2, 3, 7, 8, 12, 13, 16]);
        assert_eq!(mistakes("[backup]\nretries = 1\n"), []);
    }

    #[test]
    fn what_is_no_toml_is_one_mistake() {
        let found = mistakes("[backup]\ndaily = \nretries = \n");
        assert_eq!((found.len(), found[0].0), (1, 2), "{found:?}");
        assert_eq!(mistakes("[snmp]\ncommunities = [\n  \"\",\n  \"a\",\n]\n[pulse]\nmisses = 0\n").len(), 2);
    }
}
