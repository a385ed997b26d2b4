//! A range of addresses, as a person writes it: a prefix, one address, or from one to another.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses of one family, one after the other. Of an IPv4 prefix shorter than /31 the first and the last are left out:
/// they are the network's and the broadcast address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// How many there are; what is more than a `u64` holds is its greatest.
    pub fn count(&self) -> u64 {
        let between = number(self.last).saturating_sub(number(self.first));
        u64::try_from(between).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Every address, in order. Ask for the [`count`](Self::count) first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let (first, is_v4) = (number(self.first), self.first.is_ipv4());
        (first..=number(self.last)).map(move |number| address(number, is_v4))
    }

    fn between(first: IpAddr, last: IpAddr) -> Result<Self, String> {
        if first.is_ipv4() != last.is_ipv4() {
            return Err(format!("{first}-{last}: one is IPv4, the other IPv6"));
        }
        if number(first) > number(last) {
            return Err(format!("{first}-{last} ends before it begins"));
        }
        Ok(Self { first, last })
    }

    fn of_prefix(inside: IpAddr, length: u32) -> Result<Self, String> {
        let bits = if inside.is_ipv4() { 32 } else { 128 };
        if length > bits {
            return Err(format!("/{length} is too long: at most /{bits}"));
        }
        let hosts = 1_u128.checked_shl(bits - length).unwrap_or(0).wrapping_sub(1);
        let (first, last) = (number(inside) & !hosts, number(inside) | hosts);
        let ends = u128::from(inside.is_ipv4() && length < 31);
        let of = |number: u128| address(number, inside.is_ipv4());
        Ok(Self { first: of(first + ends), last: of(last - ends) })
    }
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = |part: &str| {
            part.trim().parse::<IpAddr>().map_err(|_| {
                format!("{text:?} is no range of addresses: 10.0.0.0/22, 10.0.0.5 and 10.0.0.5-10.0.0.9 are")
            })
        };
        if let Some((inside, length)) = text.split_once('/') {
            let inside = parsed(inside)?;
            let length = length.parse().map_err(|_| format!("{text:?}: the prefix length is no number"))?;
            return Self::of_prefix(inside, length);
        }
        match text.split_once('-') {
            Some((first, last)) => Self::between(parsed(first)?, parsed(last)?),
            None => parsed(text).map(|one| Self { first: one, last: one }),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn address(number: u128, is_v4: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if is_v4 => IpAddr::V4(Ipv4Addr::from(number)),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[test]
    fn prefixes_addresses_and_ranges_are_taken() {
        for (text, count, first, last) in [
            ("10.0.0.0/22", 1022, "10.0.0.1", "10.0.3.254"),
            ("10.0.0.77/24", 254, "10.0.0.1", "10.0.0.254"),
            ("10.0.0.4/31", 2, "10.0.0.4", "10.0.0.5"),
            ("10.0.0.4/32", 1, "10.0.0.4", "10.0.0.4"),
            ("10.0.0.4", 1, "10.0.0.4", "10.0.0.4"),
            ("10.0.0.254-10.0.1.1", 4, "10.0.0.254", "10.0.1.1"),
            ("2001:db8::/126", 4, "2001:db8::", "2001:db8::3"),
            ("0.0.0.0/0", (1 << 32) - 2, "0.0.0.1", "255.255.255.254"),
        ] {
            let range = range(text);
            assert_eq!(range.count(), count, "{text}");
            assert_eq!(
                (range.first.to_string(), range.last.to_string()),
                (first.into(), last.into()),
                "{text}"
            );
        }
        assert_eq!(range("::/0").count(), u64::MAX);
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, why) in [
            ("", "no range"),
            ("core-1", "no range"),
            ("10.0.0.0/33", "too long"),
            ("10.0.0.0/-1", "no number"),
            ("10.0.0.9-10.0.0.1", "before it begins"),
            ("10.0.0.9-::1", "IPv6"),
        ] {
            let error = text.parse::<AddressRange>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn every_address_of_a_prefix_lies_in_it_and_stands_once(inside: u32, length in 20_u32..=32) {
            let range = range(&format!("{}/{length}", Ipv4Addr::from(inside)));
            let all: Vec<IpAddr> = range.addresses().collect();
            prop_assert_eq!(all.len() as u64, range.count());
            prop_assert!(all.is_sorted_by(|one, next| one < next));
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            for address in all {
                let IpAddr::V4(address) = address else { panic!("{address}") };
                prop_assert_eq!(u32::from(address) & mask, inside & mask);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<AddressRange>().map(|range| range.count());
        }

        #[test]
        fn what_is_shown_is_taken(first: u128, more in 0_u128..1000) {
            let last = first.saturating_add(more);
            let range = AddressRange::between(Ipv6Addr::from(first).into(), Ipv6Addr::from(last).into()).unwrap();
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }
    }
}
