//! Changes a configuration as people do: a description here, a few lines there.

use std::sync::LazyLock;

use regex::Regex;

use crate::device::driver::CompiledDriver;

/// Lines whose last word is free text.
static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|\W)(?:description|descr|desc|comment|remark|alias|location|contact|name)\b\W+(?:.*\W)?(\w[\w-]*)\W*$")
        .ok()
});

/// The same inside an XML element, whose tags must stay as they are.
static ELEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*<(?:descr|name)>(?:<!\[CDATA\[)?(?:[^<>\]]*[^\w<>\]])?(\w[\w-]*)(?:\]\]>)?</").ok()
});

const WORDS: [&str; 8] = ["camera", "desk", "guests", "lab", "meters", "printer", "spare", "staff"];

/// The configuration with one label changed; `pick` chooses which, and what to.
pub fn relabelled(configuration: &str, pick: u64) -> String {
    let (Some(label), Some(element)) = (LABEL.as_ref(), ELEMENT.as_ref()) else {
        return configuration.to_owned();
    };
    let lines: Vec<&str> = configuration.lines().collect();
    let candidates: Vec<(usize, std::ops::Range<usize>)> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.contains("{{hostname}}"))
        .filter_map(|(number, line)| {
            let pattern = if line.trim_start().starts_with('<') { element } else { label };
            Some((number, pattern.captures(line)?.get(1)?.range()))
        })
        .collect();
    let Some((number, word)) = candidates.get(index(pick, candidates.len())) else {
        return configuration.to_owned();
    };
    let line = lines[*number];
    let fresh = format!(
        "{}{}-{}{}",
        &line[..word.start],
        WORDS[index(pick / 7, WORDS.len())],
        pick % 97,
        &line[word.end..]
    );
    let mut text = String::with_capacity(configuration.len() + 16);
    for (at, line) in lines.iter().enumerate() {
        text.push_str(if at == *number { &fresh } else { line });
        text.push('\n');
    }
    text
}

/// The configuration with the driver's filler in front of its end, repeated up to about `bytes` bytes.
pub fn padded(configuration: &str, driver: &CompiledDriver, bytes: usize) -> String {
    let filler = if driver.lab.filler.is_empty() { "! filler {n}\n" } else { &driver.lab.filler };
    let is_end = |line: &str| driver.end.as_ref().is_some_and(|end| end.is_match(line));
    let lines: Vec<&str> = configuration.lines().collect();
    let end = lines.iter().rposition(|line| is_end(line)).unwrap_or(lines.len());
    let mut text = String::with_capacity(bytes + configuration.len());
    lines[..end].iter().for_each(|line| text.extend([line, "\n"]));
    let tail: usize = lines[end..].iter().map(|line| line.len() + 1).sum();
    for number in 1.. {
        if text.len() + tail + filler.len() > bytes {
            break;
        }
        text.push_str(&filler.replace("{n}", &(1000 + number).to_string()));
    }
    lines[end..].iter().for_each(|line| text.extend([line, "\n"]));
    text
}

fn index(pick: u64, length: usize) -> usize {
    usize::try_from(pick % length.max(1) as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::Drivers;

    #[test]
    fn one_label_changes_and_nothing_else() {
        let before = "hostname a\ninterface 1\n description \"old room\";\n name staff\nend\n";
        for pick in 0..20 {
            let after = relabelled(before, pick * 31);
            let changed = before.lines().zip(after.lines()).filter(|(one, other)| one != other).count();
            assert_eq!((changed, after.lines().count()), (1, 5), "{after}");
        }
        assert_eq!(relabelled("end\n", 3), "end\n");
    }

    #[test]
    fn the_tags_of_an_element_stay() {
        let relabelled = relabelled("<a>\n <descr><![CDATA[to the office]]></descr>\n</a>\n", 0);
        assert_eq!(relabelled, "<a>\n <descr><![CDATA[to the camera-0]]></descr>\n</a>\n");
    }

    #[test]
    fn filler_comes_before_the_end() {
        let driver = Drivers::embedded().get(&"cisco_ios".parse().unwrap()).unwrap();
        let text = padded("hostname a\nend\n", &driver, 40_000);
        assert!((39_000..=40_000).contains(&text.len()) && text.ends_with("!\nend\n"), "{}", text.len());
    }
}
