//! Where rules come from: the binary, and a folder of the user's that adds to it or wins.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use toml::Spanned;

use super::pattern::{Groups, Pattern};
use super::schema::{Ask, Fact, Rule, RuleFile, Source};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/inventory/identity");

/// The longest file of rules, in bytes.
const LONGEST: u64 = 4 << 20;

/// All rules. Cheap to clone.
#[derive(Clone, Default)]
pub struct Rules(pub(super) Arc<Compiled>);

#[derive(Default)]
pub(super) struct Compiled {
    pub rules: Vec<CompiledRule>,
    pub enterprises: BTreeMap<u32, String>,
    pub agents: BTreeMap<u32, String>,
    problems: Vec<RulesProblem>,
    /// The texts of the user's files without a mistake, or as they were before it.
    own: BTreeMap<String, String>,
}

/// A file of rules with a mistake: what it said before is used, where it was read before, else none of its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesProblem {
    /// The file.
    pub file: String,
    /// The line, counting from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for RulesProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

pub(super) struct CompiledRule {
    pub vendor: Option<String>,
    pub objects: Vec<Vec<u32>>,
    pub text: Option<Pattern>,
    pub has: Option<CompiledAsk>,
    pub without: Option<Pattern>,
    pub os: Option<String>,
    pub model: Option<String>,
    pub driver: Option<String>,
    pub facts: Vec<Pattern>,
    pub chassis: Vec<Pattern>,
    pub asks: Vec<CompiledAsk>,
    pub entity: Option<Vec<Fact>>,
    pub prefer: Option<Vec<Source>>,
    pub models: BTreeMap<Vec<u32>, String>,
    pub tidy: Option<Pattern>,
}

pub(super) struct CompiledAsk {
    pub fact: Fact,
    pub oid: Vec<u32>,
    /// Whether the oid begins with the device's sysObjectID.
    pub is_relative: bool,
    /// Whether the first instance below it is meant.
    pub is_column: bool,
    pub find: Option<Pattern>,
}

/// Whether a file's patterns are known to be right: checking one means compiling it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patterns {
    /// The binary's: a test checks them.
    Proven,
    Unproven,
}

impl Patterns {
    fn pattern(self, text: &str, groups: Groups) -> Result<Pattern, String> {
        let pattern = Pattern::new(text);
        match self {
            Self::Proven => Ok(pattern),
            Self::Unproven => pattern.check(groups).map(|()| pattern),
        }
    }
}

impl Rules {
    /// The rules of the binary alone.
    pub fn embedded() -> Self {
        Self::load(None)
    }

    /// The rules of the binary, and those of `folder`; a file there takes the place of the binary's file of that name.
    /// A folder that is not there adds none.
    pub fn load(folder: Option<&Path>) -> Self {
        Self::load_after(&Self::default(), folder)
    }

    /// The same, where `before` was in force: a file that has a mistake now goes on to say what it said then.
    pub fn load_after(before: &Self, folder: Option<&Path>) -> Self {
        let mut files: BTreeMap<String, Result<String, String>> = BTreeMap::new();
        for file in EMBEDDED.files() {
            let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, Ok(file.contents_utf8().unwrap_or_default().to_owned()));
        }
        let mut own = BTreeSet::new();
        let found =
            folder.into_iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
        for path in
            found.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "toml"))
        {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            own.insert(name.clone());
            files.insert(name, read_bounded(&path).map_err(|error| format!("cannot be read: {error}")));
        }
        let mut compiled = Compiled::default();
        // of rules that fit equally well the first one wins, and the user's are meant to
        let (own, embedded): (Vec<_>, Vec<_>) = files.into_iter().partition(|(name, _)| own.contains(name));
        let own = own.into_iter().map(|file| (file, Patterns::Unproven));
        let embedded = embedded.into_iter().map(|file| (file, Patterns::Proven));
        for ((name, text), patterns) in own.chain(embedded) {
            let added = match text {
                Ok(text) => {
                    compiled.add(&text, patterns).map_err(|(line, what)| (Some(line), what)).map(|()| text)
                }
                Err(what) => Err((None, what)),
            };
            let in_force = match added {
                Ok(text) => Some(text),
                Err((line, what)) => {
                    compiled.problems.push(RulesProblem { file: format!("identity/{name}"), line, what });
                    // it was well made then
                    before
                        .0
                        .own
                        .get(&name)
                        .cloned()
                        .filter(|text| compiled.add(text, Patterns::Proven).is_ok())
                }
            };
            if let (Patterns::Unproven, Some(text)) = (patterns, in_force) {
                compiled.own.insert(name, text);
            }
        }
        Self(Arc::new(compiled))
    }

    /// Looks at the text of one file.
    ///
    /// # Errors
    /// The line of its first mistake, counting from 1, and what is wrong.
    pub fn check(text: &str) -> Result<(), (usize, String)> {
        Compiled::default().add(text, Patterns::Unproven)
    }

    /// The files that have a mistake.
    pub fn problems(&self) -> &[RulesProblem] {
        &self.0.problems
    }

    /// The drivers that the rules name.
    pub fn drivers(&self) -> impl Iterator<Item = &str> {
        self.0.rules.iter().filter_map(|rule| rule.driver.as_deref())
    }

    /// The makers that the rules name.
    pub fn vendors(&self) -> impl Iterator<Item = &str> {
        let ruled = self.0.rules.iter().filter_map(|rule| rule.vendor.as_deref());
        ruled.chain(self.0.enterprises.values().map(String::as_str))
    }
}

impl Compiled {
    /// Adds a file's rules; else the line of its first mistake, and what is wrong.
    fn add(&mut self, text: &str, patterns: Patterns) -> Result<(), (usize, String)> {
        let at = |place: usize, what: &str| (line_of(text, place), what.to_owned());
        let file: RuleFile = toml::from_str(text).map_err(|error| {
            at(error.span().map_or(0, |span| span.start), &error.message().trim().replace('\n', "; "))
        })?;
        let compiled = file.rule.into_iter().map(|rule| {
            let place = rule.span().start;
            compile(rule.into_inner(), &file.vendor, patterns)
                .map_err(|what| at(place, &format!("in this rule: {what}")))
        });
        let compiled: Vec<CompiledRule> = compiled.collect::<Result<_, _>>()?;
        let numbered = |table: BTreeMap<String, Spanned<String>>| {
            let pair = |(number, name): (String, Spanned<String>)| match number.parse() {
                Ok(number) => Ok((number, name.into_inner())),
                Err(_) => Err(at(name.span().start, &format!("{number:?} is not an enterprise number"))),
            };
            table.into_iter().map(pair).collect::<Result<BTreeMap<u32, String>, (usize, String)>>()
        };
        let (enterprises, agents) = (numbered(file.enterprises)?, numbered(file.agents)?);
        self.rules.extend(compiled);
        self.enterprises.extend(enterprises);
        self.agents.extend(agents);
        Ok(())
    }
}

fn compile(rule: Rule, vendor: &str, patterns: Patterns) -> Result<CompiledRule, String> {
    if rule.object.is_empty() && rule.text.is_none() && rule.has.is_none() {
        return Err("a rule needs object, text or has: else it fits everything".to_owned());
    }
    let vendor = rule.vendor.unwrap_or_else(|| vendor.to_owned());
    let models: Result<BTreeMap<Vec<u32>, String>, String> =
        rule.models.into_iter().map(|(oid, model)| Ok((numbers(&oid)?, model))).collect();
    let one = |text: Option<&str>| text.map(|text| patterns.pattern(text, Groups::Any)).transpose();
    let facts = |texts: &[String]| -> Result<Vec<Pattern>, String> {
        texts.iter().map(|text| patterns.pattern(text, Groups::Facts)).collect()
    };
    Ok(CompiledRule {
        vendor: Some(vendor).filter(|vendor| !vendor.is_empty() && vendor != "-"),
        objects: rule.object.iter().map(|oid| numbers(oid)).collect::<Result<_, _>>()?,
        text: one(rule.text.as_deref())?,
        has: rule.has.as_ref().map(|has| ask(has, patterns)).transpose()?,
        without: one(rule.without.as_deref())?,
        os: rule.os,
        model: rule.model,
        driver: rule.driver,
        facts: facts(&rule.facts)?,
        chassis: facts(&rule.chassis)?,
        asks: rule.ask.iter().map(|one| ask(one, patterns)).collect::<Result<_, _>>()?,
        entity: rule.entity,
        prefer: rule.prefer,
        models: models?,
        tidy: one(rule.tidy.as_deref())?,
    })
}

fn ask(ask: &Ask, patterns: Patterns) -> Result<CompiledAsk, String> {
    let (rest, is_relative) = match ask.oid.strip_prefix('@') {
        Some(rest) => (rest, true),
        None => (ask.oid.as_str(), false),
    };
    let (rest, is_column) = match rest.strip_suffix(".*") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    Ok(CompiledAsk {
        fact: ask.fact,
        oid: numbers(rest)?,
        is_relative,
        is_column,
        find: ask.find.as_deref().map(|text| patterns.pattern(text, Groups::First)).transpose()?,
    })
}

fn numbers(oid: &str) -> Result<Vec<u32>, String> {
    let numbers: Result<Vec<u32>, _> =
        oid.split('.').filter(|part| !part.is_empty()).map(str::parse).collect();
    numbers.map_err(|_| format!("{oid:?} is not an object identifier"))
}

/// The line, counting from 1, of a place in a text.
fn line_of(text: &str, place: usize) -> usize {
    1 + text.as_bytes().iter().take(place).filter(|byte| **byte == b'\n').count()
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_compiles_and_names_drivers_that_are_there() {
        for file in EMBEDDED.files() {
            let added = Compiled::default().add(file.contents_utf8().unwrap(), Patterns::Unproven);
            assert_eq!(added, Ok(()), "{}", file.path().display());
        }
        let rules = Rules::embedded();
        assert_eq!(rules.problems(), []);
        let drivers = crate::device::driver::Drivers::embedded();
        for driver in rules.drivers() {
            assert!(drivers.knows(&driver.parse().unwrap()), "no driver {driver}");
        }
        let mut vendors: Vec<&str> = rules.vendors().collect();
        vendors.sort_unstable();
        vendors.dedup();
        assert!(vendors.len() >= 100, "{}", vendors.len());
    }

    #[test]
    fn a_file_that_has_a_mistake_now_says_what_it_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let makers = |rules: &Rules| -> Vec<String> {
            let of_nine = rules.0.rules.iter().filter(|rule| rule.objects.contains(&vec![99_999]));
            of_nine.filter_map(|rule| rule.vendor.clone()).collect()
        };
        let maker = |name: &str| format!("vendor = '{name}'\n[[rule]]\nobject = ['99999']\n");
        write("a.toml", &maker("Acme"));
        write("b.toml", "[[rule]]\n");
        let first = Rules::load(Some(folder.path()));
        assert_eq!((makers(&first), first.problems().len()), (vec!["Acme".to_owned()], 1));
        write("a.toml", "vendor = ");
        write("b.toml", &maker("Bolt"));
        let second = Rules::load_after(&first, Some(folder.path()));
        assert_eq!(
            (makers(&second), second.problems().len()),
            (vec!["Acme".to_owned(), "Bolt".to_owned()], 1)
        );
        let third = Rules::load_after(&second, Some(folder.path()));
        assert_eq!(makers(&third).len(), 2, "also the second time");
        std::fs::remove_file(folder.path().join("a.toml")).unwrap();
        let fourth = Rules::load_after(&third, Some(folder.path()));
        assert_eq!((makers(&fourth), fourth.problems().len()), (vec!["Bolt".to_owned()], 0));
    }

    #[test]
    fn a_users_file_takes_the_place_of_the_binarys_and_a_broken_one_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cisco.toml"), "vendor = 'Acme'\n[[rule]]\nobject = ['9']\n")
            .unwrap();
        std::fs::write(folder.path().join("zzz.toml"), "[[rule]]\nobject = ['9']\ntext = '('\n").unwrap();
        std::fs::write(folder.path().join("yyy.toml"), "[[rule]]\nos = 'x'\n").unwrap();
        std::fs::write(folder.path().join("xxx.toml"), "\n[[rule]]\ncolour = 'x'\n").unwrap();
        let rules = Rules::load(Some(folder.path()));
        let cisco: Vec<&CompiledRule> =
            rules.0.rules.iter().filter(|rule| rule.objects.contains(&vec![9])).collect();
        assert!(cisco.iter().all(|rule| rule.vendor.as_deref() == Some("Acme")), "{}", cisco.len());
        let problems: Vec<String> = rules.problems().iter().map(ToString::to_string).collect();
        assert!(problems[0].starts_with("identity/xxx.toml:3: unknown field `colour`"), "{problems:?}");
        assert!(problems[1].contains(":1: in this rule: a rule needs object, text or has"), "{problems:?}");
        assert!(problems[2].contains(":1: in this rule: the pattern \"(\""), "{problems:?}");
        assert!(rules.0.rules.iter().any(|rule| rule.vendor.as_deref() == Some("Juniper")));
    }
}
