//! The store's format: one number in a file, and the steps from each to the next.

use std::fs;
use std::path::{Path, PathBuf};

use super::{OpenReport, StoreError, backup, files, journal};
use crate::model::Timestamp;

const NAME: &str = "format";

/// Says that a step is under way, and names the copy that was made before it.
const UNDER_WAY: &str = "migration";

/// A step from one format to the next; it may assume that a copy was made. A kill may end it anywhere: then it is run again
/// over what it left, and must come to the same end.
type Step = fn(&Path) -> Result<(), StoreError>;

/// The format of a store without a keyring, and of one with: the same but for that file, so that the first keyring makes the
/// one the other. An older noctule, which would take `data.key` for the root key, refuses the second.
const WITHOUT_KEYRING: u32 = 1;
const WITH_KEYRING: u32 = 2;

/// `STEPS[n]` leads from format n + 2 to n + 3, and from 1 as from 2. The format of today is two more than there are steps.
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
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX - WITH_KEYRING) + WITH_KEYRING;
    let path = folder.join(NAME);
    let Some(mut format) = read(&path)? else {
        if journal::folder_of(folder).exists() {
            let why = "it is missing, and the store holds entries".into();
            return Err(StoreError::Damaged { what: path.display().to_string(), why });
        }
        return write(folder, if steps.is_empty() { WITHOUT_KEYRING } else { known });
    };
    if format > known {
        return Err(StoreError::TooNew { folder: folder.to_owned(), found: format, known });
    }
    while let Some(step) = steps.get((format.max(WITH_KEYRING) - WITH_KEYRING) as usize) {
        let next = format.max(WITH_KEYRING) + 1;
        let kept = copy_before(folder, next, now)?;
        step(folder)?;
        format = next;
        write(folder, format)?;
        report.notes.push(format!(
            "the store was brought to format {format}; the old one is kept in {}",
            kept.display()
        ));
    }
    // also that of a step whose end was not noted any more
    let under_way = folder.join(UNDER_WAY);
    match fs::remove_file(&under_way) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::file("remove", &under_way)(error))
        }
        _ => Ok(()),
    }
}

/// A keyring is about to be written.
pub fn raise_for_keyring(folder: &Path) -> Result<(), StoreError> {
    match read(&folder.join(NAME))? {
        Some(WITHOUT_KEYRING) => write(folder, WITH_KEYRING),
        _ => Ok(()),
    }
}

fn write(folder: &Path, format: u32) -> Result<(), StoreError> {
    files::write_durably(&folder.join(NAME), format!("noctule store {format}\n").as_bytes())
}

/// Copies the store before the step to format `to`, or finds the copy that was made before that step was broken off: what
/// the step has left is not what was there before. Where the copy is.
fn copy_before(folder: &Path, to: u32, now: Timestamp) -> Result<PathBuf, StoreError> {
    let (under_way, copies) = (folder.join(UNDER_WAY), folder.join(backup::FOLDER));
    let begin = format!("before-format-{to}-");
    let before = fs::read_to_string(&under_way).ok().filter(|name| {
        let moment = name.strip_prefix(&begin);
        moment.is_some_and(|moment| moment.parse::<i64>().is_ok()) && copies.join(name).is_dir()
    });
    let name = match before {
        Some(name) => name,
        None => {
            let name = format!("{begin}{}", now.0);
            backup::copy_closed(folder, &copies.join(&name))?;
            files::write_durably(&under_way, name.as_bytes())?;
            name
        }
    };
    Ok(copies.join(name))
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
            why: "it does not read `noctule store 1` or a later number".into(),
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

        assert_eq!(read(&folder.join(NAME)).unwrap(), Some(3));
        assert_eq!(fs::read_to_string(folder.join("note")).unwrap(), "new");
        assert_eq!(fs::read_to_string(folder.join("backups/before-format-3-5/note")).unwrap(), "old");
        assert_eq!(report.notes.len(), 1);
        let refused = migrate(&folder, Timestamp(5), &mut report, &[]).unwrap_err();
        assert!(matches!(refused, StoreError::TooNew { found: 3, known: 2, .. }));
        assert!(refused.to_string().contains("newer"), "{refused}");
    }

    const FOLDER: &str = "NOCTULE_TEST_MIGRATION";

    /// A step that writes two files, and dies between them where it is told to.
    fn two_files(folder: &Path) -> Result<(), StoreError> {
        files::write_durably(&folder.join("one"), b"new")?;
        die_at("between");
        files::write_durably(&folder.join("two"), b"new")?;
        die_at("after");
        Ok(())
    }

    /// As `kill -9` would.
    fn die_at(place: &str) {
        if std::env::var(FOLDER).is_ok_and(|order| order.starts_with(place)) {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        }
    }

    /// Not a test by itself: what the test below runs and what dies.
    #[test]
    fn migrates() {
        let Ok(order) = std::env::var(FOLDER) else { return };
        let (_, folder) = order.split_once(':').unwrap();
        migrate(Path::new(folder), Timestamp(6), &mut OpenReport::default(), &[two_files]).unwrap();
    }

    #[test]
    fn a_migration_that_is_killed_is_done_at_the_next_opening_and_the_copy_is_of_before() {
        for place in ["between", "after"] {
            let outer = tempfile::tempdir().unwrap();
            let folder = outer.path().join("data");
            drop(crate::store::Store::open(&folder, Timestamp(5)).unwrap());
            fs::write(folder.join("one"), "old").unwrap();
            let killed = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "store::format::tests::migrates"])
                .env(FOLDER, format!("{place}:{}", folder.display()))
                .output()
                .unwrap();
            assert!(!killed.status.success(), "{killed:?}");
            assert_eq!(fs::read(folder.join("one")).unwrap(), b"new");
            assert_eq!(read(&folder.join(NAME)).unwrap(), Some(1), "its format is still the old one");

            let mut report = OpenReport::default();
            migrate(&folder, Timestamp(7), &mut report, &[two_files]).unwrap();
            assert_eq!(read(&folder.join(NAME)).unwrap(), Some(3));
            assert_eq!(fs::read(folder.join("two")).unwrap(), b"new");
            assert!(!folder.join(UNDER_WAY).exists());
            let copies: Vec<_> = fs::read_dir(folder.join(backup::FOLDER)).unwrap().flatten().collect();
            assert_eq!(copies.len(), 1, "{copies:?}");
            assert_eq!(fs::read(copies[0].path().join("one")).unwrap(), b"old");
            assert!(report.notes[0].contains("before-format-3-6"), "{:?}", report.notes);
            // the program of before refuses it, and touches nothing
            let Err(refused) = crate::store::Store::open(&folder, Timestamp(8)) else { panic!("it opened") };
            assert!(matches!(refused, StoreError::TooNew { found: 3, known: 2, .. }), "{refused}");
            // its copy opens as it was
            drop(crate::store::Store::open(&copies[0].path(), Timestamp(8)).unwrap());
        }
    }
}
