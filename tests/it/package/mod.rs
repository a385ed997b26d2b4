//! The Debian package: what is in it, and a server that it makes, from its installation to its removal, under a systemd of
//! its own in namespaces.

mod contents;
mod machine;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::terminal_program::NOCTULE;

/// The package of the program under test, in this folder; `None` where dpkg-deb or strip is missing, which is said.
fn build(folder: &Path) -> Option<PathBuf> {
    for tool in ["dpkg-deb", "objdump", "strip"] {
        if Command::new(tool).arg("--version").output().is_err() {
            eprintln!("skipped: {tool} is missing (dpkg, binutils)");
            return None;
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian/build");
    let built = Command::new(script)
        .args([Path::new(NOCTULE), folder])
        // a program for debugging is large
        .env("NOCTULE_DEB_OPTIONS", "-Zgzip -z1")
        .output()
        .expect("it runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(PathBuf::from(String::from_utf8(built.stdout).expect("a path").trim()))
}
