//! Serial ports that a 16550 is behind, where pseudo-terminals take everything.

use serde_json::json;

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

/// Octets go out of one port into another, where somebody answers.
fn octets_go_both_ways(board: &Board) {
    let Some(mut guest) = shared(board) else {
        return;
    };
    let [_, near, far] = guest.ports();
    let report = guest.weihe("doctor");
    let ports = report["board"]["uart"].as_array().expect("ports");
    let port = ports.iter().find(|port| port["path"] == near);
    let port = port.unwrap_or_else(|| panic!("no {near}: {report}"))["name"]
        .as_str()
        .expect("a name")
        .to_owned();
    let config = format!(
        "[device.console]\nplugin = \"console\"\n[device.console.grants.hal]\nuart.wire = \"{port}\"\n"
    );
    guest.start("wire", &config, &[("console", "weihe-plugin-console")]);
    // All octets are ordinary ones, also those that end a line or a program elsewhere.
    guest.output(&format!(
        "exec 4<>{far}; stty raw -echo 19200 <&4
         {{ head -c 5 <&4 >/systems/wire/heard; printf '\\000\\003\\021\\023\\377' >&4; }} >/dev/null 2>&1 </dev/null &"
    ));
    let answer = guest.ask(
        "wire",
        "call console uart port=wire baud=19200 timeout='10 s' send=00030d11ff",
    );
    let answer = answer.unwrap_or_else(|| panic!("{}", guest.log("wire")));
    assert_eq!(answer, json!({ "read": "00031113ff" }));
    let heard = guest.output("hexdump -v -e '/1 \"%02x\"' /systems/wire/heard");
    assert_eq!(heard, "00030d11ff");
}

#[test]
fn octets_go_both_ways_between_ports_of_a_pc() {
    octets_go_both_ways(&PC);
}

#[test]
fn octets_go_both_ways_between_ports_of_the_arm_board() {
    octets_go_both_ways(&VIRT);
}
