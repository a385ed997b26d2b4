//! Reads the files: words, lines, Include.

use std::path::{Path, PathBuf};

use super::{Keyword, Line, matches_pattern};

/// How deep files may include each other, as in OpenSSH.
const DEEPEST: usize = 16;

/// The most bytes of one file.
const LARGEST: u64 = 1 << 20;

/// Why there are no lines.
pub enum Unread {
    /// There is no file.
    Missing,
    /// What is wrong, with the file and its line.
    Wrong(String),
}

/// The lines of a file and of those that it includes; `folder` is the one that relative names start from.
pub fn read_file(file: &Path, folder: &Path, home: &Path, depth: usize) -> Result<Vec<Line>, Unread> {
    let wrong = |why: String| Unread::Wrong(format!("{}: {why}", file.display()));
    let found = match std::fs::metadata(file) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Unread::Missing),
        Err(error) => return Err(wrong(error.to_string())),
    };
    if !found.is_file() {
        return Err(wrong("it is no regular file".into()));
    }
    if found.len() > LARGEST {
        return Err(wrong("larger than a megabyte".into()));
    }
    if writable_by_others(&found) {
        return Err(wrong("others may write it; `chmod go-w` it, as OpenSSH asks too".into()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    parse(&text, file, folder, home, depth)
}

#[cfg(unix)]
fn writable_by_others(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o022 != 0
}

#[cfg(not(unix))]
fn writable_by_others(_: &std::fs::Metadata) -> bool {
    false
}

/// The lines of `text`, which stands in `file`, and of the files that it includes.
pub fn parse(text: &str, file: &Path, folder: &Path, home: &Path, depth: usize) -> Result<Vec<Line>, Unread> {
    let mut lines = Vec::new();
    for (number, written) in text.lines().enumerate() {
        let wrong = |why: &str| Unread::Wrong(format!("{} line {}: {why}", file.display(), number + 1));
        let (keyword, rest) = keyword_and_rest(written);
        let values = words(rest).ok_or_else(|| wrong("a quotation mark is missing"));
        let keyword = match keyword.to_ascii_lowercase().as_str() {
            "host" => {
                lines.push(Line::Host(values?));
                continue;
            }
            "match" => {
                lines.push(Line::Match(values?));
                continue;
            }
            "include" if depth == DEEPEST => return Err(wrong("too many files include each other")),
            "include" => {
                lines.push(Line::Include(include(&values?, folder, home, depth + 1)?));
                continue;
            }
            "hostname" => Keyword::HostName,
            "user" => Keyword::User,
            "port" => Keyword::Port,
            "identityfile" => Keyword::IdentityFile,
            "identityagent" => Keyword::IdentityAgent,
            "identitiesonly" => Keyword::IdentitiesOnly,
            "proxyjump" => Keyword::ProxyJump,
            "proxycommand" => Keyword::ProxyCommand,
            "hostkeyalias" => Keyword::HostKeyAlias,
            "userknownhostsfile" => Keyword::UserKnownHostsFile,
            "globalknownhostsfile" => Keyword::GlobalKnownHostsFile,
            // a comment, an empty line, or what does not say how to reach a host
            _ => continue,
        };
        let values = values?;
        let Some(first) = values.first() else { return Err(wrong("the value is missing")) };
        if matches!(keyword, Keyword::Port) && first.parse::<u16>().is_err() {
            return Err(wrong("the port is not a number from 1 to 65535"));
        }
        lines.push(Line::Set(keyword, values));
    }
    Ok(lines)
}

/// The files that an Include line means, in the order of their names. A file that is not there is passed over.
fn include(patterns: &[String], folder: &Path, home: &Path, depth: usize) -> Result<Vec<Line>, Unread> {
    let mut lines = Vec::new();
    for pattern in patterns {
        let path = match pattern.strip_prefix("~/") {
            Some(rest) => home.join(rest),
            None => folder.join(pattern),
        };
        for file in files_like(&path) {
            match read_file(&file, folder, home, depth) {
                // what one file opens with Host ends with the file
                Ok(read) => lines.push(Line::Include(read)),
                Err(Unread::Missing) => {}
                Err(wrong) => return Err(wrong),
            }
        }
    }
    Ok(lines)
}

/// The files whose last name part fits; a path without wildcards is itself.
fn files_like(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.contains(['*', '?']) {
        return vec![path.to_owned()];
    }
    let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let mut files: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| {
            let found = entry.file_name().to_string_lossy().into_owned();
            !found.starts_with('.') && matches_pattern(&name, &found)
        })
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

/// `Keyword value` and `Keyword=value`; the keyword is empty in a comment.
fn keyword_and_rest(line: &str) -> (&str, &str) {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=' || c == '#').unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    (keyword, rest.strip_prefix('=').unwrap_or(rest))
}

/// The words of a value, `"a b"` being one; `#` begins a comment. `None` where a quotation mark is open.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '#' if !quoted && word.is_none() => break,
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!quoted).then_some(words)
}
