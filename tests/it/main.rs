//! What crosses a module's border: the real binary, real sockets, real peers, a real terminal.
//! One crate, so that it is linked once.

mod engine_backup;
mod engine_fixture;
mod engine_inventory;
mod store_crash;
mod terminal;
