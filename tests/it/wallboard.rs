//! The wallboard: every page in every state at three sizes, and what it must never do: look alive when it is not, hide
//! that there is more, change anything, wake for nothing.

use std::sync::Arc;
use std::time::Duration;

use noctule::console::{Caps, Request, Session, Settings};
use noctule::engine::pulse::{PulsePicture, PulseTotals, State as Pulse};
use noctule::model::{Incident, IncidentId, Role, Timestamp};

use crate::console_fixture::*;

const SIZES: [(u16, u16); 3] = [(80, 24), (200, 60), (400, 110)];

fn settings() -> Settings {
    Settings {
        first: Some("wallboard 3600".into()),
        wall: true,
        rights: Role::Viewer.into(),
        ..Settings::default()
    }
}

fn wall(world: World, (width, height): (u16, u16)) -> Operator {
    Operator::with(world, width, height, &settings())
}

/// A world whose picture of the watch is another.
fn picture(state: State, change: impl FnOnce(&mut PulsePicture)) -> World {
    let mut world = World::new(state, false);
    let mut picture = (*world.snapshot.pulse).clone();
    change(&mut picture);
    picture.totals = PulseTotals::of(&picture.rows);
    world.snapshot.pulse = Arc::new(picture);
    world
}

fn before(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 - seconds * 1000)
}

/// Ten thousand devices in a hundred and twenty groups, a few of them in trouble.
fn many() -> World {
    let mut world = World::new(State::Many, false);
    let mut devices = world.snapshot.devices.to_vec();
    for (place, row) in devices.iter_mut().enumerate() {
        Arc::make_mut(&mut row.device).group = format!("area-{:03}/floor", place % 120);
    }
    world.set_devices(devices);
    let mut picture = (*world.snapshot.pulse).clone();
    for row in picture.rows.iter_mut().step_by(1_700) {
        row.state = Pulse::Down;
    }
    picture.totals = PulseTotals::of(&picture.rows);
    world.snapshot.pulse = Arc::new(picture);
    world
}

/// A network with so many incidents, the newest of which has just begun.
fn storm(count: u64) -> World {
    let mut world = World::new(State::Trouble, false);
    let model = world.snapshot.incidents[0].clone();
    let incident = |number: u64| Incident {
        id: IncidentId(100 + number),
        name: format!("site-{number:03}").parse().expect("a name"),
        opened: Timestamp(NOW.0 - 90_000 - 60_000 * (count - number) as i64),
        since: Timestamp(NOW.0 - 90_000 - 60_000 * (count - number) as i64),
        ..model.clone()
    };
    world.snapshot.incidents = (1..=count).rev().map(incident).collect();
    world
}

fn snapshot(name: &str, shown: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, shown);
    });
}

/// How many pages there are, as the wall says.
fn pages_of(screen: &str) -> usize {
    let (_, count) = screen.split_once("page 1 of ").expect("the first page of some");
    count.split(|letter: char| !letter.is_ascii_digit()).next().expect("a number").parse().expect("a number")
}

#[test]
fn every_state_at_every_size() {
    for size in SIZES {
        let mut shown = String::new();
        for (name, world) in [
            ("calm", World::new(State::Normal, false)),
            ("incidents", World::new(State::Trouble, false)),
            ("many incidents", storm(30)),
            ("cut off", picture(State::Trouble, |picture| picture.cut_off = Some(before(75)))),
            ("stale", picture(State::Trouble, |picture| picture.at = Some(before(42)))),
            (
                "nothing known yet",
                picture(State::Normal, |picture| {
                    for row in &mut picture.rows {
                        (row.state, row.since, row.recent) = (Pulse::Unknown, None, Default::default());
                    }
                }),
            ),
            ("nobody watches", picture(State::Empty, |picture| picture.at = None)),
            ("ten thousand devices", many()),
            ("hostile", World::new(State::Hostile, false)),
        ] {
            shown += &format!("── {name}\n{}\n", wall(world, size).screen().trim_end());
        }
        snapshot(&format!("wall-states-{}x{}", size.0, size.1), &shown);
    }
}

#[test]
fn every_page_at_every_size() {
    for size in SIZES {
        let mut operator = wall(World::new(State::Trouble, false), size);
        let first = operator.screen();
        let mut pages = vec![first.trim_end().to_owned()];
        while operator.press("<right>").screen() != first {
            pages.push(operator.screen().trim_end().to_owned());
            assert!(pages.len() < 40, "the pages do not come back to the first");
        }
        // the place is written large where it is seen from afar
        if size.0 < 400 {
            let count = pages.len();
            for (number, page) in (1..).zip(&pages) {
                assert!(page.contains(&format!("page {number} of {count}")), "{page}");
            }
        }
        snapshot(&format!("wall-pages-{}x{}", size.0, size.1), &pages.join("\n"));
    }
}

#[test]
fn what_does_not_fit_is_counted_and_comes_on_a_page_of_its_own() {
    let mut operator = wall(storm(30), (80, 24));
    let mut seen = std::collections::BTreeSet::new();
    let first = operator.screen();
    assert!(first.contains("and ") && first.contains(" more"), "{first}");
    for _ in 0..pages_of(&first) {
        let screen = operator.screen();
        seen.extend((1..=30).filter(|number| screen.contains(&format!("site-{number:03}"))));
        operator.press("<right>");
    }
    assert_eq!(seen.len(), 30, "every incident is on some page: {seen:?}");

    let mut operator = wall(many(), (80, 24));
    let mut groups = std::collections::BTreeSet::new();
    for _ in 0..pages_of(&operator.screen()) {
        let screen = operator.screen();
        groups.extend((0..120).filter(|number| screen.contains(&format!("area-{number:03}"))));
        operator.press("<right>");
    }
    assert!(groups.len() >= 100, "as many groups as ten pages hold: {}", groups.len());
}

#[test]
fn pages_turn_by_themselves_and_come_back_to_the_first() {
    let short = Settings { first: Some("wallboard 5".into()), ..settings() };
    let mut operator = Operator::with(World::new(State::Normal, false), 80, 24, &short);
    let pages = pages_of(&operator.screen());
    operator.frame();
    for page in (2..=pages).chain([1]) {
        operator.now = operator.session.wake_at().max(Timestamp(operator.now.0 + 5_000));
        operator.world.snapshot.pulse =
            Arc::new(PulsePicture { at: Some(operator.now), ..(*operator.world.snapshot.pulse).clone() });
        operator.tell();
        operator.frame();
        operator.sees(&format!("page {page} of {pages}"));
    }
}

#[test]
fn a_watch_that_stands_still_is_said_at_the_moment_and_counted_without_spinning() {
    let mut operator = wall(World::new(State::Normal, false), (80, 24));
    operator.frame();
    operator.sees("Nothing that is watched is down");
    let turns = operator.session.wake_at();
    assert_eq!(turns, Timestamp(NOW.0 + 10_000), "it wakes when the picture is old");
    operator.now = Timestamp(turns.0 - 1);
    assert!(operator.frame().is_empty(), "nothing has changed yet");
    for second in 0..5 {
        operator.now = Timestamp(turns.0 + second * 1000);
        assert!(!operator.frame().is_empty(), "{second} s after");
        let shown = operator.screen();
        assert!(shown.contains("all is shown as it was then"), "{shown}");
        assert!(!shown.contains("Nothing that is watched is down"), "{shown}");
        let wakes = operator.session.wake_at();
        assert!(wakes > operator.now, "it waits for the next second: {wakes:?}");
        assert!(operator.frame().is_empty(), "one frame a second");
    }
    // the moment that it is of stands at the top, not the clock
    operator.now = Timestamp(NOW.0 + 3 * 60_000);
    operator.frame();
    operator.sees("as of 12:00").sees_not("12:03");
    operator.world.snapshot.pulse =
        Arc::new(PulsePicture { at: Some(operator.now), ..(*operator.world.snapshot.pulse).clone() });
    operator.tell();
    operator.sees("Nothing that is watched is down").sees("as of 12:03");
}

#[test]
fn a_picture_from_the_future_is_not_fresh() {
    let mut operator = wall(World::new(State::Normal, false), (80, 24));
    operator.now = before(3_600);
    operator.frame();
    operator.sees_not("Nothing that is watched is down").sees("all is shown as it was then");
}

fn bell_and_looks(operator: &mut Operator) -> (usize, bool) {
    let bells = operator.frame().iter().filter(|byte| **byte == 7).count();
    let (buffer, _) = operator.session.draw();
    let name = |y: u16| (0..80).map(|x| buf_symbol(&buffer, x, y)).collect::<String>().contains("NEW");
    let row = (0..24).find(|y| name(*y));
    let loud = row.is_some_and(|y| buffer[(3, y)].modifier.contains(ratatui::style::Modifier::REVERSED));
    (bells, loud)
}

fn buf_symbol(buffer: &ratatui::buffer::Buffer, x: u16, y: u16) -> &str {
    buffer[(x, y)].symbol()
}

#[test]
fn an_incident_rings_once_and_blinks_while_it_is_new_with_and_without_colour() {
    for no_color in [false, true] {
        let mut operator = wall(World::new(State::Trouble, false), (80, 24));
        let caps = Caps {
            width: 80,
            height: 24,
            term: "xterm-256color".into(),
            colorterm: String::new(),
            no_color,
            unicode: true,
        };
        let world = Arc::new(operator.world.snapshot.clone());
        operator.session = Session::new(&caps, &settings(), world, NOW);
        assert_eq!(
            bell_and_looks(&mut operator),
            (0, false),
            "those of before ring for nothing and stand still"
        );

        let mut incidents = operator.world.snapshot.incidents.to_vec();
        incidents.insert(0, Incident { id: IncidentId(8), opened: NOW, since: NOW, ..incidents[0].clone() });
        operator.world.snapshot.incidents = incidents.into();
        operator.tell();
        assert_eq!(bell_and_looks(&mut operator), (1, true), "no colour: {no_color}");
        let looks: Vec<bool> = (1..5)
            .map(|second| {
                operator.now = Timestamp(NOW.0 + second * 1000);
                let (bells, loud) = bell_and_looks(&mut operator);
                assert_eq!(bells, 0);
                loud
            })
            .collect();
        assert_eq!(looks, [false, true, false, true]);
        operator.now = Timestamp(NOW.0 + 60_000);
        operator.frame();
        operator.sees_not("NEW");
    }
}

#[test]
fn no_key_changes_anything_or_leaves_the_wall() {
    let mut operator = wall(World::new(State::Trouble, false), (80, 24));
    let shown = operator.screen();
    let keys = (b'!'..=b'~').map(char::from).filter(|key| *key != 'q' && *key != '<');
    // h, l, j, k and space turn or hold pages
    for key in keys.filter(|key| !"hljk".contains(*key)) {
        operator.press(&key.to_string());
        assert_eq!(operator.screen(), shown, "{key}");
    }
    for key in ["<enter>", "<esc>", "<tab>", "\u{1b}[H"] {
        operator.press(key);
        assert_eq!(operator.screen(), shown, "{key}");
    }
    operator.session.feed(b"\x1b[200~device remove core-1\r\x1b[201~\x1a\x1b[<0;5;1M\x1b[<64;5;5M", NOW);
    assert!(operator.session.take_requests().is_empty() && operator.lines.is_empty());
    assert_eq!(operator.screen(), shown);
    operator.press("hljk  ");
    assert_eq!(operator.screen(), shown, "the page of before");
    operator.press("q");
    assert!(matches!(operator.requests[..], [Request::Quit]));
}

#[test]
fn no_size_harms_it_and_none_leaves_a_void() {
    for world in [|| storm(30), many, || World::new(State::Hostile, false)] {
        let mut operator = wall(world(), (80, 24));
        for (width, height) in
            [(1, 1), (40, 8), (41, 9), (60, 18), (150, 44), (320, 20), (60, 200), (1000, 1000)]
        {
            operator.session.resize(width, height);
            for _ in 0..12 {
                operator.session.draw();
                operator.press("<right>");
            }
        }
    }
    // at 4K with small letters, what is said still takes up the screen
    for size in [(200, 60), (400, 110)] {
        for world in [World::new(State::Trouble, false), many()] {
            let mut operator = wall(world, size);
            let (buffer, _) = operator.session.draw();
            let is_used = |x: u16, y: u16| {
                let cell = &buffer[(x, y)];
                cell.symbol() != " " || cell.modifier.contains(ratatui::style::Modifier::REVERSED)
            };
            let used = (0..size.1).filter(|y| (0..size.0).any(|x| is_used(x, *y))).count();
            assert!(used * 10 > usize::from(size.1) * 7, "{used} of {} rows\n{}", size.1, operator.screen());
        }
    }
}

#[test]
fn ten_thousand_devices_are_drawn_in_no_time() {
    let mut operator = wall(many(), (400, 110));
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        operator.session.draw();
    }
    // a build without optimization on a busy machine; what matters is that it does not grow with the square
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
