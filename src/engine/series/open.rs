//! The samples that are in no file of an hour yet, packed.

use std::collections::BTreeMap;

use crate::model::DeviceId;
use crate::store::series::{Block, Encoder, HOUR, Heard, PendingSample};

/// See the file's head.
#[derive(Default)]
pub struct Open {
    devices: BTreeMap<DeviceId, OpenDevice>,
}

struct OpenDevice {
    encoder: Encoder,
    /// Of hours before, or cut off by a clock that was set.
    done: Vec<Block>,
}

impl OpenDevice {
    fn blocks(&self) -> impl Iterator<Item = Block> + '_ {
        self.done.iter().cloned().chain(std::iter::once(self.encoder.block()))
    }
}

/// The hour since 1970 in which a block lies.
pub fn hour_of(block: &Block) -> i64 {
    block.start.div_euclid(HOUR)
}

impl Open {
    /// Adds a sample.
    pub fn add(&mut self, device: DeviceId, heard: Heard) {
        match self.devices.get_mut(&device) {
            Some(open) if open.encoder.is_over(heard.at) => {
                let over = std::mem::replace(&mut open.encoder, Encoder::new(heard));
                open.done.push(over.block());
            }
            Some(open) => open.encoder.add(heard),
            None => {
                let open = OpenDevice { encoder: Encoder::new(heard), done: Vec::new() };
                self.devices.insert(device, open);
            }
        }
    }

    /// A device's blocks.
    pub fn blocks(&self, device: DeviceId) -> Vec<Block> {
        self.devices.get(&device).map(|open| open.blocks().collect()).unwrap_or_default()
    }

    /// The hours of which there are blocks.
    pub fn hours(&self) -> std::collections::BTreeSet<i64> {
        let starts = |open: &OpenDevice| -> Vec<i64> {
            let encoder = open.encoder.start().div_euclid(HOUR);
            open.done.iter().map(hour_of).chain([encoder]).collect()
        };
        self.devices.values().flat_map(starts).collect()
    }

    /// The blocks of an hour, by device.
    pub fn of_hour(&self, hour: i64) -> Vec<(DeviceId, Block)> {
        let mut blocks = Vec::new();
        for (device, open) in &self.devices {
            blocks.extend(
                open.done.iter().filter(|block| hour_of(block) == hour).map(|block| (*device, block.clone())),
            );
            if open.encoder.start().div_euclid(HOUR) == hour {
                blocks.push((*device, open.encoder.block()));
            }
        }
        blocks
    }

    /// Forgets the blocks of an hour.
    pub fn forget(&mut self, hour: i64) {
        self.devices.retain(|_, open| {
            open.done.retain(|block| hour_of(block) != hour);
            if open.encoder.start().div_euclid(HOUR) != hour {
                return true;
            }
            // the newest one that is left is added to from now on
            while let Some(block) = open.done.pop() {
                if let Some(encoder) = rebuilt(&block) {
                    open.encoder = encoder;
                    return true;
                }
            }
            false
        });
    }

    /// Every sample, by device.
    pub fn samples(&self) -> impl Iterator<Item = PendingSample> + '_ {
        self.devices.iter().flat_map(|(&device, open)| {
            open.blocks()
                .filter_map(|block| block.samples())
                .flatten()
                .map(move |heard| PendingSample { device, heard })
        })
    }

    /// The memory that it takes, in bytes.
    pub fn room(&self) -> usize {
        let of_device = |open: &OpenDevice| -> usize {
            let done: usize = open.done.iter().map(|block| size_of::<Block>() + block.bytes.capacity()).sum();
            size_of::<DeviceId>() + open.encoder.room() + size_of::<Vec<Block>>() + done
        };
        self.devices.values().map(of_device).sum()
    }
}

fn rebuilt(block: &Block) -> Option<Encoder> {
    let samples = block.samples()?;
    let (first, rest) = samples.split_first()?;
    let mut encoder = Encoder::new(*first);
    rest.iter().for_each(|heard| encoder.add(*heard));
    Some(encoder)
}
