#![allow(clippy::unwrap_used)]

use weihe_kernel::VirtualClock;
use weihe_kernel::bus::Bus;

use super::*;

const ONE: &str = "1";

fn outputs(device: &str) -> Arc<Outputs> {
    let bus = Bus::new(1);
    let source = bus.source("$kernel").unwrap();
    let clock = Arc::new(VirtualClock::new(0));
    Outputs::new(device.into(), source, bus, clock)
}

fn refusal(leases: &DeviceLeases, thing: &Thing) -> String {
    leases.claim(thing.clone()).err().unwrap().to_string()
}

#[test]
fn the_second_taker_is_told_who_was_first() {
    let leases = Arc::new(Leases::default());
    let (pump, lamp) = (leases.of(&outputs("pump")), leases.of(&outputs("lamp")));
    let line = Thing::whole(Kind::Gpio, "gpio/A3");
    let _line = pump.claim(line.clone()).unwrap();
    assert_eq!(refusal(&lamp, &line), "gpio/A3 is taken by device `pump`");
    let address = Thing::address("i2c/1", 0x44);
    let _address = lamp.claim(address.clone()).unwrap();
    assert_eq!(
        refusal(&pump, &address),
        "address 0x44 on i2c/1 is taken by device `lamp`"
    );
    pump.claim(Thing::address("i2c/1", 0x45)).unwrap();
}

fn hold(leases: &DeviceLeases, thing: &Thing, version: &str) {
    let version = version.into();
    let known = leases.take(|open| &mut open.addresses, thing, &version);
    let claim = known.unwrap_or_else(|| Arc::new(leases.claim(thing.clone()).unwrap()));
    leases.open().addresses.put(thing.clone(), claim, &version);
}

#[test]
fn what_a_device_holds_outlives_its_instances_and_ends_with_the_last() {
    let leases = Arc::new(Leases::default());
    let pump = outputs("pump");
    let first = leases.of(&pump);
    let address = Thing::address("i2c/1", 0x44);
    hold(&first, &address, ONE);
    let second = leases.of(&pump);
    drop(first);
    let lamp = leases.of(&outputs("lamp"));
    refusal(&lamp, &address);
    drop(second);
    let _taken = lamp.claim(address.clone()).unwrap();
    // A device of the same name that comes later begins with nothing.
    refusal(&leases.of(&outputs("pump")), &address);
}

#[test]
fn the_end_of_a_former_device_takes_nothing_from_one_of_its_name() {
    let leases = Arc::new(Leases::default());
    let line = Thing::whole(Kind::Gpio, "gpio/A3");
    let former = leases.of(&outputs("pump"));
    let kept = former.claim(line.clone()).unwrap();
    drop(former);
    let pump = leases.of(&outputs("pump"));
    let _line = pump.claim(line.clone()).unwrap();
    drop(kept);
    refusal(&leases.of(&outputs("lamp")), &line);
}

#[test]
fn what_no_version_uses_any_more_is_free() {
    let leases = Arc::new(Leases::default());
    let (pump, lamp) = (leases.of(&outputs("pump")), leases.of(&outputs("lamp")));
    let [old, both, new] = [0x44, 0x45, 0x46].map(|at| Thing::address("i2c/1", at));
    hold(&pump, &old, ONE);
    hold(&pump, &both, ONE);
    hold(&pump, &both, "2");
    hold(&pump, &new, "2");
    pump.keep(&["2", ONE]);
    for thing in [&old, &both, &new] {
        refusal(&lamp, thing);
    }
    pump.keep(&["2"]);
    let _old = lamp.claim(old).unwrap();
    refusal(&lamp, &both);
    pump.keep(&[]);
    let _rest = (lamp.claim(both).unwrap(), lamp.claim(new).unwrap());
}
