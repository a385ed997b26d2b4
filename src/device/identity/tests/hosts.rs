//! What is no network device, and whom nobody knows.

use super::{Case, check};

const CASES: &[Case] = &[
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
    (
        "5003.8.1.1.63",
        "Product: Mediant 1000 ;SW Version: 7.20A.254.377",
        "AudioCodes",
        "Mediant 1000",
        "7.20A.254.377",
    ),
    ("42397.1.1.1", "HT814 1.0.29.8", "Grandstream", "HT814", "1.0.29.8"),
    ("20916.1.9", "Room Alert 32E v2.3.0", "AVTECH", "Room Alert 32E", "2.3.0"),
    ("3052.10.1", "SiteBoss 571 2.06.150", "Asentria", "SiteBoss 571", "2.06.150"),
    (
        "3711.24.1",
        "UPSController. Versions: App. 6.04.03,   OS 6.3,   Btldr 1.06.09,   H/w ZBBNC2 Rev 1.01.06",
        "Sinetica",
        "ZBBNC2",
        "6.04.03",
    ),
    ("4935.20.1", "Mediatrix C730 Dgw 2.0.40.700", "Mediatrix", "Mediatrix C730", "2.0.40.700"),
    ("674.10895.3011", "switch of the hall", "Dell", "6248", ""),
    ("674.10895.3060", "switch of the hall", "Dell", "N3048P", ""),
    ("99999999.1", "somebody's own", "", "", ""),
    ("8072.3.2.10", "Some text of an operator", "", "", ""),
    ("17409", "Some EPON OLT", "", "", ""),
    ("999999.7", "Cisco IOS Software in somebody's banner", "", "", ""),
];

#[test]
fn hosts_are_known_and_nothing_is_invented() {
    check(CASES);
}
