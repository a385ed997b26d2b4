//! What crosses a module's border: the real binary, real sockets, real peers, a real terminal.
//! One crate, so that it is linked once.

mod store_crash;
mod terminal;
