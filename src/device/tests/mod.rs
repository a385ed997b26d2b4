//! What devices in the field show, held against the embedded drivers.

mod secrets;

use super::driver::{CompiledDriver, Drivers};

fn driver(id: &str) -> std::sync::Arc<CompiledDriver> {
    Drivers::embedded().get(&id.parse().unwrap()).unwrap()
}

/// The device's name in each prompt, as the driver's patterns see it.
#[test]
fn prompts_with_unusual_names_are_prompts() {
    let prompts = [
        ("cisco_ios", "sw-1.floor/2#", "sw-1.floor/2"),
        ("cisco_ios", "sw(old)#", "sw(old)"),
        ("cisco_ios", "rtr-stby>", "rtr-stby"),
        ("cisco_nxos", "n9k.dc(spare)# ", "n9k.dc(spare)"),
        ("cisco_xr", "RP/0/RSP0/CPU0:edge.1#", "edge.1"),
        ("cisco_asa", "fw/pri/act# ", "fw"),
        ("cisco_asa", "fw/ctx-a# ", "fw"),
        ("cisco_s300", "switch_a/b#", "switch_a/b"),
        ("arista_eos", "leaf.1.10:20:30#", "leaf.1"),
        ("aruba_aoscx", "6300/core# ", "6300/core"),
        ("aruba_os", "(wlc-1) [mynode] #", "wlc-1"),
        ("aruba_os", "(wlc-1) ^*[md] #", "wlc-1"),
        ("hp_procurve", "core sw 1# ", "core sw 1"),
        ("hp_comware", "<5130 (lab)>", "5130 (lab)"),
        ("huawei_vrp", "HRP_M<fw/1>", "fw/1"),
        ("huawei_smartax", "OLT-1(centro)>", "OLT-1(centro)"),
        ("zte_zxros", "ZXAN_c320/1#", "ZXAN_c320/1"),
        ("vsol_olt", "RT_01|192.0.2.4-S#", "RT_01|192.0.2.4-S"),
        ("extreme_exos", "* Slot-1 core sw.2.17 # ", "core sw.2"),
        ("dlink_ds", "DES-3200-28/ME:admin#", "DES-3200-28/ME"),
        ("juniper_junos", "ann@ex-1.campus-re0> ", "ex-1.campus-re0"),
        ("mikrotik_routeros", "[ann@CCR (pop/mill)] > ", "CCR (pop/mill)"),
        ("mikrotik_routeros", "[ann@CCR] <SAFE> > ", "CCR"),
        ("fortinet", "FG-60F (root) # ", "FG-60F"),
        ("fortinet", "FG_60F.a $ ", "FG_60F.a"),
        ("vyos", "ann@edge.1:~$ ", "edge.1"),
        ("ruckus_fastiron", "SSH@ICX7150-24 Router#", "ICX7150-24 Router"),
        ("ruckus_fastiron", "telnet@icx(stack)#", "icx(stack)"),
        ("netgear_prosafe", "(M4300.lab/2) #", "M4300.lab/2"),
        ("mellanox_mlnxos", "sn2410.dc [mlag-domain: standby] # ", "sn2410.dc"),
        ("ciena_saos10", "5164-mill*> ", "5164-mill"),
        ("pfsense", "[23.09-RELEASE][admin@fw.example.org]/root: ", "fw.example.org"),
        ("opnsense", "root@fw:~ # ", "fw"),
        ("zyxel", "GS2210_a.b# ", "GS2210_a.b"),
    ];
    let mut wrong = Vec::new();
    for (id, line, name) in prompts {
        let driver = driver(id);
        let patterns = [driver.config.as_ref(), Some(&driver.privileged), driver.user.as_ref()];
        let found = patterns.into_iter().flatten().find_map(|pattern| pattern.captures(line));
        let found = found.and_then(|found| Some(found.name("name")?.as_str().to_owned()));
        // Where a mode in parentheses is looked for first, a name that ends so is cut there: the same each time.
        let cut = found.as_ref().is_some_and(|found| name.starts_with(&format!("{found}(")));
        if !cut && found.as_deref() != Some(name) {
            wrong.push(format!("{id} {line:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn pagers_are_pagers() {
    let pagers = [
        ("cisco_ios", " --More-- "),
        ("cisco_nxos", "--More-- (42%)"),
        ("cisco_asa", "<--- More --->"),
        ("huawei_vrp", "  ---- More ----"),
        ("huawei_smartax", "---- More ( Press 'Q' to break ) ----"),
        ("juniper_junos", "---(more 42%)---"),
        ("zyxel", "--More--"),
        ("mellanox_mlnxos", "lines 1-23 "),
        ("mikrotik_routeros", "-- [Q quit|D dump|down]"),
        ("vsol_olt", "--More ( Press 'Q' to quit )--"),
        ("zte_zxros", " --More--"),
    ];
    for (id, line) in pagers {
        assert!(driver(id).pager.as_ref().is_some_and(|pager| pager.is_match(line)), "{id} {line:?}");
    }
}

#[test]
fn log_lines_are_taken_for_what_they_are() {
    let lines = [
        ("cisco_ios", "*Mar  1 00:00:09.123: %SYS-5-CONFIG_I: Configured from console by ann"),
        (
            "cisco_ios",
            "000123: Mar  9 2026 08:15:04.123 BRT: %LINK-3-UPDOWN: Interface Gi0/1, changed state to up",
        ),
        ("cisco_ios", "1w2d: %SPANTREE-SP-5-ROOTCHANGE: Root changed"),
        ("cisco_ios", "00:01:12: %LINEPROTO-5-UPDOWN: Line protocol on Interface Vlan1, changed state to up"),
        ("cisco_nxos", "2026 Mar  9 08:15:04 n9k %ETHPORT-5-IF_UP: Interface Ethernet1/1 is up"),
        (
            "cisco_xr",
            "RP/0/RSP0/CPU0:Mar  9 08:15:04.123 UTC: config[65848]: %MGBL-SYS-5-CONFIG_I : Configured",
        ),
        ("arista_eos", "Mar  9 08:15:04 leaf-1 ConfigAgent: %SYS-5-CONFIG_I: Configured from console by ann"),
        ("hp_comware", "%Mar  9 08:15:04:123 2026 5130 SHELL/5/SHELL_LOGIN: VTY logged in from 192.0.2.1."),
        (
            "hp_comware",
            "%@123%Mar  9 08:15:04:123 2026 5130 IFNET/3/LINK_UPDOWN: GigabitEthernet1/0/1 is UP.",
        ),
        ("huawei_vrp", "Mar  9 2026 08:15:04-03:00 S5720 %%01IFPDT/4/IF_STATE(l)[3]:Interface is UP."),
        ("mikrotik_routeros", "08:15:04 echo: system,error,critical login failure for user ann via ssh"),
    ];
    for (id, line) in lines {
        assert!(driver(id).log_lines.is_match(line), "{id} {line:?}");
    }
    for (id, line) in [
        ("cisco_ios", "logging host 192.0.2.1"),
        ("mikrotik_routeros", "# 2026-03-09 08:15:04 by RouterOS 7.16"),
    ] {
        assert!(!driver(id).log_lines.is_match(line), "{id} {line:?}");
    }
}

#[test]
fn refusals_are_taken_for_what_they_are() {
    let logins = [
        ("cisco_ios", "% Login invalid"),
        ("cisco_ios", "% Authentication failed"),
        ("cisco_nxos", "Login incorrect"),
        ("huawei_vrp", "Error: Failed to authenticate."),
        ("huawei_vrp", "Error: Username or password error."),
        ("hp_comware", "% Login failed!"),
        ("huawei_smartax", "  Username or password invalid."),
        ("zte_zxros", "%Error 20209: No username or bad password"),
        ("vsol_olt", "% Bad passwords"),
        ("mikrotik_routeros", "Login failed, incorrect username or password"),
        ("ruckus_fastiron", "Error - incorrect username or password."),
        ("dlink_ds", "Incorrect Login/Password"),
        ("dlink_ds", "Fail!"),
        ("eltex", "authentication failed"),
        ("zyxel", "  Password is incorrect!"),
        ("netgear_prosafe", "Incorrect Password! or User not allowed to access."),
    ];
    for (id, line) in logins {
        assert!(driver(id).failed.is_match(line), "{id} {line:?}");
    }
    let commands = [
        ("cisco_ios", "Command authorization failed."),
        ("cisco_ios", "% Invalid input detected at '^' marker."),
        ("cisco_nxos", "% Permission denied for the role"),
        ("cisco_xr", "% This command is not authorized"),
        ("cisco_asa", "ERROR: % Invalid input detected at '^' marker."),
        ("cisco_asa", "Command authorization failed"),
        ("arista_eos", "% Authorization denied for command 'show running-config'"),
        ("aruba_aoscx", "Cannot execute command. Command not allowed."),
        ("hp_comware", "Permission denied."),
        ("hp_comware", " % Unrecognized command found at '^' position."),
        ("huawei_vrp", "Error:No permission to run the command."),
        ("huawei_vrp", "Error: Unrecognized command found at '^' position."),
        ("huawei_smartax", "  % Unknown command, the error locates at '^'"),
        ("juniper_junos", "error: permission denied: configuration"),
        ("extreme_exos", "%% Permission denied."),
        ("fortinet", "Unknown action 0"),
        ("mikrotik_routeros", "bad command name exprt (line 1 column 1)"),
        ("zte_zxros", "%Error 20200: Invalid input detected at '^' marker."),
        ("mellanox_mlnxos", "% Unrecognized command \"running-config\"."),
        ("opnsense", "cat: /conf/config.xml: Permission denied"),
    ];
    for (id, line) in commands {
        assert!(driver(id).errors.is_match(line), "{id} {line:?}");
    }
}

/// What nobody tried must not look as if somebody had.
#[test]
fn every_driver_but_frr_says_that_it_was_never_tried_and_what_it_was_written_from() {
    let drivers = Drivers::embedded();
    for id in drivers.ids().filter(|id| id.as_str() != "frr") {
        let driver = drivers.get(id).unwrap();
        assert!(
            driver.tried.starts_with("never tried on the real thing; written "),
            "{id}: {}",
            driver.tried
        );
        assert!(driver.tried.ends_with("its transcripts are made up"), "{id}: {}", driver.tried);
        let named = driver.tried.contains("documents named here");
        assert!(!named || !driver.sources.is_empty(), "{id} names no documents");
    }
}
