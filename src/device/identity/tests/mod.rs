//! What the rules make of what agents say, as the makers document it; names are made up.

mod access;
mod asked;
mod hosts;
mod judged;
mod security;
mod switching;

use super::{Rules, Seen};

/// sysObjectID below `enterprises`, sysDescr, and the vendor, model and version that must come out of these alone.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// Each case comes out as it should.
fn check(cases: &[Case]) {
    let rules = Rules::embedded();
    let mut wrong = Vec::new();
    for (object, descr, vendor, model, version) in cases {
        let found = rules.judge(&seen(object, descr));
        let pairs = [
            ("vendor", &found.vendor, vendor),
            ("model", &found.model, model),
            ("version", &found.version, version),
        ];
        for (fact, found, wanted) in pairs {
            if found.as_deref().unwrap_or("") != *wanted {
                wrong.push(format!("{object} {descr:?}: {fact} is {found:?} and not {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What an agent of that sysObjectID below `enterprises` says that has this sysDescr; empty is none.
fn seen(object: &str, descr: &str) -> Seen {
    Seen {
        object: Some(format!("1.3.6.1.4.1.{object}").parse().unwrap()),
        descr: Some(descr.to_owned()).filter(|descr| !descr.is_empty()),
        ..Seen::default()
    }
}
