//! Which of the devices that are down is a cause, and which cannot be reached because of one. Pure.
//!
//! Seen from here, the devices that answer are the part of the network that can be reached. A device that is down at
//! the edge of that part is a root: something it hangs on answers, or it hangs on nothing. Every other one that is
//! down lies behind a root.

use std::collections::{HashMap, VecDeque};

use crate::model::{DeviceId, Timestamp};

/// What is known of a device, for this purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It answers; the newest probe may have been missed.
    Up,
    /// It is silent for long enough.
    Down,
    /// It is not probed, or nothing is known: it is looked through, to what it hangs on itself.
    Unknown,
}

/// One device.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which.
    pub device: DeviceId,
    /// What it hangs on: any of them is a way to it.
    pub above: Vec<DeviceId>,
    /// What is known of it.
    pub standing: Standing,
    /// When it last answered.
    pub last_reply: Option<Timestamp>,
    /// When the first of its missed probes in a row was sent.
    pub silent_since: Option<Timestamp>,
    /// When it was known to be down.
    pub down_since: Option<Timestamp>,
    /// In planned work, or paused: no incident is about it.
    pub excused: bool,
}

/// A cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Which device.
    pub device: DeviceId,
    /// Those behind it, by number.
    pub behind: Vec<DeviceId>,
    /// What it hangs on and is known to answer or not, through what is unknown.
    pub ways: Vec<DeviceId>,
}

/// The network with what is known of it.
pub struct Graph {
    nodes: Vec<Node>,
    places: HashMap<DeviceId, usize>,
}

impl Graph {
    /// Takes the devices; a device that hangs on one that is not among them hangs on nothing there.
    pub fn new(nodes: Vec<Node>) -> Self {
        let places = nodes.iter().enumerate().map(|(place, node)| (node.device, place)).collect();
        Self { nodes, places }
    }

    /// A device.
    pub fn node(&self, device: DeviceId) -> Option<&Node> {
        self.places.get(&device).map(|place| &self.nodes[*place])
    }

    /// The causes, by device number, each with what lies behind it.
    pub fn roots(&self) -> Vec<Root> {
        let down: Vec<usize> =
            (0..self.nodes.len()).filter(|place| self.nodes[*place].standing == Standing::Down).collect();
        let ways: HashMap<usize, Vec<usize>> =
            down.iter().map(|place| (*place, self.known_above(*place))).collect();
        let is_root = |place: &usize| {
            let above = &ways[place];
            above.is_empty() || above.iter().any(|above| self.nodes[*above].standing == Standing::Up)
        };
        let mut below: HashMap<usize, Vec<usize>> = HashMap::new();
        for (place, above) in &ways {
            for one in above {
                below.entry(*one).or_default().push(*place);
            }
        }
        let mut roots: Vec<usize> = down.iter().copied().filter(is_root).collect();
        roots.sort_by_key(|place| self.nodes[*place].device);
        let mut behind = self.spread(&roots, &below);
        // what no root explains hangs on each other in a ring: one of it stands for all
        let mut left: Vec<usize> = down.iter().copied().filter(|place| !behind.contains_key(place)).collect();
        left.sort_by_key(|place| self.nodes[*place].device);
        for place in left {
            if !behind.contains_key(&place) {
                roots.push(place);
                behind = self.spread(&roots, &below);
            }
        }
        let mut shown: Vec<Root> = roots
            .iter()
            .map(|root| Root {
                device: self.nodes[*root].device,
                behind: Vec::new(),
                ways: ways[root].iter().map(|way| self.nodes[*way].device).collect(),
            })
            .collect();
        let number: HashMap<usize, usize> =
            roots.iter().enumerate().map(|(number, root)| (*root, number)).collect();
        for (place, root) in behind {
            if place != root
                && let Some(number) = number.get(&root)
            {
                shown[*number].behind.push(self.nodes[place].device);
            }
        }
        shown.iter_mut().for_each(|root| root.behind.sort_unstable());
        shown.sort_by_key(|root| root.device);
        shown
    }

    /// For each device that is down and reached from a root through others that are down: which root, the nearest.
    fn spread(&self, roots: &[usize], below: &HashMap<usize, Vec<usize>>) -> HashMap<usize, usize> {
        let mut of: HashMap<usize, usize> = roots.iter().map(|root| (*root, *root)).collect();
        let mut queue: VecDeque<usize> = roots.iter().copied().collect();
        while let Some(place) = queue.pop_front() {
            let root = of[&place];
            for next in below.get(&place).into_iter().flatten() {
                if !of.contains_key(next) {
                    of.insert(*next, root);
                    queue.push_back(*next);
                }
            }
        }
        of
    }

    /// What a device hangs on, seen through what is unknown.
    fn known_above(&self, place: usize) -> Vec<usize> {
        let (mut known, mut seen) = (Vec::new(), vec![place]);
        let mut next = vec![place];
        while let Some(place) = next.pop() {
            for above in self.nodes[place].above.iter().filter_map(|above| self.places.get(above)) {
                if seen.contains(above) {
                    continue;
                }
                seen.push(*above);
                match self.nodes[*above].standing {
                    Standing::Unknown => next.push(*above),
                    Standing::Up | Standing::Down => known.push(*above),
                }
            }
        }
        known
    }

    /// Every device that lies on the way to this one, the nearest first.
    pub fn ancestors(&self, device: DeviceId) -> Vec<DeviceId> {
        let mut found = Vec::new();
        let mut next = VecDeque::from([device]);
        while let Some(device) = next.pop_front() {
            for above in self.node(device).into_iter().flat_map(|node| &node.above) {
                if *above != device && !found.contains(above) && self.places.contains_key(above) {
                    found.push(*above);
                    next.push_back(*above);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(device: u64, above: &[u64], standing: Standing) -> Node {
        Node {
            device: DeviceId(device),
            above: above.iter().copied().map(DeviceId).collect(),
            standing,
            last_reply: None,
            silent_since: None,
            down_since: None,
            excused: false,
        }
    }

    fn roots(nodes: Vec<Node>) -> Vec<(u64, Vec<u64>)> {
        let roots = Graph::new(nodes).roots();
        roots.into_iter().map(|root| (root.device.0, root.behind.iter().map(|one| one.0).collect())).collect()
    }

    use Standing::{Down, Unknown, Up};

    #[test]
    fn what_hangs_on_something_that_answers_is_the_cause() {
        let nodes = vec![
            node(1, &[], Up),
            node(2, &[1], Down),
            node(3, &[2], Down),
            node(4, &[3], Down),
            node(5, &[1], Up),
            node(6, &[5], Down),
        ];
        assert_eq!(roots(nodes), [(2, vec![3, 4]), (6, vec![])]);
    }

    #[test]
    fn one_way_that_answers_is_enough() {
        let one_core_down =
            vec![node(1, &[], Down), node(2, &[], Up), node(3, &[1, 2], Down), node(4, &[1, 2], Up)];
        assert_eq!(roots(one_core_down), [(1, vec![]), (3, vec![])]);
        let both_down = vec![node(1, &[], Down), node(2, &[], Down), node(3, &[1, 2], Down)];
        assert_eq!(roots(both_down), [(1, vec![3]), (2, vec![])]);
    }

    #[test]
    fn what_is_unknown_is_looked_through() {
        let nodes = vec![node(1, &[], Down), node(2, &[1], Unknown), node(3, &[2], Down)];
        assert_eq!(roots(nodes), [(1, vec![3])]);
        let nodes = vec![node(1, &[], Up), node(2, &[1], Unknown), node(3, &[2], Down)];
        assert_eq!(roots(nodes), [(3, vec![])]);
        assert_eq!(roots(vec![node(2, &[9], Down)]), [(2, vec![])], "what it hangs on is not there");
    }

    #[test]
    fn records_that_hang_on_each_other_are_one_trouble() {
        let ring = vec![node(1, &[3], Down), node(2, &[1], Down), node(3, &[2], Down), node(4, &[3], Down)];
        assert_eq!(roots(ring), [(1, vec![2, 3, 4])]);
        assert_eq!(roots(vec![node(1, &[1], Down)]), [(1, vec![])]);
        assert_eq!(roots(vec![node(1, &[2], Unknown), node(2, &[1], Down)]), [(2, vec![])]);
    }

    #[test]
    fn a_hundred_and_forty_three_behind_one_are_one_trouble() {
        let mut nodes = vec![node(1, &[], Down)];
        nodes.extend((2..145).map(|number| node(number, &[number / 12 + 1], Down)));
        let roots = roots(nodes);
        assert_eq!((roots.len(), roots[0].1.len()), (1, 143));
    }
}
