//! An account that several people share, each by a key of their own (`command="noctule --as KEY"`): whoever came by one key
//! must not become another person by way of the account's files, `authorized_keys` among them, or of an editor, which has a
//! shell.

use std::sync::atomic::{AtomicBool, Ordering};

static SHARED: AtomicBool = AtomicBool::new(false);

/// From now on nothing of the account is opened or run for whoever uses this process.
pub fn close() {
    SHARED.store(true, Ordering::Relaxed);
}

/// Why `what` is not done here; nothing where the account is its person's own.
///
/// # Errors
/// One sentence, where the account is shared.
pub fn own_or_refuse(what: &str) -> Result<(), String> {
    match SHARED.load(Ordering::Relaxed) {
        false => Ok(()),
        true => Err(format!(
            "{what}: this account is shared (--as), and what is in it is everybody's; an account of your own has files and \
             an editor, standard input and output work here too"
        )),
    }
}
