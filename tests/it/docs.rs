//! The pages of docs/ that are made from the program's own tables say what the tables say.

use std::path::Path;

use noctule::commands::manual;

#[test]
fn the_page_of_commands_is_that_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let wanted = manual::commands();
    if std::env::var_os("NOCTULE_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stands == wanted,
        "docs/commands.md is stale; rewrite it: NOCTULE_WRITE_DOCS=1 cargo test --test it docs"
    );
}
