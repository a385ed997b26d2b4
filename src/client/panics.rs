//! Panics while a console is open: kept until the terminal is a terminal again, then said.

use std::panic;
use std::sync::{Mutex, PoisonError};

/// The most that are kept.
const MOST: usize = 20;

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// As long as this is, panics are kept; then they are said on standard error.
pub struct Kept(());

/// Keeps panics from now on.
pub fn keep() -> Kept {
    panic::set_hook(Box::new(|info| {
        let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < MOST {
            let payload = info.payload_as_str().unwrap_or("for no stated reason");
            let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
            heard.push(format!("a part of noctule broke down{place}: {payload}"));
        }
    }));
    Kept(())
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = panic::take_hook();
        }
        for panic in HEARD.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            super::shell::note(&format!("noctule: {}", crate::model::clean_line(&panic)));
        }
    }
}
