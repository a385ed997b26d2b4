//! Panics: while a console is open, kept until the terminal is a terminal again, then said; in an engine without one, a
//! line of its log.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError};

use crate::server::Log;

/// The most that are kept.
const MOST: usize = 20;

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs `work`, whose end gives the terminal back, and then says on standard error which panics there were meanwhile, on
/// any thread. `None` when `work` itself broke down.
pub fn kept_in<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::set_hook(Box::new(|info| {
        let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < MOST {
            heard.push(said(info));
        }
    }));
    // nothing of what it held is used any more
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    drop(panic::take_hook());
    for panic in HEARD.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        super::shell::note(&format!("noctule: {}", crate::model::clean_line(&panic)));
    }
    done.ok()
}

/// From now on each panic is a line of `log`.
pub fn logged(log: Log) {
    panic::set_hook(Box::new(move |info| log.error(&said(info))));
}

fn said(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload_as_str().unwrap_or("for no stated reason");
    let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
    format!("a part of noctule broke down{place}: {payload}")
}
