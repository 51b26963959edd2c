//! Serial ports that a 16550 is behind, where pseudo-terminals take everything.

use crate::{Board, PC, VIRT, shared};

/// A driver that takes a rate it cannot do without a word: the host reads it back, and says so.
fn a_rate_is_refused(board: &Board) {
    let Some(mut guest) = shared(board) else {
        return;
    };
    let config = format!(
        "[connection.fast]\ntype = \"uart\"\nport = \"{}\"\nbaud = 3000000\n\
         [device.meter]\nplugin = \"modbus\"\nconnection = \"fast\"\n[device.meter.config]\nunit = 1\n\
         points = [{{ name = \"power\", table = \"input\", address = 0 }}]\n",
        guest.ports()[1]
    );
    guest.start("rate", &config, &[("modbus", "weihe-plugin-modbus")]);
    guest.until("the rate in the reason of the link", |guest| {
        let ps = guest.ask("rate", "ps")?.to_string();
        ps.contains("asked for 3000000 baud, and the driver set")
            .then_some(())
    });
}

#[test]
fn a_rate_that_a_port_of_a_pc_cannot_do_is_named() {
    a_rate_is_refused(&PC);
}

#[test]
fn a_rate_that_a_port_of_the_arm_board_cannot_do_is_named() {
    a_rate_is_refused(&VIRT);
}
