//! The service and the real dnsmasq, in network namespaces of the test's own, with DHCP clients that speak for
//! themselves. Needs root, so it runs only with `PIOUS_REAL=1`:
//!
//! `PIOUS_REAL=1 cargo test -p pious-pxe --test dnsmasq -- --ignored`

mod real;

use pious_protocol::message::{Boot, LeaseTier};
use real::{
    client::{Arch, Client, Reply},
    rack::Rack,
    senzu::Senzu,
};
use std::net::Ipv4Addr;

/// Says why it does not run, or lets it.
macro_rules! real_or_return {
    () => {
        if std::env::var_os("PIOUS_REAL").is_none_or(|value| value != "1") {
            eprintln!("\n*** SKIPPED: needs root and a network namespace; run it with PIOUS_REAL=1 ***\n");
            return;
        }
    };
}

const A: [u8; 6] = [0x52, 0x54, 0x00, 0x01, 0x10, 0x01];
const B: [u8; 6] = [0x52, 0x54, 0x00, 0x01, 0x11, 0x01];

fn in_range(reply: &Reply, first: u8, last: u8) -> bool {
    let [a, b, c, host] = reply.address.octets();
    [a, b, c] == [10, 77, 0] && (first..=last).contains(&host)
}

#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn each_architecture_gets_its_loader_and_ipxe_the_first_script() {
    real_or_return!();
    let senzu = Senzu::start();
    let rack = Rack::up(&senzu, Rack::SPLIT_TIERS);
    let client = Client::on(&rack);
    for (arch, ipxe, file) in [
        (Arch::Bios, false, "undionly.kpxe"),
        (Arch::Uefi, false, "snponly.efi"),
        (Arch::UefiHttp9, false, "snponly.efi"),
        (Arch::Uefi32, false, ""),
        (Arch::Bios, true, "http://10.77.0.1:8081/boot.ipxe"),
        (Arch::Uefi, true, "http://10.77.0.1:8081/boot.ipxe"),
    ] {
        let offer = client.discover(A, Some(arch), ipxe);
        assert_eq!(offer.file, file, "{arch:?}, ipxe: {ipxe}");
        assert_eq!(offer.no_pxedhcp, ipxe, "{arch:?}, ipxe: {ipxe}");
        assert_eq!(offer.next_server, Ipv4Addr::new(10, 77, 0, 1));
    }
    assert_eq!(rack.tftp("snponly.efi"), std::fs::read("/usr/lib/ipxe/snponly.efi").unwrap());
}

#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn a_tier_changes_at_the_next_renewal_without_a_restart() {
    real_or_return!();
    let senzu = Senzu::start();
    let rack = Rack::up(&senzu, Rack::SPLIT_TIERS);
    let client = Client::on(&rack);
    let before = rack.dnsmasq_pid();

    let short = client.lease(A);
    assert!(in_range(&short, 100, 199), "{short:?}");
    assert_eq!(short.lease_s, 120);
    let renewed = client.renew(A, short.address).expect("still unrecognized");
    assert_eq!((renewed.address, renewed.lease_s), (short.address, 120));

    senzu.set(&[(A, Boot::Pious, LeaseTier::Recognized, "r1-u10")]);
    rack.wait_for_reload();
    // The address is of the other tier's range: no more renewal, and the client begins anew.
    assert_eq!(client.renew(A, short.address), None, "NAK");
    let long = client.lease(A);
    assert!(in_range(&long, 200, 250), "{long:?}");
    assert_eq!(long.lease_s, 43_200);
    let neighbour = client.lease(B);
    assert!(in_range(&neighbour, 100, 199), "{neighbour:?}");

    senzu.set(&[]);
    rack.wait_for_reload();
    assert_eq!(client.renew(A, long.address), None, "NAK back");
    assert_eq!(client.lease(A).lease_s, 120);
    assert_eq!(rack.dnsmasq_pid(), before, "the same dnsmasq");
}

#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn a_bmc_changes_tier_and_is_offered_nothing_to_boot() {
    real_or_return!();
    let senzu = Senzu::start();
    let rack = Rack::up(&senzu, Rack::BMCS);
    let client = Client::on(&rack);
    let before = rack.dnsmasq_pid();

    let short = client.lease(A);
    assert!(in_range(&short, 100, 199), "{short:?}");
    assert_eq!((short.lease_s, short.router, short.file.as_str()), (120, None, ""));
    // Not even to one that asks as a server's firmware would.
    assert_eq!(client.discover(B, Some(Arch::Uefi), false).file, "");

    senzu.set(&[(A, Boot::Pious, LeaseTier::Recognized, "r1-u10")]);
    rack.wait_for_reload();
    assert_eq!(client.renew(A, short.address), None, "NAK: the address is of the other tier's range");
    let long = client.lease(A);
    assert!(in_range(&long, 200, 250), "{long:?}");
    assert_eq!(long.lease_s, 43_200);
    assert_eq!(client.lease(B).lease_s, 120, "a BMC that nobody knows");
    assert_eq!(rack.dnsmasq_pid(), before, "the same dnsmasq");
}

/// dnsmasq 2.90 with tags in its hosts file dies here.
#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn many_changes_while_clients_come_and_go() {
    real_or_return!();
    let senzu = Senzu::start();
    let rack = Rack::up(&senzu, Rack::SPLIT_TIERS);
    let client = Client::on(&rack);
    let before = rack.dnsmasq_pid();
    for round in 0..20 {
        let (recognized, other) = if round % 2 == 0 { (A, B) } else { (B, A) };
        senzu.set(&[(recognized, Boot::Pious, LeaseTier::Recognized, "r1-u10")]);
        rack.wait_for_reload();
        assert_eq!(client.lease(recognized).lease_s, 43_200, "round {round}");
        assert_eq!(client.lease(other).lease_s, 120, "round {round}");
    }
    assert_eq!(rack.dnsmasq_pid(), before, "the same dnsmasq");
}

#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn tiers_that_share_a_range_change_the_lease_and_keep_the_address() {
    real_or_return!();
    let senzu = Senzu::start();
    let rack = Rack::up(&senzu, Rack::SHARED_RANGE);
    let client = Client::on(&rack);
    let short = client.lease(A);
    assert_eq!(short.lease_s, 120);

    senzu.set(&[(A, Boot::Pious, LeaseTier::Recognized, "r1-u10")]);
    rack.wait_for_reload();
    let long = client.renew(A, short.address).expect("the same address is right in both tiers");
    assert_eq!((long.address, long.lease_s), (short.address, 43_200));
}

#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn a_relayed_client_gets_an_address_of_its_own_subnet() {
    real_or_return!();
    let senzu = Senzu::start();
    let rack = Rack::up(&senzu, Rack::RELAYED);
    let client = Client::on(&rack);
    let relay = Ipv4Addr::new(10, 79, 0, 1);

    let short = client.relayed(A, relay);
    assert_eq!(short.address.octets()[..3], [10, 79, 1]);
    assert_eq!((short.lease_s, short.router), (300, Some(relay)));

    senzu.set(&[(A, Boot::Pious, LeaseTier::Recognized, "r9-u10")]);
    rack.wait_for_reload();
    let long = client.relayed(A, relay);
    assert_eq!(long.address.octets()[..3], [10, 79, 2]);
    assert_eq!(long.lease_s, 86_400);
}

#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn dnsmasq_is_started_again_and_goes_with_us() {
    real_or_return!();
    let senzu = Senzu::start();
    let mut rack = Rack::up(&senzu, Rack::SPLIT_TIERS);
    let client = Client::on(&rack);
    let first = rack.dnsmasq_pid();
    rack.kill(first);
    rack.wait_for_start();
    let second = rack.dnsmasq_pid();
    assert_ne!(first, second);
    assert_eq!(client.lease(A).lease_s, 120);

    rack.kill_service();
    assert!(rack.wait_until_gone(second), "dnsmasq {second} outlived the service that was killed");
}

#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn a_restart_while_senzu_is_down_knows_what_was_known() {
    real_or_return!();
    let senzu = Senzu::start();
    let mut rack = Rack::up(&senzu, Rack::SPLIT_TIERS);
    senzu.set(&[(A, Boot::LocalDisk, LeaseTier::Recognized, "r1-u10")]);
    rack.wait_for_reload();
    senzu.stop();
    rack.restart();
    let client = Client::on(&rack);

    assert_eq!(client.lease(A).lease_s, 43_200);
    assert_eq!(client.lease(B).lease_s, 120);
    assert!(rack.http("/boot/52-54-00-01-10-01.ipxe").contains("sanboot --no-describe --drive 0x80"));
    assert!(rack.http("/boot/52-54-00-01-11-01.ipxe").contains("/vmlinuz initrd=initrd.img "));
}

#[test]
#[ignore = "needs root: PIOUS_REAL=1"]
fn a_prefix_is_advertised_and_no_default_route() {
    real_or_return!();
    let senzu = Senzu::start();
    let rack = Rack::up(&senzu, Rack::SPLIT_TIERS);
    let client = Client::on(&rack);
    client.wait_for_prefix_without_route();
}
