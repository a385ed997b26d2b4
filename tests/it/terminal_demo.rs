//! The demo on a terminal, as a stranger walks through it: the list, a diff typed by hand, every size, no colours.

use crate::terminal::Terminal;
use crate::terminal_program::{assert_nothing_left, assert_terminal_restored, in_a_shell, noctule};

#[test]
fn the_demo_is_opened_walked_through_and_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(in_a_shell(folder.path(), "demo"), 120, 40);
    terminal.wait_for("core-rtr-1");
    wait_for_good(&terminal, "core-sw-1");
    terminal.type_keys("/core-sw-1\r");
    terminal.wait_until("the filtered list", |screen| {
        screen.contains("core-sw-1") && !screen.contains("core-rtr-1")
    });
    terminal.type_keys("c");
    terminal.wait_for("hostname");
    terminal.type_keys(":history core-sw-1\r");
    terminal.wait_for("EVIDENCE");
    // the view's lowest pane, where quitting is not a slip
    terminal.type_keys("1");
    terminal.wait_until("the list alone", |screen| !screen.contains("EVIDENCE"));
    terminal.type_keys(":quit\r");
    let screen = terminal.wait_for("status 0");
    assert!(!screen.contains("core-sw-1"), "the console's screen is left:\n{screen}");
    terminal.assert_given_back();
    assert!(terminal.wait_for_end().success());
    assert_terminal_restored(folder.path());
    assert_nothing_left(folder.path());
}

#[test]
fn a_diff_of_two_revisions_is_found_as_the_readme_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(noctule(folder.path(), &["demo"]), 160, 40);
    terminal.wait_for("core-rtr-1");
    // what happened: somebody changes something after the first round
    terminal.type_keys("4");
    let screen = terminal.wait_for("the configuration changed: revision 2");
    let name = device_that_changed(&screen).to_owned();

    terminal.type_keys("1");
    terminal.wait_for("WHY");
    terminal.type_keys(&format!("/name:{name}\r"));
    terminal.wait_for("1 of ");
    terminal.type_keys("\r");
    terminal.wait_for(&format!("Device {name}"));
    terminal.type_keys("i");
    terminal.wait_until("the history", |screen| screen.contains("EVIDENCE") && screen.contains("#2"));
    // the newest and the oldest
    terminal.type_keys("gg G ");
    terminal.wait_for("2 marked");
    terminal.type_keys("d");
    let beside = |screen: &str| {
        screen.lines().any(|line| line.contains("- #1 ") && line.contains("+ #2 "))
            && screen.lines().any(|line| line.contains('│'))
    };
    terminal.wait_until("old and new beside each other", beside);
    terminal.wait_for("change 1 of ");
    terminal.type_keys("t");
    terminal.wait_until("one under the other", |screen| {
        screen.lines().any(|line| line.contains("- #1 ") && !line.contains("+ #2 "))
            && screen.contains("+ #2 ")
    });
    terminal.type_keys("t");
    terminal.wait_until("beside each other again", beside);
    // back, level by level
    terminal.type_keys("\x1b");
    terminal.wait_for("EVIDENCE");
    terminal.type_keys("11");
    terminal.wait_until("the list alone", |screen| screen.contains("WHY") && !screen.contains("EVIDENCE"));

    // the short way: what changed last
    terminal.type_keys("d");
    terminal.wait_until("the same diff", beside);
    terminal.type_keys("1");
    terminal.wait_for("WHY");
    terminal.type_keys("q");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn two_devices_are_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(noctule(folder.path(), &["demo"]), 160, 40);
    wait_for_good(&terminal, "core-sw-1");
    wait_for_good(&terminal, "core-sw-2");
    terminal.type_keys(":diff core-sw-1 --with core-sw-2\r");
    terminal.wait_until("both devices beside each other", |screen| {
        screen.lines().any(|line| line.contains("- core-sw-1 #1 ") && line.contains("+ core-sw-2 #1 "))
    });
    terminal.wait_for("change 1 of ");
    terminal.type_keys("n");
    terminal.wait_for("change 2 of ");
    terminal.type_keys("N");
    terminal.wait_for("change 1 of ");
    terminal.type_keys("\x1b");
    terminal.wait_for("WHY");
    terminal.type_keys("q");
    assert!(terminal.wait_for_end().success());
    assert_nothing_left(folder.path());
}

#[test]
fn it_lives_in_every_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(noctule(folder.path(), &["demo"]), 80, 24);
    terminal.wait_for("core-rtr-1");
    for keys in ["", "2", "4", "1c", "?"] {
        terminal.type_keys(keys);
        for (columns, rows) in [(1, 1), (20, 5), (500, 200), (2, 60), (200, 2), (80, 24)] {
            let before = terminal.bytes().len();
            terminal.resize(columns, rows);
            // each is drawn, from an empty screen
            terminal.wait_for_bytes(before, "\x1b[2J");
        }
    }
    terminal.close_help();
    terminal.type_keys("1");
    terminal.wait_for("core-rtr-1");
    // faster than frames
    for (columns, rows) in [(1, 1), (20, 5), (500, 200), (80, 24)].repeat(10) {
        terminal.resize(columns, rows);
    }
    terminal.resize(500, 200);
    terminal.wait_until("all 36 devices", |screen| {
        screen.contains("vpn-asa-1") && screen.contains("acc-clinic-1")
    });
    terminal.type_keys(":quit\r");
    assert!(terminal.wait_for_end().success());
    assert_nothing_left(folder.path());
}

#[test]
fn without_colours_states_are_told_by_glyphs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = noctule(folder.path(), &["demo", "--theme", "high-contrast"]);
    command.env("NO_COLOR", "1");
    command.env("COLORTERM", "truecolor");
    let terminal = Terminal::start(command, 120, 40);
    terminal.wait_until("a good and a failed device", |screen| {
        screen.contains("● good") && screen.contains("✖ failed")
    });
    wait_for_good(&terminal, "core-sw-1");
    wait_for_good(&terminal, "core-sw-2");
    for (keys, text) in [
        ("2", "✖"),
        ("3", "JOB"),
        ("4", "SEVERITY"),
        ("1", "WHY"),
        (":diff core-sw-1 --with core-sw-2\r", "change 1 of "),
        ("?", "Next change"),
    ] {
        terminal.type_keys(keys);
        terminal.wait_for(text);
    }
    terminal.close_help();
    terminal.type_keys("1");
    terminal.wait_for("WHY");
    terminal.type_keys(":quit\r");
    let bytes = terminal.bytes();
    assert!(terminal.wait_for_end().success());
    let looks = looks(&bytes);
    assert!(looks.iter().any(|look| look == "7" || look == "1"), "bold and reverse stay: {looks:?}");
    for look in &looks {
        // 30 to 49 and 90 to 107 are colours, 38 and 48 begin longer ones (ECMA-48 8.3.117, xterm)
        let colour = look.split(';').any(|part| matches!(part.parse(), Ok(30..=49 | 90..=107)));
        assert!(!colour, "CSI {look} m is a colour");
    }
}

/// The parameters of every SGR sequence in `bytes`.
fn looks(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let sequences = text.split("\x1b[").skip(1);
    let looks = sequences.filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
        rest[end..].starts_with('m').then(|| rest[..end].to_owned())
    });
    looks.collect()
}

fn wait_for_good(terminal: &Terminal, device: &str) {
    terminal.wait_until(&format!("{device}, backed up"), |screen| {
        screen.lines().any(|line| line.contains(device) && line.contains("good"))
    });
}

/// The device in the newest line of the event log that tells of a second revision.
fn device_that_changed(events: &str) -> &str {
    let line = events.lines().find(|line| line.contains("changed: revision 2")).expect("the event");
    let (_, rest) = line.split_once("config changed").expect("what happened");
    rest.split_whitespace().next().expect("a name")
}
