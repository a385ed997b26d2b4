//! The wallboard: what a tired person reads from five metres. Nothing on it can be changed.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::wall::pages::Pages;
use crate::console::wall::{Sizes, head};
use crate::model::Timestamp;

inventory::submit! { Decl {
    name: "wallboard",
    aliases: &["wall"],
    title: "Wallboard",
    about: "Show the whole in large: incidents, groups, the slowest, backups, changes; pages turn by themselves",
    args: "[SECONDS]",
    tab: None,
    reads: &[Topic::Pulse, Topic::Incidents, Topic::Devices, Topic::Events],
    keys: &[
        Bind::hint("space", "hold", "Hold the page, or let it turn"),
        Bind::hint("right", "page-down", "Next page"),
        Bind::hint("left", "page-up", "Page before"),
    ],
    make: |args, cx| {
        let cycle = match args {
            [] => Ok(USUAL_CYCLE),
            [seconds] => match seconds.parse() {
                Ok(seconds @ 2..=3600) => Ok(Duration::from_secs(seconds)),
                _ => Err("the pages turn every 2 to 3600 seconds".to_owned()),
            },
            _ => Err("wallboard takes the seconds from page to page: :wallboard 10".to_owned()),
        }?;
        Ok(Box::new(Wallboard { cycle, page: 0, pages: 1, turned: cx.now, held: false }))
    },
} }

/// From page to page.
const USUAL_CYCLE: Duration = Duration::from_secs(10);

struct Wallboard {
    cycle: Duration,
    page: usize,
    /// How many there were when it was last drawn.
    pages: usize,
    turned: Timestamp,
    held: bool,
}

impl Wallboard {
    /// The page at this moment, of those that turn by themselves.
    fn page_at(&self, now: Timestamp) -> usize {
        let turns = match self.held {
            true => 0,
            false => self.turned.age(now).as_millis() / self.cycle.as_millis().max(1),
        };
        (self.page + usize::try_from(turns).unwrap_or(0)) % self.pages
    }

    fn turn(&mut self, by: usize, now: Timestamp) {
        (self.page, self.turned) = ((self.page_at(now) + by) % self.pages, now);
    }
}

impl Pane for Wallboard {
    fn wakes_at(&self, cx: &Cx) -> Option<Timestamp> {
        let second = Timestamp((cx.now.0.div_euclid(1000) + 1) * 1000);
        let turns = (!self.held).then(|| {
            let cycle = u64::try_from(self.cycle.as_millis()).unwrap_or(u64::MAX).max(1);
            let gone = u64::try_from(self.turned.age(cx.now).as_millis()).unwrap_or(0) % cycle;
            cx.now.after(Duration::from_millis(cycle - gone))
        });
        // a watch that falls silent is said aloud without anybody's doing
        let stale = Some(head::turns_stale(cx)).filter(|at| *at > cx.now);
        [turns, stale, head::counts_seconds(cx).then_some(second)].into_iter().flatten().min()
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["hold"] => {
                self.turn(0, cx.now);
                self.held = !self.held;
            }
            ["page-down" | "right" | "down"] => self.turn(1, cx.now),
            ["page-up" | "left" | "up"] => self.turn(self.pages - 1, cx.now),
            _ => return Outcome::Unknown,
        }
        Outcome::Done
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let sizes = Sizes::of(area, &cx.theme);
        let border = if area.width >= 150 { 3 } else { 1 };
        let area = Rect { x: area.x + border, width: area.width.saturating_sub(2 * border), ..area };
        let area = head::draw_doubt(area, buf, sizes, cx);
        let area = head::draw_figures(area, buf, sizes, cx);
        let (area, shown) = head::draw_incidents(area, buf, sizes, cx);
        let pages = Pages::of(area, sizes, shown, cx);
        if self.turned > cx.now {
            // the clock was set back: the page does not stand still until then
            self.turned = cx.now;
        }
        let page = self.page_at(cx.now);
        self.pages = pages.count();
        if page >= self.pages {
            (self.page, self.turned) = (0, cx.now);
        }
        pages.draw(page.min(self.pages - 1), self.held, buf, cx);
    }
}
