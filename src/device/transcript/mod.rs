//! Transcripts: what a session with a device looked like, to the byte.
//!
//! One format serves the recorder of failed sessions, the tests of a driver and the simulated devices. It is text:
//!
//! ```text
//! noctule transcript 1
//! driver: cisco_ios
//! transport: ssh
//! about: a normal run, IOS 15.2; written from the command reference, not recorded
//! expect: ok
//! echo: on
//! ---
//! < switch-1>
//! > enable
//! < Password:
//! >! {enable_password}
//! < switch-1#
//! > show running-config
//! <. Building configuration...
//! <. hostname switch-1
//! <. end
//! < switch-1#
//! ```
//!
//! Lines of the body:
//! * `<. TEXT` the device sends TEXT and a line end (`\r\n`);
//! * `< TEXT` the device sends TEXT and no line end (a prompt, a pager, half a line);
//! * `> TEXT` the client sends TEXT and the driver's line end; with `echo: on` the device sends it back first
//!   (`TEXT\r\n`), so it is not written again;
//! * `>! TEXT` the same, never echoed (a password);
//! * `>> TEXT` the client sends TEXT alone, without a line end, never echoed (a pager's space: `>> \x20`);
//! * `@ wait 250` the device is silent for so many milliseconds;
//! * `@ hang` the device never says anything again; `@ close` it closes the connection;
//! * `# …` a note.
//!
//! TEXT is UTF-8 with the escapes `\r \n \t \b \e \\ \xNN` (a raw byte); a space at its end is written `\x20`. `{username}`, `{password}`, `{enable_password}` stand for what the device's
//! record holds: a transcript never carries a real secret. `{{hostname}}` in device text is the simulated device's name.
//!
//! `expect:` is `ok`, or `failure KIND` with a KIND of [`crate::model::FailureKind`], or `quarantined`.
//! With `ok`, the file beside it with the ending `.config` holds the exact text that must come out.
//! With `echo: on` an empty line that the client sends at a prompt needs no mention: the device answers it with the
//! same prompt. With `echo: off`, as recorded, everything is written.
//!
//! `auth: refuse` makes a simulated SSH server refuse the password (for kinds that only speak SSH).

mod parse;
mod record;

pub use parse::{Expectation, ParseError, Step, Transcript};
pub use record::{Recorder, Stand, stands};

/// What stands for the login name in a transcript.
pub const USERNAME: &str = "{username}";
/// What stands for the login password.
pub const PASSWORD: &str = "{password}";
/// What stands for the password of the privileged mode.
pub const ENABLE_PASSWORD: &str = "{enable_password}";
