//! Every device of a picture, by name, and by number in no more steps than a few.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::snapshot::DeviceRow;
use crate::model::DeviceId;

/// The devices of a picture, deleted ones included, sorted by name. Its clones are the same rows.
#[derive(Clone, Debug, Default)]
pub struct DeviceRows(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rows: Box<[DeviceRow]>,
    /// Each device's place, by its number: made when somebody first asks, once for all who look.
    places: OnceLock<Vec<(DeviceId, u32)>>,
    /// How many are not deleted.
    living: usize,
}

impl DeviceRows {
    /// Where the device of this number stands.
    pub fn place(&self, id: DeviceId) -> Option<usize> {
        let places = self.0.places.get_or_init(|| {
            let mut places: Vec<(DeviceId, u32)> = self.iter().map(|row| row.device.id).zip(0..).collect();
            places.sort_unstable();
            places
        });
        let found = places.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        usize::try_from(places[found].1).ok()
    }

    /// The device of this number.
    pub fn by_id(&self, id: DeviceId) -> Option<&DeviceRow> {
        self.get(self.place(id)?)
    }

    /// How many are not deleted.
    pub fn living(&self) -> usize {
        self.0.living
    }
}

impl Deref for DeviceRows {
    type Target = [DeviceRow];

    fn deref(&self) -> &[DeviceRow] {
        &self.0.rows
    }
}

impl FromIterator<DeviceRow> for DeviceRows {
    fn from_iter<I: IntoIterator<Item = DeviceRow>>(rows: I) -> Self {
        let rows: Box<[DeviceRow]> = rows.into_iter().collect();
        let living = rows.iter().filter(|row| row.device.deleted.is_none()).count();
        Self(Arc::new(Inner { rows, places: OnceLock::new(), living }))
    }
}

impl From<Vec<DeviceRow>> for DeviceRows {
    fn from(rows: Vec<DeviceRow>) -> Self {
        rows.into_iter().collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::fields::blank;
    use crate::model::Timestamp;

    pub fn row(id: u64, name: &str) -> DeviceRow {
        let address = "127.0.0.1".parse().unwrap();
        DeviceRow::never_backed_up(Arc::new(blank(
            DeviceId(id),
            name.parse().unwrap(),
            address,
            Timestamp(0),
        )))
    }

    #[test]
    fn a_device_is_found_by_its_number_wherever_its_name_stands() {
        let rows = DeviceRows::from(vec![row(7, "a"), row(2, "b"), row(9, "c")]);
        for (id, name) in [(7, "a"), (2, "b"), (9, "c")] {
            assert_eq!(rows.by_id(DeviceId(id)).unwrap().device.name.as_str(), name);
        }
        assert!(rows.by_id(DeviceId(8)).is_none());
        assert!(DeviceRows::default().by_id(DeviceId(1)).is_none());
    }

    #[test]
    fn those_that_are_deleted_do_not_count_as_living() {
        let mut gone = row(1, "a");
        Arc::make_mut(&mut gone.device).deleted = Some(Timestamp(1));
        let rows: DeviceRows = [gone, row(2, "b")].into_iter().collect();
        assert_eq!((rows.len(), rows.living()), (2, 1));
    }
}
