//! This process, as the kernel accounts for it: `/proc/self`. What cannot be read is not known.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};

/// See the file's head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// Seconds of processor time, the kernel's for it included.
    pub cpu: Option<f64>,
    /// Bytes of memory that it has in RAM.
    pub resident: Option<f64>,
    /// Bytes of its address space.
    pub virtual_size: Option<f64>,
    /// Threads.
    pub threads: Option<f64>,
    /// When it was started, in seconds since 1970.
    pub started: Option<f64>,
    /// Descriptors that are open.
    pub open_files: Option<f64>,
    /// The most that may be.
    pub most_files: Option<f64>,
}

/// The kernel's ticks in a second, as it tells them to programs: time(7), `USER_HZ`. The same on every machine.
const TICKS: f64 = 100.0;

/// Reckoned once: a clock that is set does not start a process anew.
static STARTED: LazyLock<Option<f64>> = LazyLock::new(|| {
    let since_boot = seconds(rustix::time::clock_gettime(rustix::time::ClockId::Boottime));
    started(&std::fs::read_to_string("/proc/self/stat").ok()?, since_boot)
});

/// As it is now.
pub fn look() -> Process {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let files = std::fs::read_dir("/proc/self/fd").ok();
    Process {
        cpu: Some(seconds(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime))),
        resident: kilobytes(&status, "VmRSS:"),
        virtual_size: kilobytes(&status, "VmSize:"),
        threads: field(&status, "Threads:"),
        started: *STARTED,
        // the folder that is read is open too, and no more after this
        open_files: files.map(|files| files.count().saturating_sub(1) as f64),
        most_files: getrlimit(Resource::Nofile).current.map(|most| most as f64),
    }
}

/// When it was started, from proc_pid_stat(5) and the seconds since the host's start.
fn started(stat: &str, since_boot: f64) -> Option<f64> {
    // the program's name stands in brackets, and may hold anything; behind it comes the third field
    let (_, rest) = stat.rsplit_once(')')?;
    let begun: f64 = rest.split_whitespace().nth(22 - 3)?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    // a tick is all that is known of it
    Some(((now - since_boot + begun / TICKS) * TICKS).round() / TICKS)
}

fn kilobytes(status: &str, name: &str) -> Option<f64> {
    field(status, name).map(|kilobytes| kilobytes * 1024.0)
}

/// A number of proc_pid_status(5).
fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn seconds(time: rustix::time::Timespec) -> f64 {
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_accounted_for() {
        let process = look();
        let known = |value: Option<f64>| value.expect("/proc/self says it");
        assert!(known(process.resident) > 1e6 && known(process.virtual_size) >= known(process.resident));
        assert!(known(process.threads) >= 1.0 && known(process.open_files) >= 3.0);
        assert!(known(process.cpu) >= 0.0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - known(process.started);
        assert!((-1.0..86_400.0).contains(&age), "it began {age} s ago");
    }

    #[test]
    fn a_name_with_brackets_moves_nothing_and_what_is_cut_is_unknown() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 12 0 100 8192000 1000 1";
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        // a second after a start that was 59 s ago
        assert!((started(stat, 60.0).unwrap() - (now - 59.0)).abs() < 1.0);
        assert_eq!((started("7 (a) S 1", 60.0), started("", 60.0)), (None, None));
        let status = "Name:\tThreads: 5\nVmRSS:\t    1000 kB\nThreads:\t12\n";
        assert_eq!((kilobytes(status, "VmRSS:"), field(status, "Threads:")), (Some(1_024_000.0), Some(12.0)));
        assert_eq!(kilobytes(status, "VmSize:"), None);
    }
}
