//! Which key means which command line: a table in the program, and a file that names only what differs.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use toml::Spanned;

use super::files::Fault;
use super::pane::{self, Bind};
use super::term::Key;

/// The scope of keys that work on every screen.
pub const GLOBAL: &str = "global";

const fn bind(keys: &'static str, line: &'static str, about: &'static str) -> Bind {
    Bind { keys, line, about, hint: false }
}

const fn hint(keys: &'static str, line: &'static str, about: &'static str) -> Bind {
    Bind { keys, line, about, hint: true }
}

/// The keys that work on every screen, where its own keys do not say otherwise.
const EVERYWHERE: &[Bind] = &[
    hint("/", "filter", "Filter"),
    hint(":", "command", "Command"),
    hint("?", "help", "Help"),
    bind("up", "up", "Up"),
    bind("k", "up", "Up"),
    bind("down", "down", "Down"),
    bind("j", "down", "Down"),
    bind("left", "left", "Left"),
    bind("h", "left", "Left"),
    bind("right", "right", "Right"),
    bind("l", "right", "Right"),
    bind("pgup", "page-up", "Page up"),
    bind("pgdn", "page-down", "Page down"),
    bind("ctrl-b", "page-up", "Page up"),
    bind("ctrl-f", "page-down", "Page down"),
    bind("ctrl-u", "half-up", "Half a page up"),
    bind("ctrl-d", "half-down", "Half a page down"),
    bind("g g", "top", "To the top"),
    bind("home", "top", "To the top"),
    bind("G", "bottom", "To the bottom"),
    bind("end", "bottom", "To the bottom"),
    bind("enter", "open", "Open"),
    bind("esc", "back", "One level up"),
    bind("-", "last", "The view before"),
    bind("space", "mark", "Mark"),
    bind("v", "mark range", "Mark a range"),
    bind("ctrl-a", "mark all", "Mark all"),
    bind("s", "sort", "Sort"),
    bind("y", "copy", "Copy"),
    bind("o", "output", "What the last command has said"),
    bind("f", "freeze", "Freeze the picture"),
    bind("tab", "next", "Next view"),
    bind("shift-tab", "previous", "Previous view"),
    bind("1", "tab 1", "First view"),
    bind("2", "tab 2", "Second view"),
    bind("3", "tab 3", "Third view"),
    bind("4", "tab 4", "Fourth view"),
    bind("5", "tab 5", "Fifth view"),
    bind("6", "tab 6", "Sixth view"),
    bind("7", "tab 7", "Seventh view"),
    bind("8", "tab 8", "Eighth view"),
    bind("9", "tab 9", "Ninth view"),
    bind("M", "mute", "Silence the bell, or let it ring again"),
    bind("ctrl-l", "redraw", "Draw the screen anew"),
    bind("ctrl-z", "suspend", "Back to the shell for a while"),
    bind("q", "quit", "Quit, at the top"),
    bind("ctrl-c", "quit ask", "Quit"),
];

/// A chord of keys and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The keys, one after the other.
    pub chord: Vec<Key>,
    /// The command line.
    pub line: String,
    /// What it does, in a few words.
    pub about: String,
    /// Whether it wants to be in the hint row.
    pub hint: bool,
}

impl Bound {
    /// Whether it begins with a key that types a character.
    pub fn is_typed(&self) -> bool {
        self.chord.first().is_some_and(|key| key.typed().is_some())
    }

    /// The chord as people write it.
    pub fn keys(&self) -> String {
        self.chord.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// Every binding, by scope: a pane's name, or [`GLOBAL`].
#[derive(Clone, Debug)]
pub struct Keymap {
    scopes: BTreeMap<String, Vec<Bound>>,
}

/// What keys pressed so far mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This line.
    Line(String),
    /// The beginning of a chord.
    Begun,
    /// Nothing.
    Nothing,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut scopes = BTreeMap::new();
        scopes.insert(GLOBAL.to_owned(), EVERYWHERE.iter().filter_map(bound).collect());
        for decl in pane::all() {
            scopes.insert(decl.name.to_owned(), decl.keys.iter().filter_map(bound).collect());
        }
        Self { scopes }
    }
}

fn bound(bind: &Bind) -> Option<Bound> {
    let chord = chord(bind.keys).ok()?;
    Some(Bound { chord, line: bind.line.into(), about: bind.about.into(), hint: bind.hint })
}

fn chord(keys: &str) -> Result<Vec<Key>, String> {
    let chord = keys.split_whitespace().map(str::parse).collect::<Result<Vec<Key>, _>>()?;
    if chord.is_empty() { Err("a binding needs a key".into()) } else { Ok(chord) }
}

impl Keymap {
    /// The one of the program, which all share who have no file of their own.
    pub fn usual() -> Arc<Self> {
        static USUAL: LazyLock<Arc<Keymap>> = LazyLock::new(Arc::default);
        Arc::clone(&USUAL)
    }

    /// The keymap with a file's differences: a table per scope, `"keys" = "command line"`, an empty line unbinds.
    ///
    /// ```toml
    /// [global]
    /// "ctrl-q" = "quit"
    /// [devices]
    /// "B" = "backup run --all"
    /// ```
    ///
    /// # Errors
    /// The line of the file that is wrong, and why: nothing of the file is taken then.
    pub fn patched(text: &str) -> Result<Self, Fault> {
        type File = BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, String>>;
        let file: File = toml::from_str(text).map_err(|error| Fault::toml(text, &error))?;
        let mut keymap = Self::default();
        for (scope, bindings) in file {
            let at = |span: std::ops::Range<usize>, what: String| Fault::at(text, span.start, what);
            let Some(bound) = keymap.scopes.get_mut(scope.get_ref()) else {
                return Err(at(scope.span(), format!("there is no screen {}", scope.get_ref())));
            };
            for (keys, command) in bindings {
                let chord = chord(keys.get_ref()).map_err(|why| at(keys.span(), why))?;
                let known = bound.iter().find(|known| known.line == command);
                let about = known.map_or_else(|| command.clone(), |known| known.about.clone());
                bound.retain(|known| known.chord != chord);
                if !command.is_empty() {
                    bound.push(Bound { chord, line: command, about, hint: false });
                }
            }
        }
        match keymap.clash() {
            Some(what) => Err(Fault { line: None, what }),
            None => Ok(keymap),
        }
    }

    /// Two bindings of a scope of which one hides the other.
    fn clash(&self) -> Option<String> {
        for (scope, bounds) in &self.scopes {
            for (index, one) in bounds.iter().enumerate() {
                for other in &bounds[index + 1..] {
                    if one.chord.starts_with(&other.chord) || other.chord.starts_with(&one.chord) {
                        return Some(format!("on {scope}, {} and {} clash", one.keys(), other.keys()));
                    }
                }
            }
        }
        None
    }

    /// What these keys mean on the screen of this name: its own bindings come first.
    pub fn meaning(&self, scope: &str, keys: &[Key]) -> Meaning {
        let mut begun = false;
        for scope in [scope, GLOBAL] {
            for bound in self.scopes.get(scope).into_iter().flatten() {
                if bound.chord == keys {
                    return Meaning::Line(bound.line.clone());
                }
                begun |= bound.chord.starts_with(keys);
            }
            if begun {
                return Meaning::Begun;
            }
        }
        Meaning::Nothing
    }

    /// The bindings of one scope.
    pub fn own(&self, scope: &str) -> &[Bound] {
        self.scopes.get(scope).map_or(&[], Vec::as_slice)
    }

    /// Every binding that works on a screen, its own first, without those that it hides.
    pub fn bindings<'a>(&'a self, scope: &'a str) -> impl Iterator<Item = &'a Bound> {
        let own = self.scopes.get(scope).map_or(&[][..], Vec::as_slice);
        let global = self.scopes.get(GLOBAL).map_or(&[][..], Vec::as_slice);
        let hidden = |bound: &Bound| own.iter().any(|own| own.chord == bound.chord);
        own.iter().chain(global.iter().filter(move |bound| !hidden(bound)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Key> {
        chord(text).expect("keys")
    }

    #[test]
    fn the_tables_in_the_program_are_readable_and_do_not_clash() {
        let every = pane::all().flat_map(|decl| decl.keys).chain(EVERYWHERE);
        for bind in every {
            assert!(bound(bind).is_some(), "{}", bind.keys);
        }
        assert_eq!(Keymap::default().clash(), None);
    }

    #[test]
    fn chords_begin_and_end() {
        let keymap = Keymap::default();
        assert_eq!(keymap.meaning("devices", &keys("g")), Meaning::Begun);
        assert_eq!(keymap.meaning("devices", &keys("g g")), Meaning::Line("top".into()));
        assert_eq!(keymap.meaning("devices", &keys("g x")), Meaning::Nothing);
    }

    #[test]
    fn a_file_names_only_what_differs() {
        let keymap = Keymap::patched("[global]\n\"ctrl-q\" = \"quit\"\nq = \"\"\n").expect("a good file");
        assert_eq!(keymap.meaning("devices", &keys("ctrl-q")), Meaning::Line("quit".into()));
        assert_eq!(keymap.meaning("devices", &keys("q")), Meaning::Nothing);
        assert_eq!(keymap.meaning("devices", &keys("j")), Meaning::Line("down".into()));
    }

    #[test]
    fn a_mistake_in_the_file_is_named_with_its_line() {
        for (file, part) in [
            ("[nowhere]\nx = \"up\"", "line 1: there is no screen nowhere"),
            ("[global]\n\nhyper-x = \"up\"", "line 3"),
            ("[global]\n\"g\" = \"up\"", "clash"),
            ("[global", "Keymap line 1: "),
        ] {
            let error = Keymap::patched(file).expect_err(file).of("Keymap");
            assert!(error.contains(part), "{error}");
        }
    }
}
