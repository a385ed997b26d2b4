//! A journal that somebody has laid hands on: read backwards, and verified.

use std::fs;
use std::path::Path;

use super::*;
use crate::store::Entry;

/// A journal of entries of one text each, two segments of it; its end.
fn written(folder: &Path, texts: &[&str]) -> Position {
    fs::create_dir_all(folder_of(folder)).unwrap();
    let mut appender = Appender::open(folder, Position::default()).unwrap();
    for (place, text) in texts.iter().enumerate() {
        let at = Timestamp(1_000_000 + 60_000 * place as i64);
        appender.stage(Entry::new(at, "ann", "", *text)).unwrap();
        appender.sync().unwrap();
        if place + 1 == texts.len().div_ceil(2) {
            let next = Position { segment: appender.end().segment + 1, offset: 0, ..appender.end().clone() };
            appender = Appender::open(folder, next).unwrap();
        }
    }
    appender.end().clone()
}

const SIX: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

fn backwards(folder: &Path, end: &Position) -> (Vec<String>, Vec<String>) {
    let (mut verbs, mut wrong) = (Vec::new(), Vec::new());
    for found in back_from(folder, end).unwrap() {
        match found.unwrap() {
            Ok(chained) => verbs.push(chained.record.verb),
            Err(damage) => wrong.push(damage.why),
        }
    }
    (verbs, wrong)
}

/// The frames of a segment, in order.
fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut frames, mut rest) = (Vec::new(), &bytes[HEADING.len()..]);
    while let frame::Frame::Whole(_, _, length) = frame::read(rest) {
        frames.push(rest[..length].to_vec());
        rest = &rest[length..];
    }
    frames
}

fn put(folder: &Path, segment: u32, frames: &[Vec<u8>]) {
    fs::write(segment_path(folder, segment), [HEADING, &frames.concat()].concat()).unwrap();
}

fn take(folder: &Path, segment: u32) -> Vec<Vec<u8>> {
    frames(&fs::read(segment_path(folder, segment)).unwrap())
}

/// Anchors of every entry.
fn anchors(folder: &Path) -> Vec<Anchor> {
    let mut scan = scan(folder, 0).unwrap();
    let mut anchors = Vec::new();
    while let Some(found) = scan.next() {
        let seq = found.unwrap().unwrap().seq;
        anchors.push(Anchor { seq, hash: scan.position().hash });
    }
    anchors
}

/// A journal of the same entries in which one says something else, its chain made anew behind it.
fn forged(folder: &Path, texts: &[&str]) -> Position {
    fs::remove_dir_all(folder_of(folder)).unwrap();
    written(folder, texts)
}

fn kinds(report: &ChainReport) -> Vec<FlawKind> {
    let mut kinds: Vec<_> = report.flaws.iter().map(|flaw| flaw.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn entries_come_back_newest_first_over_segments() {
    let folder = tempfile::tempdir().unwrap();
    let end = written(folder.path(), &SIX);
    let (verbs, wrong) = backwards(folder.path(), &end);
    assert_eq!(verbs, ["six", "five", "four", "three", "two", "one"]);
    assert!(wrong.is_empty(), "{wrong:?}");
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), anchors(folder.path())).unwrap();
    assert_eq!((report.entries, report.anchors, report.anchored), (6, 6, Some(6)));
    assert_eq!((report.flaws, report.stretches), (vec![], vec![(1, 6)]));
}

#[test]
fn an_empty_journal_has_no_entries_and_no_flaws() {
    let folder = tempfile::tempdir().unwrap();
    let end = written(folder.path(), &[]);
    assert_eq!(backwards(folder.path(), &end), (vec![], vec![]));
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), vec![]).unwrap();
    assert_eq!((report.entries, report.flaws), (0, vec![]));
}

#[test]
fn a_text_that_looks_like_a_frame_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let entry = JournalRecord {
        seq: 2,
        prev: [7; 32],
        at: Timestamp(0),
        actor: "mallory".into(),
        why: String::new(),
        verb: "forged".into(),
        changes: vec![],
    };
    let mut inner = Vec::new();
    frame::write(&postcard::to_stdvec(&entry).unwrap(), &mut inner);
    fs::create_dir_all(folder_of(folder.path())).unwrap();
    let mut appender = Appender::open(folder.path(), Position::default()).unwrap();
    let mut outer = Entry::new(Timestamp(0), "mallory", "", "outer");
    outer.changes.push(Change { table: "t".into(), key: vec![1], value: Some(inner) });
    appender.stage(outer).unwrap();
    appender.stage(Entry::new(Timestamp(0), "ann", "", "after")).unwrap();
    let end = appender.sync().unwrap();
    assert_eq!(backwards(folder.path(), &end), (vec!["after".into(), "outer".into()], vec![]));
}

#[test]
fn a_bit_in_any_place_is_found_and_every_other_entry_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let end = written(folder.path(), &SIX);
    for segment in [1, 2] {
        let path = segment_path(folder.path(), segment);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&path, &bad).unwrap();
            let report = verify_chain(folder.path(), KnownEnd::Written(&end), vec![]).unwrap();
            assert!(!report.flaws.is_empty(), "segment {segment}, byte {at}: nobody noticed");
            if at >= HEADING.len() {
                assert_eq!(report.entries, 5, "segment {segment}, byte {at}");
                let (verbs, wrong) = backwards(folder.path(), &end);
                assert_eq!((verbs.len(), wrong.is_empty()), (5, false), "segment {segment}, byte {at}");
            }
        }
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn the_first_bad_entry_and_what_is_still_proven_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let end = written(folder.path(), &SIX);
    let known = anchors(folder.path());
    let mut second = take(folder.path(), 2);
    second[1][20] ^= 1;
    put(folder.path(), 2, &second);
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), known).unwrap();
    assert_eq!(report.flaws[0].entry, 5);
    assert_eq!(report.stretches, [(1, 4), (6, 6)]);
    assert_eq!(report.anchored, Some(6));
    assert_eq!(kinds(&report), [FlawKind::Bytes, FlawKind::Order, FlawKind::Anchor]);
}

#[test]
fn an_entry_removed_and_two_swapped_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let end = written(folder.path(), &SIX);
    let good = take(folder.path(), 1);
    put(folder.path(), 1, &[good[0].clone(), good[2].clone()]);
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), vec![]).unwrap();
    assert_eq!((report.flaws[0].entry, kinds(&report)), (2, vec![FlawKind::Order]));
    put(folder.path(), 1, &[good[1].clone(), good[0].clone(), good[2].clone()]);
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), vec![]).unwrap();
    assert_eq!((report.flaws[0].entry, kinds(&report)), (1, vec![FlawKind::Order]));
    let (verbs, wrong) = backwards(folder.path(), &end);
    assert_eq!((verbs.len(), wrong.is_empty()), (6, false));
}

#[test]
fn a_tail_that_was_cut_is_found_by_the_store_itself_or_by_an_anchor() {
    let folder = tempfile::tempdir().unwrap();
    let end = written(folder.path(), &SIX);
    let known = anchors(folder.path());
    let short = take(folder.path(), 2)[..2].to_vec();
    put(folder.path(), 2, &short);
    let of_store = verify_chain(folder.path(), KnownEnd::Written(&end), vec![]).unwrap();
    assert_eq!((of_store.flaws[0].entry, kinds(&of_store)), (6, vec![FlawKind::Cut]));
    let closed = verify_chain(folder.path(), KnownEnd::AtLeast(&end), vec![]).unwrap();
    assert_eq!((closed.flaws[0].entry, kinds(&closed)), (6, vec![FlawKind::Cut]));
    let anchored = verify_chain(folder.path(), KnownEnd::Unknown, known).unwrap();
    assert_eq!((anchored.flaws[0].entry, kinds(&anchored)), (6, vec![FlawKind::Anchor]));
    assert_eq!(anchored.anchored, Some(5));
    // nothing but what is known from elsewhere can tell
    assert!(verify_chain(folder.path(), KnownEnd::Unknown, vec![]).unwrap().flaws.is_empty());
    let (verbs, wrong) = backwards(folder.path(), &end);
    assert_eq!(verbs, ["five", "four", "three", "two", "one"]);
    assert!(wrong[0].contains("ends before entry 6"), "{wrong:?}");
}

#[test]
fn a_store_that_was_put_back_whole_is_found_by_an_anchor_that_is_newer() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &SIX);
    let known = anchors(folder.path());
    let old = forged(folder.path(), &SIX[..3]);
    for end in [KnownEnd::Written(&old), KnownEnd::AtLeast(&old)] {
        let report = verify_chain(folder.path(), end, known.clone()).unwrap();
        assert_eq!((report.flaws[0].entry, kinds(&report)), (4, vec![FlawKind::Anchor]));
        assert_eq!((report.flaws.len(), report.anchored), (3, Some(3)));
    }
}

#[test]
fn what_a_closed_store_holds_beyond_its_index_is_read_too() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &SIX);
    let third = anchors(folder.path())[2];
    let index = Position { seq: third.seq, hash: third.hash, ..Position::default() };
    let report = verify_chain(folder.path(), KnownEnd::AtLeast(&index), vec![]).unwrap();
    assert_eq!((report.entries, report.flaws), (6, vec![]));
}

#[test]
fn a_segment_that_is_gone_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let end = written(folder.path(), &SIX);
    let known = anchors(folder.path());
    fs::remove_file(segment_path(folder.path(), 1)).unwrap();
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), known).unwrap();
    assert_eq!(report.flaws[0].entry, 1);
    assert_eq!(kinds(&report), [FlawKind::Segment, FlawKind::Order, FlawKind::Anchor]);
    assert_eq!(report.stretches, [(4, 6)]);
    let (verbs, wrong) = backwards(folder.path(), &end);
    assert_eq!(verbs, ["six", "five", "four"]);
    assert!(wrong[0].contains("up to number 3"), "{wrong:?}");
    let end_of_second = fs::read(segment_path(folder.path(), 2)).unwrap();
    fs::remove_file(segment_path(folder.path(), 2)).unwrap();
    assert!(!backwards(folder.path(), &end).1.is_empty());
    fs::write(segment_path(folder.path(), 3), end_of_second).unwrap();
    let report = verify_chain(folder.path(), KnownEnd::Unknown, vec![]).unwrap();
    assert!(report.flaws[0].what.contains("segments 1 to 2 are missing"), "{:?}", report.flaws);
}

#[test]
fn a_chain_that_was_made_anew_is_found_by_an_anchor() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &SIX);
    let known = anchors(folder.path());
    let end = forged(folder.path(), &["one", "two", "nothing happened", "four", "five", "six"]);
    assert!(
        verify_chain(folder.path(), KnownEnd::Written(&end), vec![]).unwrap().flaws.is_empty(),
        "it is a good chain"
    );
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), known[5..].to_vec()).unwrap();
    assert_eq!((report.flaws[0].entry, kinds(&report)), (6, vec![FlawKind::Anchor]));
    let report = verify_chain(folder.path(), KnownEnd::Unknown, known).unwrap();
    assert_eq!((report.flaws[0].entry, report.anchored), (3, Some(2)));
}

#[test]
fn foreign_bytes_and_foreign_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let end = written(folder.path(), &SIX);
    let mut first = take(folder.path(), 1);
    first.insert(1, b"nrecnot an entry".to_vec());
    put(folder.path(), 1, &first);
    fs::write(folder_of(folder.path()).join("1.log.old"), "x").unwrap();
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), vec![]).unwrap();
    assert_eq!(kinds(&report), [FlawKind::Foreign, FlawKind::Bytes]);
    assert_eq!((report.entries, report.flaws[1].entry), (6, 2));
}

#[test]
fn a_clock_that_ran_backwards_is_told_and_its_entry_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder_of(folder.path())).unwrap();
    let mut appender = Appender::open(folder.path(), Position::default()).unwrap();
    for at in [10_000_000, 9_998_000, 3_000_000, 3_001_000] {
        appender.stage(Entry::new(Timestamp(at), "ann", "", "x")).unwrap();
    }
    let end = appender.sync().unwrap();
    let report = verify_chain(folder.path(), KnownEnd::Written(&end), vec![]).unwrap();
    assert_eq!((report.entries, report.flaws.len()), (4, 1), "{:?}", report.flaws);
    assert_eq!((report.flaws[0].entry, report.flaws[0].kind), (3, FlawKind::Clock));
    assert!(report.flaws[0].what.contains("set back by 6998 s"), "{}", report.flaws[0].what);
}
