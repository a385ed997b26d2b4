//! Names for devices that have none yet.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::model::DeviceName;

/// The most characters of a name that is made: room for a number behind it.
const LONGEST: usize = DeviceName::MAX - 6;

/// A name out of what the device calls itself, else out of its address, that is not taken yet; it is then.
pub(super) fn propose(
    sysname: Option<&str>,
    address: IpAddr,
    taken: &mut HashSet<String>,
) -> Option<DeviceName> {
    // an address is no name: it may be another device's
    let own = sysname.filter(|name| name.parse::<IpAddr>().is_err()).map(first_label);
    let own = own.filter(|name| name.parse::<DeviceName>().is_ok());
    let wanted = own.unwrap_or_else(|| of_address(address));
    let numbered = (2_u32..100_000).map(|number| format!("{wanted}-{number}"));
    let mut free = std::iter::once(wanted.clone()).chain(numbered);
    // people and file systems mix up CORE-1 and core-1
    free.find(|name| taken.insert(name.to_ascii_lowercase())).and_then(|name| name.parse().ok())
}

/// `core-1` of `core-1.example.net`; what a name cannot have becomes a hyphen.
fn first_label(sysname: &str) -> String {
    let label = sysname.split('.').next().unwrap_or_default();
    let fit = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '-' };
    let made: String = label.trim().chars().map(fit).take(LONGEST).collect();
    made.trim_matches(['-', '.', '_']).to_owned()
}

fn of_address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("v6-{}", address.to_string().replace(':', "-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_devices_own_or_its_address_and_never_taken_twice() {
        let mut taken: HashSet<String> = ["core-1".to_owned()].into();
        for (sysname, address, wanted) in [
            (Some("edge-1.example.net"), "10.0.0.1", "edge-1"),
            (Some("CORE-1.example.net"), "10.0.0.2", "CORE-1-2"),
            (Some("Büro 2. Stock"), "10.0.0.3", "B-ro-2"),
            (Some("../../etc"), "10.0.0.4", "10.0.0.4"),
            (Some("-rf"), "10.0.0.5", "rf"),
            (Some("10.9.9.9"), "10.0.0.9", "10.0.0.9"),
            (None, "10.0.0.6", "10.0.0.6"),
            (None, "::1", "v6---1"),
            (Some("router"), "10.0.0.7", "router"),
            (Some("router"), "10.0.0.8", "router-2"),
        ] {
            let name = propose(sysname, address.parse().unwrap(), &mut taken).unwrap();
            assert_eq!(name.as_str(), wanted, "{sysname:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_it_calls_itself_there_is_a_name(sysname in "\\PC{0,90}") {
            let address = IpAddr::from([10, 0, 0, 1]);
            proptest::prop_assert!(propose(Some(&sysname), address, &mut HashSet::new()).is_some());
        }
    }
}
