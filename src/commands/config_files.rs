//! The files of the configuration folder: which there are, and who says what is wrong with one. Each is declared by whoever
//! reads it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::device::driver;
use crate::device::identity::Rules;
use crate::engine::notify::settings::NotifySettings;
use crate::engine::settings::{Found, Settings, every_mistake};
use crate::model::{clean_line, nearest};

/// The largest of these files, in bytes.
pub const LARGEST: usize = 16 << 20;

/// A kind of file.
pub struct ConfigFile {
    /// Where it lies in the folder, `*` being any name: `config.toml`, `themes/*.toml`.
    pub place: &'static str,
    /// What is wrong with a text. The path says how the file is called and where what it names lies.
    pub check: fn(&Path, &str) -> Vec<Found>,
}

inventory::collect!(ConfigFile);

/// Something wrong with a file.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// The line, counting from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Mistake {
    fn new(file: &Path, (line, message): Found) -> Self {
        let clean = |text: &str| clean_line(text).into_owned();
        Self { file: clean(&file.display().to_string()), line, message: clean(message.trim()) }
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// What came of a look at files.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many were read.
    pub files: usize,
    /// What is wrong with them.
    pub mistakes: Vec<Mistake>,
}

/// Every place of a file, in order.
pub fn places() -> Vec<&'static str> {
    let mut places: Vec<_> = inventory::iter::<ConfigFile>.into_iter().map(|file| file.place).collect();
    places.sort_unstable();
    places
}

/// Looks at one text: what kind of file it is, its path says. `None` where it is none of them.
pub fn check_text(path: &Path, text: &str) -> Option<Vec<Mistake>> {
    let kind = inventory::iter::<ConfigFile>.into_iter().find(|file| ends_like(path, file.place))?;
    Some((kind.check)(path, text).into_iter().map(|found| Mistake::new(path, found)).collect())
}

/// Looks at every file that stands in the folder.
pub fn check_folder(folder: &Path) -> Checked {
    let mut checked = Checked::default();
    for place in places() {
        for path in those_at(folder, place) {
            checked.files += 1;
            match read(&path) {
                Ok(text) => checked.mistakes.extend(check_text(&path, &text).unwrap_or_default()),
                Err(why) => checked.mistakes.push(Mistake::new(&path, (None, why))),
            }
        }
    }
    checked.mistakes.extend(misspelt(folder));
    checked
}

fn read(path: &Path) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    // looked at before it is opened: a pipe would be waited for without end
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > LARGEST {
        return Err(format!("it is larger than {} MB", LARGEST >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// The files at a place, by name. A name that is not there yet is no mistake; a `driver.toml` that is missing is.
fn those_at(folder: &Path, place: &str) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for part in place.split('/') {
        found = found.iter().flat_map(|folder| inside(folder, part)).collect();
    }
    found
}

fn inside(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains('*') {
        let path = folder.join(part);
        return if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() };
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| is_like(&entry.file_name().to_string_lossy(), part))
        .map(|e| e.path())
        .collect();
    found.sort();
    found
}

/// Whether a path ends in names that are like those of a place.
fn ends_like(path: &Path, place: &str) -> bool {
    let mut names = path.components().rev().map(|name| name.as_os_str().to_string_lossy());
    place.split('/').rev().all(|part| names.next().is_some_and(|name| is_like(&name, part)))
}

fn is_like(name: &str, part: &str) -> bool {
    match part.split_once('*') {
        Some((begin, end)) => name.len() > part.len() - 1 && name.starts_with(begin) && name.ends_with(end),
        None => name == part,
    }
}

/// Files that nobody reads, because their names are a slip of the finger away from those that somebody does.
fn misspelt(folder: &Path) -> Vec<Mistake> {
    let known: Vec<&str> = places().into_iter().filter(|place| !place.contains('/')).collect();
    let strange = |path: &PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let near = nearest(&name, known.iter().copied()).filter(|_| !known.contains(&name.as_str()))?;
        Some(Mistake::new(path, (None, format!("nothing reads a file of this name; is it {near}?"))))
    };
    inside(folder, "*.toml").iter().filter_map(strange).collect()
}

inventory::submit! { ConfigFile { place: "config.toml", check: check_settings } }
inventory::submit! { ConfigFile { place: "notify.toml", check: check_notifications } }
inventory::submit! { ConfigFile { place: "drivers/*/driver.toml", check: check_driver } }
inventory::submit! { ConfigFile { place: "identity/*.toml", check: check_identity_rules } }

fn check_settings(path: &Path, text: &str) -> Vec<Found> {
    let file = path.display().to_string();
    let folder = path.parent().unwrap_or(Path::new("."));
    every_mistake(text, |text| {
        Settings::parse(text, &file, folder).map(drop).map_err(|error| (error.line, error.message))
    })
}

fn check_notifications(path: &Path, text: &str) -> Vec<Found> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // where the file stands already, who may change it counts too
    let read = match path.is_file() {
        true => NotifySettings::read(folder),
        false => NotifySettings::parse(text, &path.display().to_string(), folder),
    };
    read.err().map(|error| (error.line, error.message)).into_iter().collect()
}

fn check_driver(path: &Path, text: &str) -> Vec<Found> {
    let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let compiled = match name.parse() {
        Ok(id) => driver::compile(&id, &path.display().to_string(), text)
            .map(drop)
            .map_err(|problem| (problem.line, problem.what)),
        Err(what) => Err((None, what)),
    };
    compiled.err().into_iter().collect()
}

fn check_identity_rules(_: &Path, text: &str) -> Vec<Found> {
    Rules::check(text).err().map(|(line, what)| (Some(line), what)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kind_a_file_is_its_path_says() {
        assert!(ends_like(Path::new("/etc/noctule/config.toml"), "config.toml"));
        assert!(ends_like(Path::new("x/themes/night.toml"), "themes/*.toml"));
        assert!(!ends_like(Path::new("night.toml"), "themes/*.toml"));
        assert!(!ends_like(Path::new("themes/.toml"), "themes/*.toml"));
        assert!(ends_like(Path::new("a/drivers/acme/driver.toml"), "drivers/*/driver.toml"));
    }

    #[test]
    fn a_slip_of_the_finger_in_a_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notfy.toml"), "").unwrap();
        fs::write(folder.path().join("somebody-elses.toml"), "").unwrap();
        fs::write(folder.path().join("config.toml"), "").unwrap();
        let found = check_folder(folder.path());
        assert_eq!((found.files, found.mistakes.len()), (1, 1), "{found:?}");
        assert!(found.mistakes[0].message.contains("notify.toml"));
    }
}
