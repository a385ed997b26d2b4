//! How devices in the field write secrets. Every one here has `fake` in it.

use super::driver;
use crate::device::normal::normalise;

fn normal(id: &str, line: &str) -> String {
    normalise(&driver(id), line, &|_| "0".into()).trim_end_matches('\n').to_owned()
}

#[test]
fn secrets_are_hidden_however_they_are_written() {
    let lines = [
        ("cisco_ios", "snmp-server host 192.0.2.1 informs version 2c fake-a  udp-port 162"),
        ("cisco_ios", "snmp-server host 192.0.2.1 vrf mgmt version 3 priv fake-a"),
        ("cisco_ios", " key 6 fake_a"),
        ("cisco_ios", "  key-string 7 fake00"),
        ("cisco_ios", " ppp chap password 7 fake00"),
        ("cisco_ios", " ppp pap sent-username x password 7 fake00"),
        ("cisco_ios", " standby 1 authentication md5 key-string 7 fake00"),
        ("cisco_ios", " standby 1 authentication fake00"),
        ("cisco_ios", " server-private 192.0.2.1 timeout 2 key 7 fake00"),
        ("cisco_ios", " area 1 virtual-link 192.0.2.1 message-digest-key 1 md5 7 fake00"),
        ("cisco_ios", "ntp authentication-key 1 md5 fake00 7"),
        ("cisco_ios", " wpa-psk ascii 7 fake00"),
        ("cisco_ios", " security wpa psk set-key ascii 0 fake-psk"),
        ("cisco_ios", "crypto isakmp key 6 fake-ike address 192.0.2.1"),
        ("cisco_ios", "crypto isakmp key fake-ike hostname peer"),
        ("cisco_ios", "  pre-shared-key local 6 fake-ike"),
        ("cisco_ios", " isis password fake-isis level-1"),
        ("cisco_ios", " domain-password fake-isis"),
        ("cisco_ios", " neighbor 192.0.2.1 password 7 fake00"),
        ("cisco_ios", "ip ftp password 7 fake00"),
        ("cisco_nxos", "snmp-server host 192.0.2.1 informs version 2c fake-a"),
        ("cisco_nxos", "snmp-server user ann network-admin auth md5 0xfake priv 0xfake localizedkey"),
        ("cisco_nxos", "  neighbor 192.0.2.1 password 3 fake00"),
        ("cisco_nxos", "    authentication md5 key-string 7 fake00"),
        ("cisco_nxos", "  key-string 7 \"fake00\""),
        ("cisco_xr", "snmp-server host 192.0.2.1 traps version 2c encrypted fake00"),
        ("cisco_xr", "  secret 10 $6$fake"),
        ("cisco_xr", "   key 7 fake00"),
        ("cisco_xr", "  password encrypted fake00"),
        ("cisco_asa", "snmp-server host inside 192.0.2.1 community 8 fake00 version 2c"),
        ("cisco_asa", " ikev1 pre-shared-key fake-ike"),
        ("cisco_asa", " ikev2 remote-authentication pre-shared-key fake-ike"),
        ("cisco_asa", " ikev2 local-authentication pre-shared-key 8 fake-ike"),
        ("cisco_asa", "username ann password $sha512$5000$fake pbkdf2 privilege 15"),
        ("cisco_asa", "aaa-server TAC (inside) host 192.0.2.1 fake-key"),
        ("arista_eos", "snmp-server host 192.0.2.1 traps version 2c fake-a"),
        ("arista_eos", "enable secret sha512 $6$fake"),
        ("arista_eos", "enable password sha512 $6$fake"),
        ("arista_eos", "username ann privilege 15 role network-admin secret sha512 $6$fake"),
        ("arista_eos", "tacacs-server host 192.0.2.1 key 7 fake00"),
        ("arista_eos", "   neighbor 192.0.2.1 password 7 fake00"),
        ("arista_eos", "   neighbor LEAF password 7 fake00"),
        ("arista_eos", "   vrrp 1 peer authentication text fake00"),
        ("arista_eos", "   isis authentication key 7 fake00"),
        ("aruba_aoscx", "radius-server host 192.0.2.1 key ciphertext fake00 vrf mgmt"),
        (
            "aruba_aoscx",
            "snmpv3 user ann auth sha auth-pass ciphertext fake00 priv aes priv-pass ciphertext fake11",
        ),
        ("aruba_aoscx", "radius-server key ciphertext fake00"),
        ("aruba_os", "snmp-server community fake-a view ALL"),
        ("aruba_os", "    wpa-passphrase fake00fake00"),
        ("hp_procurve", "radius-server host 192.0.2.1 encrypted-key \"fake==\""),
        ("hp_procurve", "snmpv3 user \"ann\" auth sha \"fake00\" priv aes \"fake11\""),
        ("hp_procurve", "tacacs-server key \"fake-key\""),
        ("hp_comware", " snmp-agent community read cipher $c$3$fake"),
        (
            "hp_comware",
            " snmp-agent target-host trap address udp-domain 192.0.2.1 params securityname fake-a v2c",
        ),
        ("hp_comware", " key authentication cipher $c$3$fake"),
        ("hp_comware", " primary authentication 192.0.2.1 key cipher $c$3$fake"),
        ("hp_comware", "  preshared-key pass-phrase cipher $c$3$fake"),
        ("hp_comware", " pre-shared-key address 192.0.2.1 255.255.255.255 key cipher $c$3$fake"),
        ("hp_comware", " peer 192.0.2.1 password cipher $c$3$fake"),
        ("hp_comware", " vrrp vrid 1 authentication-mode md5 cipher $c$3$fake"),
        ("huawei_vrp", "snmp-agent community read cipher %^%#fake%^%# mib-view iso-view"),
        (
            "huawei_vrp",
            "snmp-agent target-host trap address udp-domain 192.0.2.1 params securityname cipher %^%#fake%^%# v2c",
        ),
        ("huawei_vrp", " radius-server shared-key cipher %^%#fake%^%#"),
        ("huawei_vrp", " hwtacacs-server shared-key cipher %^%#fake%^%#"),
        ("huawei_vrp", " local-user ann password irreversible-cipher $1a$fake"),
        ("huawei_vrp", " ospf authentication-mode md5 1 cipher %^%#fake%^%#"),
        ("huawei_vrp", " isis authentication-mode md5 cipher %^%#fake%^%#"),
        ("huawei_vrp", "  security wpa-wpa2 psk pass-phrase %^%#fake%^%# aes"),
        ("huawei_vrp", " peer 192.0.2.1 password cipher %^%#fake%^%#"),
        ("huawei_vrp", " ppp chap password cipher %^%#fake%^%#"),
        ("huawei_vrp", " vrrp vrid 1 authentication-mode md5 cipher %^%#fake%^%#"),
        ("huawei_smartax", "  snmp-agent community read cipher %^%#fake%^%#"),
        ("huawei_smartax", "  radius-server shared-key cipher %^%#fake%^%#"),
        (
            "huawei_smartax",
            "  ont add 0 1 sn-auth \"48575443FA0E0001\" password-auth \"fake01\" always-on omci",
        ),
        ("huawei_smartax", "  ont add 0 2 loid-auth fakeloid always-on omci"),
        ("huawei_smartax", "  snmp-agent target-host trap-paramsname x v2c securityname fake-a"),
        ("zte_zxros", "snmp-server community fake-a view AllView ro"),
        ("zte_zxros", "snmp-server host 192.0.2.1 trap version 2c fake-a udp-port 162"),
        ("zte_zxros", "  key encrypted fake00"),
        ("zte_zxros", "  registration-method password fake01"),
        ("vsol_olt", "snmp-server community fake-a ro"),
        ("vsol_olt", "snmp-server host 192.0.2.1 version 2c fake-a"),
        ("juniper_junos", "            secret \"$9$fake\"; ## SECRET-DATA"),
        ("juniper_junos", "        authentication-key \"$9$fake\"; ## SECRET-DATA"),
        ("juniper_junos", "            pre-shared-key ascii-text \"$9$fake\"; ## SECRET-DATA"),
        ("juniper_junos", "                chap-secret \"$9$fake\"; ## SECRET-DATA"),
        ("juniper_junos", "    community fake-a {"),
        ("juniper_junos", "    trap-group fake-a {"),
        ("mikrotik_routeros", "add name=x passphrase=\"fake key\""),
        ("mikrotik_routeros", "set [ find default=yes ] wpa2-pre-shared-key=fake-psk"),
        ("mikrotik_routeros", "add security.passphrase=fake-psk"),
        ("mikrotik_routeros", "set [ find default=yes ] name=fake-a"),
        ("mikrotik_routeros", "add addresses=192.0.2.0/24 name=fake-a"),
        ("mikrotik_routeros", "add address=192.0.2.1 secret=\"fake \\\"x\" service=ppp"),
        ("mikrotik_routeros", "add interface=wg1 preshared-key=\"fake=\" public-key=\"abc=\""),
        ("fortinet", "        set psksecret ENC fake=="),
        ("fortinet", "    set passwd ENC fake=="),
        ("fortinet", "        set secondary-secret ENC fake=="),
        ("vyos", "set system login user ann authentication encrypted-password '$6$fake'"),
        ("vyos", "set protocols bgp neighbor 192.0.2.1 password 'fake'"),
        ("vyos", "set vpn ipsec authentication psk x secret 'fake'"),
        ("vyos", "set vpn l2tp remote-access authentication radius server 192.0.2.1 key 'fake'"),
        ("vyos", "set interfaces wireless wlan0 security wpa passphrase 'fake'"),
        ("vyos", "set service snmp v3 user ann auth plaintext-password 'fake'"),
        ("vyos", "set protocols ospf interface eth0 authentication md5 key-id 1 md5-key 'fake'"),
        ("vyos", "set service snmp community fake-a authorization 'ro'"),
        ("vyos", "set high-availability vrrp group x authentication password 'fake'"),
        ("extreme_exos", "configure radius mgmt-access primary shared-secret encrypted \"fake\""),
        ("extreme_exos", "configure tacacs primary shared-secret encrypted \"fake\""),
        ("extreme_exos", "configure bgp neighbor 192.0.2.1 password encrypted \"fake\""),
        ("extreme_exos", "configure ssl privkey \"fake\""),
        ("extreme_exos", "configure sntp-client key 1 md5 encrypted \"fake\""),
        ("dlink_ds", "create snmp community fake-a view CommunityView read_only"),
        ("dlink_ds", "config radius add 1 192.0.2.1 key fake-key auth_port 1812"),
        ("tplink_jetstream", "radius-server host 192.0.2.1 auth-port 1812 key 7 fake00"),
        ("frr", " neighbor 192.0.2.1 password fake-a"),
        ("frr", " ip ospf message-digest-key 1 md5 fake-a"),
        ("frr", "  key-string fake-a"),
        ("ruckus_fastiron", "username ann password fake....."),
        ("ruckus_fastiron", "snmp-server host 192.0.2.1 version v2c 2 $fake"),
        ("ruckus_fastiron", " ip ospf md5-authentication key-id 1 key 2 $fake"),
        ("netgear_prosafe", "radius server key auth \"192.0.2.1\" encrypted fake00"),
        ("netgear_prosafe", "snmp-server community rw fake-a"),
        ("netgear_prosafe", "snmp-server user \"ann\" DefaultWrite auth-sha-key fake00 priv-aes-key fake11"),
        ("ubiquiti_edgeswitch", "users passwd \"ann\" encrypted fake00"),
        ("mellanox_mlnxos", "   snmp-server host 192.0.2.1 traps port 162 version 2c fake-a"),
        ("mellanox_mlnxos", "   tacacs-server host 192.0.2.1 key 7 fake00"),
        ("ciena_saos10", "snmp communities community noc config text-name fake-a"),
        ("eltex", "encrypted radius-server host 192.0.2.1 key fake00"),
        ("zyxel", "snmp-server username ann sec-level priv auth sha cipher fake00 priv aes cipher fake11"),
        ("pfsense", "\t\t<rocommunity>fake-a</rocommunity>"),
        ("pfsense", "\t\t<password><![CDATA[fake-a]]></password>"),
        ("opnsense", "        <secret>fake-a</secret>"),
    ];
    let left: Vec<String> = lines
        .iter()
        .map(|(id, line)| (id, normal(id, line)))
        .filter(|(_, normal)| normal.contains("fake"))
        .map(|(id, normal)| format!("{id}: {normal}"))
        .collect();
    assert!(left.is_empty(), "\n{}", left.join("\n"));
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    let lines = [
        ("cisco_ios", " key 1"),
        ("cisco_ios", "key chain CAMPUS"),
        ("cisco_ios", "service password-encryption"),
        ("cisco_nxos", "  key 1"),
        ("cisco_xr", "  key 1"),
        ("mikrotik_routeros", "add name=vlan10 vlan-id=10 interface=bridge1"),
        ("mikrotik_routeros", "set [ find default-name=ether1 ] name=uplink"),
        ("juniper_junos", "    community CUSTOMERS members 65000:1;"),
        ("huawei_vrp", "ospf 1 router-id 192.0.2.1"),
        ("fortinet", "        set name \"permit office\""),
        ("vyos", "set interfaces ethernet eth0 description 'key customers'"),
        ("pfsense", "<descr><![CDATA[the password page]]></descr>"),
    ];
    let touched: Vec<String> = lines
        .iter()
        .map(|(id, line)| (id, line, normal(id, line)))
        .filter(|(_, line, normal)| normal != *line)
        .map(|(id, _, normal)| format!("{id}: {normal}"))
        .collect();
    assert!(touched.is_empty(), "\n{}", touched.join("\n"));
}
