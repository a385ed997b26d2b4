//! The full-screen console: bytes and a snapshot in, bytes out. No I/O, no clock.

pub mod action;
pub mod alarm;
pub mod answering;
pub mod command_line;
pub mod cx;
pub mod dialog;
pub mod evidence;
pub mod files;
mod find;
pub mod gate;
pub mod given;
pub mod keymap;
pub mod keys;
pub mod list;
mod mirror;
mod offer;
pub mod pane;
pub mod panes;
pub mod record_text;
mod screen;
pub mod session;
pub mod term;
pub mod text;
pub mod theme;
pub mod widgets;
pub mod words;

mod act;
mod canvas;
mod chrome;
mod help;
mod views;
mod wall;

pub use action::{Dial, LineId, Output, QueryId, Request, TerminalId};
pub use session::{Caps, Session, Settings};
