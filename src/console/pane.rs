//! What a pane is. A new one is a file in `panes/` and nothing else.

use std::sync::LazyLock;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::{Dial, Outcome};
use super::cx::Cx;
use super::term::Key;
use crate::engine::drafts::DraftText;
use crate::engine::query::{Answer, Query};
use crate::engine::snapshot::Versions;
use crate::engine::terminal::Said;
use crate::model::Timestamp;

/// What a pane says of itself: `inventory::submit! { Decl { … } }`.
pub struct Decl {
    /// Its name: `:devices`.
    pub name: &'static str,
    /// Other names: `:d`.
    pub aliases: &'static [&'static str],
    /// Its title.
    pub title: &'static str,
    /// One sentence, in the imperative, without a full stop.
    pub about: &'static str,
    /// What it takes, as the help writes it: `DEVICE [REVISION]`; what is in brackets may be missing.
    pub args: &'static str,
    /// Its number key; `None` for panes that are about one thing and are opened from another.
    pub tab: Option<u8>,
    /// The topics of a snapshot that it shows.
    pub reads: &'static [Topic],
    /// Its own keys, the commonest first.
    pub keys: &'static [Bind],
    /// Makes one from the words after its name.
    pub make: Make,
}

/// Makes a pane from the words after its name; an error says what is wrong with them.
pub type Make = fn(&[String], &Cx) -> Result<Box<dyn Pane>, String>;

inventory::collect!(Decl);

/// A part of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The devices and their backups.
    Devices,
    /// Work.
    Jobs,
    /// The event log.
    Events,
    /// Whether the devices answer, and how fast: moves every second.
    Pulse,
    /// Whether the devices answer, for panes that show nothing of single probes.
    Answers,
    /// Incidents and planned work.
    Incidents,
    /// What devices say they are.
    Identities,
}

/// A key and the command line that it stands for. In the line `{device}` is the selected device, `{devices}` the
/// marked ones, or the selected one where none is marked.
#[derive(Clone, Copy, Debug)]
pub struct Bind {
    /// The keys: `g g`.
    pub keys: &'static str,
    /// The command line.
    pub line: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// Whether it wants to be in the hint row.
    pub hint: bool,
}

impl Bind {
    /// A binding that wants to be in the hint row.
    pub const fn hint(keys: &'static str, line: &'static str, about: &'static str) -> Self {
        Self { keys, line, about, hint: true }
    }

    /// A binding that is found in `?`.
    pub const fn new(keys: &'static str, line: &'static str, about: &'static str) -> Self {
        Self { keys, line, about, hint: false }
    }
}

/// What would be lost or end with a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stake {
    /// A text that was not saved.
    Text,
    /// A session with the device that the pane is about.
    Session,
}

/// One screen's state. It reads the [`Cx`] and answers; only the engine changes anything.
pub trait Pane: Send {
    /// What it is about, for the breadcrumbs: a device's name.
    fn subject(&self) -> String {
        String::new()
    }

    /// What the title row says of it: `12 of 400`.
    fn status(&self, _cx: &Cx) -> String {
        String::new()
    }

    /// The snapshot has moved in a topic that it reads, or the pane has just been made.
    fn update(&mut self, _cx: &Cx) {}

    /// Does what the words of a command line say, if it knows the first of them.
    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome;

    /// Draws itself; `area` lies in `buf`, and may be empty.
    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx);

    /// A read that it needs, once each: a newer one makes the older one's answer void.
    fn wants(&mut self, _cx: &Cx) -> Option<Query> {
        None
    }

    /// The answer to the newest read that it wanted.
    fn answer(&mut self, _answer: Answer, _cx: &Cx) {}

    /// What it wants of its terminal, once each, in order.
    fn dials(&mut self) -> Vec<Dial> {
        Vec::new()
    }

    /// What came of its terminal.
    fn said(&mut self, _said: Said) {}

    /// A key, before the keymap has it: for panes into which text is typed.
    fn key(&mut self, _key: Key, _cx: &Cx) -> Option<Outcome> {
        None
    }

    /// Whether letters are typed into it now, so that they are no keys.
    fn takes_text(&self) -> bool {
        false
    }

    /// Pasted text, for panes into which text is typed.
    fn paste(&mut self, _text: &str) {}

    /// What the operator's editor has made of the text that [`Self::copy`] gave it, for panes that hold a text.
    fn edited(&mut self, _text: &str) {}

    /// Whether it holds a text that would be lost with it.
    fn unsaved(&self) -> bool {
        false
    }

    /// What would be lost or end with it, if that must be asked for first.
    fn at_stake(&self) -> Option<Stake> {
        self.unsaved().then_some(Stake::Text)
    }

    /// What is being written in it and not saved, without secrets.
    fn draft(&self) -> Option<DraftText> {
        None
    }

    /// Goes on with a draft of its own; `base` is the text that it was begun with.
    fn take_up(&mut self, _base: &str, _text: &str) {}

    /// It is not in front: another pane lies over it, or another view is shown. Told again and again while that is so.
    fn covered(&mut self) {}

    /// When it looks different by itself, without anything having happened.
    fn wakes_at(&self, _cx: &Cx) -> Option<Timestamp> {
        None
    }

    /// Where the cursor blinks, for panes into which text is typed.
    fn cursor(&self) -> Option<(u16, u16)> {
        None
    }

    /// The left button was pressed there.
    fn click(&mut self, _x: u16, _y: u16, _cx: &Cx) -> Outcome {
        Outcome::Unknown
    }

    /// The selected device.
    fn device(&self, _cx: &Cx) -> Option<String> {
        None
    }

    /// The marked devices, or the selected one.
    fn devices(&self, cx: &Cx) -> Vec<String> {
        self.device(cx).into_iter().collect()
    }

    /// What `sort` and `column:` can name; empty where there is no table.
    fn columns(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// The filter that is in force; `None` where nothing can be filtered.
    fn filter(&self) -> Option<&str> {
        None
    }

    /// Puts a filter in force.
    fn set_filter(&mut self, _text: &str, _cx: &Cx) {}

    /// What `copy` copies.
    fn copy(&self, _cx: &Cx) -> Option<String> {
        None
    }

    /// Why a command line cannot be run now; `None` where it can.
    fn disabled(&self, _line: &str, _cx: &Cx) -> Option<String> {
        None
    }
}

/// Every pane, those with a number first, in its order.
pub fn all() -> impl Iterator<Item = &'static Decl> {
    static ALL: LazyLock<Vec<&Decl>> = LazyLock::new(|| {
        let mut all: Vec<&Decl> = inventory::iter::<Decl>.into_iter().collect();
        all.sort_by_key(|decl| (decl.tab.unwrap_or(u8::MAX), decl.name));
        all
    });
    ALL.iter().copied()
}

/// The pane of this name or other name.
pub fn named(name: &str) -> Option<&'static Decl> {
    inventory::iter::<Decl>.into_iter().find(|decl| decl.name == name || decl.aliases.contains(&name))
}

impl Decl {
    /// Whether it cannot be opened by its name alone.
    pub fn needs_args(&self) -> bool {
        !self.args.is_empty() && !self.args.starts_with('[')
    }

    /// Whether something that it shows differs between two snapshots.
    pub fn is_moved(&self, from: &Versions, to: &Versions) -> bool {
        self.reads.iter().any(|topic| match topic {
            Topic::Devices => from.devices != to.devices,
            Topic::Jobs => from.jobs != to.jobs,
            Topic::Events => from.events != to.events,
            Topic::Pulse => from.pulse != to.pulse,
            Topic::Answers => from.answers != to.answers,
            Topic::Incidents => from.incidents != to.incidents,
            Topic::Identities => from.identities != to.identities,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_unique() {
        let mut names: Vec<_> = all().flat_map(|decl| decl.aliases.iter().chain([&decl.name])).collect();
        let mut tabs: Vec<_> = all().filter_map(|decl| decl.tab).collect();
        let (count, tab_count) = (names.len(), tabs.len());
        names.sort();
        names.dedup();
        tabs.dedup();
        assert!(count > 0 && names.len() == count && tabs.len() == tab_count);
    }
}
