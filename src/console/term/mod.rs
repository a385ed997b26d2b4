//! The terminal as bytes: keys that come in, sequences and changed cells that go out.

mod changes;
pub mod color;
pub mod encode;
pub mod input;
pub mod key;
pub mod painter;
pub mod sequence;

pub use color::Depth;
pub use input::{Input, InputParser, Mouse, MouseKind};
pub use key::{Code, Key};
pub use painter::Painter;
