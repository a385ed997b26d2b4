//! The pulse over real sockets in a network namespace of its own, where a whole network answers: with delay, loss,
//! copies, strangers, outages and a route that is gone.
//!
//! No netem and no kernel module is needed: the addresses are local ones, the kernel is told not to answer echo
//! requests, and `fleet` answers them in its stead. The scenes are run by this very program, started again in there.

mod fleet;
mod scenes;

use std::io::Write;
use std::process::Command;

/// Says to the program that it is in the namespace.
const INSIDE: &str = "NOCTULE_TEST_NAMESPACE";

/// Local addresses by the /24 and the /64, a source that is none of them, and a kernel that leaves the answers to others.
const SCRIPT: &str = r#"
ip link set lo up
ip address add 10.71.0.1/32 dev lo
ip address add fd71::1/128 dev lo nodad
for net in 1 2 3 4 5; do
    ip route add local 10.70.$net.0/24 dev lo src 10.71.0.1
    ip -6 route add local fd70:0:0:$net::/64 dev lo src fd71::1
done
for switch in ipv4/icmp_echo_ignore_all ipv6/icmp/echo_ignore_all ipv4/ip_nonlocal_bind ipv6/ip_nonlocal_bind; do
    echo 1 > /proc/sys/net/$switch
done
echo the namespace is ready
exec "$0" --ignored namespace::scenes:: --test-threads 8
"#;

#[test]
fn a_network_with_faults_is_seen_as_it_is() {
    let program = std::env::current_exe().unwrap();
    let unshared =
        Command::new("unshare").args(["-Urn", "sh", "-ec", SCRIPT]).arg(program).env(INSIDE, "1").output();
    let output = match unshared {
        Ok(output) => output,
        Err(error) => return skip(&format!("unshare: {error}")),
    };
    let told = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    if !told.contains("the namespace is ready") {
        return skip(&format!("no network namespace can be set up here: {}", complaint.trim()));
    }
    assert!(output.status.success(), "{told}\n{complaint}");
    assert!(told.contains(" 5 passed; 0 failed"), "{told}");
}

fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}");
}

/// Whether a scene is where it belongs: `cargo test -- --ignored` starts it outside too.
fn is_inside() -> bool {
    let inside = std::env::var_os(INSIDE).is_some();
    if !inside {
        skip(
            "this runs in a network namespace, where namespace::a_network_with_faults_is_seen_as_it_is starts it",
        );
    }
    inside
}
