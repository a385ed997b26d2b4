//! TOML: a `[[device]]` table per device, its keys the fields' names.

use serde::Deserialize;
use toml::{Spanned, Table, Value};

use crate::engine::fields::{Change, Field};

use super::{BadLine, Parsed, Row};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    device: Vec<Spanned<Table>>,
}

/// Takes the file apart. A mistake in the TOML itself spoils the whole file; one in a device only that device.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let reason = "not UTF-8; save the file as UTF-8";
            parsed.bad.push(BadLine::new(line_of(bytes, error.valid_up_to()), reason));
            return parsed;
        }
    };
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            parsed.bad.push(BadLine::new(line_of(bytes, at), error.message()));
            return parsed;
        }
    };
    // Tables come in the file's order: each byte is looked at once.
    let (mut at, mut line) = (0, 1);
    for device in file.device {
        let start = device.span().start.clamp(at, bytes.len());
        line += line_of(&bytes[at..start], usize::MAX) - 1;
        at = start;
        match changes(device.get_ref()) {
            Ok(changes) => parsed.rows.push(Row { line, changes }),
            Err(reason) => parsed.bad.push(BadLine::new(line, reason)),
        }
    }
    parsed
}

fn changes(table: &Table) -> Result<Vec<Change>, String> {
    table
        .iter()
        .map(|(key, value)| {
            let field: Field = key.parse().map_err(|error: crate::engine::ActError| error.message)?;
            Ok(Change::new(field, written(field, value)?))
        })
        .collect()
}

fn written(field: Field, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(set) => Ok(if *set { "yes" } else { "no" }.to_owned()),
        Value::Array(words) if field == Field::Tags => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            words.map(|words| words.join(",")).ok_or_else(|| "tags: write a list of strings".to_owned())
        }
        other => Err(format!("{field}: a {} cannot stand here", other.type_str())),
    }
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_rows_with_their_lines() {
        let parsed = parse(
            b"[[device]]\nname = \"a\"\naddress = \"10.0.0.1\"\nport = 22\ntags = [\"x\", \"y\"]\n\n[[device]]\nname = \"b\"\npaused = true\n",
        );
        assert!(parsed.bad.is_empty(), "{:?}", parsed.bad);
        assert_eq!(parsed.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 7]);
        assert!(parsed.rows[0].changes.contains(&Change::new(Field::Tags, "x,y")));
        assert!(parsed.rows[1].changes.contains(&Change::new(Field::Paused, "yes")));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line, says) in [
            (&b"[[device]]\nname = \n"[..], 2, ""),
            (b"[[device]]\nname = \"a\"\n[[device]]\ncolour = \"red\"\n", 3, "not a field"),
            (b"[[device]]\nport = [1]\n", 1, "array"),
            (b"\n\nname = \"\xff\"\n", 3, "UTF-8"),
            (b"[[devices]]\n", 1, "devices"),
        ] {
            let bad = parse(text).bad;
            assert_eq!(bad[0].line, line, "{bad:?}");
            assert!(bad[0].reason.contains(says), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]a-z=\"\n ]{0,200}") {
            parse(text.as_bytes());
        }
    }
}
