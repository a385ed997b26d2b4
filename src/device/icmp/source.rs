//! Where probers come from: this host's sockets, or a simulated network.

use std::fmt;
use std::sync::Arc;

use super::Prober;

/// Opens probers, one for each thread that probes.
#[derive(Clone)]
pub struct Probers(Arc<dyn Fn() -> Box<dyn Prober> + Send + Sync>);

impl Probers {
    /// Probers that `open` makes.
    pub fn from_fn(open: impl Fn() -> Box<dyn Prober> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    /// Opens one.
    pub fn open(&self) -> Box<dyn Prober> {
        (self.0)()
    }
}

impl Default for Probers {
    /// The best that this host permits.
    fn default() -> Self {
        Self::from_fn(super::open)
    }
}

impl fmt::Debug for Probers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probers")
    }
}
