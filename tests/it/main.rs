//! What crosses a module's border: the real binary, real sockets, real peers, a real terminal.
//! One crate, so that it is linked once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's helpers may fail it")]

mod command_backup;
mod command_device;
mod command_driver;
mod command_fixture;
mod command_hostkey;
mod command_notify;
mod command_pulse;
mod command_store;
mod completions;
mod console_engine;
mod console_fixture;
mod console_pulse;
mod demo_cut;
mod device_fixture;
mod docs;
mod engine_backup;
mod engine_drivers;
mod engine_fixture;
mod engine_history;
mod engine_inventory;
mod engine_search;
mod engine_sessions;
mod engine_trust;
mod full_disk;
mod fuzz;
mod hostile_device;
mod hostile_driver;
mod hostile_import;
mod hostile_output;
mod identity;
mod incidents;
mod lab_fleet;
mod lost_connection;
mod namespace;
mod peer;
mod prompts;
mod pulse_check;
mod pulse_history;
mod pulse_icmp;
mod readme;
mod real_peers;
mod screens;
mod snmp_hostile;
mod store_crash;
mod store_damage;
mod terminal;
mod terminal_demo;
mod terminal_editor;
mod terminal_program;
mod terminal_shell;
mod terminal_signals;
mod terminal_slow;
mod wire;
