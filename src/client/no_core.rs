//! No core dump of a process that holds keys and passwords: what a crash writes to a disk, others read.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// From now on the process leaves no core, and nobody but root looks into its memory. A system that refuses either is
/// no reason not to run.
pub fn forbid() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // a program that collects cores is handed them whatever the limit says
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
