//! The default gateway of this host: when it is silent, so is everything behind it.

use std::net::{IpAddr, Ipv4Addr};

/// Where the kernel lists the IPv4 routes.
#[cfg(target_os = "linux")]
const ROUTES: &str = "/proc/net/route";
/// The flag of a route by way of a gateway (`RTF_GATEWAY`).
const BY_GATEWAY: u32 = 2;

/// The gateway of the default route with the least metric; `None` where there is none.
#[cfg(target_os = "linux")]
pub(super) fn of_this_host() -> Option<IpAddr> {
    parse(&std::fs::read_to_string(ROUTES).ok()?)
}

/// Elsewhere nobody is asked.
#[cfg(not(target_os = "linux"))]
pub(super) fn of_this_host() -> Option<IpAddr> {
    None
}

/// Reads the table: interface, destination, gateway, flags, …, metric; addresses in hexadecimal, in host byte order.
fn parse(routes: &str) -> Option<IpAddr> {
    let default = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let hex = |place: usize| u32::from_str_radix(fields.get(place)?, 16).ok();
        let (destination, gateway, flags, mask) = (hex(1)?, hex(2)?, hex(3)?, hex(7)?);
        let metric: u32 = fields.get(6)?.parse().ok()?;
        let is_default = destination == 0 && mask == 0 && flags & BY_GATEWAY != 0 && gateway != 0;
        is_default.then(|| (metric, Ipv4Addr::from(gateway.to_ne_bytes())))
    };
    routes.lines().skip(1).take(10_000).filter_map(default).min().map(|(_, gateway)| IpAddr::V4(gateway))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_with_the_least_metric_counts() {
        let gateway = |ip: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(ip));
        let table = format!(
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
             wlan0\t00000000\t{}\t0003\t0\t0\t600\t00000000\n\
             eth0\t00000000\t{}\t0003\t0\t0\t100\t00000000\n\
             eth0\t000A0A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n",
            gateway([192, 168, 1, 1]),
            gateway([10, 0, 0, 1]),
        );
        assert_eq!(parse(&table), Some(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(parse("Iface\nnonsense\n\0\n"), None);
        assert_eq!(parse(""), None);
    }
}
