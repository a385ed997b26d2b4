//! What lies beside the tables: not in the journal, and gone when the index is made anew. It is in a sled tree of its own, so
//! that it is no part of what the mark says.

use super::{Index, contained, read};
use crate::store::StoreError;
use crate::store::record::{self, Key, Record, damaged};

const TREE: &str = "remembered";

impl Index {
    /// See [`crate::store::Store::remember`].
    pub fn remember<R: Record>(&self, key: &R::Key, record: &R) -> Result<(), StoreError> {
        let (place, value) = (super::place(R::TABLE, &key.encode()), record::encode(record));
        let tree = self.tree()?;
        contained(|| {
            let kept =
                tree.open_tree(TREE).and_then(|tree| tree.insert(&place, record::with_checksum(&value)));
            kept.map(drop).map_err(|error| self.broken(error.to_string()))
        })
    }

    /// See [`crate::store::Store::remembered`].
    pub fn remembered<R: Record>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        let key = key.encode();
        let tree = self.tree()?;
        contained(|| {
            let found = tree.open_tree(TREE).and_then(|tree| tree.get(super::place(R::TABLE, &key)));
            let found = found.map_err(|error| damaged::<R>(&key, error.to_string()))?;
            // what is damaged is forgotten
            Ok(found.and_then(|bytes| read::<R>(&key, &bytes).ok()))
        })
    }
}
