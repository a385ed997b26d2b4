//! A device's record as the text that is edited: `field = value` lines, without secrets.

use crate::engine::fields::Field;
use crate::model::Device;

/// A device's record as lines.
pub fn record(device: &Device) -> String {
    let mut text = format!(
        "# revision {}\n# A field a line, empty is none. Passwords: device edit NAME password=…\n",
        device.revision
    );
    for field in Field::ALL.into_iter().filter(|field| !field.is_secret()) {
        text.push_str(format!("{field} = {}", field.read(device)).trim_end());
        text.push('\n');
    }
    text
}

/// The revision that a record's lines were made of.
pub fn revision_of(text: &str) -> Option<u32> {
    text.lines().next()?.strip_prefix("# revision ")?.parse().ok()
}

/// What a record's lines say of a field.
pub fn value_in(text: &str, field: Field) -> Option<String> {
    let of_field = |line: &str| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == field.as_str()).then(|| value.trim().to_owned())
    };
    text.lines().find_map(of_field)
}

/// The lines with another value of a field.
pub fn with_value(text: &str, field: Field, value: &str) -> String {
    let is_of_field =
        |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == field.as_str());
    let lines = text.lines().map(|line| match is_of_field(line) {
        true => format!("{field} = {value}").trim_end().to_owned() + "\n",
        false => format!("{line}\n"),
    });
    lines.collect()
}

/// The fields of the text that differ from the text that it was begun with, as `field=value`, quoted for a command line.
///
/// # Errors
/// A line is none, or sets a secret; the sentence names it.
pub fn changes(base: &str, text: &str) -> Result<Vec<String>, String> {
    let mut changed = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = number + 1;
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| format!("Line {number}: write field = value, or # before a remark"))?;
        let field: Field = name.trim().parse().map_err(|error| format!("Line {number}: {error}"))?;
        if field.is_secret() {
            return Err(format!(
                "Line {number}: a secret is not written here: type :device edit NAME {field}=…"
            ));
        }
        let value = value.trim();
        if Some(value) != value_in(base, field).as_deref() {
            let pair = format!("{field}={value}");
            let quoted = shlex::try_quote(&pair).map_err(|error| format!("Line {number}: {error}"))?;
            changed.push(quoted.into_owned());
        }
    }
    Ok(changed)
}

/// Whether a line sets a secret.
pub fn names_a_secret(line: &str) -> bool {
    let name = line.split_once('=').map_or(line, |(name, _)| name).trim();
    name.parse::<Field>().is_ok_and(Field::is_secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fields::blank;
    use crate::model::{DeviceId, Timestamp};

    fn device() -> Device {
        let mut device = blank(
            DeviceId(1),
            "sw-1".parse().expect("a name"),
            "10.0.0.1".parse().expect("one"),
            Timestamp(0),
        );
        device.location = "Rack 4, left".into();
        device
    }

    #[test]
    fn only_what_differs_is_changed() {
        let base = record(&device());
        assert_eq!(changes(&base, &base), Ok(vec![]));
        let text = base.replace("Rack 4, left", "Rack 5; `rm`").replace("role =", "role = core");
        assert_eq!(changes(&base, &text), Ok(vec!["'location=Rack 5; `rm`'".into(), "'role=core'".into()]));
        assert_eq!(revision_of(&base), Some(1));
        assert_eq!(value_in(&with_value(&text, Field::Role, ""), Field::Role), Some(String::new()));
        assert!(names_a_secret(" password = not-a-real-one") && !names_a_secret("role = core"));
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        for (text, says) in [
            ("name = sw-1\nport", "Line 2: write field = value"),
            ("colour = red", "Line 1: "),
            ("password = not-a-real-one", "a secret is not written here"),
        ] {
            let error = changes(&record(&device()), text).expect_err(text);
            assert!(error.contains(says) && !error.contains("not-a-real"), "{error}");
        }
    }
}
