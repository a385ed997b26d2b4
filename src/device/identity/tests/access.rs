//! Optical access, cable, radio links and access points.

use super::{Case, check};

const CASES: &[Case] = &[
    (
        "3902.1082.1001.320.2.1",
        "C320 Version V2.1.0 Software, Copyright (c) by ZTE Corporation Compiled",
        "ZTE",
        "C320",
        "V2.1.0",
    ),
    (
        "3320.1.276.0",
        "BDCOM(tm) P3310C Software, Version 10.1.0E Build 26341 Copyright by Shanghai Baud Data",
        "BDCOM",
        "P3310C",
        "10.1.0E Build 26341",
    ),
    ("37950.1.1.5", "V1600D", "V-SOL", "V1600D", ""),
    ("5875.800.1001.11", "AN5516-01", "FiberHome", "AN5516-01", ""),
    ("4413", "USW-24P-250, 4.0.66.10832, Linux 3.6.5", "Ubiquiti", "USW-24P-250", "4.0.66.10832"),
    ("8072.3.2.10", "UAP-AC-Lite 6.0.21.13673", "Ubiquiti", "UAP-AC-Lite", "6.0.21.13673"),
    (
        "4491.2.4.1",
        "<<HW_REV: 2; VENDOR: Hitron Technologies; BOOTR: 1.0; SW_REV: 7.1.1.30; MODEL: CODA-4582>>",
        "Hitron",
        "CODA-4582",
        "7.1.1.30",
    ),
    (
        "4115.900.2",
        "ARRIS DOCSIS 3.0 Touchstone <<HW_REV: 5; VENDOR: ARRIS Group, Inc.; BOOTR: 1.2; SW_REV: 9.1.103J; MODEL: TG1672G>>",
        "ARRIS",
        "TG1672G",
        "9.1.103J",
    ),
    ("4998.2.1", "CMTS_V08.03.01.24, head end 2", "ARRIS", "C4", "08.03.01.24"),
    ("4115.1.9.1", "CER_V03.05.00.0033, hub", "ARRIS", "E6000", "03.05.00.0033"),
    ("2281.1.20.2.2.4", "High Capacity Radio", "Ceragon", "IP-20E", ""),
    ("2281.1.20.1.3.1", "link to the hill", "Ceragon", "IP-20G", ""),
    (
        "7571.100.1.1.7.10",
        "SAF Microwave Radio;Prod: Integra-X;Vers: 3.12.1;Loc: none;S/N: 3726100001",
        "SAF Tehnika",
        "Integra-X",
        "3.12.1",
    ),
    ("25053.3.1.4.69", "Ruckus Wireless access point", "Ruckus", "R710", ""),
    ("14817.7.3.1", "Aprisa SR+ radio", "4RF", "Aprisa SR", ""),
    ("8072.3.2.10", "Alta S24-POE", "Alta Labs", "S24-POE", ""),
    ("43356.1.1.4", "link to the tower", "Mimosa", "C5", ""),
    ("3373.1103", "SIAE Microelettronica ALFOplus80HD", "SIAE Microelettronica", "ALFOplus80HD", ""),
    (
        "4196.1.1.5.2.22",
        "Siemens, SIMATIC NET, SCALANCE X204-2, 6GK5 204-2BB10-2AA3, HW: Version 4, FW: Version V05.02.01, SVPVM0000001",
        "Siemens",
        "SCALANCE X204-2",
        "V05.02.01",
    ),
    (
        "20992.1.1.14",
        "Cradlepoint IBR900, Firmware Version 6.5.4.12345",
        "Cradlepoint",
        "IBR900",
        "6.5.4.12345",
    ),
    ("8072.3.2.10", "U6-LR 6.0.21.13673", "Ubiquiti", "U6-LR", "6.0.21.13673"),
    ("27282.3.2.10", "USW-Flex-XG, 7.0.50.15613", "Ubiquiti", "USW-Flex-XG", "7.0.50.15613"),
    ("8072.3.2.10", "cnPilot R201P", "Cambium", "cnPilot R201P", ""),
    ("46242", "Netonix WS-12-250-AC", "Netonix", "WS-12-250-AC", ""),
    ("1916.2.205", "ExtremeXOS version 15.2.3.2 by release-manager", "Aviat", "CTR-8440", "15.2.3.2"),
    (
        "9303.1.5.1",
        "MS4048, iBOS Version ibos-ms4000-ED-4.10.2 Copyright (c) Waystream",
        "Waystream",
        "MS4048",
        "4.10.2",
    ),
];

#[test]
fn access_and_radio_are_known() {
    check(CASES);
}
