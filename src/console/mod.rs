//! The full-screen console: bytes and a snapshot in, bytes out; no I/O, no clock.
