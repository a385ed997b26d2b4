//! How a configuration folds: which lines belong under which.

use regex::Regex;

use super::driver::{SectionStyle, Sections};

/// A stretch of lines under a heading line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading, counting lines from 0.
    pub heading: usize,
    /// The line behind the last one of the section.
    pub end: usize,
    /// How many sections it lies in.
    pub depth: usize,
}

/// The sections of `text`, by heading. A section has at least one line under its heading.
pub fn sections(text: &str, how: &Sections) -> Vec<Section> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = match how.style {
        SectionStyle::Indent => by_indent(&lines),
        SectionStyle::Braces => by_marks(&lines, |line| (line.ends_with('{'), line.starts_with('}'))),
        SectionStyle::Words => by_marks(&lines, |line| {
            (line.starts_with("config ") || line.starts_with("edit "), line == "end" || line == "next")
        }),
        SectionStyle::Xml => by_marks(&lines, |line| {
            let opens = line.starts_with('<') && !line.starts_with("</") && !line.starts_with("<?");
            (opens && !line.contains("</") && !line.ends_with("/>"), line.starts_with("</"))
        }),
        SectionStyle::Flat => by_start(&lines, how.start.as_deref()),
    };
    found.retain(|section| section.end > section.heading + 1);
    found.sort_by_key(|section| section.heading);
    found
}

fn by_indent(lines: &[&str]) -> Vec<Section> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        close_while(&mut open, &mut found, number, |&(_, its)| its >= indent);
        open.push((number, indent));
    }
    close_while(&mut open, &mut found, lines.len(), |_| true);
    found
}

fn by_marks(lines: &[&str], marks: impl Fn(&str) -> (bool, bool)) -> Vec<Section> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let (opens, closes) = marks(line.trim());
        if closes && let Some((heading, _)) = open.pop() {
            found.push(Section { heading, end: number + 1, depth: open.len() });
        }
        if opens {
            open.push((number, 0));
        }
    }
    close_while(&mut open, &mut found, lines.len(), |_| true);
    found
}

fn by_start(lines: &[&str], start: Option<&str>) -> Vec<Section> {
    let Some(start) = start.and_then(|start| Regex::new(start).ok()) else { return Vec::new() };
    let headings: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| start.is_match(line)).map(|(number, _)| number).collect();
    let ends = headings.iter().skip(1).copied().chain([lines.len()]);
    headings.iter().zip(ends).map(|(&heading, end)| Section { heading, end, depth: 0 }).collect()
}

fn close_while(
    open: &mut Vec<(usize, usize)>,
    found: &mut Vec<Section>,
    end: usize,
    done: impl Fn(&(usize, usize)) -> bool,
) {
    while open.last().is_some_and(&done) {
        let Some((heading, _)) = open.pop() else { return };
        found.push(Section { heading, end, depth: open.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(style: SectionStyle, text: &str) -> Vec<(usize, usize, usize)> {
        let how = Sections { style, start: Some("^/".into()) };
        sections(text, &how).iter().map(|section| (section.heading, section.end, section.depth)).collect()
    }

    #[test]
    fn each_style_folds() {
        assert_eq!(of(SectionStyle::Indent, "router bgp\n af\n  x\n!\nend\n"), [(0, 3, 0), (1, 3, 1)]);
        assert_eq!(of(SectionStyle::Braces, "a {\n b {\n  c;\n }\n}\n"), [(0, 5, 0), (1, 4, 1)]);
        assert_eq!(
            of(SectionStyle::Words, "config x\n edit 1\n  set a\n next\nend\n"),
            [(0, 5, 0), (1, 4, 1)]
        );
        assert_eq!(of(SectionStyle::Xml, "<?xml?>\n<a>\n <b>1</b>\n <c/>\n</a>\n"), [(1, 5, 0)]);
        assert_eq!(of(SectionStyle::Flat, "# x\n/ip\nadd\n/user\nadd\n"), [(1, 3, 0), (3, 5, 0)]);
    }

    #[test]
    fn garbage_folds_somehow() {
        assert_eq!(of(SectionStyle::Braces, "}\n}\n{\n"), []);
        assert_eq!(of(SectionStyle::Braces, "{\nx\n"), [(0, 2, 0)]);
        assert_eq!(of(SectionStyle::Indent, ""), []);
    }
}
