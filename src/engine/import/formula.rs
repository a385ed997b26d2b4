//! Cells that a spreadsheet would run: `=cmd|…`. CSV leaves here with a `'` before each of them, which shows it as text
//! there, and which an import takes off again.

/// What a cell begins with that a spreadsheet runs.
const RUNS: [char; 5] = ['=', '+', '-', '@', '\t'];

/// A cell that no spreadsheet runs.
pub fn quoted(cell: String) -> String {
    if would_run(&cell) { format!("'{cell}") } else { cell }
}

/// The cell that was [`quoted`].
pub fn bare(cell: String) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if would_run(rest) => rest.to_owned(),
        _ => cell,
    }
}

/// Quotes before it make no difference: so that what really begins with one comes back as it was.
fn would_run(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(RUNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_runs_leaves_as_text_and_comes_back() {
        for cell in
            ["=cmd|' /C calc'!A0", "+7 495 1", "-1", "@SUM(A1)", "\tx", "'=1", "''-", "'x", "x=1", "", "'"]
        {
            let out = quoted(cell.to_owned());
            assert!(!out.starts_with(RUNS), "{out}");
            assert_eq!(bare(out), cell);
        }
        assert_eq!(quoted("x=1".into()), "x=1");
    }
}
