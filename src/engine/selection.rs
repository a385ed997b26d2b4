//! Which devices an act is about.

use crate::model::{Device, DeviceName, DriverId};

use super::error::ActError;

/// Which devices. Empty selects nothing: `all` must be said.
///
/// Names add up; group, tag and driver narrow down what `all`, or one of themselves, begins with.
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

    /// The devices of `devices` that are meant, in their order, each once.
    ///
    /// # Errors
    /// When a name is unknown (the nearest one is suggested), or nothing was asked for.
    pub fn pick<'a>(&self, devices: impl Iterator<Item = &'a Device>) -> Result<Vec<&'a Device>, ActError> {
        if self.is_empty() {
            return Err(ActError::usage(
                "say which devices: names, --group GROUP, --tag TAG, --driver ID or --all",
            ));
        }
        let living: Vec<&Device> = devices.filter(|d| d.deleted.is_none()).collect();
        for name in &self.names {
            if !living.iter().any(|d| d.name.as_str() == name) {
                return Err(unknown_name(name, living.iter().map(|d| &d.name)));
            }
        }
        let wanted = |device: &Device| {
            self.names.iter().any(|name| name == device.name.as_str())
                || (self.all || self.has_filter()) && self.filters_pass(device)
        };
        Ok(living.into_iter().filter(|device| wanted(device)).collect())
    }

    fn has_filter(&self) -> bool {
        self.group.is_some() || self.driver.is_some() || !self.tags.is_empty()
    }

    /// Whether group, tags and driver allow it; the names play no part.
    pub fn filters_pass(&self, device: &Device) -> bool {
        self.group.as_ref().is_none_or(|group| in_group(&device.group, group))
            && self.driver.as_ref().is_none_or(|driver| device.driver.as_ref() == Some(driver))
            && self.tags.iter().all(|tag| device.tags.contains(tag))
    }
}

/// Whether `group` is `outer` or lies inside it.
pub fn in_group(group: &str, outer: &str) -> bool {
    let outer = outer.trim_matches('/');
    group.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || outer.is_empty() || rest.starts_with('/'))
}

/// The error for a device that does not exist, with the nearest name as a suggestion.
pub fn unknown_name<'a>(asked: &str, names: impl Iterator<Item = &'a DeviceName>) -> ActError {
    let near =
        names.map(|name| (distance(asked, name.as_str()), name)).filter(|(distance, _)| *distance <= 2).min();
    let hint = near.map_or_else(
        || "`device list` shows those that exist".to_owned(),
        |(_, name)| format!("did you mean {name}?"),
    );
    ActError::not_found(format!("there is no device {asked:?}; {hint}"))
}

/// Edit distance, counted up to 3: enough to tell a slip of the finger.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(80).flat_map(char::to_lowercase).collect(), b.to_lowercase().chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()].min(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fields::blank;
    use crate::model::{DeviceId, Timestamp};

    fn devices() -> Vec<Device> {
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
        .collect()
    }

    fn picked(selection: &Selection) -> Vec<String> {
        let devices = devices();
        selection.pick(devices.iter()).unwrap().iter().map(|d| d.name.to_string()).collect()
    }

    #[test]
    fn a_group_takes_the_groups_inside_it_and_no_namesake() {
        let group = |g: &str| Selection { group: Some(g.into()), ..Selection::default() };
        assert_eq!(picked(&group("campus")), ["n-1"]);
        assert_eq!(picked(&group("campus/north/")), ["n-1"]);
        assert!(picked(&group("camp")).is_empty());
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
        let devices = devices();
        assert!(Selection::default().pick(devices.iter()).is_err());
        let error = Selection::names(["core1"]).pick(devices.iter()).unwrap_err();
        assert!(error.message.contains("did you mean core-1?"), "{error}");
    }

    #[test]
    fn a_deleted_device_is_not_selected() {
        let mut devices = devices();
        devices[0].deleted = Some(Timestamp(1));
        assert_eq!(Selection::all().pick(devices.iter()).unwrap().len(), 2);
    }
}
