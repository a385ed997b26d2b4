//! Work that is going on and that ended lately, a row per device with the stage that it is at.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::theme::{self, Token};
use crate::console::widgets::{Column, Rows, Table, notice};
use crate::console::words;
use crate::engine::snapshot::{Job, JobTask, Stage};
use crate::model::{DeviceId, RunStatus, clean_line};

inventory::submit! { Decl {
    name: "jobs",
    aliases: &["j"],
    title: "Jobs",
    about: "Show the work that is going on, device by device",
    args: "[FILTER]",
    tab: Some(3),
    reads: &[Topic::Jobs, Topic::Devices],
    keys: &[
        Bind::hint("enter", "history {device}", "History"),
        Bind::hint("b", "backup run {devices}", "Again"),
        Bind::hint("X", "cancel", "End the job"),
    ],
    make: |args, cx| {
        let mut jobs = Jobs { table: Table::new(COLUMNS, None) };
        jobs.set_filter(&args.join(" "), cx);
        Ok(Box::new(jobs))
    },
} }

const COLUMNS: &[Column] = &[
    Column::new("job", 5, 0).right(),
    Column::new("started", 7, 2).right(),
    Column::new("name", 18, 0).grow(),
    Column::new("stage", 24, 0).grow(),
    Column::new("line", 20, 3).grow(),
    Column::new("by", 10, 4),
];

/// The most jobs whose progress is drawn.
const MOST_BARS: usize = 5;

struct Jobs {
    table: Table,
}

impl Jobs {
    /// The job of the selected row.
    fn job<'a>(&self, cx: &'a Cx) -> Option<&'a Job> {
        View::new(cx).rows.get(self.table.selected()?).map(|(job, ..)| *job)
    }
}

/// Every device of every job, those at work first.
struct View<'a> {
    cx: &'a Cx,
    rows: Vec<(&'a Job, &'a JobTask, &'a str)>,
}

impl<'a> View<'a> {
    fn new(cx: &'a Cx) -> Self {
        let names: std::collections::HashMap<DeviceId, &str> =
            cx.snapshot.devices.iter().map(|row| (row.device.id, row.device.name.as_str())).collect();
        let named = |id: DeviceId| names.get(&id).copied().unwrap_or("?");
        let mut rows: Vec<_> = cx
            .snapshot
            .jobs
            .iter()
            .flat_map(|job| job.tasks.iter().map(move |task| (job, task)))
            .map(|(job, task)| (job, task, named(task.device)))
            .collect();
        rows.sort_by_key(|(job, task, _)| (std::cmp::Reverse(job.id), rank(&task.stage)));
        Self { cx, rows }
    }
}

fn rank(stage: &Stage) -> u8 {
    match stage {
        Stage::At(_) => 0,
        Stage::Retrying(_) => 1,
        Stage::Done(RunStatus::Failed) => 2,
        Stage::Queued => 3,
        Stage::Done(_) => 4,
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn id(&self, row: usize) -> u64 {
        let (job, task, _) = &self.rows[row];
        job.id.rotate_left(32) ^ task.device.0
    }

    fn cell(&self, row: usize, column: usize) -> Cow<'_, str> {
        let (job, task, name) = &self.rows[row];
        match COLUMNS[column].name {
            "job" => job.id.to_string().into(),
            "started" => self.cx.age(Some(job.at)).into(),
            "name" => (*name).into(),
            "line" => clean_line(&job.line),
            "by" => clean_line(&job.by),
            _ => stage(&task.stage, self.cx),
        }
    }

    fn token(&self, row: usize, column: usize) -> Token {
        match (&self.rows[row].1.stage, COLUMNS[column].name) {
            (Stage::At(_) | Stage::Retrying(_), "stage") => Token::Running,
            (Stage::Done(status), "stage") => theme::run(*status),
            (Stage::Queued, "stage") => Token::Dim,
            (_, "name") => Token::Text,
            _ => Token::Dim,
        }
    }
}

fn stage<'a>(stage: &'a Stage, cx: &Cx) -> Cow<'a, str> {
    let running = cx.theme.glyph("◐", ">");
    match stage {
        Stage::Queued => format!("{} queued", cx.theme.glyph("·", "-")).into(),
        Stage::At(step) => format!("{running} {}", clean_line(step)).into(),
        Stage::Retrying(attempt) => format!("{running} waits for attempt {attempt}").into(),
        Stage::Done(status) => format!("{} {status}", cx.theme.run_glyph(*status)).into(),
    }
}

impl Pane for Jobs {
    fn status(&self, cx: &Cx) -> String {
        let all = cx.snapshot.jobs.iter().map(|job| job.tasks.len()).sum();
        self.table.status(all)
    }

    fn update(&mut self, cx: &Cx) {
        self.table.update(&View::new(cx));
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["open"] => Outcome::Line("history {device}".into()),
            ["cancel"] => match self.job(cx) {
                Some(job) if job.ended.is_none() => Outcome::Line(format!("job cancel {}", job.id)),
                Some(job) => Outcome::refused(format!("Job {} has ended", job.id)),
                None => Outcome::refused("No job is selected"),
            },
            _ => self.table.act(words, &View::new(cx)),
        }
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if cx.snapshot.jobs.is_empty() {
            let sentence = "Nothing is going on. b on the device list starts a backup.";
            return notice(area, buf, &cx.theme, sentence);
        }
        let running = cx.snapshot.jobs.iter().filter(|job| job.ended.is_none());
        let mut y = area.y;
        for job in running.take(usize::from(area.height / 4).min(MOST_BARS)) {
            words::draw_progress(job, Rect { y, height: 1, ..area }, buf, cx);
            y += 1;
        }
        let list = Rect { y, height: area.bottom() - y, ..area };
        self.table.draw(list, buf, cx, &View::new(cx), "Nothing is going on");
    }

    fn click(&mut self, x: u16, y: u16, cx: &Cx) -> Outcome {
        self.table.click(x, y, &View::new(cx))
    }

    fn device(&self, cx: &Cx) -> Option<String> {
        let view = View::new(cx);
        let (_, task, _) = view.rows.get(self.table.selected()?)?;
        cx.device(task.device).map(|row| row.device.name.to_string())
    }

    fn devices(&self, cx: &Cx) -> Vec<String> {
        let (marked, view) = (self.table.marked(), View::new(cx));
        let rows = (0..view.len()).filter(|&row| marked.contains(&view.id(row)));
        let mut names: Vec<String> = rows.map(|row| view.rows[row].2.to_owned()).collect();
        names.sort();
        names.dedup();
        if names.is_empty() { self.device(cx).into_iter().collect() } else { names }
    }

    fn columns(&self) -> Vec<&'static str> {
        self.table.names()
    }

    fn disabled(&self, line: &str, cx: &Cx) -> Option<String> {
        match (line, self.job(cx)) {
            ("cancel", None) => Some("no job is selected".into()),
            ("cancel", Some(job)) if job.ended.is_some() => Some("the job has ended".into()),
            _ => None,
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(self.table.filter())
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) {
        self.table.set_filter(text, &View::new(cx));
    }
}
