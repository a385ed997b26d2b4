//! Keeps records in memory until the store floor is in place.
use crate::model::{BlobId, BlobRef, Sealed, Secret, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::sync::Mutex;

pub type StoreError = String;
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    const KIND: &'static str;
    fn key(&self) -> String;
}
pub struct Entry {
    puts: Vec<(String, Option<Vec<u8>>)>,
}
impl Entry {
    pub fn new(_at: Timestamp, _actor: &str, _why: &str, _verb: &str) -> Self {
        Self { puts: Vec::new() }
    }
    pub fn put<R: Record>(mut self, record: &R) -> Self {
        self.puts.push((
            format!("{}/{}", R::KIND, record.key()),
            Some(serde_json::to_vec(record).unwrap_or_default()),
        ));
        self
    }
    pub fn delete<R: Record>(mut self, key: &str) -> Self {
        self.puts.push((format!("{}/{key}", R::KIND), None));
        self
    }
}
#[derive(Default)]
pub struct Store {
    map: Mutex<BTreeMap<String, Vec<u8>>>,
    blobs: Mutex<BTreeMap<BlobId, Vec<u8>>>,
}
impl Store {
    pub fn open(_dir: &std::path::Path, _now: Timestamp) -> Result<(Self, ()), String> {
        Ok((Self::default(), ()))
    }
    pub async fn commit(&self, entry: Entry) -> Result<(), String> {
        let mut map = self.map.lock().map_err(|e| e.to_string())?;
        for (key, value) in entry.puts {
            match value {
                Some(v) => {
                    map.insert(key, v);
                }
                None => {
                    map.remove(&key);
                }
            }
        }
        Ok(())
    }
    pub fn get<R: Record>(&self, key: &str) -> Result<Option<R>, String> {
        let map = self.map.lock().map_err(|e| e.to_string())?;
        map.get(&format!("{}/{key}", R::KIND))
            .map(|v| serde_json::from_slice(v).map_err(|e| e.to_string()))
            .transpose()
    }
    pub fn scan<R: Record>(&self, prefix: &str) -> Result<Vec<R>, String> {
        let map = self.map.lock().map_err(|e| e.to_string())?;
        let from = format!("{}/{prefix}", R::KIND);
        map.range(from.clone()..)
            .take_while(|(k, _)| k.starts_with(&from))
            .map(|(_, v)| serde_json::from_slice(v).map_err(|e| e.to_string()))
            .collect()
    }
    pub fn put_blob(&self, bytes: &[u8]) -> Result<BlobRef, String> {
        use sha2::Digest;
        let id = BlobId(sha2::Sha256::digest(bytes).into());
        self.blobs.lock().map_err(|e| e.to_string())?.insert(id, bytes.to_vec());
        Ok(BlobRef { id, len: bytes.len() as u64 })
    }
    pub fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, String> {
        self.blobs.lock().map_err(|e| e.to_string())?.get(&blob.id).cloned().ok_or_else(|| "missing".into())
    }
    pub fn remove_blob(&self, id: &BlobId) {
        if let Ok(mut b) = self.blobs.lock() {
            b.remove(id);
        }
    }
    pub fn fingerprint(&self, text: &str) -> String {
        format!("{:08x}", crc32fast::hash(text.as_bytes()))
    }
    pub fn seal(&self, _place: &str, secret: &Secret) -> Result<Sealed, String> {
        Ok(Sealed(secret.expose().into()))
    }
    pub fn unseal(&self, _place: &str, sealed: &Sealed) -> Result<Secret, String> {
        Ok(Secret::new(String::from_utf8_lossy(&sealed.0)))
    }
}
