//! A terminal that answers nothing, as a serial line or `script` may be: frames wait, and still come.

use std::time::Duration;

use crate::terminal::Terminal;
use crate::terminal_program::{assert_nothing_left, assert_terminal_restored, in_a_shell};

#[test]
fn frames_wait_for_an_answer_and_come_slowly_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start_mute(in_a_shell(folder.path(), "demo"), 100, 30);
    terminal.wait_for("core-rtr-1");
    // keys do not hurry it: what is drawn next holds all of them
    for _ in 0..50 {
        terminal.type_keys("j");
    }
    terminal.type_keys(":events\r");
    let asked = terminal.wait_for_questions(3);
    let waited = |at: usize| asked[at].duration_since(asked[at - 1]);
    // a reader may have been late for the first of two, and so see them closer together than they were sent
    assert!(waited(1) > Duration::from_millis(1500), "the second frame came after {:?}", waited(1));
    assert!(waited(2) > Duration::from_millis(250), "the third frame came after {:?}", waited(2));
    terminal.wait_for("SEVERITY");
    terminal.type_keys(":quit\r");
    terminal.wait_for("status 0");
    terminal.assert_given_back();
    terminal.wait_for_end();
    assert_terminal_restored(folder.path());
    assert_nothing_left(folder.path());
}
