//! Looking over a colleague's shoulder: pictures of their screen come this way, and nothing goes back.
//!
//! Who is watched never waits for who watches: only the newest picture is kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::actor::Actor;
use super::audit::AuditNote;
use super::error::ActError;
use super::sessions::{Roster, Sessions};
use super::start::Engine;
use super::users::Person;

/// How long a reader waits for the next picture before it hears that there is none.
const FOR_NEXT: Duration = Duration::from_secs(5);

/// What a screen shows, without a terminal. What it holds was clean when it was drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Counts up with each picture of a session, from 1.
    pub number: u64,
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
    /// The runs of cells that look the same, of each row from the left.
    pub runs: Vec<Vec<Run>>,
    /// Column and row of the cursor, where one is shown.
    pub cursor: Option<(u16, u16)>,
}

/// Cells of one row that look the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The column that it begins in.
    pub x: u16,
    /// The text.
    pub text: String,
    /// How it looks.
    pub look: Look,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The letters' colour.
    pub letters: Ink,
    /// The ground's colour.
    pub ground: Ink,
    /// Bold, dim, reversed …: bits of the console's own.
    pub manner: u16,
}

/// A colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    /// The terminal's usual one.
    #[default]
    Usual,
    /// One of the 256 that terminals have by number.
    Numbered(u8),
    /// Red, green, blue.
    Mixed(u8, u8, u8),
}

/// The pictures of a screen, as they come; `None` before the first one.
pub type Pictures = watch::Receiver<Option<Arc<Picture>>>;

/// Somebody watches a session, as long as this is.
pub struct Watching {
    /// The session.
    pub session: Roster,
    /// What it shows.
    pub pictures: Pictures,
    watcher: String,
    sessions: Arc<Sessions>,
}

impl Sessions {
    /// A person begins to watch a session, which is told so. `None` where there is no full screen of that number.
    pub fn watch(self: &Arc<Self>, number: u64, watcher: &str) -> Option<Watching> {
        let session = self.list().into_iter().find(|one| one.number == number && one.size.is_some())?;
        let pictures = self.add_watcher(number, watcher)?;
        Some(Watching { session, pictures, watcher: watcher.to_owned(), sessions: Arc::clone(self) })
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watching({} by {})", self.session.number, self.watcher)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.sessions.drop_watcher(self.session.number, &self.watcher);
    }
}

impl Engine {
    /// Begins to watch the screen of a person, or that of a session's number, which is journalled. Of several screens it is
    /// the one that was used last.
    ///
    /// # Errors
    /// When they have none, it is the watcher's own, or the journal does not take it.
    pub(super) async fn begin_watching(
        &self,
        person: &Person,
        by: &Actor,
        whom: &str,
    ) -> Result<Watching, ActError> {
        let mut screens = self.sessions().list();
        let number = whom.parse::<u64>().ok();
        screens.retain(|one| one.size.is_some() && (one.person == whom || Some(one.number) == number));
        let whom: String = whom.chars().take(64).collect();
        let none = || {
            ActError::not_found(format!("{whom:?} has no screen open here: `session list` shows who is in"))
        };
        let session = screens.into_iter().max_by_key(|one| one.active).ok_or_else(none)?;
        if session.person == person.name {
            return Err(ActError::usage("that is a screen of your own: look at it where it is"));
        }
        let what = format!("watches session {} of {} ({})", session.number, session.person, session.line);
        self.note_began(by, AuditNote::began(by, &what)).await?;
        self.sessions().watch(session.number, &by.name).ok_or_else(none)
    }
}

/// The next picture after the one of the number `seen`; `None` where none came for a while.
///
/// # Errors
/// The session has ended.
pub(super) async fn next(mut pictures: Pictures, seen: u64) -> Result<Option<Arc<Picture>>, ActError> {
    let is_news =
        |picture: &Option<Arc<Picture>>| picture.as_ref().is_some_and(|picture| picture.number > seen);
    match tokio::time::timeout(FOR_NEXT, pictures.wait_for(is_news)).await {
        Ok(Ok(news)) => Ok(news.clone()),
        Ok(Err(_)) => Err(ActError::not_found("that session has ended")),
        Err(_) => Ok(None),
    }
}
