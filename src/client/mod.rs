//! What runs at the operator's terminal: raw mode, size, restore; copies bytes; opens files.

/// Runs the process's command line and says how it ended: 0 done, 1 partly or failed, 2 usage.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(2)
}
