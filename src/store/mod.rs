//! Journal (truth), sled index, blobs, vault.
