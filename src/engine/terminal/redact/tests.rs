use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::device::driver::{CompiledDriver, Drivers};
use crate::device::transcript::{Step, Transcript};
use crate::engine::terminal::{Cast, CastRecorder};
use crate::model::Timestamp;

const WINDOW: Window = Window { columns: 80, rows: 24 };

fn driver(id: &str) -> Arc<CompiledDriver> {
    Drivers::embedded().get(&id.parse().unwrap()).unwrap()
}

/// The export of a session in which the device sent these.
fn kept<'b>(
    driver: &Arc<CompiledDriver>,
    window: Window,
    known: &[&str],
    sent: impl IntoIterator<Item = &'b [u8]>,
) -> String {
    let mut recorder = CastRecorder::new(window);
    known.iter().for_each(|secret| recorder.hide(*secret));
    for (bytes, at) in sent.into_iter().zip(0..) {
        recorder.output(Duration::from_millis(at), bytes);
    }
    recorder.finish(Timestamp(0), "x", SecretFinder::new(Arc::clone(driver)))
}

/// What the device says in it, without the sequences.
fn text(cast: &str) -> String {
    let mut text = String::new();
    for (_, event) in Cast::read(cast).unwrap().events {
        if let CastEvent::Output(bytes) = event {
            walk(&bytes, |token, _| match token {
                Token::Print(c) => text.push(c),
                Token::Control(b'\n') => text.push('\n'),
                _ => {}
            });
        }
    }
    text
}

fn ios(sent: &str) -> String {
    text(&kept(&driver("cisco_ios"), WINDOW, &["hunter2"], [sent.as_bytes()]))
}

/// Lines of a driver's configuration that hold secrets.
type Part = (Arc<CompiledDriver>, Vec<String>);

/// All of them, with those around them that belong to the same secret: each has `fake` in it.
static PARTS: LazyLock<Vec<Part>> = LazyLock::new(|| {
    let drivers = Drivers::embedded();
    let mut parts = Vec::new();
    for id in drivers.ids() {
        let driver = drivers.get(id).unwrap();
        for config in drivers.transcripts(id).iter().filter_map(|file| file.config.as_ref()) {
            let mut finder = SecretFinder::new(Arc::clone(&driver));
            let mut part = Vec::new();
            for line in config.lines().filter(|line| !driver.drop.is_match(line)) {
                finder.look(line);
                part.push(line.to_owned());
                if !finder.is_in_block() {
                    let part = std::mem::take(&mut part);
                    if part.iter().any(|line| line.contains("fake")) {
                        parts.push((Arc::clone(&driver), part));
                    }
                }
            }
        }
    }
    parts.sort_by(|one, other| one.1.cmp(&other.1));
    parts.dedup_by(|one, other| one.1 == other.1);
    assert!(parts.len() > 100, "{}", parts.len());
    parts
});

#[test]
fn no_session_of_the_drivers_transcripts_leaves_a_secret() {
    let drivers = Drivers::embedded();
    let mut left = Vec::new();
    for id in drivers.ids() {
        let driver = drivers.get(id).unwrap();
        for file in drivers.transcripts(id) {
            let transcript: Transcript = file.text.parse().unwrap();
            let mut sent = Vec::new();
            for (_, step) in transcript.steps {
                match step {
                    Step::Device(bytes) => sent.push(bytes),
                    Step::Line { text, hidden: false } if transcript.echo => {
                        sent.push(format!("{text}\r\n").into_bytes());
                    }
                    _ => {}
                }
            }
            let text = text(&kept(&driver, WINDOW, &[], sent.iter().map(Vec::as_slice)));
            // checksums of the device's own and the name of a build are none
            let is_none = |line: &&str| driver.drop.is_match(line) || line.contains("fake_build");
            let told = text.lines().filter(|line| line.contains("fake") && !is_none(line));
            left.extend(told.map(|line| format!("{id} {}: {line}", file.stem)));
        }
    }
    left.dedup();
    assert!(left.is_empty(), "\n{}", left.join("\n"));
}

#[test]
fn a_secret_is_found_wherever_its_bytes_are_cut_and_whatever_lies_between() {
    for (driver, part) in &*PARTS {
        let sent = part.join("\r\n") + "\r\n";
        let sent = sent.as_bytes();
        let between = ["", "\x1b[1;31m", "\x1b[K", "\x1b]0;fake\x07", "\0"].into_iter().cycle();
        for (cut, between) in (0..sent.len()).step_by(1 + sent.len() / 120).zip(between) {
            let cast = kept(driver, WINDOW, &[], [&sent[..cut], between.as_bytes(), &sent[cut..]]);
            assert!(!cast.contains("fake"), "cut at {cut}: {cast}");
        }
        let torn: Vec<u8> = sent.iter().flat_map(|byte| [b"\x1b[0m".as_slice(), &[*byte]].concat()).collect();
        let cast = kept(driver, WINDOW, &[], [torn.as_slice()]);
        assert!(!text(&cast).contains("fake"), "{cast}");
        let torn: Vec<Vec<u8>> = sent.iter().map(|byte| vec![*byte]).collect();
        let cast = kept(driver, WINDOW, &[], torn.iter().map(Vec::as_slice));
        assert!(!text(&cast).contains("fake"), "{cast}");
    }
}

#[test]
fn a_line_that_is_broken_by_a_device_that_counts_a_tab_as_one_is_found_when_its_begin_has_left_the_screen() {
    let is_tabbed = |(_, part): &&Part| part[0].starts_with("\t\t\t<bcrypt-hash>");
    let (driver, part) = PARTS.iter().find(is_tabbed).unwrap();
    let line: Vec<char> = part[0].chars().collect();
    let sent: String = line.chunks(20).map(|piece| piece.iter().collect::<String>() + "\r\n").collect();
    let cast = kept(driver, Window { columns: 20, rows: 2 }, &[], [sent.as_bytes()]);
    assert!(!text(&cast).contains("fake"), "{cast}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_secret_is_found_across_broken_lines_and_pagers(
        which in any::<prop::sample::Index>(),
        columns in 20_u16..140,
        rows in 2_u16..30,
        breaks in any::<bool>(),
        pagers in proptest::collection::vec(any::<bool>(), 64),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let (driver, part) = which.get(&PARTS);
        let mut sent = String::new();
        let mut pagers = pagers.into_iter().cycle();
        for line in part {
            let line: Vec<char> = line.chars().collect();
            // the terminal breaks what is too long, or the device does it
            let pieces: Vec<&[char]> = if breaks { line.chunks(usize::from(columns)).collect() } else { vec![&line] };
            for piece in pieces {
                if pagers.next() == Some(true) {
                    sent += "--More--\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08";
                } else if pagers.next() == Some(true) {
                    sent += "--More-- \r         \r";
                }
                sent.extend(piece);
                sent += "\r\n";
            }
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(sent.len())).collect();
        cuts.extend([0, sent.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|ends| &sent.as_bytes()[ends[0]..ends[1]]);
        let cast = kept(driver, Window { columns, rows }, &[], chunks);
        // where a device breaks its lines, a person sees the parts of a secret, and none of them may be left
        prop_assert!(!text(&cast).replace('\n', "").contains("fake"), "{}", cast);
    }

    #[test]
    fn any_bytes_are_read_without_harm(
        bytes in proptest::collection::vec(
            prop_oneof![Just(b'\r'), Just(b'\n'), Just(0x1b), Just(b'['), Just(b'H'), Just(b';'), Just(b'9'), any::<u8>()],
            0..400),
        columns in 0_u16..12,
        rows in 0_u16..6,
    ) {
        let cast = kept(&driver("cisco_ios"), Window { columns, rows }, &["hunter2"], bytes.chunks(7));
        prop_assert!(Cast::read(&cast).is_ok());
    }
}

#[test]
fn what_is_typed_is_found_as_it_was_at_every_moment() {
    let prompt = "core-1(config)#";
    for (typed, shown) in [
        ("username ann password hunter3\r\n", "username ann password {secret}"),
        ("user ann pass hunter3\r\n", "user ann pass {secret}"),
        // corrected: what was erased is as secret
        ("enable secret hunter3\x08 \x08\x08 \x08r4\r\n", "enable secret {secret}  {secret}"),
        // a bracket of help, and the line again
        (
            "enable secret hunter3?\r\n  LINE  The secret\r\ncore-1(config)#enable secret hunter3",
            "enable secret {secret}\n  LINE  The secret\ncore-1(config)#enable secret {secret}",
        ),
        // readline breaks at the margin with a blank and a return
        (
            &format!("echo {} password=hun \rter3xyz\r\n", "x".repeat(80 - 15 - 5 - 10 - 3)),
            &format!("echo {} password={{secret}} {{secret}}", "x".repeat(80 - 15 - 5 - 10 - 3)),
        ),
    ] {
        let said = ios(&format!("{prompt}{typed}"));
        assert_eq!(said.trim_end(), format!("{prompt}{shown}"));
    }
}

#[test]
fn a_known_secret_is_found_where_no_word_tells_of_it() {
    for sent in [
        "motd: hunter2!",
        "hun\x1b[5mter2",
        "hun\r\nter2",
        "\x1b[2;1Hter2\x1b[1;78Hhun\x1b[2;5H",
        "huntex\x08r2",
        "\x1b]0;hunter2\x07",
        "\x1bPhunter2\x1b\\",
    ] {
        let cast = kept(&driver("cisco_ios"), WINDOW, &["hunter2"], [sent.as_bytes()]);
        for part in ["hunter2", "hun", "ter2"] {
            // of what was painted in another order, only its place tells
            assert!(!cast.contains(part) || sent.contains("78H"), "{sent:?}: {cast}");
        }
    }
}

#[test]
fn what_was_found_to_be_a_secret_is_found_elsewhere() {
    let said = ios("username ann secret 0 Xk29-zz\r\n%LOG: user ann used Xk29-zz today\r\n");
    assert_eq!(said, "username ann secret 0 {secret}\n%LOG: user ann used {secret} today\n");
}

#[test]
fn a_screen_that_is_painted_anywhere_is_read_as_it_stands() {
    let said = ios("\x1b[2J\x1b[5;20HMenu\x1b[10;1HPassword: Xk29\x1b[11;1HSave\x1b[10;15Hzz");
    assert!(!said.contains("Xk29") && !said.contains("zz"), "{said}");
    assert!(said.contains("Menu") && said.contains("Save"), "{said}");
}

#[test]
fn times_stay_and_a_line_that_is_written_anew_without_end_is_not_kept() {
    let cast =
        kept(&driver("cisco_ios"), WINDOW, &[], [&b"a\r\n"[..], b"enable secret Xk29zz\r\n", b"b\r\n"]);
    let times: Vec<u128> = Cast::read(&cast).unwrap().events.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(times, [0, 1, 2]);
    let endless = "x".repeat(499) + &"\rx".repeat(1 << 13);
    let cast = kept(&driver("cisco_ios"), Window { columns: 500, rows: 3 }, &[], [endless.as_bytes()]);
    assert!(cast.contains("the rest is not kept"), "{}", cast.len());
}
