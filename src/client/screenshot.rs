//! What the console shows, as a picture: for the README, without a terminal.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::files;
use crate::commands::Args;
use crate::console::term::color;
use crate::console::{Caps, Request, Session, Settings};
use crate::engine::{Engine, Person};
use crate::model::Role;

/// A cell's width and height in the picture.
const CELL: (f32, f32) = (8.4, 18.0);
/// The terminal's own colours.
const GROUND: &str = "#14171c";
const INK: &str = "#c8ccd4";
/// The sixteen, where a theme leaves them to the terminal.
const SIXTEEN: [&str; 16] = [
    "#1c2027", "#ef7a74", "#7fb685", "#dfb763", "#6fb3e0", "#c792d9", "#6fc3c8", "#c8ccd4", "#6b7280",
    "#f59a95", "#a0cfa5", "#ecd08f", "#97cbee", "#d9b3e6", "#98d9dd", "#ffffff",
];

/// The picture that is wanted.
pub struct Wish {
    path: PathBuf,
    width: u16,
    height: u16,
    lines: Vec<String>,
}

impl Wish {
    /// Reads the flags of `demo`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with them.
    pub fn read(path: &str, args: &Args) -> Result<Self, String> {
        let path = PathBuf::from(path);
        if !["svg", "txt"].map(Some).contains(&extension(&path)) {
            return Err("--screenshot: name a file that ends in .svg or .txt".into());
        }
        let size = args.get("--size").unwrap_or("120x36");
        let sides = size.split_once('x').and_then(|(width, height)| {
            let side = |text: &str| text.parse::<u16>().ok().filter(|side| (20..=500).contains(side));
            side(width).zip(side(height))
        });
        let (width, height) = sides.ok_or("--size: columns x rows, such as 120x36, each from 20 to 500")?;
        Ok(Self { path, width, height, lines: args.many("--line").to_vec() })
    }

    /// Draws the console and writes the picture.
    ///
    /// # Errors
    /// A sentence that says why the file was not written.
    pub async fn take(&self, engine: &Arc<Engine>, settings: &Settings) -> Result<(), String> {
        let caps = Caps {
            width: self.width,
            height: self.height,
            term: "xterm-256color".into(),
            colorterm: "truecolor".into(),
            no_color: false,
            unicode: true,
        };
        let mut session = Session::new(&caps, settings, engine.snapshot(), engine.now());
        let person = Person { rights: settings.rights.clone(), ..Person::fixed("demo", Role::Viewer) };
        read_all(&mut session, engine, &person).await;
        for line in &self.lines {
            session.feed(format!(":{line}\r").as_bytes(), engine.now());
            read_all(&mut session, engine, &person).await;
        }
        let (buffer, _) = session.draw();
        let text = if extension(&self.path) == Some("svg") { svg(&buffer) } else { plain(&buffer) };
        files::write(&self.path, text.as_bytes(), false)
    }
}

/// Answers what the session asks until it asks no more.
async fn read_all(session: &mut Session, engine: &Arc<Engine>, person: &Person) {
    loop {
        let requests = session.take_requests();
        if requests.is_empty() {
            return;
        }
        for request in requests {
            if let Request::Query(id, query) = request {
                session.answer(id, engine.query(person, query).await);
            }
        }
    }
}

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

fn rows(buffer: &Buffer) -> impl Iterator<Item = &[Cell]> {
    buffer.content.chunks(usize::from(buffer.area.width).max(1))
}

fn plain(buffer: &Buffer) -> String {
    rows(buffer).fold(String::new(), |text, row| {
        let line: String = row.iter().map(Cell::symbol).collect();
        text + line.trim_end() + "\n"
    })
}

fn svg(buffer: &Buffer) -> String {
    let (width, height) = (f32::from(buffer.area.width) * CELL.0, f32::from(buffer.area.height) * CELL.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\" xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{GROUND}\"/>\n"
    );
    for (number, row) in rows(buffer).enumerate() {
        let mut column = 0;
        for run in row.chunk_by(|one, other| one.style() == other.style()) {
            draw_run(&mut svg, run, column, number);
            column += run.len();
        }
    }
    svg + "</svg>\n"
}

/// One run of cells that look the same.
fn draw_run(svg: &mut String, run: &[Cell], column: usize, row: usize) {
    let Some(first) = run.first() else { return };
    let (mut ink, mut ground) = (color(first.fg), color(first.bg));
    if first.modifier.contains(Modifier::REVERSED) {
        (ink, ground) = (Some(ground.unwrap_or(GROUND.into())), Some(ink.unwrap_or(INK.into())));
    }
    let (x, y) = (column as f32 * CELL.0, row as f32 * CELL.1);
    let width = run.len() as f32 * CELL.0;
    if let Some(ground) = ground {
        // writing to a string cannot fail
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{ground}\"/>",
            CELL.1
        );
    }
    let text: String = run.iter().map(Cell::symbol).collect();
    if text.trim().is_empty() {
        return;
    }
    let mut look = format!("fill=\"{}\"", ink.unwrap_or(INK.into()));
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.7\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
    ] {
        if first.modifier.contains(modifier) {
            look += attribute;
        }
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" {look}>{}</text>",
        y + CELL.1 * 0.75,
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    );
}

/// As SVG has it; `None` is the terminal's own.
fn color(color: Color) -> Option<String> {
    let (r, g, b) = match (color, color::index(color)) {
        (Color::Rgb(r, g, b), _) => (r, g, b),
        (_, None) => return None,
        (_, Some(index)) => match SIXTEEN.get(usize::from(index)) {
            Some(own) => return Some((*own).to_owned()),
            None => color::rgb_of(index),
        },
    };
    Some(format!("#{r:02x}{g:02x}{b:02x}"))
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn a_picture_has_the_text_and_the_colours() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Color::Rgb(1, 2, 255)).bg(Color::Indexed(196)));
        buffer.set_string(4, 0, "bold", Style::new().add_modifier(Modifier::BOLD));
        assert_eq!(plain(&buffer), "a<b bold\n\n");
        let svg = svg(&buffer);
        for part in ["fill=\"#0102ff\">a&lt;b</text>", "fill=\"#ff0000\"", "font-weight=\"bold\">bold</text>"]
        {
            assert!(svg.contains(part), "{part} in {svg}");
        }
    }
}
