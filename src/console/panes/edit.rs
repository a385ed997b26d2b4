//! An editor: the file of a driver, or the record of a device as `field = value` lines.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use ratatui_textarea::{Input, TextArea};

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::pane::{Bind, Decl, Pane, Topic};
use crate::console::panes::recording;
use crate::console::record_text::{changes, names_a_secret, record, revision_of, value_in, with_value};
use crate::console::term::{Code, Key};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::{Chosen, Clash, notice};
use crate::engine::drafts::DraftText;
use crate::engine::driver_files::{Replay, digest};
use crate::engine::fields::Field;
use crate::engine::query::{Answer, Query};
use crate::model::{Device, DeviceId, DriverId, clean_line};

inventory::submit! { Decl {
    name: "edit",
    aliases: &[],
    title: "Edit",
    about: "Edit a driver's file or a device's record",
    args: "driver|device NAME",
    tab: None,
    reads: &[Topic::Devices],
    keys: &[
        Bind::hint("ctrl-s", "save", "Save"),
        Bind::hint("ctrl-r", "try", "Try on the recording"),
        Bind::hint("ctrl-o", "edit", "In your editor"),
        Bind::hint("esc", "back", "Leave"),
        Bind::new("ctrl-t", "take", "Take the file that somebody else has saved"),
        Bind::new("ctrl-z", "undo", "Undo"),
        Bind::new("ctrl-y", "redo", "Redo"),
    ],
    make: |args, cx| Ok(Box::new(Editor::new(args, cx)?)),
} }

/// The largest text that is edited here, in bytes.
const LARGEST: usize = 1 << 20;
/// The rows that the result of a try takes at most.
const RESULT_ROWS: u16 = 4;

struct Editor {
    what: What,
    next: Option<Query>,
    area: Option<TextArea<'static>>,
    /// The text as it is stored.
    saved: String,
    /// The line that was started to save, and the text that it saves.
    saving: Option<(String, String)>,
    failed: Option<String>,
    /// A draft that waits for the stored text: what it was begun with, and what it became.
    kept: Option<(String, String)>,
    file: String,
    tried: Option<Result<Replay, String>>,
    /// A try goes on in the engine.
    tries: bool,
    /// The file as somebody else has saved it meanwhile: the next save goes over it, knowingly.
    theirs: Option<String>,
    /// The file is read once more, to see whether somebody else was first.
    reads_again: bool,
    /// What somebody else changed meanwhile, while that is decided.
    clash: Option<Clash>,
    /// Something may have been changed by somebody else: it is looked at with the next picture.
    doubt: bool,
}

enum What {
    Driver { id: DriverId, recording: Option<(DeviceId, u64)> },
    Device {
        id: DeviceId,
        name: String,
        /// The revision of the record with which the text was begun.
        seen: u32,
    },
}

impl Editor {
    fn new(args: &[String], cx: &Cx) -> Result<Self, String> {
        let usage = || "edit needs a subject: :edit driver cisco_ios, :edit device core-1".to_owned();
        let device = |name: &String| cx.device_named(name).ok_or_else(|| format!("There is no device {name}"));
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut editor = Self {
            what: match words[..] {
                ["driver", id] => What::Driver { id: id.parse()?, recording: None },
                ["driver", id, "--recording", _, number] => {
                    let number = number.parse().map_err(|_| usage())?;
                    What::Driver { id: id.parse()?, recording: Some((device(&args[3])?.device.id, number)) }
                }
                ["device", name] => {
                    let device = &device(&args[1])?.device;
                    What::Device { id: device.id, name: name.to_owned(), seen: device.revision }
                }
                _ => return Err(usage()),
            },
            next: None,
            area: None,
            saved: String::new(),
            saving: None,
            failed: None,
            kept: None,
            file: String::new(),
            tried: None,
            tries: false,
            theirs: None,
            reads_again: false,
            clash: None,
            doubt: false,
        };
        match &editor.what {
            What::Driver { id, .. } => editor.next = Some(Query::Driver(id.clone())),
            What::Device { id, .. } => {
                let row = cx.device(*id).ok_or_else(usage)?;
                editor.begin(&record(&row.device));
            }
        }
        Ok(editor)
    }

    fn begin(&mut self, text: &str) {
        if text.len() > LARGEST {
            self.failed = Some("The text is larger than 1 MB: edit the file itself".into());
            return;
        }
        if text.lines().any(|line| clean_line(&line.replace('\t', " ")) != line.replace('\t', " ")) {
            self.failed = Some(
                "The text holds control or invisible characters, which would be lost here: edit the file itself"
                    .into(),
            );
            return;
        }
        self.saved = text.to_owned();
        self.area = Some(TextArea::new(text.lines().map(str::to_owned).collect()));
    }

    fn text(&self) -> String {
        let lines = self.area.as_ref().map_or(&[][..], |area| area.lines());
        let mut text = lines.join("\n");
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    fn save(&mut self, cx: &Cx) -> Outcome {
        if self.area.is_none() {
            return Outcome::refused("There is nothing to save");
        }
        if !self.unsaved() {
            return Outcome::refused("Nothing was changed");
        }
        let text = self.text();
        match &self.what {
            What::Driver { id, .. } => {
                let seen = digest(self.theirs.as_deref().unwrap_or(&self.saved));
                let line = format!("driver save {id} - --seen {seen}");
                self.saving = Some((line.clone(), text.clone()));
                Outcome::Run { line, input: text }
            }
            What::Device { id, .. } => {
                let Some(row) = cx.device(*id).filter(|row| row.device.deleted.is_none()) else {
                    return Outcome::refused("The device was put away meanwhile. Your text is still here");
                };
                let device = Arc::clone(&row.device);
                if self.compare(&device) {
                    return Outcome::Done;
                }
                self.save_record(&device)
            }
        }
    }

    /// Saves the fields that were changed here, in the revision of the record that was seen.
    fn save_record(&mut self, device: &Device) -> Outcome {
        let text = self.text();
        match changes(&self.saved, &text) {
            Ok(changed) if changed.is_empty() => {
                self.saved = text;
                Outcome::refused("Nothing was changed")
            }
            Ok(changed) => {
                let line =
                    format!("device edit {} {} --revision {}", device.name, changed.join(" "), device.revision);
                self.saving = Some((line.clone(), text));
                Outcome::Line(line)
            }
            Err(why) => Outcome::Refused(why),
        }
    }

    /// The file as it is now, where a save was refused.
    fn look_at(&mut self, now: &str) {
        if now == self.saved || self.theirs.as_deref() == Some(now) {
            return;
        }
        let text = self.text();
        let differ = now.lines().zip(text.lines()).filter(|(theirs, mine)| theirs != mine).count()
            + now.lines().count().abs_diff(text.lines().count());
        self.tried = Some(Err(format!(
            "Somebody else has saved this file since you began: {differ} of its lines differ from yours. Nothing was overwritten: ctrl-s once more saves yours over it, ctrl-t takes theirs"
        )));
        self.theirs = Some(now.to_owned());
    }

    /// Whether somebody else has changed fields of the record since the text was begun; they are then shown.
    fn compare(&mut self, device: &Device) -> bool {
        let (text, now) = (self.text(), record(device));
        let What::Device { seen, .. } = &mut self.what else { return false };
        if device.revision == *seen {
            return false;
        }
        let base = &self.saved;
        let fields = Field::ALL.into_iter().filter(|field| !field.is_secret()).map(|field| {
            let before = value_in(base, field).unwrap_or_default();
            let mine = value_in(&text, field).unwrap_or_else(|| before.clone());
            (field, [before, field.read(device), mine])
        });
        self.clash = Clash::new(*seen, device.revision, fields);
        match &self.clash {
            Some(_) => self.next = Some(Query::Edits(device.id, *seen)),
            // nothing that stands in the text, or the same
            None => (*seen, self.saved) = (device.revision, now),
        }
        self.clash.is_some()
    }

    /// Takes what the person has chosen into the text, which then follows the record as it is now, and saves it.
    fn resolve(&mut self, theirs: &[(Field, String)], cx: &Cx) -> Outcome {
        let Some(clash) = self.clash.take() else { return Outcome::Done };
        let What::Device { id, seen, .. } = &mut self.what else { return Outcome::Done };
        let Some(row) = cx.device(*id).filter(|row| row.device.deleted.is_none()) else {
            return Outcome::refused("The device was put away meanwhile. Your text is still here");
        };
        let device = Arc::clone(&row.device);
        if device.revision != clash.now {
            // once more: somebody was faster again
            self.compare(&device);
            return Outcome::Done;
        }
        *seen = device.revision;
        let text = theirs.iter().fold(self.text(), |text, (field, value)| with_value(&text, *field, value));
        self.edited(&text);
        self.saved = record(&device);
        self.save_record(&device)
    }

    /// Takes note of a save that has ended.
    fn settle(&mut self, cx: &Cx) {
        let ended = self.saving.as_ref().and_then(|(line, _)| {
            cx.runs.iter().rev().find(|run| run.line == *line).and_then(|run| run.exit)
        });
        if let Some(code) = ended
            && let Some((_, text)) = self.saving.take()
        {
            match &mut self.what {
                What::Device { seen, .. } if code == 0 => {
                    *seen += 1;
                    self.saved = text;
                }
                What::Driver { .. } if code == 0 => (self.saved, self.theirs) = (text, None),
                // somebody else may have been first
                What::Device { .. } => self.doubt = true,
                What::Driver { id, .. } => {
                    self.next = Some(Query::Driver(id.clone()));
                    self.reads_again = true;
                }
            }
        }
        if self.doubt
            && let What::Device { id, seen, .. } = &self.what
            && let Some(row) = cx.device(*id)
            && row.device.revision != *seen
        {
            self.doubt = false;
            let device = Arc::clone(&row.device);
            self.compare(&device);
        }
    }

    fn try_driver(&mut self) -> Outcome {
        let What::Driver { recording: Some((device, id)), .. } = &self.what else {
            return Outcome::refused("A driver is tried on a recording: open it from a failed session's replay");
        };
        self.tries = true;
        self.next =
            Some(Query::Replay { device: *device, id: Some(*id), driver: Some(Arc::from(self.text())) });
        Outcome::Done
    }
}

impl Pane for Editor {
    fn subject(&self) -> String {
        match &self.what {
            What::Driver { id, .. } => format!("driver {id}"),
            What::Device { name, .. } => format!("device {name}"),
        }
    }

    fn status(&self, cx: &Cx) -> String {
        let Some(area) = &self.area else { return String::new() };
        let at = area.cursor();
        let state = if self.unsaved() { "changed" } else { "saved" };
        let by_others = match &self.what {
            What::Device { id, seen, .. } if self.saving.is_none() && self.clash.is_none() => {
                let now = cx.device(*id).map_or(*seen, |row| row.device.revision);
                if now == *seen { "" } else { "somebody else changed it: saving compares  " }
            }
            _ => "",
        };
        format!("{by_others}{state}  {}:{}", at.0 + 1, at.1 + 1)
    }

    fn wants(&mut self, cx: &Cx) -> Option<Query> {
        self.settle(cx);
        self.next.take()
    }

    fn answer(&mut self, answer: Answer, _cx: &Cx) {
        self.tries = false;
        match answer {
            Answer::Driver(driver) if std::mem::take(&mut self.reads_again) => self.look_at(&driver.text),
            Answer::Driver(driver) => {
                self.file = match driver.own {
                    true => driver.file.clone(),
                    false => format!("{}: the program's own; saving makes a copy in your folder", driver.file),
                };
                self.begin(&driver.text);
                if let Some((base, text)) = self.kept.take() {
                    self.take_up(&base, &text);
                }
            }
            Answer::Replay(replay) => self.tried = Some(Ok(replay)),
            Answer::Edits(edits) => {
                if let Some(clash) = &mut self.clash {
                    clash.told(Ok(edits.to_vec()));
                }
            }
            Answer::Failed(why) if self.clash.is_some() => {
                if let Some(clash) = &mut self.clash {
                    clash.told(Err(clean_line(&why).into_owned()));
                }
            }
            Answer::Failed(why) if self.area.is_some() => {
                self.tried = Some(Err(clean_line(&why).into_owned()));
            }
            Answer::Failed(why) => self.failed = Some(clean_line(&why).into_owned()),
            _ => {}
        }
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        match words {
            ["save"] => self.save(cx),
            ["try"] => self.try_driver(),
            ["take"] => match self.theirs.take() {
                Some(theirs) => {
                    self.tried = None;
                    self.begin(&theirs);
                    Outcome::Done
                }
                None => Outcome::refused("Nobody else has saved this file since you began"),
            },
            ["undo" | "redo"] if self.area.is_some() => {
                if let Some(area) = &mut self.area {
                    let _ = if words == ["undo"] { area.undo() } else { area.redo() };
                }
                Outcome::Done
            }
            _ => Outcome::Unknown,
        }
    }

    fn key(&mut self, key: Key, cx: &Cx) -> Option<Outcome> {
        if let Some(clash) = &mut self.clash {
            return Some(match clash.key(key) {
                Chosen::Open => Outcome::Done,
                Chosen::Undecided(why) => Outcome::Refused(why),
                Chosen::Theirs(fields) => self.resolve(&fields, cx),
                Chosen::Look => {
                    self.clash = None;
                    Outcome::Done
                }
            });
        }
        let area = self.area.as_mut()?;
        // what is bound stays bound; the rest is typed
        let takes = key.ctrl && key.code == Code::Char('t') && self.theirs.is_some();
        let bound = takes
            || key.code == Code::Esc || key.ctrl && matches!(key.code, Code::Char('s' | 'r' | 'o' | 'z' | 'y' | 'c' | 'l'));
        if bound {
            return None;
        }
        area.input(input(key)?);
        // nobody is interrupted who writes on: saving compares
        self.doubt = false;
        Some(Outcome::Done)
    }

    fn paste(&mut self, pasted: &str) {
        if let Some(area) = self.area.as_mut().filter(|_| self.clash.is_none()) {
            let lines: Vec<String> =
                pasted.lines().map(|line| clean_line(&line.replace('\t', "    ")).into_owned()).collect();
            area.insert_str(lines.join("\n"));
        }
    }

    fn edited(&mut self, text: &str) {
        let saved = std::mem::take(&mut self.saved);
        self.begin(text);
        self.saved = saved;
    }

    fn draft(&self) -> Option<DraftText> {
        let opens = match &self.what {
            What::Driver { id, .. } => format!("edit driver {id}"),
            What::Device { name, .. } => format!("edit device {name}"),
        };
        let is_device = matches!(self.what, What::Device { .. });
        let text = self.text();
        let lines = text.lines().filter(|line| !is_device || !names_a_secret(line));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        self.unsaved().then(|| DraftText { opens, base: self.saved.clone(), text })
    }

    fn take_up(&mut self, base: &str, text: &str) {
        if self.area.is_none() {
            self.kept = Some((base.to_owned(), text.to_owned()));
            return;
        }
        match self.what {
            // what others have changed meanwhile is compared with the next picture
            What::Device { ref mut seen, .. } => {
                *seen = revision_of(base).unwrap_or_default();
                self.doubt = true;
                self.edited(text);
                self.saved = base.to_owned();
            }
            What::Driver { .. } => {
                if base != self.saved {
                    let why = "The file was changed since this draft was begun: compare them before you save";
                    self.tried = Some(Err(why.to_owned()));
                }
                self.edited(text);
            }
        }
    }

    fn takes_text(&self) -> bool {
        self.area.is_some()
    }

    fn unsaved(&self) -> bool {
        self.area.is_some() && self.text() != self.saved
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        if let Some(why) = &self.failed {
            return notice(area, buf, &cx.theme, why);
        }
        let Some(editor) = &mut self.area else {
            return notice(area, buf, &cx.theme, "Reading the file …");
        };
        if let (Some(clash), What::Device { name, .. }) = (&self.clash, &self.what) {
            return clash.draw(name, area, buf, cx);
        }
        let style = |token| cx.theme.style(token);
        let head = u16::from(!self.file.is_empty());
        text::put(buf, area.x + 1, area.y, area.width.saturating_sub(1), &clean_line(&self.file), style(Token::Dim));
        let result: Vec<(String, Token)> = match &self.tried {
            _ if self.tries => vec![("Running the driver on the recording …".into(), Token::Running)],
            None => Vec::new(),
            Some(tried) => {
                let (words, token) = match tried {
                    Ok(replay) => recording::words(&replay.outcome),
                    Err(why) => (why.clone(), Token::Bad),
                };
                let wide = usize::from(area.width.saturating_sub(2));
                text::wrap(&clean_line(&words), wide).into_iter().map(|line| (line, token)).collect()
            }
        };
        let below = u16::try_from(result.len()).unwrap_or(RESULT_ROWS).min(RESULT_ROWS);
        let height = area.height.saturating_sub(head + below);
        editor.set_style(style(Token::Text));
        editor.set_cursor_line_style(style(Token::Selected));
        editor.set_line_number_style(style(Token::Dim));
        editor.set_cursor_style(style(Token::Text).reversed());
        let body = Rect { y: area.y + head, height, ..area };
        if !body.is_empty() {
            (&*editor).render(body, buf);
        }
        for ((line, token), y) in result.iter().take(usize::from(below)).zip(body.bottom()..) {
            text::put(buf, area.x + 1, y, area.width.saturating_sub(1), line, style(*token));
        }
    }

    fn device(&self, _cx: &Cx) -> Option<String> {
        match &self.what {
            What::Device { name, .. } => Some(name.clone()),
            What::Driver { .. } => None,
        }
    }

    fn copy(&self, _cx: &Cx) -> Option<String> {
        self.area.is_some().then(|| self.text())
    }

    fn disabled(&self, line: &str, _cx: &Cx) -> Option<String> {
        match (line, &self.what) {
            ("try", What::Driver { recording: Some(_), .. }) => None,
            ("try", _) => Some("there is no recording to try it on".into()),
            ("save", _) if !self.unsaved() => Some("nothing was changed".into()),
            _ => None,
        }
    }
}

/// A key as the text area knows it.
fn input(key: Key) -> Option<Input> {
    use ratatui_textarea::Key as Area;
    let code = match key.code {
        Code::Char(c) => Area::Char(c),
        Code::Enter => Area::Enter,
        Code::Tab => Area::Tab,
        Code::Backspace => Area::Backspace,
        Code::Delete => Area::Delete,
        Code::Up => Area::Up,
        Code::Down => Area::Down,
        Code::Left => Area::Left,
        Code::Right => Area::Right,
        Code::Home => Area::Home,
        Code::End => Area::End,
        Code::PageUp => Area::PageUp,
        Code::PageDown => Area::PageDown,
        Code::Esc
        | Code::BackTab
        | Code::ShiftPageUp
        | Code::ShiftPageDown
        | Code::Insert
        | Code::F(_) => return None,
    };
    Some(Input { key: code, ctrl: key.ctrl, alt: key.alt, shift: false })
}
