//! What is in the package.

use std::path::Path;
use std::process::Command;

fn said(command: &mut Command) -> String {
    let run = command.output().expect("it runs");
    assert!(run.status.success(), "{command:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("text")
}

#[test]
fn it_has_what_a_server_needs_with_the_modes_that_it_needs() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(package) = super::build(folder.path()) else { return };
    let listed = said(Command::new("dpkg-deb").arg("--contents").arg(&package));
    let mode_of = |path: &str| {
        let line = listed.lines().find(|line| line.ends_with(&format!(" {path}")));
        line.and_then(|line| line.split_whitespace().next()).unwrap_or("missing").to_owned()
    };
    for (path, mode) in [
        // the mode of / itself
        ("./", "drwxr-xr-x"),
        // what root puts there may be a secret
        ("./etc/noctule/", "drwx------"),
        ("./etc/noctule/config.toml", "-rw-r--r--"),
        ("./usr/bin/noctule", "-rwxr-xr-x"),
        ("./usr/lib/systemd/system/noctule.service", "-rw-r--r--"),
        ("./usr/lib/systemd/system/noctule.socket", "-rw-r--r--"),
        ("./usr/lib/sysusers.d/noctule.conf", "-rw-r--r--"),
        ("./usr/share/man/man1/noctule.1.gz", "-rw-r--r--"),
        ("./usr/share/bash-completion/completions/noctule", "-rw-r--r--"),
        ("./usr/share/zsh/vendor-completions/_noctule", "-rw-r--r--"),
        ("./usr/share/fish/vendor_completions.d/noctule.fish", "-rw-r--r--"),
        ("./usr/share/doc/noctule/copyright", "-rw-r--r--"),
        ("./usr/share/doc/noctule/changelog.gz", "-rw-r--r--"),
    ] {
        assert_eq!(mode_of(path), mode, "{path} in\n{listed}");
    }
    assert!(listed.lines().all(|line| line.contains(" root/root ")), "{listed}");

    let field = |name: &str| said(Command::new("dpkg-deb").arg("--field").arg(&package).arg(name));
    assert_eq!(field("Version").trim(), env!("CARGO_PKG_VERSION"));
    assert!(field("Depends").starts_with("libc6 (>= 2."), "{}", field("Depends"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian");
    let changelog = std::fs::read_to_string(source.join("changelog")).expect("a changelog");
    assert!(changelog.starts_with(&format!("noctule ({})", env!("CARGO_PKG_VERSION"))), "{changelog}");

    let control = folder.path().join("control");
    said(Command::new("dpkg-deb").arg("--control").arg(&package).arg(&control));
    for script in ["postinst", "prerm", "postrm"] {
        said(Command::new("sh").arg("-n").arg(control.join(script)));
    }
    assert_eq!(
        std::fs::read_to_string(control.join("conffiles")).expect("a file"),
        "/etc/noctule/config.toml\n"
    );

    let unpacked = folder.path().join("unpacked");
    said(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&unpacked));
    said(Command::new(unpacked.join("usr/bin/noctule")).arg("--version"));
    // what is installed is what the program says of itself
    let config = unpacked.join("etc/noctule");
    let folders = [Path::new("--data"), folder.path(), Path::new("--config"), &config];
    said(Command::new(unpacked.join("usr/bin/noctule")).args(folders).args(["config", "check"]));
    let settings = std::fs::read_to_string(config.join("config.toml")).expect("settings");
    assert!(settings.lines().all(|line| line.is_empty() || line.starts_with(['#', '['])), "{settings}");
}
