//! How users and logins are kept.

use crate::model::{Login, User, UserId};
use crate::store::{Key, Record};

impl Key for UserId {
    fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        u64::decode(bytes).map(Self)
    }
}

impl Record for User {
    const TABLE: &'static str = "user";
    const VERSION: u8 = 1;
    type Key = UserId;
}

impl Record for Login {
    const TABLE: &'static str = "login";
    const VERSION: u8 = 1;
    type Key = u64;
}
