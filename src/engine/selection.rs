//! Which devices an act is about.

use std::borrow::Cow;

use nucleo_matcher::Matcher;

use crate::model::filter::{self, Filter};
use crate::model::{DeviceName, DriverId, Within, nearest};

use super::error::ActError;
use super::fields::Field;
use super::snapshot::{BackupState, DeviceRow};

/// What a filter looks at, `column:text` at one of them: the columns of the device list, and the record's other words.
pub const COLUMNS: &[&str] = &[
    "name",
    "status",
    "state",
    "address",
    "transport",
    "driver",
    "group",
    "location",
    "role",
    "tags",
    "asset_tag",
    "description",
    "why",
];

/// Which devices. Empty selects nothing: `all` must be said.
///
/// Names add up; group, tag, driver and filter narrow down what `all`, or one of themselves, begins with.
/// Deleted devices are never selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// These, by name.
    pub names: Vec<String>,
    /// Every device.
    pub all: bool,
    /// Those of a group and of the groups inside it: `campus` takes `campus/north`, not `campus2`.
    pub group: Option<String>,
    /// Those with every one of these tags.
    pub tags: Vec<String>,
    /// Those of a driver.
    pub driver: Option<DriverId>,
    /// Those that pass it, in the language of the console's `/` (see [`Filter`]).
    pub filter: String,
    /// Of these alone: the part of the network that is theirs who asks. What lies outside is as if it did not exist.
    pub within: Within,
}

impl Selection {
    /// Every device.
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// One device, or some, by name.
    pub fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.all && !self.has_filter()
    }

    /// The rows of `rows` that are meant, in their order, each once.
    ///
    /// # Errors
    /// When a name is unknown (the nearest one is suggested), or nothing was asked for.
    pub fn pick(&self, mut rows: Vec<DeviceRow>) -> Result<Vec<DeviceRow>, ActError> {
        if self.is_empty() {
            return Err(ActError::usage(
                "say which devices: names, --group GROUP, --tag TAG, --driver ID, --filter TEXT or --all",
            ));
        }
        rows.retain(|row| row.device.deleted.is_none() && self.within.holds(&row.device));
        for name in &self.names {
            if !rows.iter().any(|row| row.device.name.as_str() == name) {
                return Err(unknown_name(name, rows.iter().map(|row| &row.device.name)));
            }
        }
        let mut narrowed = (self.all || self.has_filter()).then(|| self.sieve());
        rows.retain(|row| {
            self.names.iter().any(|name| name == row.device.name.as_str())
                || narrowed.as_mut().is_some_and(|sieve| sieve.passes(row))
        });
        Ok(rows)
    }

    fn has_filter(&self) -> bool {
        self.group.is_some()
            || self.driver.is_some()
            || !self.tags.is_empty()
            || !self.read_filter().is_empty()
    }

    fn read_filter(&self) -> Filter {
        Filter::new(&self.filter, COLUMNS)
    }

    /// What group, tags, driver and filter allow; the names play no part.
    pub fn sieve(&self) -> Sieve<'_> {
        Sieve { selection: self, filter: self.read_filter(), matcher: filter::matcher() }
    }
}

/// The narrowing part of a selection, ready for many rows.
pub struct Sieve<'a> {
    selection: &'a Selection,
    filter: Filter,
    matcher: Matcher,
}

impl Sieve<'_> {
    /// Whether a row is left.
    pub fn passes(&mut self, row: &DeviceRow) -> bool {
        let (wanted, device) = (self.selection, row.device.as_ref());
        wanted.group.as_ref().is_none_or(|group| is_in_group(&device.group, group))
            && wanted.driver.as_ref().is_none_or(|driver| device.driver.as_ref() == Some(driver))
            && wanted.tags.iter().all(|tag| device.tags.contains(tag))
            && self.filter.matches(COLUMNS.len(), |column| cell(row, COLUMNS[column]), &mut self.matcher)
    }
}

/// What a filter sees of a device in a column.
fn cell<'a>(row: &'a DeviceRow, column: &str) -> Cow<'a, str> {
    let device = row.device.as_ref();
    match column {
        "status" | "state" => row.state.as_str().into(),
        "why" => why(row),
        name => match name.parse::<Field>() {
            Ok(field) => field.read(device).into(),
            Err(_) => Cow::Borrowed(""),
        },
    }
}

/// The failure behind a state that wants one.
fn why(row: &DeviceRow) -> Cow<'_, str> {
    let failure = row.last_run.as_ref().and_then(|run| run.failure.as_ref());
    match (row.state, failure) {
        (BackupState::Failed | BackupState::Suspect, Some(failure)) => {
            format!("{}: {}", failure.kind, failure.message).into()
        }
        _ => "".into(),
    }
}

/// Whether `group` is `outer` or lies inside it: `campus/north` lies in `campus`. In the empty one are those that are in no
/// group: a forgotten name must not mean everybody.
pub fn is_in_group(group: &str, outer: &str) -> bool {
    let outer = outer.trim_matches('/');
    group.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The error for a device that does not exist, with the nearest name as a suggestion.
pub fn unknown_name<'a>(asked: &str, names: impl Iterator<Item = &'a DeviceName>) -> ActError {
    let hint = nearest(asked, names.map(DeviceName::as_str)).map_or_else(
        || "`device list` shows those that exist".to_owned(),
        |name| format!("did you mean {name}?"),
    );
    ActError::not_found(format!("there is no device {asked:?}; {hint}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::fields::blank;
    use crate::model::{Device, DeviceId, Timestamp};

    fn rows() -> Vec<DeviceRow> {
        [
            ("core-1", "core", "cisco_ios"),
            ("n-1", "campus/north", "huawei_vrp"),
            ("x-1", "campus2", "cisco_ios"),
        ]
        .into_iter()
        .enumerate()
        .map(|(n, (name, group, driver))| Device {
            group: group.into(),
            driver: Some(driver.parse().unwrap()),
            tags: vec!["edge".into()],
            ..blank(DeviceId(n as u64 + 1), name.parse().unwrap(), "127.0.0.1".parse().unwrap(), Timestamp(0))
        })
        .map(|device| DeviceRow::never_backed_up(Arc::new(device)))
        .collect()
    }

    fn picked(selection: &Selection) -> Vec<String> {
        selection.pick(rows()).unwrap().iter().map(|row| row.device.name.to_string()).collect()
    }

    #[test]
    fn a_group_takes_the_groups_inside_it_and_no_namesake() {
        let group = |g: &str| Selection { group: Some(g.into()), ..Selection::default() };
        assert_eq!(picked(&group("campus")), ["n-1"]);
        assert_eq!(picked(&group("campus/north/")), ["n-1"]);
        assert!(picked(&group("camp")).is_empty());
        assert!(picked(&group("")).is_empty(), "not everybody");
        assert!(is_in_group("", "/") && !is_in_group("campus", "/"));
    }

    #[test]
    fn filters_narrow_and_names_add() {
        let mut selection = Selection { driver: "cisco_ios".parse().ok(), ..Selection::default() };
        assert_eq!(picked(&selection), ["core-1", "x-1"]);
        selection.names = vec!["n-1".into()];
        assert_eq!(picked(&selection), ["core-1", "n-1", "x-1"]);
        assert_eq!(picked(&Selection::all()).len(), 3);
    }

    #[test]
    fn nothing_asked_and_unknown_names_are_errors() {
        assert!(Selection::default().pick(rows()).is_err());
        let error = Selection::names(["core1"]).pick(rows()).unwrap_err();
        assert!(error.message.contains("did you mean core-1?"), "{error}");
    }

    #[test]
    fn a_deleted_device_is_not_selected() {
        let mut rows = rows();
        Arc::make_mut(&mut rows[0].device).deleted = Some(Timestamp(1));
        assert_eq!(Selection::all().pick(rows).unwrap().len(), 2);
    }

    #[test]
    fn a_filter_speaks_the_language_of_the_console_and_one_that_says_nothing_selects_nothing() {
        let filter = |text: &str| Selection { filter: text.into(), ..Selection::default() };
        assert_eq!(picked(&filter("~cor1")), ["core-1"]);
        assert_eq!(picked(&filter("!~cor1 driver:cisco")), ["x-1"]);
        assert_eq!(picked(&filter("state:never !group:campus")), ["core-1"]);
        assert_eq!(picked(&Selection { group: Some("campus".into()), ..filter("edge") }), ["n-1"]);
        for nothing in ["", " ", "!", "driver:"] {
            assert!(filter(nothing).pick(rows()).is_err(), "{nothing:?}");
        }
    }

    #[test]
    fn every_column_of_a_filter_reads_something() {
        let mut row = rows().remove(0);
        let device = Arc::make_mut(&mut row.device);
        for text in [&mut device.location, &mut device.role, &mut device.asset_tag, &mut device.description] {
            *text = "x".into();
        }
        device.transport = Some(crate::model::TransportKind::Ssh);
        row.state = BackupState::Failed;
        let failure = crate::model::Failure::new(crate::model::FailureKind::Timeout, "of the login");
        row.last_run = Some(Arc::new(crate::model::Run {
            device: row.device.id,
            at: Timestamp(0),
            millis: 0,
            by: String::new(),
            status: crate::model::RunStatus::Failed,
            revision: None,
            bytes: 0,
            failure: Some(failure),
            recording: None,
        }));
        for column in COLUMNS {
            assert_ne!(cell(&row, column), "", "{column}");
        }
        assert_eq!(cell(&row, "why"), "timeout: of the login");
    }
}
