//! What a command line that was run from here has said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::{LineId, Outcome};
use crate::console::cx::{CommandRun, Cx};
use crate::console::pane::{Bind, Decl, Pane};
use crate::console::text;
use crate::console::theme::Token;
use crate::console::widgets::pager::shifted;
use crate::console::widgets::{Pager, notice};

inventory::submit! { Decl {
    name: "output",
    aliases: &["o"],
    title: "Output",
    about: "Show what the last command line has said",
    args: "[NUMBER]",
    tab: None,
    reads: &[],
    keys: &[Bind::hint("y", "copy", "Copy"), Bind::hint("e", "edit", "In the editor")],
    make: |args, _| match args {
        [] => Ok(Box::new(CommandOutput { id: None, pager: Pager::default() })),
        [number] => {
            let id = number.parse().map_err(|_| format!("{number:?} is not a number"))?;
            Ok(Box::new(CommandOutput { id: Some(LineId(id)), pager: Pager::default() }))
        }
        _ => Err("output takes one number, or none for the last command".into()),
    },
} }

struct CommandOutput {
    /// `None` is the last one.
    id: Option<LineId>,
    pager: Pager,
}

impl CommandOutput {
    fn run<'a>(&self, cx: &'a Cx) -> Option<&'a CommandRun> {
        match self.id {
            Some(id) => cx.runs.iter().find(|run| run.id == id),
            None => cx.runs.last(),
        }
    }
}

impl Pane for CommandOutput {
    fn status(&self, cx: &Cx) -> String {
        match self.run(cx).map(|run| run.exit) {
            Some(Some(0)) => "done".into(),
            Some(Some(code)) => format!("ended with {code}"),
            Some(None) => "running".into(),
            None => String::new(),
        }
    }

    fn act(&mut self, words: &[&str], cx: &Cx) -> Outcome {
        self.pager.act(words, self.run(cx).map_or(0, |run| run.lines.len()))
    }

    fn draw(&mut self, area: Rect, buf: &mut Buffer, cx: &Cx) {
        let Some(run) = self.run(cx) else {
            return notice(area, buf, &cx.theme, "Nothing was run yet. Type : and a command line.");
        };
        text::put(buf, area.x + 1, area.y, area.width, &format!("{} ", run.line), cx.theme.style(Token::Section));
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let window = self.pager.window(run.lines.len(), body);
        for (at, y) in window.zip(body.y..) {
            let mut style = cx.theme.style(Token::Text);
            if at == self.pager.cursor {
                style = style.patch(cx.theme.style(Token::Selected));
                buf.set_style(Rect { y, height: 1, ..body }, style);
            }
            text::put(buf, body.x + 1, y, body.width, shifted(&run.lines[at], self.pager.left), style);
        }
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        self.run(cx).map(|run| run.lines.join("\n")).filter(|text| !text.is_empty())
    }
}
