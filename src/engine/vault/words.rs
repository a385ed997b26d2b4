//! What the journal changed in the vault, in words. Never a secret, sealed or not.

use super::KeptList;
use crate::model::Credential;

/// A credential that was stored; `before` is what it was, where that is known.
pub(in crate::engine) fn of_credential(is: &Credential, before: Option<&Credential>) -> String {
    let Some(was) = before else {
        return format!("{}: {} added", is.name, is.kind);
    };
    let mut words = Vec::new();
    for (what, was, is) in [
        ("name", &was.name, &is.name),
        ("user", &was.user, &is.user),
        ("description", &was.description, &is.description),
    ] {
        if was != is {
            words.push(format!("{what}: {} → {}", or_empty(was), or_empty(is)));
        }
    }
    let has = |credential: &Credential, part| credential.sealed(part).is_some();
    for part in is.kind.parts() {
        match (has(was, *part), has(is, *part)) {
            (false, true) => words.push(format!("{part}: set")),
            (true, false) => words.push(format!("{part}: taken away")),
            _ => {}
        }
    }
    // every secret is sealed anew with every revision: whether one is another cannot be seen from here
    words.push(format!("revision {}", is.revision));
    format!("{}: {}", is.name, words.join("; "))
}

/// The vault's list that was stored.
pub(in crate::engine) fn of_list(list: &KeptList) -> String {
    format!("{} assignments of {} credentials", list.list.assignments.len(), list.list.revisions.len())
}

fn or_empty(value: &str) -> &str {
    if value.is_empty() { "(empty)" } else { value }
}
