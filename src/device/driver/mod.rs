//! A device kind is data: a folder with a `driver.toml` and the transcripts that prove it.

mod any_line;
mod compiled;
mod load;
mod schema;

pub use any_line::{AnyLine, Piece};
pub use compiled::{CompiledAnswer, CompiledBlock, CompiledDriver, Patterns};
pub use load::{Drivers, Problem, TranscriptFile, compile};
pub use schema::*;
