//! CSV as RFC 4180 has it, one device per line. A quoted line end is refused: no field of a device may hold one, and so
//! a quote that is never closed spoils its own line and no other.

use crate::engine::fields::{Change, Field};

use super::{BadLine, MOST, Parsed, Row, formula};

/// The longest cell, in bytes.
const LONGEST: usize = 4096;

/// Takes the file apart. The separator is a comma, or a semicolon where the header has no comma.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut lines =
        bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let Some((first, header)) = lines.next() else {
        parsed.bad.push(BadLine::new(1, "the file is empty; its first line must name the columns"));
        return parsed;
    };
    if header.trim_ascii().contains(&b'\r') {
        let reason = "the lines end in a carriage return alone; save the file with LF or CR LF line ends";
        parsed.bad.push(BadLine::new(first + 1, reason));
        return parsed;
    }
    let separator = if !header.contains(&b',') && header.contains(&b';') { ';' } else { ',' };
    let columns = match cells(header, separator).and_then(columns) {
        Ok(columns) => columns,
        Err(reason) => {
            parsed.bad.push(BadLine::new(first + 1, reason));
            return parsed;
        }
    };
    for (number, line) in lines {
        if parsed.rows.len() + parsed.bad.len() > MOST {
            break;
        }
        match row(line, separator, &columns) {
            Ok(Some(changes)) => parsed.rows.push(Row { line: number + 1, changes }),
            Ok(None) => {}
            Err(reason) => parsed.bad.push(BadLine::new(number + 1, reason)),
        }
    }
    parsed
}

fn columns(names: Vec<String>) -> Result<Vec<Field>, String> {
    let mut columns = Vec::new();
    for name in names {
        let name = name.trim();
        let field: Field = name
            .to_ascii_lowercase()
            .parse()
            .map_err(|_| format!("the column {name:?} is unknown; {}", known()))?;
        if columns.contains(&field) {
            return Err(format!("the column {field} stands twice"));
        }
        columns.push(field);
    }
    for needed in [Field::Name, Field::Address] {
        if !columns.contains(&needed) {
            return Err(format!("the column {needed} is missing; the first line must name the columns"));
        }
    }
    Ok(columns)
}

fn known() -> String {
    let names: Vec<&str> = Field::ALL.iter().map(|field| field.as_str()).collect();
    format!("these are known: {}", names.join(", "))
}

/// The changes of a line; nothing where every cell is empty.
fn row(line: &[u8], separator: char, columns: &[Field]) -> Result<Option<Vec<Change>>, String> {
    let cells = cells(line, separator)?;
    if cells.iter().all(|cell| cell.trim().is_empty()) {
        return Ok(None);
    }
    if cells.len() != columns.len() {
        return Err(format!("{} cells where the header names {} columns", cells.len(), columns.len()));
    }
    Ok(Some(
        columns.iter().zip(cells).map(|(field, cell)| Change::new(*field, value(*field, cell))).collect(),
    ))
}

/// What a cell says. No export tells a secret: a quote in one is part of it.
fn value(field: Field, cell: String) -> String {
    if field.is_secret() { cell } else { formula::bare(cell) }
}

/// Takes a line apart.
fn cells(line: &[u8], separator: char) -> Result<Vec<String>, String> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = std::str::from_utf8(line)
        .map_err(|error| format!("byte {} is not UTF-8; save the file as UTF-8", error.valid_up_to() + 1))?;
    if let Some(at) = line.find(|c: char| c.is_control() && c != '\t') {
        return Err(format!("byte {} is a control character", at + 1));
    }
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted, cells.len() + 1)?,
            None => {
                let end = rest.find(separator).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if cell.len() > LONGEST {
            return Err(format!("cell {} is longer than {LONGEST} bytes", cells.len() + 1));
        }
        cells.push(cell);
        match after.strip_prefix(separator) {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(cells),
            None => return Err(format!("something stands behind the closing quote of cell {}", cells.len())),
        }
    }
}

/// A cell up to its closing quote, and what follows.
fn quoted_cell(text: &str, number: usize) -> Result<(String, &str), String> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let end =
            rest.find('"').ok_or_else(|| format!("the quote of cell {number} is not closed on its line"))?;
        cell.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(doubled) => {
                cell.push('"');
                rest = doubled;
            }
            None => return Ok((cell, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "name,address,port";

    fn bad(text: &[u8]) -> Vec<(usize, String)> {
        parse(text).bad.into_iter().map(|bad| (bad.line, bad.reason)).collect()
    }

    #[test]
    fn quotes_semicolons_line_ends_and_blank_lines() {
        let parsed = parse(b"name;address;description\r\n\r\nsw-1;10.0.0.1;\"a; \"\"b\"\"\"\r\n;;\r\n");
        assert!(parsed.bad.is_empty(), "{:?}", parsed.bad);
        assert_eq!(parsed.rows.len(), 1);
        assert_eq!(parsed.rows[0].line, 3);
        assert_eq!(parsed.rows[0].changes[2].value, "a; \"b\"");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_spoils_no_other() {
        let text = [
            HEADER.as_bytes(),
            b"good-1,10.0.0.1,22",
            b"\"open,10.0.0.2,22",
            b"nul\0,10.0.0.3,22",
            b"latin\xe9,10.0.0.4,22",
            b"few,10.0.0.5",
            b"many,10.0.0.6,22,x",
            b"\"shut\"x,10.0.0.7,22",
            b"carriage\rreturn,10.0.0.8,22",
            b"good-2,10.0.0.9,22",
        ]
        .join(&b'\n');
        let says =
            ["not closed", "control", "not UTF-8", "2 cells", "4 cells", "behind the closing", "control"];
        let found = bad(&text);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8, 9]);
        for ((_, reason), says) in found.iter().zip(says) {
            assert!(reason.contains(says), "{reason}");
        }
        assert_eq!(parse(&text).rows.len(), 2);
    }

    #[test]
    fn a_header_must_name_what_is_known_once_and_what_is_needed() {
        for (header, says) in [
            ("name,address,colour", "\"colour\" is unknown"),
            ("name,address,name", "twice"),
            ("name,port", "address is missing"),
            ("", "empty"),
            ("\"name", "not closed"),
        ] {
            let found = bad(header.as_bytes());
            assert!(found[0].0 == 1 && found[0].1.contains(says), "{header:?}: {found:?}");
        }
    }

    #[test]
    fn a_megabyte_in_a_cell_is_refused() {
        let text = format!("{HEADER}\n{},10.0.0.1,22\n", "x".repeat(1 << 20));
        assert!(bad(text.as_bytes())[0].1.contains("longer than"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            parse(&bytes);
            parse(&[b"name,address,description\n", &bytes[..]].concat());
        }
    }
}
