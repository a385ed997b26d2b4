//! Anchors: the head of the journal, noted outside of it every few minutes. Whoever rewrites the journal, or cuts it off,
//! would have to rewrite these too: put them where the same person cannot.

use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::engine::actor::Actor;
use crate::engine::doctor::Finding;
use crate::engine::events::with_events;
use crate::engine::figures::Anchors;
use crate::engine::inventory::entry;
use crate::engine::settings::AuditSettings;
use crate::engine::start::Engine;
use crate::model::{BlobId, EventKind, Severity, Timestamp};
use crate::store::Anchor;

/// How often the head is noted, where it has moved.
const EVERY: Duration = Duration::from_secs(300);
/// How long the system's log may take to accept a line.
const LOG_TIME: Duration = Duration::from_secs(1);
/// How long all of it may take: a file may lie on another host.
const NOTE_TIME: Duration = Duration::from_secs(5);
/// Where the system's log listens; journald listens there too, or at the second where there is no such link.
const LOGS: [&str; 2] = ["/dev/log", "/run/systemd/journal/dev-log"];
/// RFC 3164, 4.1.1: facility 10 (security and authorization), severity 5 (notice).
const PRIORITY: u32 = 10 * 8 + 5;
/// The end of a file of anchors in which its last line is looked for, in bytes.
const LAST_LINE: u64 = 512;
/// The largest file of anchors that is read, in bytes: some six years of a line every five minutes.
pub const LARGEST: usize = 96 << 20;

/// What an anchor's line begins with.
const BEGIN: &str = "noctule audit seq=";

/// How anchoring fares.
#[derive(Default)]
pub(in crate::engine) struct Anchoring {
    /// Where it was noted.
    settings: AuditSettings,
    /// What was noted last, and when.
    last: Option<(Anchor, Timestamp)>,
    /// Why the last try failed; nothing where it did not.
    trouble: Option<String>,
}

/// The line that notes `anchor`.
pub fn line(anchor: Anchor, at: Timestamp) -> String {
    format!("{BEGIN}{} hash={} at={at}", anchor.seq, BlobId(anchor.hash))
}

/// The anchors in a text: a file of them, or a system's log that holds some between other lines.
pub fn parse(text: &str) -> Vec<Anchor> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(text: &str) -> Option<Anchor> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (seq, rest) = rest.split_once(" hash=")?;
    let hash = rest.split(' ').next()?.trim_end();
    Some(Anchor { seq: seq.parse().ok()?, hash: hash.parse::<BlobId>().ok()?.0 })
}

/// The worker: notes the head when the engine begins, and every few minutes where it has moved.
pub(in crate::engine) async fn work(engine: Weak<Engine>) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(alive) = engine.upgrade() else { return };
        alive.anchor().await;
    }
}

impl Engine {
    /// Notes the head of the journal where the settings say, unless it stands there already. What goes wrong is an event,
    /// once, and a finding of the doctor's.
    pub async fn anchor(self: &Arc<Self>) {
        let settings = self.settings().audit.clone();
        if !settings.is_anchored() {
            return;
        }
        // one at a time, each with the head as it then is: a line never names an older entry than the one above it
        let mut anchoring = self.anchoring.lock().await;
        if anchoring.settings != settings {
            *anchoring = Anchoring { settings: settings.clone(), ..Anchoring::default() };
        }
        let (head, now) = (self.store.head(), self.now());
        let head = Anchor { seq: head.seq, hash: head.hash };
        let known = anchoring.last.map(|(last, _)| last);
        if head.seq == 0 || (known == Some(head) && anchoring.trouble.is_none()) {
            return;
        }
        let is_first = known.is_none() && anchoring.trouble.is_none();
        let noting = tokio::task::spawn_blocking(move || note(&settings, head, now, is_first));
        let noted = match tokio::time::timeout(NOTE_TIME, noting).await {
            Ok(noted) => noted.unwrap_or_else(|error| Err(format!("it broke down: {error}"))),
            Err(_) => Err(format!("it takes longer than {} s", NOTE_TIME.as_secs())),
        };
        if noted.is_ok() {
            anchoring.last = Some((head, now));
        }
        self.counters.anchors_failed.add(noted.is_err().into());
        let before = std::mem::replace(&mut anchoring.trouble, noted.clone().err());
        drop(anchoring);
        match (before, noted) {
            (None, Err(why)) => {
                self.tell_of_anchoring(Severity::Warning, &format!("the journal is not anchored: {why}"))
                    .await;
            }
            (Some(_), Ok(())) => {
                self.tell_of_anchoring(Severity::Info, "the journal is anchored again").await;
            }
            _ => {}
        }
    }

    /// How anchoring fares; `None` where it is not wanted.
    pub(in crate::engine) async fn anchors(&self) -> Option<Anchors> {
        let settings = self.settings().audit.clone();
        let anchoring = self.anchoring.lock().await;
        // of other places it says nothing
        let known = Some(&*anchoring).filter(|anchoring| anchoring.settings == settings);
        settings.is_anchored().then(|| Anchors {
            last: known.and_then(|known| known.last).map(|(anchor, at)| (anchor.seq, at)),
            is_failing: known.is_some_and(|known| known.trouble.is_some()),
        })
    }

    async fn tell_of_anchoring(&self, severity: Severity, message: &str) {
        let now = self.now();
        let events = vec![self.event(now, EventKind::System, severity, None, message)];
        let entry = entry(now, &Actor::engine("audit anchor"), "audit anchor");
        // what the store does not take is shown all the same
        let _ = self.commit(with_events(entry, &events), "storing an event").await;
        self.tell(events);
    }

    /// What the doctor says of anchors. Blocks.
    pub(in crate::engine) fn look_at_anchors(&self) -> Finding {
        if !self.settings().audit.is_anchored() {
            let message = "the journal is anchored nowhere: whoever may write it could rewrite all of it unnoticed; \
                           see [audit] anchor_file and syslog in config.toml";
            return Finding::good("audit", message);
        }
        let anchoring = self.anchoring.blocking_lock();
        match (&anchoring.trouble, anchoring.last) {
            (Some(why), _) => Finding::bad(
                "audit",
                Severity::Warning,
                format!("the journal is not anchored: {why}"),
                "mend what that says, or change [audit] in config.toml; it is tried again every five minutes",
            ),
            (None, Some((anchor, at))) => Finding::good(
                "audit",
                format!("the journal was anchored at entry {}, {}", anchor.seq, at.local()),
            ),
            (None, None) => Finding::good("audit", "the journal is anchored as it grows"),
        }
    }
}

/// Notes the head everywhere. Where this is the first time and the file says it already, the log has it too.
fn note(settings: &AuditSettings, head: Anchor, at: Timestamp, is_first: bool) -> Result<(), String> {
    let line = line(head, at);
    let mut troubles = Vec::new();
    if let Some(path) = &settings.anchor_file {
        match append(path, &line, head) {
            Ok(false) if is_first => return Ok(()),
            Ok(_) => {}
            Err(why) => troubles.push(format!("{}: {why}", path.display())),
        }
    }
    if settings.syslog
        && let Err(why) = send_to_log(&line, at, &LOGS.map(Path::new))
    {
        troubles.push(why);
    }
    if troubles.is_empty() { Ok(()) } else { Err(troubles.join("; ")) }
}

/// Appends the line of `head`, durably. False where that is the last line already.
fn append(path: &Path, line: &str, head: Anchor) -> Result<bool, String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        // a pipe would wait for its reader
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(|error| match error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            true => "it is a symlink: name the file itself".to_owned(),
            false => failed(error),
        })?;
    let data = file.metadata().map_err(failed)?;
    let user = rustix::process::geteuid().as_raw();
    if !data.is_file() {
        return Err("it is no plain file".to_owned());
    }
    if data.uid() != user {
        return Err(format!(
            "it belongs to the user with the number {}, not to the one that runs noctule",
            data.uid()
        ));
    }
    if data.mode() & 0o022 != 0 {
        return Err("others may write it: chmod go-w".to_owned());
    }
    let end = last_bytes(&mut file, data.len()).map_err(failed)?;
    let end = String::from_utf8_lossy(&end);
    match end.lines().next_back().and_then(parse_line) {
        Some(last) if last == head => return Ok(false),
        Some(last) if last.seq >= head.seq => {
            return Err(format!(
                "its last line is of entry {}, which this journal does not hold: it was cut, rewritten or put back from a \
                 backup, or another store writes into the same file. See audit verify, and name a new file once that is \
                 explained",
                last.seq
            ));
        }
        _ => {}
    }
    // a line that a crash has cut off stays one by itself
    let begin = if end.is_empty() || end.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{begin}{line}\n").as_bytes()).and_then(|()| file.sync_data()).map_err(failed)?;
    Ok(true)
}

fn last_bytes(file: &mut std::fs::File, length: u64) -> std::io::Result<Vec<u8>> {
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE)))?;
    file.take(LAST_LINE).read_to_end(&mut end)?;
    Ok(end)
}

/// Sends a line to the first of these sockets that takes it, as RFC 3164 has it.
fn send_to_log(line: &str, at: Timestamp, sockets: &[&Path]) -> Result<(), String> {
    let message =
        format!("<{PRIORITY}>{} noctule[{}]: {line}", at.local_as("%b %e %H:%M:%S"), std::process::id());
    let mut troubles = Vec::new();
    for path in sockets {
        let sent = UnixDatagram::unbound().and_then(|socket| {
            socket.set_write_timeout(Some(LOG_TIME))?;
            socket.send_to(message.as_bytes(), path)
        });
        match sent {
            Ok(_) => return Ok(()),
            Err(error) => troubles.push(format!("{}: {error}", path.display())),
        }
    }
    Err(format!("the system's log takes no line: {}", troubles.join("; ")))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const AT: Timestamp = Timestamp(1_795_521_600_000);

    fn anchor(seq: u64) -> Anchor {
        Anchor { seq, hash: [u8::try_from(seq).unwrap(); 32] }
    }

    #[test]
    fn a_line_is_read_back_out_of_a_log_too() {
        let line = line(anchor(7), AT);
        assert!(line.starts_with("noctule audit seq=7 hash=0707"), "{line}");
        let log =
            format!("Nov 24 12:00:00 noc noctule[812]: {line}\nnoise\nnoctule audit seq=x hash=00\n{line}");
        assert_eq!(parse(&log), [anchor(7), anchor(7)]);
        assert_eq!(parse("noctule audit seq=7 hash=07"), []);
    }

    #[test]
    fn a_file_grows_by_whole_lines_and_none_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors");
        assert_eq!(append(&path, &line(anchor(1), AT), anchor(1)), Ok(true));
        assert_eq!(append(&path, &line(anchor(1), AT), anchor(1)), Ok(false));
        fs::write(&path, fs::read_to_string(&path).unwrap() + "noctule audit se").unwrap();
        assert_eq!(append(&path, &line(anchor(2), AT), anchor(2)), Ok(true));
        assert!(
            append(&path, &line(anchor(1), AT), anchor(1)).unwrap_err().contains("last line is of entry 2")
        );
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!((parse(&text), text.lines().count()), (vec![anchor(1), anchor(2)], 3));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_others_could_have_put_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        fs::write(&real, "").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let refused = |path: &Path| append(path, "line", anchor(1)).unwrap_err();
        assert!(refused(&link).contains("symlink"));
        fs::set_permissions(&real, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(refused(&real).contains("others may write"));
        assert!(!refused(folder.path()).is_empty());
        assert!(!refused(&folder.path().join("none/anchors")).is_empty());
        assert!(append(Path::new("/dev/null"), "line", anchor(1)).is_err());
        assert_eq!(fs::read_to_string(&real).unwrap(), "");
    }

    #[test]
    fn the_systems_log_gets_a_datagram() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let none = folder.path().join("none");
        let socket = UnixDatagram::bind(&path).unwrap();
        send_to_log(&line(anchor(3), AT), AT, &[&none, &path]).unwrap();
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).unwrap();
        let message = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(message.starts_with("<85>") && message.contains(" noctule["), "{message}");
        assert_eq!(parse(message), [anchor(3)]);
        let refused = send_to_log("line", AT, &[&none]).unwrap_err();
        assert!(refused.contains("none"), "{refused}");
    }
}
