//! Joins commands and console to the engine; here in process.
