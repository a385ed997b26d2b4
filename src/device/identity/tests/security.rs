//! Firewalls and what stands before servers.

use super::{Case, check};

const CASES: &[Case] = &[
    ("12356.101.1.30", "", "Fortinet", "FortiGate-VM64", ""),
    ("12356.101.1.646", "edge of building 4", "Fortinet", "FortiWiFi-60F", ""),
    ("25461.2.3.6", "Palo Alto Networks PA-500 series firewall", "Palo Alto Networks", "PA-500", ""),
    ("25461.2.3.22", "Palo Alto Networks PA-5200 series firewall", "Palo Alto Networks", "PA-5260", ""),
    ("25461.2.3.29", "Palo Alto Networks VM-Series firewall", "Palo Alto Networks", "PA-VM", ""),
    ("25461.2.3.999", "Palo Alto Networks PA-9999 series firewall", "Palo Alto Networks", "PA-9999", ""),
    (
        "9694.1.4",
        "Peakflow SP 5.8 (build D7QX) System Board Model: S5500BC Serial Number: BZAA00000001",
        "Arbor",
        "S5500BC",
        "5.8",
    ),
    ("12532.254.3.1", "Pulse Secure,LLC,PSA-3000,9.1R8 (build 7453)", "Pulse Secure", "PSA-3000", "9.1R8"),
    (
        "12325.1.1.2.1.1",
        "pfSense gate.example 2.6.0-RELEASE FreeBSD 12.3-STABLE amd64",
        "Netgate",
        "pfSense",
        "2.6.0-RELEASE",
    ),
    ("1872.1.13.1.9", "Alteon Application Switch 5224", "Radware", "5224", ""),
    (
        "7564.8",
        "Hardware: Array APV 2600 - Rel.APV.8.6.0.15 build",
        "Array Networks",
        "Array APV 2600",
        "8.6.0.15",
    ),
    (
        "22610.1.3.14",
        "Thunder Series Unified Application Service Gateway TH3030S, ACOS 4.1.0-P9,",
        "A10 Networks",
        "TH3030S",
        "4.1.0-P9",
    ),
];

#[test]
fn security_is_known() {
    check(CASES);
}
