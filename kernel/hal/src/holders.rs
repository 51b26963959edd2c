//! Who holds what, put into what is seen of a board.

use crate::hardware::Kind;
use crate::lease::{Leases, Thing};
use crate::virtual_board::{BoardView, DeviceView, LineView, PortView, PwmView};

/// Puts holders to what they hold; what the view does not know yet is added, with what is known of it.
pub(crate) fn put(leases: &Leases, view: &mut BoardView) {
    let mut held = leases.held();
    held.sort();
    for (thing, holder) in held {
        let holder = holder.to_string();
        match thing.kind {
            Kind::Gpio => line(view, thing.name, holder),
            Kind::I2c | Kind::Spi => device(view, thing, holder),
            Kind::Uart => port(view, thing.name, holder),
            Kind::Pwm => pwm(view, thing.name, holder),
            Kind::Adc => {}
        }
    }
    let (lines, channels) = leases.outputs();
    for held in lines {
        let Some(line) = view.lines.iter_mut().find(|line| line.name == held.name()) else {
            continue;
        };
        let direction = if held.is_output() { "output" } else { "input" };
        direction.clone_into(&mut line.direction);
        // A line of an expander would wait for its bus.
        line.active = if held.blocks() {
            None
        } else {
            held.look().ok()
        };
        if !view.is_virtual {
            line.high = line.active.map(|active| active != held.is_active_low());
        }
    }
    if !view.is_virtual {
        for held in channels {
            if let Some(pwm) = view.pwm.iter_mut().find(|pwm| pwm.name == held.name()) {
                (pwm.period, pwm.width) = held.look().unwrap_or_default();
            }
        }
    }
}

fn line(view: &mut BoardView, name: String, holder: String) {
    match view.lines.iter_mut().find(|line| line.name == name) {
        Some(line) => line.holder = holder,
        None => view.lines.push(LineView {
            name,
            holder,
            kind: "plain".to_owned(),
            ..LineView::default()
        }),
    }
}

fn device(view: &mut BoardView, thing: Thing, holder: String) {
    let Thing { name, address, .. } = thing;
    let is_it = |device: &&mut DeviceView| device.bus == name && device.address == address;
    match view.devices.iter_mut().find(is_it) {
        Some(device) => device.holder = holder,
        None => view.devices.push(DeviceView {
            bus: name,
            address,
            holder,
            ..DeviceView::default()
        }),
    }
}

fn port(view: &mut BoardView, name: String, holder: String) {
    match view.ports.iter_mut().find(|port| port.name == name) {
        Some(port) => port.holder = holder,
        None => view.ports.push(PortView {
            name,
            holder,
            ..PortView::default()
        }),
    }
}

fn pwm(view: &mut BoardView, name: String, holder: String) {
    match view.pwm.iter_mut().find(|pwm| pwm.name == name) {
        Some(pwm) => pwm.holder = holder,
        None => view.pwm.push(PwmView {
            name,
            holder,
            ..PwmView::default()
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use weihe_kernel::VirtualClock;
    use weihe_kernel::bus::Bus;
    use weihe_kernel::failsafe::Outputs;

    use super::*;

    #[test]
    fn holders_stand_at_what_they_hold_also_where_nothing_else_is_known() {
        let leases = Arc::new(Leases::default());
        let bus = Bus::new(1);
        let source = bus.source("$kernel").unwrap();
        let clock = Arc::new(VirtualClock::new(0));
        let lamp = leases.of(&Outputs::new("lamp".into(), source, bus, clock));
        let things = [
            Thing::whole(Kind::Gpio, "gpio/A3"),
            Thing::address("i2c/1", 0x44),
            Thing::whole(Kind::Pwm, "pwm/0"),
        ];
        let _claims: Vec<_> = things
            .into_iter()
            .map(|thing| lamp.claim(thing).unwrap())
            .collect();
        let mut view = BoardView::default();
        view.devices.push(DeviceView {
            bus: "i2c/1".to_owned(),
            address: Some(0x44),
            part: "sht4x".to_owned(),
            ..DeviceView::default()
        });
        put(&leases, &mut view);
        assert_eq!(view.lines[0].holder, "lamp");
        assert_eq!(view.lines[0].high, None);
        assert_eq!(
            (&*view.devices[0].part, &*view.devices[0].holder),
            ("sht4x", "lamp")
        );
        assert_eq!(view.pwm[0].name, "pwm/0");
    }
}
