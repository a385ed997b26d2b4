//! Inventory files that are damaged or made to harm: each mistake with its line, and all or nothing.

use std::sync::Arc;

use noctule::engine::Engine;
use noctule::engine::fields::{Change, Field};
use noctule::engine::import::{Format, ImportPlan, csv_of, form};

use crate::engine_fixture::{Hand, Network, ann, engine};

async fn start(folder: &tempfile::TempDir) -> Arc<Engine> {
    engine(folder.path(), "", Network::new(), &Hand::new()).await
}

/// Imports `bytes` into an empty inventory; nothing may be in it then.
async fn refused(engine: &Arc<Engine>, bytes: &[u8], format: Format) -> ImportPlan {
    let imported = engine.import(&ann(), bytes.to_vec(), format, false).await.unwrap();
    assert!(!imported.applied && engine.snapshot().devices.is_empty(), "{}", shown(bytes));
    assert_eq!(engine.store().journal(0).unwrap().count(), 0);
    imported.plan
}

fn shown(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(200)].escape_ascii().to_string()
}

/// A good line, then `line`, then a good line again.
fn with(line: &[u8]) -> Vec<u8> {
    [&b"name,address,port,description\nsw-1,10.0.0.1,22,\n"[..], line, b"\nsw-3,10.0.0.3,22,\n"].concat()
}

#[tokio::test]
async fn a_bad_csv_line_is_told_with_its_number_and_nothing_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    let huge = [b"sw-2,10.0.0.2,22,".to_vec(), vec![b'x'; 10 << 20]].concat();
    let huge_quoted = [b"sw-2,10.0.0.2,22,\"".to_vec(), vec![b'x'; 10 << 20], b"\"".to_vec()].concat();
    for (line, says) in [
        (&huge[..], "longer than"),
        (&huge_quoted, "longer than"),
        (b"\"sw-2,10.0.0.2,22,", "quote of cell 1 is not closed"),
        (b"sw-2,10.0.0.2,22,\"two", "quote of cell 4 is not closed"),
        (b"sw-2,10.0.0.2,22,a\0b", "byte 19 is a control character"),
        (b"sw-2,10.0.0.2,22,a\rb", "byte 19 is a control character"),
        (b"sw-2,10.0.0.2,22,\x1b[31m", "control character"),
        (b"sw-2,10.0.0.2,22,\xb1\xb1", "byte 18 is not UTF-8"),
        (b"sw-2,10.0.0.2,22", "3 cells where the header names 4 columns"),
        (b"sw-2,10.0.0.2,22,,", "5 cells"),
        (b"sw-2,10.0.0.2,0,", "port"),
        (b"sw-2,10.0.0.2,65536,", "port"),
        (b"sw-2,10.0.0.2,-22,", "port"),
        (b"sw-2,10.0.0.2,ssh,", "port"),
        (b"sw-2,fe80::1%eth0,22,", "neither an IP address nor a host name"),
        (b"sw-2,[2001:db8::1],22,", "neither an IP address nor a host name"),
        (b"sw-2,10.0.0.256,22,", "neither an IP address nor a host name"),
        (b"=cmd,10.0.0.2,22,", "device name"),
        (b"sw-1,10.0.0.2,22,", "line 2 already"),
    ] {
        let plan = refused(&engine, &with(line), Format::Csv).await;
        let bad: Vec<_> = plan.bad.iter().map(|bad| (bad.line, bad.reason.as_str())).collect();
        assert_eq!(bad.len(), 1, "{}: {bad:?}", shown(line));
        assert!(bad[0].0 == 3 && bad[0].1.contains(says), "{}: {bad:?}", shown(line));
        assert!(bad[0].1.len() < 2000, "{}", bad[0].1.len());
        assert_eq!(plan.add.len(), 2, "{}", shown(line));
    }
}

#[tokio::test]
async fn a_bad_csv_file_is_told_and_nothing_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    for (text, line, says) in [
        (&b""[..], 1, "empty"),
        (b"name,address,Name\nsw,10.0.0.1,x\n", 1, "name stands twice"),
        (b"name,address,colour\nsw,10.0.0.1,red\n", 1, "\"colour\" is unknown; these are known: name"),
        (b"name;address;colour\nsw;10.0.0.1;red\n", 1, "\"colour\" is unknown"),
        (b"name,address\rsw,10.0.0.1\rsw-2,10.0.0.2\r", 1, "carriage return alone"),
        (b"\xff\xfen\0a\0m\0e\0", 1, "UTF-16"),
        (b"\n\nsw,10.0.0.1\n", 3, "\"sw\" is unknown"),
    ] {
        let bad = refused(&engine, text, Format::Csv).await.bad;
        assert!(bad.len() == 1 && bad[0].line == line && bad[0].reason.contains(says), "{bad:?}");
    }
}

#[tokio::test]
async fn a_bad_toml_file_is_told_and_nothing_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    let good = "[[device]]\nname = \"sw-1\"\naddress = \"10.0.0.1\"\n\n";
    let huge = "x".repeat(10 << 20);
    for (text, line, says) in [
        (
            format!("{good}[[device]]\nname = \"sw-2\"\naddress = \"10.0.0.2\"\ndescription = \"{huge}\"\n"),
            5,
            "description",
        ),
        (format!("{good}[[device]]\nname = \"sw-2\naddress = \"10.0.0.2\"\n"), 6, ""),
        (format!("{good}[[device]]\nname = \"a\0b\"\n"), 6, ""),
        (format!("{good}[[device]]\nname = \"a\"\nname = \"b\"\n"), 7, "duplicate key"),
        (format!("{good}[[device]]\nname = \"a\"\ncolour = \"red\"\n"), 5, "colour"),
        (format!("{good}[[device]]\nname = \"a\"\naddress = \"10.0.0.2\"\nport = 70000\n"), 5, "port"),
        (format!("{good}[[device]]\nname = \"a\"\naddress = \"fe80::1%eth0\"\n"), 5, "neither an IP address"),
        (format!("{good}[[device]]\nname = {}\n", "[".repeat(100_000)), 6, ""),
        ("[[device]]\rname = \"a\"\r".to_owned(), 1, ""),
    ] {
        let bad = refused(&engine, text.as_bytes(), Format::Toml).await.bad;
        let told: Vec<_> = bad.iter().map(|bad| (bad.line, bad.reason.as_str())).collect();
        assert!(
            bad.len() == 1 && bad[0].line == line && bad[0].reason.contains(says),
            "{line} {says}: {told:?}"
        );
        assert!(!bad[0].reason.is_empty() && bad[0].reason.len() < 2000, "{line} {says}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_and_line_ends_of_any_system_are_taken() {
    for text in [
        "\u{feff}name,address\r\nsw-1,10.0.0.1\r\nsw-2,2001:db8::2\r\n",
        "name,address\nsw-1,10.0.0.1\n\nsw-2,::1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let engine = start(&folder).await;
        let imported = engine.import(&ann(), text.into(), Format::Csv, false).await.unwrap();
        assert!(imported.applied && engine.snapshot().devices.len() == 2, "{:?}", imported.plan.bad);
    }
}

#[test]
fn a_hundred_thousand_lines_are_looked_at_once_and_more_are_refused() {
    let csv = |lines: usize| {
        let rows: String =
            (0..lines).map(|n| format!("sw-{n},10.{}.{}.{}\n", n >> 16, n >> 8 & 255, n & 255)).collect();
        format!("name,address\n{rows}")
    };
    assert_eq!(form(csv(100_000).as_bytes(), Format::Csv), (100_000, Vec::new()));
    let toml: String =
        (0..100_000).map(|n| format!("[[device]]\nname = \"sw-{n}\"\naddress = \"10.0.0.1\"\n")).collect();
    assert_eq!(form(toml.as_bytes(), Format::Toml), (100_000, Vec::new()));
    let bad = "name,address\n".to_owned() + &"x\n".repeat(100_000);
    assert_eq!(form(bad.as_bytes(), Format::Csv).1.last().unwrap().line, 100_001);
    for text in [csv(100_001), "name,address\n".to_owned() + &"x\n".repeat(10 << 20)] {
        let (rows, bad) = form(text.as_bytes(), Format::Csv);
        assert!(rows == 0 && bad.len() == 1 && bad[0].reason.contains("import it in parts"), "{bad:?}");
    }
}

#[tokio::test]
async fn what_a_spreadsheet_would_run_leaves_as_text_and_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(&folder).await;
    let evil = "=cmd|' /C calc'!A0";
    engine.add_device(&ann(), "sw", "10.0.0.1", &[Change::new(Field::Location, evil)]).await.unwrap();
    let csv = csv_of(engine.snapshot().devices.iter().map(|row| row.device.as_ref())).unwrap();
    assert!(csv.contains(",'=cmd|") && !csv.contains(",=cmd"), "{csv}");
    let plan = engine.plan_import(csv.into_bytes(), Format::Csv).await.unwrap();
    assert_eq!((plan.same.len(), plan.bad.len()), (1, 0), "{:?}", plan.change);
}
