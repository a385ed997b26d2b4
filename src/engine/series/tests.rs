use std::path::PathBuf;
use std::sync::atomic::AtomicI64;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 2026-11-25, 00:00.
const MIDNIGHT: i64 = 20_782 * DAY;

struct World {
    place: tempfile::TempDir,
    now: Arc<AtomicI64>,
    series: Option<Series>,
    told: UnboundedReceiver<Vec<String>>,
    keeping: Keeping,
}

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut world = Self {
            place,
            now: Arc::new(AtomicI64::new(MIDNIGHT)),
            series: None,
            told: unbounded_channel().1,
            keeping: Keeping::default(),
        };
        world.open();
        world
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("series")
    }

    fn open(&mut self) {
        self.series = None;
        let (tell, told) = unbounded_channel();
        let now = Arc::clone(&self.now);
        let clock = Clock::from_fn(move || Timestamp(now.load(Ordering::Relaxed)));
        self.series = Some(Series::open(&self.folder(), self.keeping, clock, tell).unwrap());
        self.told = told;
    }

    /// As if the process were killed: what is on the disk is taken as it is, to another place.
    fn kill(&mut self) {
        let place = tempfile::tempdir().unwrap();
        let to = place.path().join("series");
        std::fs::create_dir(&to).unwrap();
        for entry in std::fs::read_dir(self.folder()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
        self.series = None;
        self.place = place;
        self.open();
    }

    fn series(&self) -> &Series {
        self.series.as_ref().unwrap()
    }

    fn set(&self, now: i64) {
        self.now.store(now, Ordering::Relaxed);
    }

    /// Devices 1 and 2 are probed every ten seconds; device 2 loses every tenth.
    fn live(&self, from: i64, until: i64) {
        for at in (from..until).step_by(10_000) {
            self.set(at);
            let sample = |device, rtt| Sample { device: DeviceId(device), at: Timestamp(at), rtt };
            let quick = Duration::from_micros(1000 + (at / 10_000 % 7) as u64 * 20);
            let slow = (at / 10_000 % 10 != 0).then_some(quick * 20);
            self.series().add(&[sample(1, Some(quick)), sample(2, slow)]);
            if at % 60_000 == 0 {
                self.series().flush();
            }
        }
        self.set(until);
        self.series().flush();
    }

    fn points(&self, device: u64, from: i64, until: i64, points: usize) -> Vec<Point> {
        self.series().read(DeviceId(device), Timestamp(from), Timestamp(until), points).unwrap()
    }

    fn sent(&self, device: u64, from: i64, until: i64) -> u64 {
        self.points(device, from, until, 1)[0].sent
    }

    fn files(&self, tier: &str) -> usize {
        let names = std::fs::read_dir(self.folder()).unwrap();
        names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().starts_with(tier)).count()
    }

    fn told(&mut self) -> String {
        let mut told = String::new();
        while let Ok(notes) = self.told.try_recv() {
            told += &notes.join("\n");
        }
        told
    }
}

#[test]
fn what_was_heard_is_read_from_memory_and_from_files() {
    let mut world = World::new();
    world.live(MIDNIGHT, MIDNIGHT + 2 * HOUR + 30 * 60_000);
    assert_eq!((world.files("full"), world.files("hour")), (2, 2));
    assert_eq!(world.sent(1, MIDNIGHT, MIDNIGHT + 3 * HOUR), 900);
    let points = world.points(2, MIDNIGHT, MIDNIGHT + 3 * HOUR, 6);
    let losses: Vec<_> = points.iter().map(|point| (point.sent, point.lost)).collect();
    assert_eq!(losses, [(180, 18), (180, 18), (180, 18), (180, 18), (180, 18), (0, 0)]);
    let (median, right) = (points[0].median.unwrap().as_micros() as f64, 21_200.0);
    assert!((median / right - 1.0).abs() < 0.011, "{median}");
    assert!(points[0].min <= points[0].median && points[0].median <= points[0].p95);
    assert_eq!(points[5].max, None);
    assert_eq!(world.sent(3, MIDNIGHT, MIDNIGHT + 3 * HOUR), 0);
    assert_eq!(world.told(), "");
}

#[test]
fn a_killed_process_loses_its_last_minute_at_most_and_counts_nothing_twice() {
    let mut world = World::new();
    for minutes in [1, 59, 60, 61, 125] {
        let until = MIDNIGHT + minutes * 60_000;
        let mut world = World::new();
        world.live(MIDNIGHT, until);
        world.kill();
        assert_eq!(world.sent(1, MIDNIGHT, until + HOUR), minutes as u64 * 6, "after {minutes} minutes");
        world.live(until, until + HOUR);
        world.kill();
        assert_eq!(world.sent(1, MIDNIGHT, until + HOUR), minutes as u64 * 6 + 360);
        assert_eq!(world.told(), "");
    }
    // a crash between the files of an hour and the end of what was pending
    world.live(MIDNIGHT, MIDNIGHT + HOUR);
    let pending = std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let pending = pending.into_iter().find(|path| path.to_string_lossy().contains("pending")).unwrap();
    let before = std::fs::read(&pending).unwrap();
    world.live(MIDNIGHT + HOUR, MIDNIGHT + HOUR + 60_000);
    std::fs::write(&pending, before).unwrap();
    world.kill();
    assert_eq!(world.sent(1, MIDNIGHT, MIDNIGHT + 2 * HOUR), 366);
}

#[test]
fn a_cut_end_is_told_and_what_is_before_it_holds() {
    let mut world = World::new();
    world.live(MIDNIGHT, MIDNIGHT + 10 * 60_000);
    let entries = std::fs::read_dir(world.folder()).unwrap();
    let paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    let pending = paths.iter().find(|path| path.to_string_lossy().contains("pending")).unwrap();
    let length = std::fs::metadata(pending).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(pending).unwrap();
    file.set_len(length - 3).unwrap();
    world.kill();
    let kept = world.sent(1, MIDNIGHT, MIDNIGHT + HOUR);
    assert!((48..60).contains(&kept), "{kept}");
    assert!(world.told().contains("not whole"));
}

#[test]
fn a_flipped_bit_costs_one_block_and_is_told() {
    let mut world = World::new();
    world.live(MIDNIGHT, MIDNIGHT + HOUR + 60_000);
    let entries = std::fs::read_dir(world.folder()).unwrap();
    let paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    let full = paths.iter().find(|path| path.to_string_lossy().contains("full")).unwrap();
    let mut bytes = std::fs::read(full).unwrap();
    bytes[60] ^= 1;
    std::fs::write(full, bytes).unwrap();
    // the hour of device 1 is still known by its row
    let points = world.points(1, MIDNIGHT, MIDNIGHT + HOUR, 4);
    assert_eq!(points.iter().map(|point| point.sent).collect::<Vec<_>>(), [0, 0, 360, 0]);
    assert_eq!(world.sent(2, MIDNIGHT, MIDNIGHT + HOUR), 360);
    assert!(world.told().contains("1 block is damaged"));
    let (whole, damaged) = world.series().verify().unwrap();
    assert_eq!((whole, damaged.len()), (3, 1));
}

#[test]
fn old_samples_go_and_rows_stay_a_file_a_day() {
    let mut world = World::new();
    world.keeping.samples = Duration::from_secs(6 * 3600);
    world.open();
    world.live(MIDNIGHT, MIDNIGHT + 2 * DAY + HOUR + 60_000);
    assert_eq!((world.files("full"), world.files("day"), world.files("hour")), (6, 2, 1));
    assert_eq!(world.files("states"), 3);
    assert_eq!(world.sent(1, MIDNIGHT, MIDNIGHT + 2 * DAY + HOUR), 49 * 360);
    let points = world.points(2, MIDNIGHT, MIDNIGHT + DAY, 24);
    assert!(points.iter().all(|point| (point.sent, point.lost) == (360, 36)), "{points:?}");
    let history =
        world.series().history(DeviceId(1), Timestamp(MIDNIGHT), Timestamp(MIDNIGHT + DAY), 24).unwrap();
    assert!(history.total.from_rows && history.total.p99.is_some());
    assert_eq!(world.told(), "");
}

#[test]
fn a_clock_that_is_set_breaks_nothing() {
    let mut world = World::new();
    let noon = MIDNIGHT + 12 * HOUR;
    world.live(noon, noon + 30 * 60_000);
    // back by ten minutes, then by a day, then to 1970 and far ahead, and right again
    world.live(noon + 20 * 60_000, noon + 40 * 60_000);
    world.live(noon - DAY, noon - DAY + 5 * 60_000);
    world.live(0, 60_000);
    world.live(noon + 5000 * DAY, noon + 5000 * DAY + 5 * 60_000);
    world.live(noon + 40 * 60_000, noon + 65 * 60_000);
    assert_eq!(world.sent(1, noon, noon + 2 * HOUR), 180 + 120 + 150);
    assert_eq!(world.sent(1, noon - DAY, noon - DAY + HOUR), 30);
    assert_eq!(world.sent(1, noon + 5000 * DAY, noon + 5000 * DAY + HOUR), 30);
    world.kill();
    assert_eq!(world.sent(1, noon, noon + 2 * HOUR), 180 + 120 + 150);
    assert_eq!(world.told(), "");
}

#[test]
fn a_disk_that_refuses_is_told_once_and_memory_holds_what_was_heard() {
    let mut world = World::new();
    world.live(MIDNIGHT, MIDNIGHT + 50 * 60_000);
    // a file where the folder was: nothing can be made in it
    let (folder, aside) = (world.folder(), world.place.path().join("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, b"no folder").unwrap();
    world.live(MIDNIGHT + 50 * 60_000, MIDNIGHT + 70 * 60_000);
    assert!(world.series().trouble().is_some());
    let told = world.told();
    assert_eq!(told.matches("memory alone").count(), 1, "{told}");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    world.live(MIDNIGHT + 70 * 60_000, MIDNIGHT + 80 * 60_000);
    assert!(world.told().contains("stored again"));
    assert_eq!(world.series().trouble(), None);
    assert_eq!(world.sent(1, MIDNIGHT, MIDNIGHT + 2 * HOUR), 80 * 6);
    world.kill();
    assert_eq!(world.sent(1, MIDNIGHT, MIDNIGHT + 2 * HOUR), 80 * 6);
}

#[test]
fn availability_goes_over_restarts_and_midnight() {
    let mut world = World::new();
    let change = |at, state, planned| StateChange { device: DeviceId(1), at: Timestamp(at), state, planned };
    let evening = MIDNIGHT + 23 * HOUR;
    world.set(evening);
    world.open();
    world.series().change(&[change(evening, State::Up, false)]);
    world.live(evening, evening + 2 * HOUR);
    world.series().change(&[change(evening + 2 * HOUR, State::Down, false)]);
    world.live(evening + 2 * HOUR, evening + 3 * HOUR);
    world.kill();
    // nobody watches for an hour
    world.set(evening + 4 * HOUR);
    world.open();
    world.series().change(&[change(evening + 4 * HOUR, State::Down, true)]);
    world.live(evening + 4 * HOUR, evening + 5 * HOUR);
    let told =
        world.series().availability(DeviceId(1), Timestamp(evening), Timestamp(evening + 6 * HOUR)).unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!((told.up, told.down, told.planned_down, told.unknown), (hour * 2, hour, hour, hour));
    assert_eq!(told.outages.len(), 2);
    let after = world
        .series()
        .availability(DeviceId(1), Timestamp(MIDNIGHT + DAY), Timestamp(MIDNIGHT + DAY + HOUR))
        .unwrap();
    assert_eq!((after.up, after.unknown), (hour, Duration::ZERO));
}
