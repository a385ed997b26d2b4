//! Where drivers come from: the binary, and a folder of the user's that adds to it or wins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use include_dir::{Dir, include_dir};

use super::{CompiledDriver, Driver};
use crate::model::{DriverId, nearest};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/inventory/drivers");

/// The longest driver file or transcript, in bytes.
const LONGEST: u64 = 16 << 20;

/// All drivers. Each is read and compiled when it is first asked for. Cheap to clone.
#[derive(Clone, Default)]
pub struct Drivers(Arc<Inner>);

#[derive(Default)]
struct Inner {
    kinds: BTreeMap<DriverId, Kind>,
    problems: Vec<Problem>,
}

struct Kind {
    source: Source,
    compiled: OnceLock<Result<Arc<CompiledDriver>, Problem>>,
}

enum Source {
    Embedded(&'static Dir<'static>),
    Folder(PathBuf),
}

/// A driver file with a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, counting from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl std::error::Error for Problem {}

/// A file of a driver's `transcripts/` folder.
#[derive(Clone, Debug)]
pub struct TranscriptFile {
    /// Its name without the ending: `normal`.
    pub stem: String,
    /// Where it is, for messages.
    pub path: String,
    /// What it says.
    pub text: String,
    /// The configuration that must come out, from the file beside it that ends in `.config`.
    pub config: Option<String>,
}

impl Drivers {
    /// The drivers of the binary alone.
    pub fn embedded() -> Self {
        Self::load(None)
    }

    /// The drivers of the binary, and those of `folder`, which win. A folder that is not there adds none.
    pub fn load(folder: Option<&Path>) -> Self {
        let mut inner = Inner::default();
        for dir in EMBEDDED.dirs() {
            let name = dir.path().file_name().unwrap_or_default().to_string_lossy();
            inner.add(&name, Source::Embedded(dir));
        }
        for path in
            folder.into_iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
        {
            if path.path().is_dir() {
                inner.add(&path.file_name().to_string_lossy(), Source::Folder(path.path()));
            }
        }
        // A user's driver is read at once: its mistakes belong on the first screen, not into a failed backup.
        let own = inner.kinds.iter().filter(|(_, kind)| matches!(kind.source, Source::Folder(_)));
        let found: Vec<Problem> = own.filter_map(|(id, kind)| kind.get(id).err()).collect();
        inner.problems.extend(found);
        Self(Arc::new(inner))
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &DriverId> {
        self.0.kinds.keys()
    }

    /// Whether there is such a driver.
    pub fn knows(&self, id: &DriverId) -> bool {
        self.0.kinds.contains_key(id)
    }

    /// The sentence about an id that is not known, with the nearest one.
    pub fn unknown(&self, id: &DriverId) -> String {
        match nearest(id.as_str(), self.ids().map(DriverId::as_str)) {
            Some(near) => format!("there is no driver {id}; did you mean {near}?"),
            None => format!("there is no driver {id}; `driver list` shows those there are"),
        }
    }

    /// A driver, compiled.
    ///
    /// # Errors
    /// There is none of that id, or its file has a mistake.
    pub fn get(&self, id: &DriverId) -> Result<Arc<CompiledDriver>, Problem> {
        match self.0.kinds.get(id) {
            Some(kind) => kind.get(id),
            None => Err(unknown(id)),
        }
    }

    /// A driver's file: where it is, and what it says.
    ///
    /// # Errors
    /// There is none of that id, or it cannot be read.
    pub fn text(&self, id: &DriverId) -> Result<(String, String), Problem> {
        match self.0.kinds.get(id) {
            Some(kind) => kind.source.driver_file(),
            None => Err(unknown(id)),
        }
    }

    /// Mistakes in the user's driver files.
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// Where a driver is read from; `None` for one of the binary's.
    pub fn folder(&self, id: &DriverId) -> Option<&Path> {
        match &self.0.kinds.get(id)?.source {
            Source::Folder(path) => Some(path),
            Source::Embedded(_) => None,
        }
    }

    /// A driver's transcripts, by name.
    pub fn transcripts(&self, id: &DriverId) -> Vec<TranscriptFile> {
        let mut files = self.0.kinds.get(id).map(|kind| kind.source.transcripts()).unwrap_or_default();
        files.sort_by(|one, other| one.stem.cmp(&other.stem));
        files
    }
}

impl Inner {
    fn add(&mut self, name: &str, source: Source) {
        match name.parse::<DriverId>() {
            Ok(id) => drop(self.kinds.insert(id, Kind { source, compiled: OnceLock::new() })),
            Err(what) => self.problems.push(Problem { file: name.to_owned(), line: None, what }),
        }
    }
}

impl Kind {
    fn get(&self, id: &DriverId) -> Result<Arc<CompiledDriver>, Problem> {
        self.compiled.get_or_init(|| self.source.compile(id).map(Arc::new)).clone()
    }
}

impl Source {
    fn compile(&self, id: &DriverId) -> Result<CompiledDriver, Problem> {
        let (file, text) = self.driver_file()?;
        compile(id, &file, &text)
    }

    fn driver_file(&self) -> Result<(String, String), Problem> {
        match self {
            Self::Embedded(dir) => {
                let path = dir.path().join("driver.toml");
                let text = dir.get_file(&path).and_then(|file| file.contents_utf8()).unwrap_or_default();
                Ok((format!("inventory/drivers/{}", path.display()), text.to_owned()))
            }
            Self::Folder(folder) => {
                let path = folder.join("driver.toml");
                let file = path.display().to_string();
                match read_bounded(&path) {
                    Ok(text) => Ok((file, text)),
                    Err(error) => Err(Problem { file, line: None, what: format!("cannot be read: {error}") }),
                }
            }
        }
    }

    fn transcripts(&self) -> Vec<TranscriptFile> {
        let named = |path: &Path, text: String, config: Option<String>, root: &str| TranscriptFile {
            stem: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path: format!("{root}{}", path.display()),
            text,
            config,
        };
        let is_transcript = |path: &Path| path.extension().is_some_and(|ending| ending == "transcript");
        match self {
            Self::Embedded(dir) => {
                let files =
                    dir.get_dir(dir.path().join("transcripts")).into_iter().flat_map(|dir| dir.files());
                let golden = |path: &Path| dir.get_file(path.with_extension("config"));
                files
                    .filter(|file| is_transcript(file.path()))
                    .map(|file| {
                        let text = file.contents_utf8().unwrap_or_default().to_owned();
                        let config =
                            golden(file.path()).and_then(|file| file.contents_utf8()).map(str::to_owned);
                        named(file.path(), text, config, "inventory/drivers/")
                    })
                    .collect()
            }
            Self::Folder(folder) => {
                let files = std::fs::read_dir(folder.join("transcripts")).into_iter().flatten().flatten();
                files
                    .map(|file| file.path())
                    .filter(|path| is_transcript(path))
                    .filter_map(|path| {
                        let config = read_bounded(&path.with_extension("config")).ok();
                        Some(named(&path, read_bounded(&path).ok()?, config, ""))
                    })
                    .collect()
            }
        }
    }
}

/// Makes a driver of the text of its file.
///
/// # Errors
/// What is wrong with it, and in which line of `file`, which is only named.
pub fn compile(id: &DriverId, file: &str, text: &str) -> Result<CompiledDriver, Problem> {
    let driver = parse(file, text)?;
    let problem = |what: String| Problem { file: file.to_owned(), line: field_line(text, &what), what };
    if driver.id != *id {
        return Err(problem(format!("id: it says `{}`, the folder is called `{id}`", driver.id)));
    }
    CompiledDriver::new(driver).map_err(problem)
}

fn unknown(id: &DriverId) -> Problem {
    Problem {
        file: format!("{id}/driver.toml"),
        line: None,
        what: format!("there is no driver `{id}`; `noctule driver list` shows those there are"),
    }
}

fn parse(file: &str, text: &str) -> Result<Driver, Problem> {
    toml::from_str(text).map_err(|error| Problem {
        file: file.to_owned(),
        line: error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count()),
        what: error.message().trim().replace('\n', "; "),
    })
}

/// The line that a message which begins with `table.field:` is about.
fn field_line(text: &str, what: &str) -> Option<usize> {
    let path = what.split(':').next()?;
    let (table, field) = path.rsplit_once('.').unwrap_or(("", path));
    let header = |name: &str| text.lines().position(|line| line.trim().trim_matches(['[', ']']) == name);
    let lines = |from: usize| text.lines().enumerate().skip(from);
    let is_field = |line: &str| line.split('=').next().is_some_and(|left| left.trim() == field);
    if let Some(begin) = header(path) {
        // The field is a list of tables.
        let inside = lines(begin + 1).find(|(_, line)| quotes_value(what, line)).map(|(number, _)| number);
        return Some(inside.unwrap_or(begin) + 1);
    }
    let begin = if table.is_empty() { 0 } else { header(table).unwrap_or(0) };
    let named: Vec<(usize, &str)> = lines(begin).filter(|(_, line)| is_field(line)).collect();
    // A table may be there several times: the one is meant whose value the message quotes.
    let (number, line) = named.iter().find(|(_, line)| quotes_value(what, line)).or(named.first())?;
    let inside = line.trim_end().ends_with('[').then(|| line_of_item(text, *number, what)).flatten();
    Some(inside.unwrap_or(*number) + 1)
}

/// Whether a message quotes a text, longer than one letter, that stands behind the `=` of a line, or ends with the
/// number there.
fn quotes_value(what: &str, line: &str) -> bool {
    let Some((_, value)) = line.split_once('=') else { return false };
    let mut texts = value.split(['\'', '"']).skip(1).step_by(2);
    texts.any(|text| text.len() > 1 && quotes(what, text)) || what.ends_with(&format!(" {}", value.trim()))
}

/// The line of the item of a list that a message quotes; the list begins in the line `number`, counting from 0.
fn line_of_item(text: &str, number: usize, what: &str) -> Option<usize> {
    let items = text.lines().enumerate().skip(number + 1).take_while(|(_, line)| line.trim() != "]");
    items.into_iter().find(|(_, line)| quotes(what, line)).map(|(number, _)| number)
}

/// Whether a message quotes a value, which may be written with quotation marks and a comma.
fn quotes(what: &str, value: &str) -> bool {
    let value = value.trim().trim_end_matches(',').trim_matches(['\'', '"']);
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    !value.is_empty() && (what.contains(&value) || what.contains(&format!("{value:?}")))
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, Read};
    // Looked at before it is opened: a pipe would be waited for without end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::other("it is no regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(Error::other(format!("it is larger than {} MB", LONGEST >> 20)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let driver = folder.path().join("acme_os");
        std::fs::create_dir(&driver).unwrap();
        std::fs::write(driver.join("driver.toml"), text).unwrap();
        let drivers = Drivers::load(Some(folder.path()));
        let problem = drivers.problems().first().map(ToString::to_string).unwrap_or_default();
        problem.rsplit_once("driver.toml").map(|(_, end)| end.to_owned()).unwrap_or(problem)
    }

    const GOOD: &str = "id = 'acme_os'\nvendor = 'Acme'\nname = 'OS'\ntried = 'never'\n\n[prompt]\nprivileged = '#$'\n\n\
        [[backup.commands]]\nrun = 'show'\nconfig = true\n";

    #[test]
    fn mistakes_name_file_line_and_what_is_wrong() {
        assert_eq!(problem_of(GOOD), "");
        assert!(
            problem_of(&GOOD.replace("'#$'", "'#['")).starts_with(":7: prompt.privileged: regex parse error")
        );
        assert!(problem_of(&GOOD.replace("vendor", "vendour")).starts_with(":2: unknown field `vendour`"));
        assert!(problem_of(&GOOD.replace("config = true", "")).contains("exactly one command"));
        assert!(problem_of(&GOOD.replace("acme_os", "other")).contains("the folder is called `acme_os`"));
        assert!(problem_of("id = ").starts_with(":1: "));
        let list =
            format!("{GOOD}[normal]\nsecrets = [\n    'good (\\S+)',\n    'bad ((\\S+)',\n    'no\\s',\n]\n");
        let problem = problem_of(&list);
        assert!(problem.starts_with(":15: normal.secrets: regex parse error"), "{problem}");
        let problem = problem_of(&list.replace("((", "("));
        assert!(problem.starts_with(":16: normal.secrets: \"no\\\\s\" has no group"), "{problem}");
    }

    #[test]
    fn a_users_driver_wins_and_a_broken_one_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        for (id, text) in [("cisco_ios", GOOD.replace("acme_os", "cisco_ios")), ("broken", "id".into())] {
            std::fs::create_dir(folder.path().join(id)).unwrap();
            std::fs::write(folder.path().join(id).join("driver.toml"), text).unwrap();
        }
        let drivers = Drivers::load(Some(folder.path()));
        assert_eq!(drivers.get(&"cisco_ios".parse().unwrap()).unwrap().vendor, "Acme");
        assert_eq!(drivers.problems().len(), 1);
        assert!(drivers.folder(&"cisco_ios".parse().unwrap()).is_some());
    }

    #[test]
    fn every_embedded_driver_compiles() {
        let drivers = Drivers::embedded();
        for id in drivers.ids() {
            if let Err(problem) = drivers.get(id) {
                panic!("{problem}");
            }
        }
    }
}
