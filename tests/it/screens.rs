//! Every pane, in every state of a network: what it shows, and that no text and no terminal size harms it.

use noctule::console::pane::{self, Decl};
use noctule::console::{Caps, Request, Session, Settings};
use noctule::engine::pulse::PulsePicture;
use noctule::engine::snapshot::BackupState;
use noctule::model::is_hostile;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::console_fixture::*;

const STATES: [State; 4] = [State::Empty, State::Normal, State::Trouble, State::Hostile];

/// The line that opens a pane: its name and what it cannot be without.
pub fn line(decl: &Decl, state: State) -> String {
    let subject = match decl.args.split_once(" [").map_or(decl.args, |(needed, _)| needed) {
        _ if !decl.needs_args() => "",
        "DEVICE" => "core-1",
        "PATTERN" => "vlan",
        "USER" => "bob",
        "CREDENTIAL" => "core",
        "INCIDENT" => match state {
            State::Trouble | State::Hostile => "7",
            State::Normal | State::Empty | State::Many => "5",
        },
        "driver|device NAME" => "device core-1",
        other => panic!("{} takes {other}: say here what that is", decl.name),
    };
    format!("{} {subject}", decl.name).trim_end().to_owned()
}

/// An operator who looks at a pane.
fn at(decl: &Decl, state: State, width: u16, height: u16) -> Operator {
    let mut operator = Operator::new(World::new(state, decl.needs_args()), width, height);
    operator.command(&line(decl, state));
    operator
}

#[test]
fn every_pane_in_every_state() {
    for decl in pane::all() {
        let mut shown = String::new();
        for state in STATES {
            let (buffer, _) = at(decl, state, 80, 24).session.draw();
            shown += &format!("── {state:?}\n{}{}\n", text_of(&buffer), styles_of(&buffer));
        }
        snapshot(&format!("{}-80x24", decl.name), &shown);
        let mut shown = String::new();
        for state in [State::Normal, State::Trouble] {
            let screen = at(decl, state, 200, 60).screen();
            shown += &format!("── {state:?}\n{}\n", screen.trim_end());
        }
        snapshot(&format!("{}-200x60", decl.name), &shown);
    }
}

/// What a pane shows moves with the topics that it says it reads, and with nothing else: a picture in which none of
/// these has moved is not drawn.
#[test]
fn a_pane_is_drawn_anew_when_something_that_it_shows_has_moved() {
    let trouble = World::new(State::Trouble, false).snapshot;
    for decl in pane::all() {
        for topic in 0..7 {
            let mut operator = at(decl, State::Normal, 200, 60);
            let begun = operator.frame();
            assert!(!begun.is_empty(), "{}", decl.name);
            let (before, _) = operator.session.draw();
            let world = &mut operator.world.snapshot;
            let versions = &mut world.versions;
            match topic {
                0 => {
                    (world.devices, world.totals) = (trouble.devices.clone(), trouble.totals);
                    versions.devices += 1;
                }
                1 => (world.jobs, versions.jobs) = (trouble.jobs.clone(), versions.jobs + 1),
                2 => (world.events, versions.events) = (trouble.events.clone(), versions.events + 1),
                3 => {
                    (world.pulse, versions.pulse) = (trouble.pulse.clone(), versions.pulse + 1);
                    versions.answers += 1;
                }
                4 => {
                    (world.incidents, world.maintenance) =
                        (trouble.incidents.clone(), trouble.maintenance.clone());
                    versions.incidents += 1;
                }
                5 => (world.next_backup, world.store_trouble) = (None, Some("the disk is full".into())),
                _ => {
                    // new probes, and no state that moved
                    let mut pulse = PulsePicture::clone(&world.pulse);
                    for row in &mut pulse.rows {
                        row.recent.add(Some(std::time::Duration::from_millis(77)));
                    }
                    assert!(pulse.stands_as(&world.pulse));
                    (world.pulse, versions.pulse) = (pulse.into(), versions.pulse + 1);
                }
            }
            operator.tell();
            let differs = operator.session.draw().0 != before;
            let sent = !operator.frame().is_empty();
            assert_eq!(sent, differs, "{}, part {topic} of the picture", decl.name);
        }
    }
}

#[test]
fn ten_thousand_devices() {
    let mut operator = Operator::new(World::new(State::Many, false), 80, 24);
    snapshot("devices-10k", &operator.screen());
    operator.press("G").sees("sw-09999").press("/sw-0777").sees("10 of 10000");
}

pub fn snapshot(name: &str, shown: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, shown);
    });
}

/// The looks of a picture in few bytes: a letter per look and how many cells have it, row by row; rows that look the
/// same as the one above are left out.
fn styles_of(buffer: &Buffer) -> String {
    let mut looks = Vec::new();
    let mut rows = String::new();
    let mut last = String::new();
    for y in 0..buffer.area.height {
        let mut row = String::new();
        let mut run: Option<(usize, usize)> = None;
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let look = (cell.fg, cell.bg, cell.modifier);
            let at = looks.iter().position(|known| *known == look).unwrap_or_else(|| {
                looks.push(look);
                looks.len() - 1
            });
            run = match run {
                Some((same, count)) if same == at => Some((same, count + 1)),
                before => {
                    row += &before.map_or_else(String::new, piece);
                    Some((at, 1))
                }
            };
        }
        row += &run.map_or_else(String::new, piece);
        if row != last {
            rows += &format!("{y:>2} {row}\n");
            last = row;
        }
    }
    let legend: Vec<String> = looks
        .iter()
        .enumerate()
        .map(|(at, look)| format!("{} {}/{} {:?}", letter(at), color(look.0), color(look.1), look.2))
        .collect();
    format!("{rows}{}\n", legend.join("; "))
}

fn piece((look, count): (usize, usize)) -> String {
    format!("{}{count}", letter(look))
}

fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at).expect("few looks"))
}

fn color(color: Color) -> String {
    match color {
        Color::Reset => "-".into(),
        Color::Rgb(r, g, b) => format!("{r:02x}{g:02x}{b:02x}"),
        other => other.to_string(),
    }
}

#[test]
fn no_size_and_no_state_harms_a_pane() {
    for decl in pane::all() {
        for state in STATES {
            for (width, height) in [(1, 1), (20, 5), (40, 8), (500, 200)] {
                let mut operator = at(decl, state, width, height);
                operator.press("jjG<pgup><right><right>?<esc>");
                let (buffer, _) = operator.session.draw();
                assert_eq!((buffer.area.width, buffer.area.height), (width, height));
            }
        }
    }
}

#[test]
fn what_others_write_never_moves_the_cursor_or_joins_lines() {
    for decl in pane::all() {
        for (width, height) in [(80, 24), (200, 60)] {
            let mut operator = at(decl, State::Hostile, width, height);
            for keys in ["", "F", "G", "?"] {
                operator.press(keys);
                let (buffer, _) = operator.session.draw();
                for cell in &buffer.content {
                    assert!(!cell.symbol().chars().any(is_hostile), "{}: {:?}", decl.name, cell.symbol());
                    assert!(cell.symbol().chars().count() <= 3, "{}: {:?}", decl.name, cell.symbol());
                }
                let screen = text_of(&buffer);
                assert!(!screen.contains("anypermit") && !screen.contains("any permit"), "{screen}");
            }
        }
    }
}

#[test]
fn a_terminal_that_reads_every_frame_shows_the_picture() {
    for decl in pane::all() {
        for state in [State::Trouble, State::Hostile] {
            let mut operator = at(decl, state, 80, 24);
            let mut terminal = vt100::Parser::new(rows(24), rows(80), 0);
            for keys in [
                "", "j", "j", "<space>", "G", "k", "?", "<esc>", "/e", "<esc>", ":he", "<esc>", "F", "2", "3",
            ] {
                operator.press(keys);
                for _ in 0..2 {
                    terminal.process(&operator.frame());
                }
                let (buffer, cursor) = operator.session.draw();
                assert_same(&terminal, &buffer, &format!("{} after {keys}", decl.name));
                let hidden = terminal.screen().hide_cursor();
                assert_eq!(hidden, cursor.is_none(), "{} after {keys}", decl.name);
            }
        }
    }
}

fn rows(length: u16) -> std::num::NonZeroU16 {
    length.try_into().expect("a size")
}

/// What the terminal of the tests leaves out; every other one shows it.
const UNSHOWN: &str = "\u{fffd}";

fn assert_same(terminal: &vt100::Parser, buffer: &Buffer, when: &str) {
    let plain = |color| match color {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    };
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let want = &buffer[(x, y)];
            let got = terminal.screen().cell(y, x).expect("a cell");
            let shown = if got.has_contents() { got.contents() } else { " " };
            if want.symbol() == UNSHOWN {
                x += 1;
                continue;
            }
            assert!(shown == want.symbol(), "{when}: text at {x},{y}");
            assert_eq!(plain(got.bgcolor()), want.bg, "{when}: background at {x},{y}");
            if shown != " " {
                assert_eq!(plain(got.fgcolor()), want.fg, "{when}: foreground at {x},{y}");
                assert_eq!(got.bold(), want.modifier.contains(Modifier::BOLD), "{when}: bold at {x},{y}");
            }
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(want.symbol())).expect("width").max(1);
        }
    }
}

#[test]
fn without_a_colour_every_state_is_told_apart() {
    let caps = Caps {
        width: 80,
        height: 24,
        term: "xterm-256color".into(),
        colorterm: "truecolor".into(),
        no_color: true,
        unicode: false,
    };
    let snapshot = std::sync::Arc::new(World::new(State::Trouble, false).snapshot);
    let mut session = Session::new(&caps, &Settings::default(), snapshot.clone(), NOW);
    let bytes = session.frame(NOW).expect("a first frame");
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.is_ascii(), "{text}");
    let colours = text
        .split("\x1b[")
        .filter_map(|part| part.split_once('m'))
        .filter(|(sgr, _)| sgr.split(';').any(|code| matches!(code.parse(), Ok(30..=49 | 90..=107))));
    assert_eq!(colours.count(), 0, "{text:?}");
    let screen = text_of(&session.draw().0);
    for state in ["x failed", "% suspect", "! late", "? never", "> running", "+ good", "- off"] {
        assert!(screen.contains(state), "{state} is not told:\n{screen}");
    }
    let states: std::collections::BTreeSet<BackupState> =
        snapshot.devices.iter().map(|row| row.state).collect();
    assert_eq!(states.len(), 7);
    let (buffer, _) = session.draw();
    let reversed = |y| buffer[(10, y)].modifier.contains(Modifier::REVERSED);
    assert!(reversed(2) && !reversed(3), "the selected row is seen");
}

// ---- bytes

/// Bytes of the frames that `keys` cost.
fn cost(operator: &mut Operator, keys: &str) -> usize {
    operator.press(keys);
    operator.frame().len()
}

#[test]
fn frames_cost_what_a_slow_link_can_bear() {
    // the wide screen shows the selected device in full
    for (width, height, first, step, list) in [(80, 24, 5_000, 450, 300), (200, 60, 16_000, 1_200, 1_200)] {
        let mut operator = Operator::new(World::new(State::Many, false), width, height);
        let bytes = operator.frame().len();
        assert!(bytes <= first, "first frame at {width}×{height}: {bytes} bytes");
        assert_eq!(operator.frame().len(), 0, "nothing changed");
        operator.tell();
        assert_eq!(operator.frame().len(), 0, "a picture that looks the same");
        for keys in ["j", "j", "k"] {
            let bytes = cost(&mut operator, keys);
            assert!(bytes <= step, "cursor at {width}×{height}: {bytes} bytes");
        }
        operator.command("sort name");
        operator.frame();
        // once a second one visible device begins or ends its backup, as when a whole network is backed up
        let mut spent = 0;
        for second in 0..10u64 {
            operator.world.change(second as usize % 3, |row| {
                row.state = if second.is_multiple_of(2) { BackupState::Running } else { BackupState::Good };
            });
            operator.now.0 += 1_000;
            operator.tell();
            spent += operator.frame().len();
        }
        assert!(spent > 0 && spent / 10 <= list, "{} bytes a second at {width}×{height}", spent / 10);
    }
}

#[test]
fn no_frame_leaves_before_the_terminal_has_answered() {
    let mut operator = Operator::new(World::new(State::Normal, false), 80, 24);
    assert!(operator.session.frame(operator.now).is_some());
    operator.press("j");
    assert!(operator.session.frame(operator.now).is_none());
    operator.session.feed(b"\x1b[?62;22c", operator.now);
    assert!(operator.session.frame(operator.now).is_some());
}

// ---- flows: keys as a person presses them, and what is seen or asked for

fn trouble() -> Operator {
    Operator::new(World::new(State::Trouble, false), 80, 24)
}

#[test]
fn the_worst_devices_come_first_and_say_why() {
    let mut operator = trouble();
    let screen = operator.screen();
    let failed = screen.lines().nth(2).expect("a first row");
    assert!(failed.contains("✖ failed") && failed.contains("fails-auth"), "{screen}");
    operator.press("s").sees("Sort").press("name<enter>");
    assert!(operator.screen().lines().nth(2).expect("a row").contains("acc-n-101"));
}

#[test]
fn a_filter_names_columns_turns_round_and_is_fuzzy() {
    let mut operator = trouble();
    operator.press("/status:failed").sees("3 of 19").press("<enter>");
    operator.press("/ !name:fails<enter>").sees("0 of 19").press("<esc>").sees_not("/status");
    operator.press("/name:~dstnrth<enter>").sees("2 of 19").sees("dist-north-1");
    operator.press("<esc>").command("devices /name:olt").sees("1 of 19").sees("olt-1");
}

#[test]
fn marked_devices_are_backed_up_together() {
    let mut operator = trouble();
    operator.press("/fails<enter><space><space>").sees("2 marked").press("b");
    assert_eq!(operator.line(), "backup run fails-auth fails-down");
    operator.says(&["fails-down failed"], 1).sees("✖ fails-down failed");
    operator.press("<esc>").sees_not("2 marked");
    operator.press("ggvjjb");
    assert_eq!(operator.line(), "backup run fails-auth fails-down fails-hang");
}

#[test]
fn from_the_list_to_a_diff_and_back() {
    let mut operator = trouble();
    operator.press("/olt<enter>d").sees("Diff olt-1 #3-#5").sees("+6 -3").sees("#3  2026-11-23");
    operator.press("n").sees("change 2 of 5").press("N").sees("change 1 of 5");
    operator.press("[").sees("#2-#3").press("]").sees("#3-#5");
    operator.press("]").sees("This is the newest pair");
    operator.press("t").sees("│").press("c").sees("Config olt-1 #5");
    operator.press("<esc><esc>").sees("1 of 19").press("<esc>").sees_not("1 of 19");
}

#[test]
fn a_copied_diff_is_unified_text_for_the_clipboard() {
    let mut operator = trouble();
    operator.command("diff core-1 2 5").press("y").sees("Copied");
    let frame = String::from_utf8(operator.frame()).expect("text");
    let (_, rest) = frame.split_once("\x1b]52;c;").expect("a copy");
    let (base64, _) = rest.split_once("\x1b\\").expect("its end");
    assert!(base64.starts_with("LS0tIGNvcmUtMSAjMgorKysgY29yZS0xICM1"), "--- core-1 #2, +++ core-1 #5");
}

#[test]
fn two_devices_and_two_marked_revisions_are_compared() {
    let mut operator = trouble();
    operator
        .command("diff core-1 --with core-2")
        .sees("- core-1 #5")
        .sees("+ core-2 #5")
        .sees("hostname core-2");
    operator.press("<esc>/name:core<enter><space><space>d").sees("Diff core-1 with core-2");
    operator.press("<esc>").command("history core-1");
    // the newest run, then the revisions 5 and 3
    operator.press("jj<space>j<space>d").sees("Diff core-1 #3-#5");
}

#[test]
fn a_configuration_is_searched_and_folded() {
    let mut operator = trouble();
    operator.command("config core-1").sees("newest good").sees("end marker, prompt confirmed");
    operator.press("/bpdu<enter>").sees("1 of 1").sees("spanning-tree bpduguard enable");
    operator.press("<esc>").sees_not("1 of 1").press("F").sees("⋯ 2 lines").sees_not("description port 1");
    operator.press("/port 12<enter>").sees("description port 12");
    operator.press("<esc>[").sees("NOT PROVEN WHOLE").sees("the end marker `end` is missing");
    operator.press("d").sees("Diff core-1 #3-#4").sees("quarantined");
}

#[test]
fn a_hit_opens_its_configuration_at_its_line() {
    let mut operator = trouble();
    operator
        .command("search vlan")
        .sees("285 hits")
        .press("n<enter>")
        .sees("Config acc-n-102 #5")
        .sees("vlan 10");
    operator.press("<esc><esc>/name:core-1<enter>").sees("15 of 285").press("<esc><esc>");
    operator.command("search").sees("search needs a pattern");
}

#[test]
fn a_failed_session_is_replayed_and_its_driver_mended() {
    let mut operator = trouble();
    operator.press("r").sees("Recording fails-auth 7").press("<esc>");
    operator.command("history fails-hang").press("<enter>").sees("Recording fails-hang 7");
    operator.sees("no prompt and no question that").sees("last line: [core-1]");
    operator.press("D").sees("Edit driver cisco_ios").sees("the program's own").sees("saved");
    operator.press("# mine <ctrl-s>");
    let (_, line, input) = operator.lines.last().expect("a line");
    assert!(line.starts_with("driver save cisco_ios -"), "{line}");
    assert!(input.as_ref().expect("the text").starts_with("# mine id = \"cisco_ios\"\nvendor"));
    operator.sees("changed").says(&["driver cisco_ios saved"], 0).sees("saved  1:8");
    operator.press("x<ctrl-r>").sees("driver.toml:7: prompt.privileged");
    operator.press("<esc>").sees("is not saved").press("<enter>").sees("Edit driver");
    operator.press("<esc>y").sees("Recording fails-hang");
}

#[test]
fn an_editor_gives_its_text_back() {
    let mut operator = trouble();
    operator.command("edit driver cisco_ios").press("<ctrl-o>");
    let request = operator.requests.pop().expect("a request");
    let Request::Edit { text, .. } = request else { panic!("{request:?}") };
    assert!(text.starts_with("id = \"cisco_ios\""));
    operator.session.leave();
    operator.session.returned(80, 24);
    operator.session.edited("id = \"other\"\n");
    operator.sees("id = \"other\"").sees("changed");
}

#[test]
fn help_lists_what_can_be_done_and_why_not() {
    let mut operator = Operator::new(World::new(State::Empty, true), 80, 40);
    operator.press("?").sees("What can be done here").sees("no revision is stored yet");
    operator.press("back up<enter>");
    assert_eq!(operator.line(), "backup run core-1");
}

#[test]
fn help_begins_the_line_that_needs_more() {
    let mut operator = trouble();
    operator.press("?").press(":search<enter>").sees(":search").press("vlan<enter>").sees("285 hits");
}

#[test]
fn views_are_named_in_the_title_row_and_taken_with_the_mouse() {
    let mut operator = trouble();
    // the others are cut short where there is no room for all of them
    operator.sees("1 Devices  2 Sta  3 Job  4 Eve  5 Dri  6 Pul  7 Inc");
    let column = operator.screen().find("3 Job").expect("it is there") + 2;
    operator.session.feed(format!("\x1b[<0;{column};1M").as_bytes(), NOW);
    operator.sees("STAGE").press("2<enter>").sees("Status › Device fails-down");
}

#[test]
fn a_viewer_changes_nothing() {
    let settings = Settings { rights: noctule::model::Role::Viewer.into(), ..Settings::default() };
    let mut operator = Operator::with(World::new(State::Trouble, false), 80, 24, &settings);
    operator.command("job cancel 12").sees("needs the role");
    operator.command("edit driver cisco_ios").press("x<ctrl-s>").sees("needs the role");
    assert!(operator.lines.is_empty());
}

#[test]
fn a_revision_that_was_put_aside_is_accepted_with_a_reason() {
    let mut operator = trouble();
    operator.command("history core-1").press("A").sees("Only a revision that was put aside");
    // the failed run, the unchanged one, 5, 4
    operator.press("jjjA").sees("was put aside: the end marker").sees("Why, or Esc to cancel");
    operator.press("<enter>").sees("Why, or Esc to cancel").press("it's a spare<enter>");
    operator.sees("reason: it's a spare").sees("[ Cancel ]").press("<enter>").sees("nothing was done");
    assert!(operator.lines.is_empty());
    operator.press("Aspare<enter>y");
    assert_eq!(operator.line(), "backup accept core-1 4 --reason spare");

    let settings = Settings { rights: noctule::model::Role::Operator.into(), ..Settings::default() };
    let mut operator = Operator::with(World::new(State::Trouble, false), 80, 24, &settings);
    operator.command("history core-1").press("jjjA").sees("needs the role engineer");
}

#[test]
fn a_dangerous_line_is_asked_for_with_the_focus_on_cancel() {
    let mut operator = trouble();
    operator.command("job cancel 12").sees("[ Cancel ]").press("<enter>").sees("nothing was done");
    assert!(operator.lines.is_empty());
    operator.press("3X").sees("End a job").press("<right><enter>");
    assert_eq!(operator.line(), "job cancel 12");
    operator.press("GX").sees("Job 11 has ended");
}

#[test]
fn views_keep_their_state_and_a_frozen_picture_stands_still() {
    let mut operator = trouble();
    operator.press("/fails<enter>").press("2").sees("Wants attention").press("1").sees("3 of 19");
    operator.press("f").sees("frozen 12:00");
    operator.world.set_devices(Vec::new());
    operator.tell();
    operator.sees("fails-down").press("f").sees("No devices yet");
}

#[test]
fn what_a_key_has_started_says_its_last_line_and_shows_the_rest_when_asked() {
    let mut operator = trouble();
    operator.press("b").says(&["fails-auth  refused", "1 failed"], 1).sees("1 failed (o shows all 2 lines)");
    operator.press("o").sees("fails-auth  refused").sees("ended with 1");
}

#[test]
fn another_size_is_drawn_whole() {
    let mut operator = Operator::new(World::new(State::Trouble, false), 200, 60);
    let mut terminal = vt100::Parser::new(rows(60), rows(200), 0);
    terminal.process(&operator.frame());
    for (width, height) in [(80, 24), (20, 5), (120, 40), (80, 24)] {
        operator.session.resize(width, height);
        terminal.screen_mut().set_size(rows(height), rows(width));
        for keys in ["", "j", "2", "1"] {
            operator.press(keys);
            terminal.process(&operator.frame());
            let (buffer, _) = operator.session.draw();
            assert_same(&terminal, &buffer, &format!("{width}×{height} after {keys}"));
        }
    }
}

#[test]
fn an_esc_alone_is_the_key_once_nothing_has_followed() {
    let mut operator = trouble();
    operator.press(":").sees(":");
    operator.frame();
    operator.session.feed(b"\x1b", operator.now);
    let due = operator.session.wake_at();
    assert!(due > operator.now && due.0 - operator.now.0 <= 100, "{due:?}");
    operator.now = due;
    assert!(!operator.frame().is_empty());
    operator.sees("enter Device");
    // the beginning of an arrow, cut by the network, is no Esc
    operator.press("/fails");
    operator.session.feed(b"\x1b", operator.now);
    operator.session.feed(b"[B", operator.now);
    operator.sees("/fails");
}

#[test]
fn the_operators_own_keys_are_taken_and_a_bad_file_is_named() {
    let own = |text: &str| Settings { keymap_file: Some(text.to_owned()), ..Settings::default() };
    let world = || World::new(State::Normal, false);
    let mut operator = Operator::with(world(), 80, 24, &own("[global]\nQ = \"quit\"\nq = \"\"\n"));
    operator.press("q");
    assert!(operator.requests.is_empty());
    operator.press("Q");
    assert!(matches!(operator.requests[..], [Request::Quit]));
    let mut operator = Operator::with(world(), 80, 24, &own("[global]\n\nhyper-x = \"up\"\n"));
    operator.sees("Keymap line 3").press("q");
    assert!(matches!(operator.requests[..], [Request::Quit]), "the usual keys work");
}

#[test]
fn leaving_gives_the_terminal_back_as_it_was() {
    let mut operator = trouble();
    let mut terminal = vt100::Parser::new(rows(24), rows(80), 0);
    terminal.process(b"$ noctule\r\n");
    terminal.process(&operator.frame());
    assert!(terminal.screen().alternate_screen() && terminal.screen().bracketed_paste());
    operator.press("<ctrl-z>");
    assert!(matches!(operator.requests[..], [Request::Suspend]));
    terminal.process(&operator.session.leave());
    let screen = terminal.screen();
    assert!(!screen.alternate_screen() && !screen.bracketed_paste() && !screen.hide_cursor());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    assert!(screen.contents().starts_with("$ noctule"));
    operator.session.returned(80, 24);
    terminal.process(&operator.frame());
    let (buffer, _) = operator.session.draw();
    assert_same(&terminal, &buffer, "after the shell");
}

#[test]
fn a_picture_that_grows_old_says_so() {
    let mut operator = trouble();
    operator.sees_not("old ");
    operator.now.0 += 5 * 60_000;
    assert!(!operator.frame().is_empty());
    operator.sees("5m old").tell();
    operator.sees_not("5m old");
}

#[test]
fn what_a_typed_command_says_is_shown() {
    let mut operator = trouble();
    operator.command("doctor").says(&["store  good", "drivers  \u{1b}[31mbad"], 1);
    operator.sees("store  good").sees("drivers  ␛[31mbad").press("<esc>").sees("Devices");
}

#[test]
fn the_wall_says_that_all_is_well_only_when_it_is() {
    let wall = |change: &dyn Fn(&mut PulsePicture)| {
        let mut world = World::new(State::Normal, false);
        let mut picture = (*world.snapshot.pulse).clone();
        change(&mut picture);
        world.snapshot.pulse = std::sync::Arc::new(picture);
        let mut operator = Operator::new(world, 80, 24);
        operator.command("wallboard");
        operator.screen()
    };
    let well = "Nothing that is watched is down";
    assert!(wall(&|_| {}).contains(well));
    let stale = wall(&|picture| picture.at = Some(noctule::model::Timestamp(NOW.0 - 10_000)));
    assert!(stale.contains("all is shown as it was then") && !stale.contains(well), "{stale}");
    let cut_off = wall(&|picture| picture.cut_off = Some(NOW));
    assert!(cut_off.contains("This host sees nothing since") && !cut_off.contains(well), "{cut_off}");
    assert!(!wall(&|picture| picture.totals.down = 1).contains(well));
    assert!(wall(&|picture| picture.at = Some(noctule::model::Timestamp(NOW.0 - 9_999))).contains(well));
    let nobody = wall(&|picture| picture.at = None);
    assert!(nobody.contains("No pulse runs") && !nobody.contains(well), "{nobody}");
}

#[test]
fn planned_work_is_found_opened_ended_and_begun() {
    let mut operator = trouble();
    operator.press("7W").sees("Planned work").sees("2 on, 1 ahead").sees("· ended").sees("· over");
    operator.sees("1 device:").sees("olt-1");
    operator.press("<enter>").sees("Device olt-1").press("<esc>");
    operator.press("X").sees("End planned work early").press("<enter>").sees("nothing was done");
    operator.press("jX").press("<right><enter>");
    assert_eq!(operator.line(), "maintenance end 6");
    operator.sees("dist-north-1 and all that hangs on it").press("j").sees("group campus/north");
    operator.press("<enter>").sees("group:campus/north").press("<esc>-");
    operator
        .command("maintenance")
        .press("G")
        .sees("over, ended 47h ago")
        .press("X")
        .sees("Planned work 1 is over");
    operator
        .press("k")
        .sees("ended early by carol")
        .press("k")
        .sees("called off by carol")
        .press("x")
        .sees("3 of 6")
        .sees_not("· ended");
    operator.press("<esc>/why:nothing<enter>").sees("Nothing passes the filter");
    operator.press("<esc>a").sees(":maintenance add ").press("<esc>");
    operator.command("maintenance state:ahead").sees("1 of 6");
}
