//! The store's format: one number in a file, and the steps from each to the next.

use std::fs;
use std::path::Path;

use super::{OpenReport, StoreError, backup, files, journal};
use crate::model::Timestamp;

const NAME: &str = "format";

/// A step from one format to the next; it may assume that a backup was made.
type Step = fn(&Path) -> Result<(), StoreError>;

/// `STEPS[n]` leads from format n + 1 to n + 2. The format of today is one more than there are steps.
const STEPS: &[Step] = &[];

/// Whether a store stands in `folder`.
pub fn stands(folder: &Path) -> bool {
    folder.join(NAME).is_file()
}

/// Checks the format of `folder`, and brings an older one up to today's, with a backup before.
pub fn prepare(folder: &Path, now: Timestamp, report: &mut OpenReport) -> Result<(), StoreError> {
    migrate(folder, now, report, STEPS)
}

fn migrate(folder: &Path, now: Timestamp, report: &mut OpenReport, steps: &[Step]) -> Result<(), StoreError> {
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX) + 1;
    let path = folder.join(NAME);
    let Some(mut format) = read(&path)? else {
        if journal::folder_of(folder).exists() {
            let why = "it is missing, and the store holds entries".into();
            return Err(StoreError::Damaged { what: path.display().to_string(), why });
        }
        return files::write_durably(&path, format!("noctule store {known}\n").as_bytes());
    };
    if format > known {
        return Err(StoreError::TooNew { folder: folder.to_owned(), found: format, known });
    }
    while let Some(step) = steps.get(format as usize - 1) {
        let kept = folder.join(backup::FOLDER).join(format!("before-format-{}-{}", format + 1, now.0));
        backup::copy_closed(folder, &kept)?;
        step(folder)?;
        format += 1;
        files::write_durably(&path, format!("noctule store {format}\n").as_bytes())?;
        report.notes.push(format!(
            "the store was brought to format {format}; the old one is kept in {}",
            kept.display()
        ));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<u32>, StoreError> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::file("read", path)(error)),
    };
    let number =
        text.strip_prefix("noctule store ").and_then(|number| number.strip_suffix('\n')?.parse().ok());
    match number {
        Some(format) if format > 0 => Ok(Some(format)),
        _ => Err(StoreError::Damaged {
            what: path.display().to_string(),
            why: "it does not read `noctule store 1`".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_store_is_copied_aside_and_brought_up() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        files::make_private_folder(&folder).unwrap();
        let mut report = OpenReport::default();
        migrate(&folder, Timestamp(5), &mut report, &[]).unwrap();
        fs::write(folder.join("note"), "old").unwrap();

        let step: Step = |folder| files::write_durably(&folder.join("note"), b"new");
        migrate(&folder, Timestamp(5), &mut report, &[step]).unwrap();

        assert_eq!(read(&folder.join(NAME)).unwrap(), Some(2));
        assert_eq!(fs::read_to_string(folder.join("note")).unwrap(), "new");
        assert_eq!(fs::read_to_string(folder.join("backups/before-format-2-5/note")).unwrap(), "old");
        assert_eq!(report.notes.len(), 1);
        let refused = migrate(&folder, Timestamp(5), &mut report, &[]);
        assert!(matches!(refused, Err(StoreError::TooNew { found: 2, known: 1, .. })));
    }
}
