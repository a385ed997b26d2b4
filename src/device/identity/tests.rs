//! What the rules make of sysObjectID and sysDescr alone, as the makers document them; names are made up.

use super::{Rules, Seen};

/// sysObjectID below `enterprises`, sysDescr, and the vendor, model and version that must come out.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "9.1.716",
        "Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(55)SE7, RELEASE SOFTWARE (fc1)",
        "Cisco",
        "Catalyst 2960-24TT",
        "12.2(55)SE7",
    ),
    (
        "9.1.1745",
        "Cisco IOS Software, IOS-XE Software, Catalyst L3 Switch Software (CAT3K_CAA-UNIVERSALK9-M), Version 03.06.06E RELEASE SOFTWARE (fc1)",
        "Cisco",
        "Catalyst 38xx stack",
        "03.06.06E",
    ),
    ("9.1.1069", "Cisco Controller", "Cisco", "5500 Series WLC", ""),
    (
        "9.12.3.1.3.1008",
        "Cisco NX-OS(tm) n5000, Software (n5000-uk9), Version 7.3(2)N1(1), RELEASE SOFTWARE",
        "Cisco",
        "Nexus 5548P",
        "7.3(2)N1(1)",
    ),
    (
        "2636.1.1.1.2.29",
        "Juniper Networks, Inc. mx240 internet router, kernel JUNOS 17.3R3-S4.2, Build date: 2019-03-13",
        "Juniper",
        "mx240",
        "17.3R3-S4.2",
    ),
    (
        "3224.1.51",
        "SSG-5 version 6.3.0r21.0 (SN: 0162000000000001, Firewall+VPN)",
        "Juniper",
        "SSG-5",
        "6.3.0r21.0",
    ),
    (
        "11.2.3.7.11.160",
        "HP J9775A 2530-48G Switch, revision YA.16.04.0008, ROM YA.15.19 (/ws/swbuildm/rel_ajanta_qaoff)",
        "HP",
        "J9775A 2530-48G",
        "YA.16.04.0008",
    ),
    (
        "11.2.3.7.11.182",
        "Aruba JL258A 2930F-8G-PoE+-2SFP+ Switch, revision WC.16.08.0009, ROM WC.16.01.0006",
        "Aruba",
        "JL258A 2930F-8G-PoE+-2SFP+",
        "WC.16.08.0009",
    ),
    (
        "47196.4.1.1.1.77",
        "Aruba JL675A 6100 48G CL4 4SFP+ Swch PL.10.08.1010",
        "Aruba",
        "JL675A 6100 48G CL4 4SFP+ Swch",
        "PL.10.08.1010",
    ),
    ("14823.1.2.80", "ArubaOS (MODEL: 325), Version 8.6.0.2-8.6.0.2", "Aruba", "325", "8.6.0.2-8.6.0.2"),
    (
        "25506.1.1270",
        "H3C Comware Platform Software, Software Version 7.1.070, Release 3208P03 H3C S5560X-30C-EI Copyright (c) 2004-2018 New H3C Technologies Co., Ltd.",
        "H3C",
        "S5560X-30C-EI",
        "7.1.070, Release 3208P03",
    ),
    (
        "2011.2.239.11",
        "Huawei Versatile Routing Platform Software VRP (R) software, Version 8.150 (CE6851HI V200R002C50SPC800) Copyright (C) 2012-2017",
        "Huawei",
        "CE6851HI",
        "V200R002C50SPC800",
    ),
    (
        "2011.2.23.92",
        "S2326TP-EI Huawei Versatile Routing Platform Software VRP (R) Software, Version 5.70 (S2300 V100R006C05) Copyright (C)",
        "Huawei",
        "S2326TP-EI",
        "V100R006C05",
    ),
    ("2011.2.115", "Huawei Integrated Access Software", "Huawei", "MA5600T", ""),
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
    (
        "6527.1.3.8",
        "TiMOS-C-14.0.R6 cpm/hops64 Nokia 7750 SR Copyright (c) 2000-2016 Nokia.",
        "Nokia",
        "7750 SR-12E",
        "14.0.R6",
    ),
    ("171.10.76.32.1", "DGS-1210-24/ME/B1 7.03.018", "D-Link", "DGS-1210-24/ME/B1", "7.03.018"),
    ("890.1.5.8.57", "GS2200-24", "Zyxel", "GS2200-24", ""),
    ("259.8.1.11", "ES3528M", "Edge-Core", "ES3528M", ""),
    (
        "207.1.14.102",
        "Allied Telesis router/switch, Software (AlliedWare Plus) Version 5.4.7-1.1",
        "Allied Telesis",
        "",
        "5.4.7-1.1",
    ),
    (
        "30065.1.3011.7048.427.3648",
        "Arista Networks EOS version 4.20.5F running on an Arista Networks DCS-7048T-A",
        "Arista",
        "DCS-7048T-A",
        "4.20.5F",
    ),
    (
        "6486.800.1.1.2.1.12.1.6",
        "Alcatel-Lucent OS6860E-24 8.4.1.233.R02 GA, August 09, 2017.",
        "Alcatel-Lucent",
        "OS6860E-24",
        "8.4.1.233.R02",
    ),
    (
        "1991.1.3.51.2.1.1.1",
        "Brocade Communications Systems, Inc. Stacking System ICX6450-48, IronWare Version 08.0.30hT313 Compiled on Mar",
        "Brocade",
        "ICX6450-48",
        "08.0.30hT313",
    ),
    (
        "1916.2.155",
        "ExtremeXOS version 12.6.2.10 v1262b10 by release-manager on Mon Sep 12 2011",
        "Extreme",
        "Summit X460-48t",
        "12.6.2.10",
    ),
    (
        "1916.2.999",
        "ExtremeXOS (Stack) version 16.2.5.4 16.2.5.4 by release-manager",
        "Extreme",
        "",
        "16.2.5.4",
    ),
    ("674.10895.3042", "Dell Networking N3048, 6.3.0.17, Linux 3.6.5", "Dell", "N3048", "6.3.0.17"),
    (
        "6027.1.3.20",
        "Dell Force10 OS Operating System Version: 2.0 Application Software Version: 9.11(0.0P6) Series: S4048-ON Copyright (c) 1999-2017",
        "Dell",
        "S4048-ON",
        "9.11(0.0P6)",
    ),
    ("14988.1", "RouterOS RB750Gr3", "MikroTik", "RB750Gr3", ""),
    ("14988.2", "CSS326-24G-2S+ SwOS v2.18", "MikroTik", "CSS326-24G-2S+", "v2.18"),
    ("4413", "USW-24P-250, 4.0.66.10832, Linux 3.6.5", "Ubiquiti", "USW-24P-250", "4.0.66.10832"),
    ("8072.3.2.10", "UAP-AC-Lite 6.0.21.13673", "Ubiquiti", "UAP-AC-Lite", "6.0.21.13673"),
    ("12356.101.1.30", "", "Fortinet", "FortiGate-VM64", ""),
    ("12356.101.1.646", "edge of building 4", "Fortinet", "FortiWiFi-60F", ""),
    ("25461.2.3.6", "Palo Alto Networks PA-500 series firewall", "Palo Alto Networks", "PA-500", ""),
    ("25461.2.3.22", "Palo Alto Networks PA-5200 series firewall", "Palo Alto Networks", "PA-5260", ""),
    ("25461.2.3.29", "Palo Alto Networks VM-Series firewall", "Palo Alto Networks", "PA-VM", ""),
    ("25461.2.3.999", "Palo Alto Networks PA-9999 series firewall", "Palo Alto Networks", "PA-9999", ""),
    (
        "318.1.3.27",
        "APC Web/SNMP Management Card (MB:v4.1.0 PF:v6.5.0 PN:apc_hw05_aos_650.bin AF1:v6.5.0 AN1:apc_hw05_sumx_650.bin MN:AP9631 HR:05 SN: ZA0000000001 MD:01/01/2016)",
        "APC",
        "",
        "v6.5.0",
    ),
    ("368.4", " ; AXIS 221; Network Camera; 4.47; Feb 18 2010 14:48; 13D; 1;", "Axis", "221", "4.47"),
    (
        "641.2.71107844",
        "Lexmark T650 version NR.APS.N449 kernel 2.6.18.5 All-N-1",
        "Lexmark",
        "T650",
        "NR.APS.N449",
    ),
    ("6876.4.1", "VMware ESXi 6.5.0 build-5310538 VMware, Inc. x86_64", "VMware", "ESXi", "6.5.0"),
    ("8072.3.2.10", "Linux web1 4.19.0-6-amd64 #1 SMP Debian 4.19.67-2 x86_64", "", "", "4.19.0-6-amd64"),
    (
        "311.1.1.3.1.2",
        "Hardware: Intel64 Family 6 Model 45 Stepping 7 AT/AT COMPATIBLE - Software: Windows Version 6.3 (Build 9600 Multiprocessor Free)",
        "Microsoft",
        "",
        "6.3",
    ),
    ("9.1.669", "Cisco Adaptive Security Appliance Version 9.1(7)23", "Cisco", "ASA5510", "9.1(7)23"),
    (
        "9.1.1682",
        "Cisco Integrated Management Controller(CIMC) [UCS C220 M3S], Firmware Version 2.0(9c) Copyright",
        "Cisco",
        "UCS C220 M3S",
        "2.0(9c)",
    ),
    (
        "9.1.2238",
        "APIC VERSION 4.2(5n); PID APIC-SERVER-M2; Serial FCH0000A001",
        "Cisco",
        "APIC-SERVER-M2",
        "4.2(5n)",
    ),
    ("437.1.1.3.3.3", "Cisco Systems Catalyst 1900,V9.00.06", "Cisco", "Catalyst 1900", "9.00.06"),
    ("2272.204", "VSP-8284XSQ (6.0.1.1) BoxType: VSP-8284XSQ", "Avaya", "VSP-8284XSQ", "6.0.1.1"),
    ("2272.204", "VSP-8284XSQ (8.1.2.0) BoxType: VSP-8284XSQ", "Extreme", "VSP-8284XSQ", "8.1.2.0"),
    (
        "45.3.81.1",
        "Ethernet Routing Switch 4950GTS-PWR+  HW:10  FW:7.6.0.2  SW:v7.6.2.021 BN:21 (c) Extreme Networks",
        "Extreme",
        "Ethernet Routing Switch 4950GTS-PWR+",
        "7.6.2.021",
    ),
    ("4413", "Quanta LB6M, 1.2.0.18, Linux 2.6.21.7", "Quanta", "LB6M", "1.2.0.18"),
    (
        "11.2.3.7.11.173",
        "HPE OfficeConnect Switch 1820 48G J9981A, PT.02.04, Linux 3.6.5-8a9d4f6, U-Boot 2012.10-00118",
        "HP",
        "1820 48G J9981A",
        "PT.02.04",
    ),
    (
        "11.2.3.7.11.240",
        "Aruba Instant On 1930 24G 4SFP+ Switch JL682A, InstantOn_1930_2.5.0.0 (41)",
        "Aruba",
        "1930 24G 4SFP+",
        "2.5.0.0",
    ),
    (
        "9694.1.4",
        "Peakflow SP 5.8 (build D7QX) System Board Model: S5500BC Serial Number: BZAA00000001",
        "Arbor",
        "S5500BC",
        "5.8",
    ),
    ("12532.254.3.1", "Pulse Secure,LLC,PSA-3000,9.1R8 (build 7453)", "Pulse Secure", "PSA-3000", "9.1R8"),
    ("44641", "VyOS 1.3.2", "VyOS", "VyOS", "1.3.2"),
    (
        "12325.1.1.2.1.1",
        "pfSense gate.example 2.6.0-RELEASE FreeBSD 12.3-STABLE amd64",
        "Netgate",
        "pfSense",
        "2.6.0-RELEASE",
    ),
    ("1872.1.13.1.9", "Alteon Application Switch 5224", "Radware", "5224", ""),
    ("1872.1.13.1.5", "Nortel Application Switch 2424", "Nortel", "", ""),
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
    (
        "5003.8.1.1.63",
        "Product: Mediant 1000 ;SW Version: 7.20A.254.377",
        "AudioCodes",
        "Mediant 1000",
        "7.20A.254.377",
    ),
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
    (
        "8072.3.2.10",
        "SONiC Software Version: SONiC.202205.7 - HwSku: Arista-7050CX3-32S - Distribution: Debian 11.7",
        "Arista",
        "7050CX3-32S",
        "202205.7",
    ),
    (
        "8072.3.2.10",
        "SONiC Software Version: SONiC.202205.7 - HwSku: ACS-MSN2700 - Distribution: Debian 11.7",
        "Mellanox",
        "MSN2700",
        "202205.7",
    ),
    (
        "43191.1.5",
        "Metamako MOS release 0.26.4 running on a Metamako DCS-7130-48",
        "Arista",
        "Metamako DCS-7130-48",
        "0.26.4",
    ),
    ("42397.1.1.1", "HT814 1.0.29.8", "Grandstream", "HT814", "1.0.29.8"),
    ("2636.1.1.1.2.132", "", "Juniper", "EX2300", ""),
    (
        "6486.800.1.1.2.1.7.1.6",
        "6.4.4.342.R01 Service Release, September 06, 2011.",
        "Alcatel-Lucent",
        "OS6850-P48",
        "6.4.4.342.R01",
    ),
    ("14823.1.1.33", "controller of the campus", "Aruba", "7220", ""),
    ("171.10.63.6", "switch in the cellar", "D-Link", "DES-3028", ""),
    ("6027.1.3.14", "", "Dell", "S4810", ""),
    (
        "1991.1.3.44.2.2",
        "Brocade NetIron MLX (System Mode: MLX), IronWare Version V5.6.0fT163 Compiled on Mar 21 2014",
        "Brocade",
        "NetIron MLX-8",
        "5.6.0fT163",
    ),
    (
        "2011.2.23.140",
        "Huawei Versatile Routing Platform Software VRP (R) software,Version 5.160 (S5700 V200R008C00SPC500)",
        "Huawei",
        "S5700-28C-EI",
        "V200R008C00SPC500",
    ),
    ("43356.1.1.4", "link to the tower", "Mimosa", "C5", ""),
    ("20044.1", "Ekinops 360 Platform, C600HC, Release 4.4.2", "Ekinops", "C600HC", "4.4.2"),
    ("20916.1.9", "Room Alert 32E v2.3.0", "AVTECH", "Room Alert 32E", "2.3.0"),
    ("3052.10.1", "SiteBoss 571 2.06.150", "Asentria", "SiteBoss 571", "2.06.150"),
    (
        "3711.24.1",
        "UPSController. Versions: App. 6.04.03,   OS 6.3,   Btldr 1.06.09,   H/w ZBBNC2 Rev 1.01.06",
        "Sinetica",
        "ZBBNC2",
        "6.04.03",
    ),
    (
        "7564.8",
        "Hardware: Array APV 2600 - Rel.APV.8.6.0.15 build",
        "Array Networks",
        "Array APV 2600",
        "8.6.0.15",
    ),
    ("3373.1103", "SIAE Microelettronica ALFOplus80HD", "SIAE Microelettronica", "ALFOplus80HD", ""),
    ("4935.20.1", "Mediatrix C730 Dgw 2.0.40.700", "Mediatrix", "Mediatrix C730", "2.0.40.700"),
    ("99999999.1", "somebody's own", "", "", ""),
    (
        "22610.1.3.14",
        "Thunder Series Unified Application Service Gateway TH3030S, ACOS 4.1.0-P9,",
        "A10 Networks",
        "TH3030S",
        "4.1.0-P9",
    ),
    (
        "5624.2.1.53",
        "Enterasys Networks, Inc. Matrix N7 Platinum Rev 05.42.04",
        "Enterasys",
        "Matrix N7 Platinum",
        "05.42.04",
    ),
    ("171.10.76.20.1", "DGS-1210-28 4.00.B013", "D-Link", "DGS-1210-28", "4.00.B013"),
    ("248.14.10.65", "Hirschmann RSP - SW: HiOS-2S-07.0.02", "Hirschmann", "RSP", "HiOS-2S-07.0.02"),
    (
        "4196.1.1.5.2.22",
        "Siemens, SIMATIC NET, SCALANCE X204-2, 6GK5 204-2BB10-2AA3, HW: Version 4, FW: Version V05.02.01, SVPVM0000001",
        "Siemens",
        "SCALANCE X204-2",
        "V05.02.01",
    ),
    (
        "7367.2.12",
        "DrayTek Corporation, Router Model: Vigor2925 Series, Version: 3.8.8.2_STD, Build",
        "DrayTek",
        "Vigor2925",
        "3.8.8.2_STD",
    ),
    (
        "20992.1.1.14",
        "Cradlepoint IBR900, Firmware Version 6.5.4.12345",
        "Cradlepoint",
        "IBR900",
        "6.5.4.12345",
    ),
    ("674.10895.3034", "PowerConnect 5548, 4.1.0.8, VxWorks 6.6", "Dell", "5548", "4.1.0.8"),
    (
        "6527.6.2",
        "TiMOS-B-16.0.R8 both/hops64 Nokia SAS-Sx 24T4SFP+ 7210 Copyright (c) 2000-2019",
        "Nokia",
        "SAS-Sx 24T4SFP+ 7210",
        "16.0.R8",
    ),
    (
        "43.45.1.4.14",
        "3Com SuperStack 3 Switch 4500 50-Port Software Version 3Com OS V3.01.00s168",
        "3Com",
        "Switch 4500",
        "V3.01.00s168",
    ),
    ("20301.1.18.16", "IBM Networking Operating System RackSwitch G8264", "IBM", "RackSwitch G8264", ""),
    ("1916.2.305", "VSP7400-48Y-8C (8.1.1.0) BoxType: VSP7400-48Y", "Extreme", "VSP7400-48Y-8C", "8.1.1.0"),
    ("7483.1.3.1.8", "", "Nokia", "1830 PSS-4", ""),
    ("2076.81", "SSE-G24-TG4 switch", "Supermicro", "SSE-G24-TG4", ""),
    ("890.1.15", "USG FLEX 200", "Zyxel", "USG FLEX 200", ""),
    (
        "36673.100",
        "Hardware Model:UfiSpace S9500-30XS, Software version: OcNOS-SP-1.0.4",
        "IP Infusion",
        "UfiSpace S9500-30XS",
        "1.0.4",
    ),
    ("52642.1.446.0", "switch in the cellar", "FS", "S3900-24T4S-R", ""),
    ("8072.3.2.10", "U6-LR 6.0.21.13673", "Ubiquiti", "U6-LR", "6.0.21.13673"),
    ("27282.3.2.10", "USW-Flex-XG, 7.0.50.15613", "Ubiquiti", "USW-Flex-XG", "7.0.50.15613"),
    ("8072.3.2.10", "cnPilot R201P", "Cambium", "cnPilot R201P", ""),
    ("46242", "Netonix WS-12-250-AC", "Netonix", "WS-12-250-AC", ""),
    ("7342.1", "Omnitron iConverter 8900N-0 v4.3.2 s/n 00123456", "Omnitron", "8900N-0", "4.3.2"),
    ("1916.2.205", "ExtremeXOS version 15.2.3.2 by release-manager", "Aviat", "CTR-8440", "15.2.3.2"),
    (
        "9303.1.5.1",
        "MS4048, iBOS Version ibos-ms4000-ED-4.10.2 Copyright (c) Waystream",
        "Waystream",
        "MS4048",
        "4.10.2",
    ),
    (
        "5624.2.1.162",
        "Extreme Networks, Inc. 7148-SFP Rev 08.32.02.0008",
        "Extreme",
        "7148-SFP",
        "08.32.02.0008",
    ),
    ("248.14.10.41", "Hirschmann Railswitch", "Hirschmann", "", ""),
    ("2007.4.1", "TELDAT Router V10.09", "Teldat", "", "10.09"),
    ("8072.3.2.10", "Some text of an operator", "", "", ""),
    ("17409", "Some EPON OLT", "", "", ""),
    ("999999.7", "Cisco IOS Software in somebody's banner", "", "", ""),
    ("9", "x", "Cisco", "", ""),
];

#[test]
fn what_makers_document_is_known_and_nothing_is_invented() {
    let rules = Rules::embedded();
    let mut wrong = Vec::new();
    for (object, descr, vendor, model, version) in CASES {
        let seen = Seen {
            object: Some(format!("1.3.6.1.4.1.{object}").parse().unwrap()),
            descr: Some((*descr).to_owned()).filter(|descr| !descr.is_empty()),
            ..Seen::default()
        };
        let found = rules.judge(&seen);
        let pairs = [
            ("vendor", &found.vendor, vendor),
            ("model", &found.model, model),
            ("version", &found.version, version),
        ];
        for (fact, found, wanted) in pairs {
            if found.as_deref().unwrap_or("") != *wanted {
                wrong.push(format!("{object} {descr:?}: {fact} is {found:?} and not {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_chassis_is_believed_unless_it_says_nothing() {
    let rules = Rules::embedded();
    let seen = |model: &str, serial: &str| Seen {
        object: Some("1.3.6.1.4.1.9.1.716".parse().unwrap()),
        descr: Some("Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(55)SE7".into()),
        entity_model: Some(model.into()),
        entity_serial: Some(serial.into()),
        ..Seen::default()
    };
    let found = rules.judge(&seen("WS-C2960-24TT-L", "FOC0000A001"));
    assert_eq!(found.model.as_deref(), Some("WS-C2960-24TT-L"));
    assert_eq!(found.serial.as_deref(), Some("FOC0000A001"));
    let found = rules.judge(&seen("N/A", "0000000000"));
    assert_eq!(found.model.as_deref(), Some("Catalyst 2960-24TT"));
    assert_eq!(found.serial, None);
}

#[test]
fn a_description_that_is_the_name_is_no_model() {
    let rules = Rules::embedded();
    let seen = |name: &str| Seen {
        object: Some("1.3.6.1.4.1.11256.2.0".parse().unwrap()),
        descr: Some("SN310".into()),
        name: Some(name.into()),
        ..Seen::default()
    };
    assert_eq!(rules.judge(&seen("SN310")).model, None);
    assert_eq!(rules.judge(&seen("fw2-north")).model.as_deref(), Some("SN310"));
}

#[test]
fn an_agent_that_says_nothing_is_nobody() {
    assert_eq!(Rules::embedded().judge(&Seen::default()), Default::default());
}

/// sysObjectID below `enterprises`, sysDescr, objects below `enterprises` and their answers, and the vendor, model, version
/// and serial number that must come out.
type AskedCase = (&'static str, &'static str, &'static [(&'static str, &'static str)], [&'static str; 4]);

const ASKED_CASES: &[AskedCase] = &[
    (
        "850.1",
        "Tripp Lite SNMP card",
        &[
            ("850.1.1.1.2.1.5", "SMART1500LCD"),
            ("850.1.1.2.1.1.4", "15.5.4"),
            ("850.1.1.2.1.1.5", "2800A0000001"),
        ],
        ["Tripp Lite", "SMART1500LCD", "15.5.4", "2800A0000001"],
    ),
    (
        "1718.4",
        "Sentry Switched PDU",
        &[("1718.4.1.2.2.1.4.1", "ABFK0000001"), ("1718.4.1.2.2.1.5.1", "C2L42CE-YQME2M66")],
        ["Server Technology", "C2L42CE-YQME2M66", "", "ABFK0000001"],
    ),
    (
        "8072.3.2.10",
        "Linux ups 2.6.32",
        &[
            ("2011.6.174.1.2.100.1.2.1", "UPS5000-E-60K"),
            ("2011.6.174.1.2.100.1.3.1", "V100R002C10"),
            ("2011.6.174.1.2.100.1.5.1", "210200000000000001"),
        ],
        ["Huawei", "UPS5000-E-60K", "V100R002C10", "210200000000000001"],
    ),
    (
        "6302.2.1",
        "",
        &[("6302.2.1.1.2.0", "ACU+"), ("6302.2.1.1.3.0", "4.10")],
        ["Vertiv", "ACU+", "4.10", ""],
    ),
    (
        "50001.1",
        "",
        &[("39165.1.1.0", "DS-2CD2142"), ("39165.1.3.0", "V5.4.5"), ("50001.1.3.0", "000000001")],
        ["Hikvision", "DS-2CD2142", "V5.4.5", "000000001"],
    ),
    (
        "19746.3.1",
        "Data Domain OS 5.7.30.0-556581",
        &[("19746.1.13.1.1.0", "FLA00000001"), ("19746.1.13.1.4.0", "DD2200")],
        ["Data Domain", "DD2200", "5.7.30.0-556581", "FLA00000001"],
    ),
    (
        "207.1.14.99",
        "Allied Telesis router/switch, AW+ v5.4.4-3.5",
        &[("207.8.4.4.3.21.1.1.4", "x510-28GTX"), ("207.8.4.4.3.21.1.1.8.1.1", "A04939A130000001")],
        ["Allied Telesis", "x510-28GTX", "5.4.4-3.5", "A04939A130000001"],
    ),
    (
        "207.1.14.109",
        "Allied Telesis router/switch, AW+ v5.4.6-1.1",
        &[("207.8.4.4.3.21.1.1.4", "AT-SBx81GP24")],
        ["Allied Telesis", "", "5.4.6-1.1", ""],
    ),
    (
        "5003.8.1.1.63",
        "",
        &[
            ("5003.9.10.10.2.3.1.0", "Mediant 800"),
            ("5003.9.10.10.2.3.2.0", "5000001"),
            ("5003.9.10.10.2.2.1.0", "7.20A.158.035"),
        ],
        ["AudioCodes", "Mediant 800", "7.20A.158.035", "5000001"],
    ),
    (
        "17409",
        "EPON OLT",
        &[
            ("17409.2.3.1.3.1.1.7.1.0", "FD1208S-B0"),
            ("17409.2.3.1.1.13.0", "CD1000000001"),
            ("17409.2.3.1.3.1.1.9.1.0", "V1.4.5_191120"),
        ],
        ["C-Data", "FD1208S-B0", "V1.4.5_191120", "CD1000000001"],
    ),
    ("17409", "EPON OLT", &[("17409.2.3.1.3.1.1.7.1.0", "X-8000")], ["", "", "", ""]),
    (
        "23695.3.1.1",
        "",
        &[
            ("23695.200.1.1.1.1.1.0", "Peplink Balance 310"),
            ("23695.200.1.1.1.1.2.0", "1824-0000-0001"),
            ("23695.200.1.1.1.1.3.0", "8.1.1 build 4992"),
        ],
        ["Peplink", "Peplink Balance 310", "8.1.1 build 4992", "1824-0000-0001"],
    ),
    (
        "13315.2.1",
        "Linux bdds1 4.9.0",
        &[
            ("13315.3.2.2.1.5.0", "BDDS-50"),
            ("13315.3.2.2.1.3.0", "J000001"),
            ("13315.3.2.2.1.2.0", "8.3.2-104"),
        ],
        ["BlueCat", "BDDS-50", "8.3.2-104", "J000001"],
    ),
    (
        "4526.100.10.19",
        "switch of the first floor",
        &[
            ("4526.10.1.1.1.3.0", "GSM7352Sv2"),
            ("4526.10.1.1.1.4.0", "2EG00000001"),
            ("4526.10.1.1.1.13.0", "8.0.3.4"),
        ],
        ["Netgear", "GSM7352Sv2", "8.0.3.4", "2EG00000001"],
    ),
    (
        "9.6.1.83.28.1",
        "28-port Gigabit Managed Switch",
        &[
            ("9.6.1.101.53.14.1.11.1", "SG300-28"),
            ("9.6.1.101.53.14.1.5.1", "DNI000000AA"),
            ("9.6.1.101.2.4.0", "1.4.8.6"),
        ],
        ["Cisco", "SG300-28", "1.4.8.6", "DNI000000AA"],
    ),
    (
        "8072.3.2.10",
        "Linux router 4.14.179",
        &[("48690.1.2.0", "RUTX11"), ("48690.1.1.0", "1100000001"), ("48690.1.6.0", "RUTX_R_00.02.04")],
        ["Teltonika", "RUTX11", "RUTX_R_00.02.04", "1100000001"],
    ),
    (
        "664.1.747",
        "Total Access 5000",
        &[("664.3.1.1.0", "Total Access 5000"), ("664.3.1.4.0", "LBADTN0000AA001"), ("664.3.1.6.0", "16.4")],
        ["ADTRAN", "Total Access 5000", "16.4", "LBADTN0000AA001"],
    ),
    (
        "248.11.2.1.7",
        "Hirschmann Rail Switch Power Enhanced",
        &[("248.11.10.1.1.2.0", "RSPE35-24044O7T99"), ("248.11.10.1.1.3.0", "942000001000000001")],
        ["Hirschmann", "RSPE35-24044O7T99", "", "942000001000000001"],
    ),
    (
        "33555.1.1",
        "",
        &[("33555.1.1.1.1.0", "RAy2-17"), ("33555.1.1.1.2.0", "12500001")],
        ["Racom", "RAy2-17", "", "12500001"],
    ),
    (
        "8691.7.9",
        "",
        &[("8691.7.9.1.2.0", "EDS-510A-3SFP"), ("8691.7.9.1.4.0", "V3.1"), ("8691.7.9.1.78.0", "00123")],
        ["Moxa", "EDS-510A-3SFP", "V3.1", "00123"],
    ),
    (
        "890.1.5.8.20",
        "GS-4012F",
        &[("890.1.5.8.20.1.10.0", "S090H00000001")],
        ["Zyxel", "GS-4012F", "", "S090H00000001"],
    ),
    (
        "10418.16.1.1",
        "Linux acs",
        &[
            ("10418.16.2.1.2.0", "ACS6016"),
            ("10418.16.2.1.4.0", "0520000001"),
            ("10418.16.2.1.7.0", "3.3.0.10"),
        ],
        ["Avocent", "ACS6016", "3.3.0.10", "0520000001"],
    ),
    (
        "12740.17",
        "",
        &[("12740.2.1.11.1.9", "PS6100"), ("12740.2.1.11.1.8", "ABC0001")],
        ["EqualLogic", "PS6100", "", "ABC0001"],
    ),
    (
        "534.10.2",
        "Eaton ATS",
        &[
            ("534.10.2.1.2.0", "Eaton ATS16"),
            ("534.10.2.1.3.0", "00.00.0009"),
            ("534.10.2.1.5.0", "GA00000001"),
        ],
        ["Eaton", "ATS16", "00.00.0009", "GA00000001"],
    ),
    (
        "1768.100.4.6",
        "",
        &[("1768.100.1.6.0", "SN4638/5BIS"), ("1768.100.1.1.0", "00A0BA000001"), ("1768.100.1.5.0", "R6.10")],
        ["Patton", "SN4638/5BIS", "R6.10", "00A0BA000001"],
    ),
    (
        "12148.10",
        "",
        &[("12148.10.2.6.0", "Smartpack S"), ("12148.10.2.7.0", "123400001")],
        ["Eltek", "Smartpack S", "", "123400001"],
    ),
    (
        "38446.1.1",
        "",
        &[
            ("38446.1.1.2.1.10.1", "EN2810"),
            ("38446.1.1.2.1.11.1", "11000001"),
            ("38446.1.1.2.1.13.1", "2.1.5"),
        ],
        ["Enlogic", "EN2810", "2.1.5", "11000001"],
    ),
    (
        "2440.1.14",
        "Linux solid",
        &[
            ("2440.1.14.1.1.0", "SOLIDserver-550"),
            ("2440.1.14.1.2.0", "SDS0001"),
            ("2440.1.17.1.2.0", "7.1.1"),
        ],
        ["EfficientIP", "SOLIDserver-550", "7.1.1", "SDS0001"],
    ),
    (
        "637.61.1",
        "NFXS-A FANT-F ISAM release R6.2",
        &[("637.61.1.23.3.1.14.4353", "FANT-F"), ("637.61.1.9.28.1.0", "L6GPAA62.577")],
        ["Nokia", "7360 ISAM FX", "L6GPAA62.577", ""],
    ),
    (
        "3942.1",
        "",
        &[("3942.1.1.3.15.0", "R5000-Omx"), ("3942.1.1.3.14.0", "H11S01v1.94.65")],
        ["InfiNet", "R5000-Omx", "H11S01v1.94.65", ""],
    ),
    (
        "18928.1",
        "",
        &[("18928.1.2.1.1.0", "ARC-1880"), ("18928.1.2.1.3.0", "Y200CAAA0001"), ("18928.1.2.1.4.0", "V1.49")],
        ["Areca", "ARC-1880", "V1.49", "Y200CAAA0001"],
    ),
    (
        "22420.1.1",
        "AMN-1000-GT-S",
        &[
            ("22420.1.1.1.0", "AMN-1000-GT-S"),
            ("22420.1.1.4.0", "AEN_6.4.2_24122"),
            ("22420.1.1.5.0", "4"),
            ("22420.1.1.6.0", "G000-0001"),
        ],
        ["Accedian", "AMN-1000-GT-S", "AEN_6.4.2_24122", "G000-0001"],
    ),
    (
        "5597.3",
        "Meinberg LANTIME M600",
        &[("5597.30.0.0.2.0", "6.24.021"), ("5597.30.0.0.3.0", "030000000001")],
        ["Meinberg", "LANTIME M600", "6.24.021", "030000000001"],
    ),
    (
        "1718.3",
        "Sentry Switched CDU",
        &[
            ("1718.3.1.1.0", "Sentry Switched CDU Version 7.0m"),
            ("1718.3.2.1.1.7.1", "CW-24V2-L30M"),
            ("1718.3.2.1.1.6.1", "ABCD0000001"),
        ],
        ["Server Technology", "CW-24V2-L30M", "7.0m", "ABCD0000001"],
    ),
    (
        "2.3.51.3",
        "",
        &[("2.3.51.3.1.5.2.1.5.0", "System x3650 M4"), ("2.3.51.3.1.5.2.1.3.0", "06AAAA1")],
        ["IBM", "System x3650 M4", "", "06AAAA1"],
    ),
    (
        "48690",
        "",
        &[
            ("48690.1.2.0", "office of the north"),
            ("48690.1.3.0", "RUT955V03XXX"),
            ("48690.1.1.0", "1100000002"),
        ],
        ["Teltonika", "RUT955", "", "1100000002"],
    ),
    (
        "38783",
        "",
        &[("38783.1.1.1.0", "TCW220"), ("38783.1.1.2.0", "TCW220-v1.25")],
        ["Teracom", "TCW220", "1.25", ""],
    ),
    (
        "11606.24.1",
        "",
        &[("11606.24.1.1.7.0", "CP3"), ("11606.24.1.1.6.0", "1.2.3"), ("11606.24.1.1.4.0", "0001")],
        ["PBN", "CP3", "1.2.3", "0001"],
    ),
    (
        "232.165.7",
        "HP Metered Rack PDU",
        &[("232.165.2.1.2.1.3.1", "HP Metered PDU S332"), ("232.165.2.1.2.1.7.1", "7C0000001")],
        ["HP", "HP Metered PDU S332", "", "7C0000001"],
    ),
];

#[test]
fn what_a_maker_has_an_object_for_is_asked_and_believed() {
    let rules = Rules::embedded();
    let mut wrong = Vec::new();
    for (object, descr, objects, wanted) in ASKED_CASES {
        let mut seen = Seen {
            object: Some(format!("1.3.6.1.4.1.{object}").parse().unwrap()),
            descr: Some((*descr).to_owned()).filter(|descr| !descr.is_empty()),
            ..Seen::default()
        };
        for question in rules.questions(&seen) {
            let asked = question.oid.to_string();
            let answer = objects.iter().find(|(oid, _)| asked == format!("1.3.6.1.4.1.{oid}"));
            if let Some((_, answer)) = answer {
                seen.answers.insert(question, (*answer).to_owned());
            }
        }
        let found = rules.judge(&seen);
        let found = [found.vendor, found.model, found.version, found.serial].map(Option::unwrap_or_default);
        if found != *wanted {
            wrong.push(format!("{object} {descr:?}: {found:?} and not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_makers_name_is_written_as_everywhere() {
    let rules = Rules::embedded();
    let ups = |maker: &str| {
        let mut seen = Seen {
            object: Some("1.3.6.1.4.1.8072.3.2.10".parse().unwrap()),
            descr: Some("Linux ups 4.9.0 #1 SMP armv7l".to_owned()),
            ..Seen::default()
        };
        for question in rules.questions(&seen) {
            let answer = match question.oid.to_string().as_str() {
                "1.3.6.1.2.1.33.1.1.1.0" => maker,
                "1.3.6.1.2.1.33.1.1.2.0" => "X 3000",
                _ => continue,
            };
            seen.answers.insert(question, answer.to_owned());
        }
        rules.judge(&seen).vendor.unwrap()
    };
    for (said, wanted) in [
        ("HUAWEI", "Huawei"),
        ("EATON Corporation", "Eaton"),
        ("Eatonville Power", "Eatonville Power"),
        ("Zorblax", "Zorblax"),
    ] {
        assert_eq!(ups(said), wanted, "{said}");
    }
}
