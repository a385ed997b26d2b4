//! Whether a file was changed, without reading it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// From look to look at a file that is being written.
const QUIET: Duration = Duration::from_millis(200);
/// The most looks: what never stands still is read as it is.
const MOST: usize = 10;

/// A file as it was at a look: when it was changed, its length, which one it is. Nothing where it is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Option<(SystemTime, u64, u64)>);

impl Stamp {
    /// As it is now.
    pub fn of(file: &Path) -> Self {
        let look = || {
            let data = std::fs::metadata(file).ok()?;
            Some((data.modified().ok()?, data.len(), data.ino()))
        };
        Self(look())
    }
}

/// Waits until what `look` sees stands still from one look to the next: an editor empties a file before it writes it.
pub async fn settled<T: PartialEq>(look: impl Fn() -> T) -> T {
    let mut seen = look();
    for _ in 0..MOST {
        tokio::time::sleep(QUIET).await;
        let now = look();
        if now == seen {
            break;
        }
        seen = now;
    }
    seen
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_being_written_is_waited_for_and_not_for_ever() {
        let looks = Cell::new(0);
        let grows_until = |end: u32| {
            looks.set(0);
            let looks = &looks;
            settled(move || {
                looks.set(looks.get() + 1);
                looks.get().min(end)
            })
        };
        assert_eq!((grows_until(3).await, looks.get()), (3, 4));
        assert_eq!((grows_until(1).await, looks.get()), (1, 2));
        assert_eq!(grows_until(1000).await, 11);
    }

    #[test]
    fn a_file_that_is_emptied_written_or_replaced_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notify.toml");
        let mut seen = vec![Stamp::of(&file)];
        let mut look = |what: &str| {
            let now = Stamp::of(&file);
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        std::fs::write(&file, "four").unwrap();
        look("made");
        std::fs::write(&file, "").unwrap();
        look("emptied");
        std::fs::write(folder.path().join("new"), "4444").unwrap();
        std::fs::rename(folder.path().join("new"), &file).unwrap();
        look("replaced");
    }
}
