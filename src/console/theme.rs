//! What things look like: a token names a meaning, a theme file says how it is drawn.

use include_dir::{Dir, include_dir};
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

use super::files::Fault;
use crate::engine::snapshot::BackupState;
use crate::model::{RunStatus, Severity};

static THEMES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/themes");

/// The theme of who says nothing.
pub const DEFAULT: &str = "dark";

macro_rules! tokens {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal),* $(,)?) => {
        /// A meaning that has a look.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Token { $($(#[doc = $doc])* $name),* }

        impl Token {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $word)),*];
        }
    };
}

tokens! {
    /// Plain text.
    Text = "text",
    /// What matters less: units, line numbers, borders.
    Dim = "dim",
    /// The title row.
    Title = "title",
    /// The head of a table.
    Header = "header",
    /// The row that keys act on.
    Selected = "selected",
    /// Marked rows.
    Marked = "marked",
    /// As it should be.
    Good = "good",
    /// Somebody should look today.
    Warn = "warn",
    /// Somebody should look now.
    Bad = "bad",
    /// At work.
    Running = "running",
    /// Nothing is expected of it.
    Off = "off",
    /// A line that only the new text has.
    Added = "added",
    /// A line that only the old text has.
    Removed = "removed",
    /// The words in it that differ.
    AddedWord = "added-word",
    /// The words in it that differ.
    RemovedWord = "removed-word",
    /// What a search found.
    Match = "match",
    /// The head of a section, a hunk, a block.
    Section = "section",
    /// A key in the hint row.
    Key = "key",
    /// Dialogs and menus.
    Dialog = "dialog",
}

/// A look for every token, and the glyphs.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: Vec<Style>,
    /// Whether glyphs beyond ASCII may be used.
    pub unicode: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    #[serde(default, deserialize_with = "color")]
    fg: Option<Color>,
    #[serde(default, deserialize_with = "color")]
    bg: Option<Color>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    dim: bool,
    #[serde(default)]
    italic: bool,
    #[serde(default)]
    underline: bool,
    #[serde(default)]
    reverse: bool,
}

impl Theme {
    /// The names of the themes in the binary.
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<_> = THEMES.files().filter_map(|file| file.path().file_stem()?.to_str()).collect();
        names.sort_unstable();
        names
    }

    /// The theme of this name in the binary.
    ///
    /// # Errors
    /// There is none; the sentence lists those that there are.
    pub fn named(name: &str, unicode: bool) -> Result<Self, String> {
        THEMES.get_file(format!("{name}.toml")).and_then(|file| file.contents_utf8()).map_or_else(
            || Err(format!("There is no theme {name}: there are {}", Self::names().join(", "))),
            |text| Self::parse(name, text, unicode).map_err(|fault| fault.of(&format!("Theme {name}"))),
        )
    }

    /// Reads a theme file: a table per token with `fg`, `bg` (`"#rrggbb"`, an index, a name) and `bold`, `dim`,
    /// `italic`, `underline`, `reverse`. A token that is not named looks like plain text.
    ///
    /// # Errors
    /// Which line of the file is wrong, and why.
    pub fn parse(name: &str, text: &str, unicode: bool) -> Result<Self, Fault> {
        let looks: std::collections::BTreeMap<Spanned<String>, Look> =
            toml::from_str(text).map_err(|error| Fault::toml(text, &error))?;
        let mut styles = vec![Style::new(); Token::ALL.len()];
        for (word, look) in looks {
            let token = Token::ALL.iter().position(|(_, known)| *known == word.get_ref());
            let Some(style) = token.and_then(|index| styles.get_mut(index)) else {
                let what = format!("there is no token {}", word.get_ref());
                return Err(Fault::at(text, word.span().start, what));
            };
            *style = look.style();
        }
        Ok(Self { name: name.to_owned(), styles, unicode })
    }

    /// A theme without a single colour: what is left when even the default is no theme.
    pub fn plain(unicode: bool) -> Self {
        Self { name: "plain".into(), styles: vec![Style::new(); Token::ALL.len()], unicode }
    }

    /// How a token is drawn.
    pub fn style(&self, token: Token) -> Style {
        // the styles stand in the order of the tokens
        self.styles.get(token as usize).copied().unwrap_or_default()
    }

    /// A glyph, or its twin for terminals that only have ASCII.
    pub fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// The glyph of a device's state.
    pub fn state_glyph(&self, state: BackupState) -> &'static str {
        match state {
            BackupState::Good => self.glyph("●", "+"),
            BackupState::Late => self.glyph("▲", "!"),
            BackupState::Suspect => self.glyph("◆", "%"),
            BackupState::Failed => self.glyph("✖", "x"),
            BackupState::Never => "?",
            BackupState::Running => self.glyph("◐", ">"),
            BackupState::Off => self.glyph("·", "-"),
        }
    }

    /// The glyph of a run's end.
    pub fn run_glyph(&self, status: RunStatus) -> &'static str {
        match status {
            RunStatus::Changed => self.glyph("◆", "*"),
            RunStatus::Unchanged => self.glyph("●", "+"),
            RunStatus::Failed => self.glyph("✖", "x"),
            RunStatus::Skipped => self.glyph("·", "-"),
        }
    }

    /// The glyph of an event's severity.
    pub fn severity_glyph(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Info => self.glyph("·", "-"),
            Severity::Warning => self.glyph("▲", "!"),
            Severity::Error => self.glyph("✖", "x"),
        }
    }
}

fn color<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Color>, D::Error> {
    let text = String::deserialize(from)?;
    let wrong =
        |_| serde::de::Error::custom(format!("{text:?} is no colour: #rrggbb, 0 to 255 or a name is"));
    text.parse().map(Some).map_err(wrong)
}

impl Look {
    fn style(&self) -> Style {
        let mut style = Style::new();
        (style.fg, style.bg) = (self.fg, self.bg);
        for (wanted, modifier) in [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
        ] {
            if wanted {
                style = style.add_modifier(modifier);
            }
        }
        style
    }
}

/// A look on a row: where the row's own look names a colour for text, as that of a selected one may, it stays.
pub fn over(row: Style, look: Style) -> Style {
    Style { fg: row.fg.or(look.fg), ..row.patch(look) }
}

/// The word and the token of a device's state.
pub fn state(state: BackupState) -> (&'static str, Token) {
    match state {
        BackupState::Good => ("good", Token::Good),
        BackupState::Late => ("late", Token::Warn),
        BackupState::Suspect => ("suspect", Token::Warn),
        BackupState::Failed => ("failed", Token::Bad),
        BackupState::Never => ("never", Token::Warn),
        BackupState::Running => ("running", Token::Running),
        BackupState::Off => ("off", Token::Off),
    }
}

/// The token of a run's end.
pub fn run(status: RunStatus) -> Token {
    match status {
        RunStatus::Changed => Token::Warn,
        RunStatus::Unchanged => Token::Good,
        RunStatus::Failed => Token::Bad,
        RunStatus::Skipped => Token::Off,
    }
}

/// The token of an event's severity.
pub fn severity(severity: Severity) -> Token {
    match severity {
        Severity::Info => Token::Text,
        Severity::Warning => Token::Warn,
        Severity::Error => Token::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_in_the_binary_is_whole() {
        assert!(Theme::names().contains(&DEFAULT));
        for name in Theme::names() {
            let theme = Theme::named(name, true).unwrap_or_else(|error| panic!("{error}"));
            for pair in [
                (Token::Selected, Token::Text),
                (Token::Good, Token::Bad),
                (Token::Added, Token::Removed),
                (Token::Match, Token::Text),
            ] {
                assert_ne!(theme.style(pair.0), theme.style(pair.1), "{name}: {pair:?}");
            }
        }
    }

    #[test]
    fn every_state_has_a_glyph_of_its_own() {
        use BackupState::*;
        for unicode in [true, false] {
            let theme = Theme::plain(unicode);
            let glyphs: std::collections::BTreeSet<_> = [Off, Running, Good, Late, Never, Suspect, Failed]
                .map(|state| theme.state_glyph(state))
                .into_iter()
                .collect();
            assert_eq!(glyphs.len(), 7);
            assert!(unicode || glyphs.iter().all(|glyph| glyph.is_ascii()));
        }
    }

    #[test]
    fn a_mistake_is_named() {
        let error = Theme::parse("mine", "[goood]\nfg = \"red\"\n", true).expect_err("no such token");
        assert!(error.what.contains("goood") && error.line == Some(1), "{error:?}");
        let error = Theme::parse("mine", "[good]\nfg = \"no-colour\"\n", true).expect_err("no such colour");
        assert_eq!(error.line, Some(2), "{error:?}");
    }
}
