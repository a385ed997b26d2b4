//! What a screen may ask of the engine beyond the snapshot: reads that take a disk or a while.
//! Acts are command lines, never queries.

use std::sync::Arc;

use crate::device::driver::{SectionStyle, Sections};
use crate::model::{DeviceId, DriverId, Revision, Role, Run, Timestamp};

use super::audit::{AuditDetail, AuditFilter, AuditNote, AuditPage, AuditReport};
use super::driver_files::{DriverInfo, DriverText, Replay};
use super::edits::Edit;
use super::error::ActError;
use super::identity::Known;
use super::notify::Overview;
use super::series::DeviceHistory;
use super::sessions::Roster;
use super::start::Engine;
use super::terminal::Cast;
use super::timeline::{Timeline, TimelineOf};
use super::trust::KnownKey;
use super::users::{Person, UserView};
use super::vault::{CredentialPage, Explained, VaultView};
use super::watching::{self, Picture, Pictures, Watching};

/// Which revision of which device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RevisionRef {
    /// Whose.
    pub device: DeviceId,
    /// Which; `None` is the newest good one.
    pub number: Option<u32>,
}

/// A device within a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastOf {
    /// Whose.
    pub device: DeviceId,
    /// The period's begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// In so many points.
    pub points: usize,
}

/// A read.
#[derive(Clone, Debug)]
pub enum Query {
    /// A device's revisions and runs, newest first.
    History(DeviceId),
    /// One revision's normalised text.
    Config(RevisionRef),
    /// Two revisions' normalised texts, for a diff.
    Pair(RevisionRef, RevisionRef),
    /// Where a pattern occurs.
    Search(SearchQuery),
    /// Who changed a device's record after this revision of it, and how.
    Edits(DeviceId, u32),
    /// The host keys on the way to a device.
    HostKeys(DeviceId),
    /// What was heard of a device, and how it stood.
    PulseHistory(PastOf),
    /// Everything that happened to a device.
    Timeline(TimelineOf),
    /// Every driver.
    Drivers,
    /// A driver's file.
    Driver(DriverId),
    /// Who is told of what, and what is not delivered yet.
    Notifications,
    /// What every device says it is.
    Identities,
    /// So many of the newest entries of the journal.
    Audit(usize),
    /// The entry of this number.
    AuditEntry(u64),
    /// Whether the journal is what was written.
    AuditVerify,
    /// The users.
    Users,
    /// The vault's credentials and assignments, without secrets.
    Credentials,
    /// The credential of this name, and who gets it.
    Credential(String),
    /// Which credentials a device gets, and why.
    CredentialsOf(DeviceId),
    /// Who is in.
    Sessions,
    /// The screen of this user, or of the session of this number; they see that it is watched.
    Watch(String),
    /// The next picture of a screen that is watched; comes when there is one, or after a few seconds without.
    Watched {
        /// Where they come from.
        pictures: Pictures,
        /// The number of the last one that was seen, from 1; 0 for none.
        seen: u64,
    },
    /// The recording of a device's terminal; `None` is the newest.
    Terminal(DeviceId, Option<u64>),
    /// What a driver makes of a recording, step by step and in the end.
    Replay {
        /// Whose.
        device: DeviceId,
        /// Which; `None` is the newest.
        id: Option<u64>,
        /// The text of a driver file that is tried; `None` is the driver of then as it is now.
        driver: Option<Arc<str>>,
    },
}

impl Query {
    /// The role that it needs: that of the command which answers the same.
    pub fn role(&self) -> Role {
        match self {
            Self::Replay { .. } | Self::Terminal(..) => Role::READS_SECRETS,
            Self::Credentials | Self::Credential(_) | Self::CredentialsOf(_) => Role::READS_SECRETS,
            Self::Watch(_) | Self::Watched { .. } => Role::WATCHES,
            Self::Audit(_) | Self::AuditEntry(_) | Self::AuditVerify => Role::READS_AUDIT,
            Self::Users | Self::Sessions => Role::READS_AUDIT,
            Self::History(_) | Self::Config(_) | Self::Pair(..) | Self::Search(_) => Role::Viewer,
            Self::PulseHistory(_) | Self::Identities | Self::Timeline(_) | Self::Edits(..) => Role::Viewer,
            Self::HostKeys(_) | Self::Drivers | Self::Driver(_) | Self::Notifications => Role::Viewer,
        }
    }
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// Text, or a regular expression.
    pub pattern: String,
    /// Whether it is a regular expression.
    pub regex: bool,
    /// Whether past revisions are searched too.
    pub history: bool,
    /// Most hits to return.
    pub limit: usize,
}

/// What came back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Query::History`].
    History {
        /// Newest first.
        revisions: Arc<[Revision]>,
        /// Newest first, at most 500.
        runs: Arc<[Run]>,
    },
    /// To [`Query::Config`].
    Config(ConfigText),
    /// To [`Query::Pair`].
    Pair(ConfigText, ConfigText),
    /// To [`Query::Search`].
    Search(SearchAnswer),
    /// To [`Query::Edits`], oldest first.
    Edits(Arc<[Edit]>),
    /// To [`Query::HostKeys`], in the order in which a session meets them.
    HostKeys(Vec<KnownKey>),
    /// To [`Query::PulseHistory`].
    PulseHistory(Arc<DeviceHistory>),
    /// To [`Query::Timeline`].
    Timeline(Arc<Timeline>),
    /// To [`Query::Drivers`], by id.
    Drivers(Arc<[DriverInfo]>),
    /// To [`Query::Driver`].
    Driver(DriverText),
    /// To [`Query::Notifications`].
    Notifications(Arc<Overview>),
    /// To [`Query::Identities`]: every device that is not deleted, by name.
    Identities(Arc<[Known]>),
    /// To [`Query::Audit`].
    Audit(Arc<AuditPage>),
    /// To [`Query::AuditEntry`].
    AuditEntry(Arc<AuditDetail>),
    /// To [`Query::AuditVerify`].
    AuditVerify(Arc<AuditReport>),
    /// To [`Query::Users`], by name.
    Users(Arc<[UserView]>),
    /// To [`Query::Credentials`].
    Credentials(Arc<VaultView>),
    /// To [`Query::Credential`].
    Credential(Arc<CredentialPage>),
    /// To [`Query::CredentialsOf`].
    CredentialsOf(Arc<Explained>),
    /// To [`Query::Sessions`], in the order in which they came.
    Sessions(Arc<[Roster]>),
    /// To [`Query::Watch`]. Its session is watched as long as this is.
    Watching(Arc<Watching>),
    /// To [`Query::Watched`]; `None` where none came.
    Watched(Option<Arc<Picture>>),
    /// To [`Query::Replay`].
    Replay(Replay),
    /// To [`Query::Terminal`]: its number, and what it holds.
    Terminal(u64, Arc<Cast>),
    /// The read failed; the sentence says why and what to do.
    Failed(String),
}

/// A configuration to look at.
#[derive(Clone, Debug)]
pub struct ConfigText {
    /// Which revision it is.
    pub revision: Arc<Revision>,
    /// The normalised text, each line clean.
    pub text: Arc<str>,
    /// How it folds.
    pub style: SectionStyle,
    /// For [`SectionStyle::Flat`]: what starts a section, see [`Sections::start`].
    pub section_start: Option<String>,
}

impl ConfigText {
    /// How the text folds, as the driver says.
    pub fn sections(&self) -> Sections {
        Sections { style: self.style, start: self.section_start.clone() }
    }
}

/// Where a pattern occurs.
#[derive(Clone, Debug, Default)]
pub struct SearchAnswer {
    /// The hits, by device name, revision and line.
    pub hits: Arc<[Hit]>,
    /// How many texts were searched.
    pub texts: u64,
    /// Whether there are more hits than the limit.
    pub more: bool,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// One hit.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Whose configuration.
    pub device: DeviceId,
    /// Its name.
    pub name: Arc<str>,
    /// Which revision.
    pub revision: u32,
    /// The line, counting from 1.
    pub line: u32,
    /// The line's text, clean.
    pub text: Arc<str>,
    /// Where the match lies in `text`, in bytes.
    pub span: (usize, usize),
    /// The section that the line is in: the nearest line above that is indented less; empty at the top.
    pub section: Arc<str>,
    /// The line above, clean; empty at the top.
    pub before: Arc<str>,
    /// The line below, clean; empty at the end.
    pub after: Arc<str>,
}

/// The most entries of the journal that a screen gets.
pub const MOST_AUDIT: usize = 10_000;

fn not_of_the_store() -> Answer {
    Answer::Failed("this is not a read of the store".into())
}

impl Engine {
    /// Answers the read of a person's screen. Never fails: what could not be read, or is not for them, is said in
    /// [`Answer::Failed`]. What holds secrets is journalled before it is read.
    pub async fn query(self: &Arc<Self>, person: &Person, query: Query) -> Answer {
        let person = match self.readmit(person) {
            Ok(person) => person,
            Err(refused) => return Answer::Failed(refused.0),
        };
        let by = person.actor("", "console");
        let needed = query.role();
        if !person.rights.may(needed) {
            let why = match &query {
                Query::Replay { .. } | Query::Terminal(..) => "a recording may hold secrets",
                _ => "this is not for everybody",
            };
            let why = format!("{why}: it needs the role {needed}, and yours is {}", person.rights);
            // it is refused all the same
            let _ = self.note_refused(&by, &why).await;
            return Answer::Failed(why);
        }
        if let Query::AuditVerify = &query {
            let report = self.audit_verify(None, 0).await;
            return report.map_or_else(
                |error| Answer::Failed(error.message),
                |report| Answer::AuditVerify(report.into()),
            );
        }
        let within = person.rights.within(needed);
        if let Some(why) = self.outside(&within, &query) {
            return Answer::Failed(why);
        }
        if let Query::Sessions = &query {
            return Answer::Sessions(self.sessions().list().into());
        }
        if let Query::Watch(whom) = &query {
            let watching = self.begin_watching(&person, &by, whom).await;
            return watching.map_or_else(
                |error| Answer::Failed(error.message),
                |watching| Answer::Watching(watching.into()),
            );
        }
        if let Query::Watched { pictures, seen } = query {
            return watching::next(pictures, seen)
                .await
                .map_or_else(|error| Answer::Failed(error.message), Answer::Watched);
        }
        if let Query::Replay { device, id, driver } = &query {
            if let Err(error) = self.note_replay(&by, *device, *id).await {
                return Answer::Failed(error.message);
            }
            let replay = self.replay(*device, *id, driver.as_deref()).await;
            return replay.map_or_else(|error| Answer::Failed(error.message), Answer::Replay);
        }
        if let Query::Terminal(device, number) = query {
            let note = AuditNote::read(&by, "a terminal's recording is played on a screen");
            if let Err(error) = self.note_read(&by, AuditNote { recording: number, ..note.of(device) }).await
            {
                return Answer::Failed(error.message);
            }
        }
        if let Query::PulseHistory(past) = query {
            let read = self.pulse_history(past).await;
            return read.map_or_else(
                |error| Answer::Failed(error.message),
                |past| Answer::PulseHistory(Arc::new(past)),
            );
        }
        if let Query::Timeline(of) = query {
            let read = self.timeline(of).await;
            return read.map_or_else(
                |error| Answer::Failed(error.message),
                |timeline| Answer::Timeline(timeline.into()),
            );
        }
        if let Query::Edits(device, since) = query {
            let device = self.present().device(device);
            let edits = match &device {
                Some(device) => self.device_edits(device, since).await,
                None => Err(ActError::not_found("there is no such device")),
            };
            return edits
                .map_or_else(|error| Answer::Failed(error.message), |edits| Answer::Edits(edits.into()));
        }
        if let Query::Notifications = &query {
            let view = self.notifications().await;
            return view.map_or_else(
                |error| Answer::Failed(error.message),
                |view| Answer::Notifications(view.into()),
            );
        }
        let answer = self.aside(move |engine| {
            Ok(match query {
                Query::History(device) => {
                    let history = engine.read_history(device)?;
                    Answer::History { revisions: history.revisions.into(), runs: history.runs.into() }
                }
                Query::Config(which) => Answer::Config(engine.read_config(which)?),
                Query::Pair(old, new) => Answer::Pair(engine.read_config(old)?, engine.read_config(new)?),
                Query::HostKeys(device) => Answer::HostKeys(engine.known_keys(device)?),
                Query::Identities => {
                    let mut known = engine.every_identity()?;
                    known.retain(|known| within.holds(&known.device));
                    Answer::Identities(known.into())
                }
                Query::Terminal(device, number) => {
                    let (number, _, cast) = engine.read_cast(device, number)?;
                    Answer::Terminal(number, cast.into())
                }
                Query::Users => Answer::Users(engine.user_views().into()),
                Query::Credentials => Answer::Credentials(engine.vault_view().into()),
                Query::Credential(name) => Answer::Credential(engine.credential_page(&name)?.into()),
                Query::CredentialsOf(device) => Answer::CredentialsOf(engine.credentials_of(device)?.into()),
                Query::Drivers => Answer::Drivers(engine.list_drivers().into()),
                Query::Driver(id) => Answer::Driver(engine.read_driver(&id)?),
                Query::Audit(limit) => {
                    Answer::Audit(engine.read_audit(&AuditFilter::default(), limit.min(MOST_AUDIT))?.into())
                }
                Query::AuditEntry(seq) => Answer::AuditEntry(engine.read_audit_entry(seq)?.into()),
                Query::PulseHistory(_) | Query::Timeline(_) | Query::Replay { .. } => not_of_the_store(),
                Query::Notifications | Query::AuditVerify | Query::Sessions => not_of_the_store(),
                Query::Edits(..) => not_of_the_store(),
                Query::Watch(_) | Query::Watched { .. } => not_of_the_store(),
                Query::Search(query) => Answer::Search(engine.search_now(&query, &within)?),
            })
        });
        answer.await.unwrap_or_else(|error| Answer::Failed(error.message))
    }
}
