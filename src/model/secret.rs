//! A secret on its way through the program.

use std::fmt;

use zeroize::Zeroize;

/// A password, passphrase or key in the clear. It cannot be printed, compared with `==` or serialised by accident. Its memory
/// is overwritten when it goes.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes the clear text.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(clear.into())
    }

    /// The clear text, for the one place that sends or seals it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
